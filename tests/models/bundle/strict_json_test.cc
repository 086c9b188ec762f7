#include "models/bundle/strict_json.h"

#include <gtest/gtest.h>

namespace skald {
namespace {

std::string Failure(std::string_view text) {
  StatusOr<nlohmann::json> value = ParseStrictJson(text);
  return value.ok() ? "ok" : value.status().ToString();
}

TEST(StrictJsonTest, RefusesWhatPlainJsonReadersAccept) {
  EXPECT_EQ(Failure(R"({"a": 1, "b": {"a": 2}})"), "ok");
  EXPECT_EQ(Failure(R"({"a": 1, "a": 2})"), "key \"a\" appears twice in one JSON object");
  EXPECT_EQ(Failure(std::string(1000, '[')), "JSON nested deeper than 16");
  EXPECT_NE(Failure("{} {}").find("not valid JSON"), std::string::npos);
  EXPECT_NE(Failure("{\"a\": \xff}").find("not valid JSON"), std::string::npos);
  EXPECT_NE(Failure("").find("not valid JSON"), std::string::npos);
}

TEST(StrictJsonTest, ReadsMembersWithTypeAndRange) {
  const nlohmann::json json =
      *ParseStrictJson(R"({"o": {"i": 5, "u": 18446744073709551615, "x": 0.5, "s": "text"}})");
  const JsonObject root = *JsonObject::Of(json, "");
  const JsonObject object = *root.Object("o");
  EXPECT_EQ(*object.Integer("i", 0, 5), 5);
  EXPECT_EQ(object.Integer("i", 0, 4).status().ToString(), "\"o.i\" is not an integer from 0 to 4");
  EXPECT_FALSE(object.Integer("u", 0, INT64_MAX).ok());
  EXPECT_FALSE(object.Integer("x", 0, 5).ok());
  EXPECT_EQ(object.Integer("none", 0, 4).status().ToString(), "\"o.none\" is missing");
  EXPECT_EQ(*object.IntegerOr("none", 0, 4, 3), 3);
  EXPECT_EQ(*object.Number("x", 0, 1), 0.5);
  EXPECT_FALSE(object.Number("s", 0, 1).ok());
  EXPECT_EQ(*object.String("s"), "text");
  EXPECT_FALSE(object.String("s", 3).ok());
  EXPECT_FALSE(object.Object("s").ok());
}

}  // namespace
}  // namespace skald
