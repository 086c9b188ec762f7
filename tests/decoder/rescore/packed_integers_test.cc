#include "decoder/rescore/packed_integers.h"

#include <gtest/gtest.h>
#include <random>

#include "support/test_environment.h"

namespace skald {
namespace {

TEST(PackedIntegers, EveryWidthKeepsItsValues) {
  std::mt19937_64 random(test::PropertySeed());
  for (int bits = 1; bits <= PackedIntegers::kMaxBits; ++bits) {
    std::vector<uint64_t> values(1 + random() % 70);
    for (uint64_t& value : values) value = random() & ((uint64_t{1} << bits) - 1);
    values.back() = (uint64_t{1} << bits) - 1;
    PackedIntegersWriter writer(values.size(), bits);
    for (size_t i = 0; i < values.size(); ++i) writer.Set(i, values[i]);
    const std::string bytes = std::move(writer).Finish();
    ASSERT_EQ(bytes.size(), PackedIntegers::ByteSize(values.size(), bits));
    const PackedIntegers packed(reinterpret_cast<const std::byte*>(bytes.data()), bits);
    for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(packed[i], values[i]) << bits << " bits";
  }
}

TEST(PackedIntegers, WidthsHoldTheirLargestValue) {
  EXPECT_EQ(PackedIntegers::BitsFor(0), 1);
  EXPECT_EQ(PackedIntegers::BitsFor(1), 1);
  EXPECT_EQ(PackedIntegers::BitsFor(2), 2);
  EXPECT_EQ(PackedIntegers::BitsFor(255), 8);
  EXPECT_EQ(PackedIntegers::BitsFor(256), 9);
}

}  // namespace
}  // namespace skald
