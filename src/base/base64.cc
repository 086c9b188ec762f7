#include "base/base64.h"

#include <limits>
#include <openssl/evp.h>

#include "base/check.h"

namespace skald {

std::string Base64(std::span<const std::byte> bytes) {
  SKALD_CHECK(bytes.size() <= std::numeric_limits<int>::max() / 2, "too many bytes for libcrypto at once");
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // libcrypto adds a zero
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

}  // namespace skald
