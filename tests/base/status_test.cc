#include "base/status.h"

#include <gtest/gtest.h>
#include <memory>

namespace skald {
namespace {

TEST(Status, NamesFilePositionAndReason) {
  const Status status = Status::Corrupt("checksum differs").At("tensor a").InFile("model.safetensors");
  EXPECT_EQ(status.ToString(), "model.safetensors: tensor a: checksum differs");
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
}

TEST(Status, KeepsTheInnermostPlace) {
  const Status status = Status::Io("denied").InFile("inner").InFile("outer").At("line 1").At("line 2");
  EXPECT_EQ(status.ToString(), "inner: line 1: denied");
}

TEST(Status, OkStaysOkWhateverIsAdded) { EXPECT_EQ(Status::Ok().InFile("a").ToString(), "ok"); }

StatusOr<std::unique_ptr<int>> Half(int value) {
  if (value % 2 != 0) return Status::InvalidArgument("odd");
  return std::make_unique<int>(value / 2);
}

StatusOr<int> Quarter(int value) {
  SKALD_ASSIGN_OR_RETURN(std::unique_ptr<int> half, Half(value));
  SKALD_ASSIGN_OR_RETURN(half, Half(*half));
  return *half;
}

TEST(StatusOr, MovesValuesAndReturnsErrors) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(Quarter(6).status().reason(), "odd");
}

TEST(StatusOrDeathTest, ReadingAMissingValueNamesTheError) {
  EXPECT_DEATH({ (void)Quarter(3).value(); }, "odd");
}

}  // namespace
}  // namespace skald
