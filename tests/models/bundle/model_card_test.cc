#include "models/bundle/model_card.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skald {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

StatusOr<ModelCard> Read(const json& card) {
  const json bundle = {{"card", card}};
  SKALD_ASSIGN_OR_RETURN(const JsonObject object, JsonObject::Of(bundle, ""));
  return ReadModelCard(object);
}

TEST(ModelCard, IsReadAsItIsWritten) {
  ModelCard card;
  card.data = "read books, CC BY 4.0";
  card.intended_use = "read speech";
  card.limits = "\"noise\"";
  card.word_error_rates = {{"dev-clean", "phone graph", 10.94}, {"other", "", 0}};
  const ModelCard read = Read(ModelCardToJson(card)).value();
  EXPECT_EQ(read.data, card.data);
  EXPECT_EQ(read.intended_use, card.intended_use);
  EXPECT_EQ(read.limits, card.limits);
  ASSERT_EQ(read.word_error_rates.size(), 2u);
  EXPECT_EQ(read.word_error_rates[0].set, "dev-clean");
  EXPECT_EQ(read.word_error_rates[0].decoding, "phone graph");
  EXPECT_EQ(read.word_error_rates[0].wer_percent, 10.94);
  EXPECT_EQ(read.word_error_rates[1].decoding, "");
  EXPECT_FALSE(read.empty());
}

TEST(ModelCard, MayBeAbsentOrSayNothing) {
  const json bundle = {{"name", "x"}};
  EXPECT_TRUE(ReadModelCard(*JsonObject::Of(bundle, "")).value().empty());
  EXPECT_TRUE(Read(json::object()).value().empty());
  EXPECT_EQ(ModelCardToJson({}).dump(), "{}");
}

TEST(ModelCard, NamesTheMemberThatIsWrong) {
  const auto failure = [](const std::string& card) {
    const auto read = Read(json::parse(card));
    EXPECT_EQ(read.status().code(), StatusCode::kCorrupt) << card;
    return read.status().reason();
  };
  EXPECT_THAT(failure("[]"), HasSubstr("\"card\""));
  EXPECT_THAT(failure("\"text\""), HasSubstr("\"card\""));
  EXPECT_THAT(failure(R"({"data": 3})"), HasSubstr("\"card.data\""));
  EXPECT_THAT(failure(R"({"limits": null})"), HasSubstr("\"card.limits\""));
  EXPECT_THAT(failure(R"({"intended_use": ")" + std::string(5000, 'x') + R"("})"),
              HasSubstr("\"card.intended_use\""));
  EXPECT_THAT(failure(R"({"word_error_rates": {}})"), HasSubstr("\"card.word_error_rates\" is not a list"));
  EXPECT_THAT(failure(R"({"word_error_rates": [1]})"), HasSubstr("\"card.word_error_rates[0]\""));
  EXPECT_THAT(failure(R"({"word_error_rates": [{"wer_percent": 1}]})"),
              HasSubstr("\"card.word_error_rates[0].set\" is missing"));
  EXPECT_THAT(failure(R"({"word_error_rates": [{"set": "a", "wer_percent": 1}, {"set": "a"}]})"),
              HasSubstr("\"card.word_error_rates[1].wer_percent\" is missing"));
  for (const char* bad : {"-1", "1001", "\"10\"", "true"}) {
    EXPECT_THAT(failure(R"({"word_error_rates": [{"set": "a", "wer_percent": )" + std::string(bad) + "}]}"),
                HasSubstr("\"card.word_error_rates[0].wer_percent\""))
        << bad;
  }
}

}  // namespace
}  // namespace skald
