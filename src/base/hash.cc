#include "base/hash.h"

#include <xxhash.h>

#include <openssl/evp.h>

#include "base/mapped_file.h"

namespace skald {

uint64_t Xxh64(std::span<const std::byte> bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::array<std::byte, 32> Sha256(std::span<const std::byte> bytes) {
  std::array<std::byte, 32> digest;
  unsigned int size = 0;
  const int done = EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                              &size, EVP_sha256(), nullptr);
  SKALD_CHECK(done == 1 && size == digest.size(), "libcrypto cannot compute SHA-256");
  return digest;
}

std::string Sha256Hex(std::span<const std::byte> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const std::byte byte : Sha256(bytes)) {
    hex += kDigits[std::to_integer<int>(byte >> 4)];
    hex += kDigits[std::to_integer<int>(byte & std::byte{15})];
  }
  return hex;
}

StatusOr<std::string> Sha256HexOfFile(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  return Sha256Hex(file.bytes());
}

}  // namespace skald
