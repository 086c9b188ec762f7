#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/check.h"

namespace skald {

/// Unsigned integers of `bits` bits each, one behind the other, little endian; element i starts at bit i *
/// bits. A view: trivially copyable, any thread.
class PackedIntegers {
 public:
  static constexpr int kMaxBits = 57;  ///< so that an element lies in the 8 bytes from the one it starts in

  PackedIntegers() = default;
  /// `data` has ByteSize(count, bits) bytes.
  PackedIntegers(const std::byte* data, int bits)
      : data_(data), bits_(bits), mask_((uint64_t{1} << bits) - 1) {}

  uint64_t operator[](uint64_t index) const {
    const uint64_t bit = index * static_cast<uint64_t>(bits_);
    uint64_t word = 0;
    std::memcpy(&word, data_ + (bit >> 3), sizeof word);
    return word >> (bit & 7) & mask_;
  }

  /// Bytes of `count` elements, with room for reading 8 bytes at the last one; a multiple of 8.
  static uint64_t ByteSize(uint64_t count, int bits) {
    return (count * static_cast<uint64_t>(bits) + 63) / 64 * 8 + 8;
  }
  /// Bits that the values 0..largest take.
  static int BitsFor(uint64_t largest) { return std::max(1, static_cast<int>(std::bit_width(largest))); }

 private:
  const std::byte* data_ = nullptr;
  int bits_ = 1;
  uint64_t mask_ = 1;
};

/// Room for integers that PackedIntegers reads.
class PackedIntegersWriter {
 public:
  PackedIntegersWriter(uint64_t count, int bits)
      : bytes_(PackedIntegers::ByteSize(count, bits), '\0'), bits_(bits) {}

  /// Sets an element that was not set before.
  void Set(uint64_t index, uint64_t value) {
    SKALD_CHECK(value >> bits_ == 0, "value has more bits than the array's elements");
    const uint64_t bit = index * static_cast<uint64_t>(bits_);
    uint64_t word = 0;
    std::memcpy(&word, bytes_.data() + (bit >> 3), sizeof word);
    word |= value << (bit & 7);
    std::memcpy(bytes_.data() + (bit >> 3), &word, sizeof word);
  }
  std::string Finish() && { return std::move(bytes_); }

 private:
  std::string bytes_;
  int bits_;
};

}  // namespace skald
