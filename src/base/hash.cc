#include "base/hash.h"

#include <xxhash.h>

#include <openssl/evp.h>

#include "base/mapped_file.h"

namespace skald {

uint64_t Xxh64(std::span<const std::byte> bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::string Sha256Hex(std::span<const std::byte> bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const int done = EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  SKALD_CHECK(done == 1 && size == 32, "libcrypto cannot compute SHA-256");
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

StatusOr<std::string> Sha256HexOfFile(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  return Sha256Hex(file.bytes());
}

}  // namespace skald
