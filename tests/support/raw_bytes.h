#pragma once

#include <cstring>
#include <string>
#include <type_traits>

namespace skald::test {

/// The bytes of a value as binary files have them, little endian like the machine.
template <typename T>
std::string Raw(T value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

}  // namespace skald::test
