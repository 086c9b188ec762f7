#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace skald {

/// Appends numbers to a string of bytes: little endian, variable length (7 bits a byte, low bits first, the
/// high bit says that more follow), or fields of some bits, low bits first.
class ByteWriter {
 public:
  template <typename T>
  void Fixed(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
  }
  void Text(std::string_view text) {
    Varint(text.size());
    bytes_.append(text);
  }
  /// The low `width` bits, at most 32; AlignBits() before anything else is written.
  void Bits(uint32_t value, uint32_t width) {
    pending_ |= uint64_t{value} << pending_bits_;
    for (pending_bits_ += width; pending_bits_ >= 8; pending_bits_ -= 8, pending_ >>= 8) {
      bytes_.push_back(static_cast<char>(pending_));
    }
  }
  void AlignBits() {
    if (pending_bits_ > 0) bytes_.push_back(static_cast<char>(pending_));
    pending_ = 0;
    pending_bits_ = 0;
  }

  const std::string& bytes() const { return bytes_; }
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
  uint64_t pending_ = 0;
  uint32_t pending_bits_ = 0;
};

/// Reads what ByteWriter wrote. Never reads beyond its bytes: from the first attempt on, ok() is false and
/// everything reads as zero.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes)
      : at_(reinterpret_cast<const uint8_t*>(bytes.data())), end_(at_ + bytes.size()) {}

  bool ok() const { return ok_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }

  template <typename T>
  T Fixed() {
    T value{};
    if (left() < sizeof value) return Fail(), value;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  uint64_t Varint() {
    if (at_ < end_ && *at_ < 0x80) return *at_++;
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 64 && at_ < end_; shift += 7) {
      const uint8_t byte = *at_++;
      value |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    return Fail(), 0;
  }
  /// A variable-length number that must be at most `largest`.
  uint32_t Count(uint64_t largest) {
    const uint64_t value = Varint();
    if (value > largest) return Fail(), 0;
    return static_cast<uint32_t>(value);
  }
  std::string_view Text() {
    const uint64_t size = Varint();
    if (size > left()) return Fail(), std::string_view();
    const std::string_view text(reinterpret_cast<const char*>(at_), size);
    at_ += size;
    return text;
  }
  uint32_t Bits(uint32_t width) {
    while (pending_bits_ < width) {
      if (at_ == end_) return Fail(), 0;
      pending_ |= uint64_t{*at_++} << pending_bits_;
      pending_bits_ += 8;
    }
    const uint32_t value = static_cast<uint32_t>(pending_ & ((uint64_t{1} << width) - 1));
    pending_ >>= width;
    pending_bits_ -= width;
    return value;
  }
  void AlignBits() {
    pending_ = 0;
    pending_bits_ = 0;
  }

 private:
  void Fail() {
    ok_ = false;
    at_ = end_;
  }
  const uint8_t* at_;
  const uint8_t* end_;
  uint64_t pending_ = 0;
  uint32_t pending_bits_ = 0;
  bool ok_ = true;
};

/// Numbers of either sign as small ones without: 0, -1, 1, -2, ... become 0, 1, 2, 3, ...
inline uint32_t ZigZag(int32_t value) {
  return (static_cast<uint32_t>(value) << 1) ^ static_cast<uint32_t>(value >> 31);
}
inline int32_t UnZigZag(uint32_t value) {
  return static_cast<int32_t>(value >> 1) ^ -static_cast<int32_t>(value & 1);
}

}  // namespace skald
