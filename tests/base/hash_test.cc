#include "base/hash.h"

#include <gtest/gtest.h>
#include <string_view>

namespace skald {
namespace {

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(Hash, Sha256OfPublishedExamples) {  // FIPS 180-4 examples
  EXPECT_EQ(Sha256Hex(Bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hash, Xxh64DependsOnBytesAndSeed) {
  EXPECT_EQ(Xxh64(Bytes("")), 0x2D06800538D394C2ull);  // XXH3's value of the empty input
  EXPECT_NE(Xxh64(Bytes("a")), Xxh64(Bytes("b")));
  EXPECT_NE(Xxh64(Bytes("a"), 1), Xxh64(Bytes("a"), 2));
}

}  // namespace
}  // namespace skald
