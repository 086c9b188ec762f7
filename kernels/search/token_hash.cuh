#pragma once

#include <cstdint>

namespace skald {

/// Map from token keys to slots, each with the least cost seen: open addressing in shared memory, and for
/// keys whose neighbourhood there is full, in global memory. A slot is never freed within a frame, so a
/// neighbourhood that was full once stays full, and every thread finds a key in the same of the two tables.
/// Where several blocks make a frame, there is no table in shared memory.
struct TokenHash {
  static constexpr unsigned long long kNoKey = ~0ull;
  static constexpr int kNoCost = 0x7F7F7F7F;  // above every cost of a token
  static constexpr uint32_t kNeighbourhood = 16;
  static constexpr uint32_t kSpillNeighbourhood = 256;  // never full where the table is at most half full
  static constexpr uint32_t kNoSlot = 0xFFFFFFFFu;

  unsigned long long* shared_keys;
  int* shared_costs;
  unsigned long long* spill_keys;
  int* spill_costs;
  uint32_t shared_slots;
  uint32_t spill_slots;
  uint64_t multiplier;

  /// Slot of a key; `fresh` tells whether this call took it. kNoSlot where the tables are too full.
  __device__ uint32_t FindOrInsert(unsigned long long key, bool* fresh) const {
    const uint64_t mixed = key * multiplier;
    uint32_t place = static_cast<uint32_t>(mixed >> 40) & (shared_slots - 1);
    *fresh = false;
    for (uint32_t i = 0; i < kNeighbourhood && i < shared_slots; ++i) {
      const unsigned long long found = atomicCAS(shared_keys + place, kNoKey, key);
      if (found == kNoKey) *fresh = true;
      if (found == kNoKey || found == key) return place;
      place = (place + 1) & (shared_slots - 1);
    }
    place = static_cast<uint32_t>(mixed >> 32) & (spill_slots - 1);
    for (uint32_t i = 0; i < kSpillNeighbourhood; ++i) {
      const unsigned long long found = atomicCAS(spill_keys + place, kNoKey, key);
      if (found == kNoKey) *fresh = true;
      if (found == kNoKey || found == key) return shared_slots + place;
      place = (place + 1) & (spill_slots - 1);
    }
    return kNoSlot;
  }

  /// The key of a taken slot, later whatever was stored in its place.
  __device__ unsigned long long* Key(uint32_t slot) const {
    return slot < shared_slots ? shared_keys + slot : spill_keys + (slot - shared_slots);
  }
  /// The least cost of a slot, as an ordered integer.
  __device__ int* Cost(uint32_t slot) const {
    return slot < shared_slots ? shared_costs + slot : spill_costs + (slot - shared_slots);
  }
  __device__ void Free(uint32_t slot) const {
    *Key(slot) = kNoKey;
    *Cost(slot) = kNoCost;
  }
  /// Frees all slots; by all threads.
  __device__ void FreeAllShared() const {
    for (uint32_t s = threadIdx.x; s < shared_slots; s += blockDim.x) Free(s);
  }
  __device__ void FreeAll() const {
    for (uint32_t s = threadIdx.x; s < shared_slots + spill_slots; s += blockDim.x) Free(s);
  }
};

}  // namespace skald
