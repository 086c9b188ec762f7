#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace skald {

/// A search state: from the low bits up the last emitted unit (0: blank) in 16, whether this is the entry
/// state of the graph state, the graph state's block in 32, the state of the boost automaton in 14.
using TokenKey = uint64_t;

constexpr TokenKey kEntryBit = TokenKey{1} << 16;
constexpr int kBoostShift = 49;
constexpr TokenKey kBoostBits = ~TokenKey{0} << kBoostShift;

constexpr TokenKey MakeTokenKey(uint32_t block, uint16_t unit) { return TokenKey{block} << 17 | unit; }
constexpr uint32_t BlockOf(TokenKey key) { return static_cast<uint32_t>(key >> 17); }
constexpr uint16_t UnitOf(TokenKey key) { return static_cast<uint16_t>(key); }
constexpr uint32_t BoostStateOf(TokenKey key) { return static_cast<uint32_t>(key >> kBoostShift); }
constexpr bool IsEntry(TokenKey key) { return (key & kEntryBit) != 0; }

/// Map from search states to token numbers of one frame: open addressing, linear probing, load of at most a
/// half. Cleared in constant time by counting generations. Not thread safe.
class TokenTable {
 public:
  TokenTable(size_t tokens, uint64_t seed) : multiplier_((seed << 1) ^ 0x9E3779B97F4A7C15u) {
    Resize(std::bit_ceil(2 * tokens));
  }

  void Clear() {
    count_ = 0;
    if (++generation_ == 0) {
      slots_.assign(slots_.size(), Slot{});
      generation_ = 1;
    }
  }

  void Prefetch(TokenKey key) const { __builtin_prefetch(&slots_[Home(key)], 1); }

  /// The number stored for `key`; where there is none, stores and returns `new_number`.
  uint32_t FindOrInsert(TokenKey key, uint32_t new_number) {
    for (size_t place = Home(key);; place = (place + 1) & mask_) {
      Slot& slot = slots_[place];
      if (slot.generation != generation_) {
        slot = {key, new_number, generation_};
        if (++count_ * 2 > slots_.size()) Grow();
        return new_number;
      }
      if (slot.key == key) return slot.number;
    }
  }

 private:
  struct Slot {
    TokenKey key = 0;
    uint32_t number = 0;
    uint32_t generation = 0;
  };

  size_t Home(TokenKey key) const { return (key * multiplier_) >> shift_; }

  void Resize(size_t slots) {
    slots_.assign(slots, Slot{});
    mask_ = slots - 1;
    shift_ = 64 - std::countr_zero(slots);
  }

  void Grow() {
    std::vector<Slot> old;
    old.swap(slots_);
    Resize(2 * old.size());
    for (const Slot& slot : old) {
      if (slot.generation != generation_) continue;
      size_t place = Home(slot.key);
      while (slots_[place].generation == generation_) place = (place + 1) & mask_;
      slots_[place] = slot;
    }
  }

  uint64_t multiplier_;  // odd
  uint32_t generation_ = 1;
  size_t count_ = 0;
  size_t mask_ = 0;
  int shift_ = 0;
  std::vector<Slot> slots_;
};

}  // namespace skald
