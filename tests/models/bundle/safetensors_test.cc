#include "models/bundle/safetensors.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

#include "base/file.h"
#include "support/test_environment.h"

namespace skald {
namespace {

class SafetensorsTest : public ::testing::Test {
 protected:
  /// Writes a file of a header and data bytes; `stated_header_bytes` replaces the true length.
  std::string Write(const std::string& header, const std::string& data, int64_t stated_header_bytes = -1) {
    const uint64_t length =
        stated_header_bytes < 0 ? header.size() : static_cast<uint64_t>(stated_header_bytes);
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    const std::string path = folder_ / "m.safetensors";
    EXPECT_TRUE(WriteFileAtomically(path, bytes + header + data).ok());
    return path;
  }
  /// Message of opening, without the folder.
  std::string Failure(const std::string& header, const std::string& data, int64_t stated_header_bytes = -1) {
    const std::string path = Write(header, data, stated_header_bytes);
    StatusOr<SafetensorsFile> file = SafetensorsFile::Open(path);
    if (file.ok()) return "ok";
    EXPECT_EQ(file.status().file(), path);
    return file.status().ToString().substr(path.size() + 2);
  }
  test::TemporaryFolder folder_;
};

TEST_F(SafetensorsTest, ReadsTheThreeTypesExactly) {
  const std::string data(
      "\x00\x3c\x01\x00\xff\xfb"
      "\x80\xbf"
      "\x00\x00\x00\x40",
      12);
  const std::string path = Write(
      R"({"__metadata__":{"format":"pt"},"h":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},)"
      R"("b":{"dtype":"BF16","shape":[1,1],"data_offsets":[6,8]},"f":{"dtype":"F32","shape":[],"data_offsets":[8,12]}})",
      data);
  StatusOr<SafetensorsFile> file = SafetensorsFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  EXPECT_EQ(file->Get("h", {3})->ToFloat(), (std::vector<float>{1.0f, 0x1p-24f, -65504.0f}));
  EXPECT_EQ(file->Get("b", {1, 1})->ToFloat(), std::vector<float>{-1.0f});
  EXPECT_EQ(file->Get("f", {})->ToFloat(), std::vector<float>{2.0f});
  EXPECT_EQ(file->Get("x", {1}).status().ToString(), path + ": tensor x: is missing");
  EXPECT_EQ(file->Get("h", {2, 3}).status().ToString(), path + ": tensor h: shape [3], expected [2, 3]");
}

TEST_F(SafetensorsTest, ReadsTensorsWithoutElements) {
  StatusOr<SafetensorsFile> file =
      SafetensorsFile::Open(Write(R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", ""));
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  EXPECT_TRUE(file->Get("a", {0})->ToFloat().empty());
}

TEST_F(SafetensorsTest, RefusesBadHeaders) {
  const std::string good = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const std::string eight(8, '\0');
  EXPECT_EQ(Failure(good, eight), "ok");
  EXPECT_EQ(Failure(good, eight, 1 << 20),
            "header of 1048576 bytes in a file of 70 (truncated, or not safetensors)");
  EXPECT_NE(Failure(good, eight, INT64_MAX).find("header of 9223372036854775807 bytes"), std::string::npos);
  EXPECT_NE(Failure("[]", "").find("not a JSON object"), std::string::npos);
  EXPECT_NE(Failure("{\"a\":", "").find("not valid JSON"), std::string::npos);
  EXPECT_NE(
      Failure(R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{}})", "").find("appears twice"),
      std::string::npos);
  EXPECT_TRUE(WriteFileAtomically(folder_ / "short", "abc").ok());
  EXPECT_NE(
      SafetensorsFile::Open(folder_ / "short").status().ToString().find("shorter than a safetensors header"),
      std::string::npos);
  EXPECT_EQ(SafetensorsFile::Open(folder_ / "none").status().code(), StatusCode::kNotFound);
}

TEST_F(SafetensorsTest, PassesOverTypesThatItDoesNotRead) {
  const std::string path = Write(R"({"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                                 R"("f":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
                                 std::string(12, '\0'));
  StatusOr<SafetensorsFile> file = SafetensorsFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  EXPECT_EQ(file->Get("f", {1})->ToFloat(), std::vector<float>{0.0f});
  EXPECT_EQ(file->Get("n", {}).status().ToString(), path + ": tensor n: type I64; F16, BF16 and F32 are read");
}

TEST_F(SafetensorsTest, RefusesBadTensorsByName) {
  const std::string eight(8, '\0');
  const auto one = [&](const std::string& entry) { return Failure("{\"a\":" + entry + "}", eight); };
  EXPECT_EQ(one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
            "tensor a: shape [3] of F32 needs 12 bytes, the range has 8");
  EXPECT_EQ(one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,12]})"),
            "tensor a: bytes 0 to 12 are outside the data of 8 (truncated?)");
  EXPECT_EQ(one(R"({"dtype":"C64","shape":[1],"data_offsets":[0,8]})"),
            "tensor a: type C64; F16, BF16 and F32 are read");
  EXPECT_NE(one(R"({"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,8]})")
                .find("tensor a: dimension"),
            std::string::npos);
  EXPECT_NE(one(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})").find("unsigned"), std::string::npos);
  EXPECT_NE(one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})").find("outside"), std::string::npos);
  EXPECT_NE(one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})").find("leave a gap"),
            std::string::npos);
  EXPECT_NE(one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})").find("the tensors end at 4"),
            std::string::npos);
  EXPECT_NE(one(R"({"dtype":"F32","shape":[2]})").find("needs dtype, shape"), std::string::npos);
  EXPECT_NE(one("7").find("needs dtype, shape"), std::string::npos);
  EXPECT_NE(Failure(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                    R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                    eight)
                .find("tensor b: its bytes overlap"),
            std::string::npos);
}

// Whatever bytes are changed, opening either fails with a Status or gives tensors inside the file.
TEST_F(SafetensorsTest, SurvivesRandomDamage) {
  std::mt19937_64 random(test::PropertySeed());
  const std::string header = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                             R"("b":{"dtype":"F16","shape":[2,2],"data_offsets":[8,16]}})";
  std::string good = std::string(8, '\0') + header + std::string(16, '\1');
  good[0] = static_cast<char>(header.size());
  const std::string path = folder_ / "damaged";
  for (int round = 0; round < 500; ++round) {
    std::string bytes = good;
    for (uint64_t change = 0; change <= random() % 3; ++change)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    ASSERT_TRUE(WriteFileAtomically(path, bytes).ok());
    StatusOr<SafetensorsFile> file = SafetensorsFile::Open(path);
    if (!file.ok()) continue;
    for (const auto& [name, tensor] : file->tensors()) EXPECT_EQ(tensor.ToFloat().size() % 2, 0u);
  }
}

}  // namespace
}  // namespace skald
