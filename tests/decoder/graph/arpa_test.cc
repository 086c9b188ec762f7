#include "decoder/graph/arpa.h"

#include <zlib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "decoder/graph/random_model.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSmall =
    "some comment\n"
    "\\data\\\n"
    "ngram 1=4\n"
    "ngram 2=2\n"
    "\n"
    "\\1-grams:\n"
    "-99\t<s>\t-0.5\n"
    "-1.5\t</s>\n"
    "-0.301\tA\t-0.25\r\n"
    "-inf B\n"
    "\n"
    "\\2-grams:\n"
    "-0.1\t<s> A\n"
    "-0.2\tA B\n"
    "\n"
    "\\end\\\n";

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

std::string Failure(const std::string& from, const std::string& to) {
  const auto model = ArpaModel::Parse(Replaced(kSmall, from, to));
  return model.ok() ? "ok" : model.status().ToString();
}

TEST(ArpaModel, ReadsWordsProbabilitiesAndBackoffs) {
  const ArpaModel model = ArpaModel::Parse(kSmall).value();
  EXPECT_EQ(model.order(), 2);
  EXPECT_EQ(model.words(), (std::vector<std::string>{"<s>", "</s>", "A", "B"}));
  EXPECT_EQ(model.sentence_start(), 0u);
  EXPECT_EQ(model.sentence_end(), 1u);
  EXPECT_EQ(model.unknown(), ArpaModel::kNoWord);
  EXPECT_EQ(model.log_prob(1, 2), -301000);
  EXPECT_EQ(model.backoff(1, 2), -250000);
  EXPECT_EQ(model.backoff(1, 1), 0) << "missing";
  EXPECT_EQ(model.log_prob(1, 3), ArpaModel::kImpossible);
  const uint32_t a_b[] = {2, 3}, b_a[] = {3, 2};
  EXPECT_EQ(model.Find(a_b), 1u);
  EXPECT_EQ(model.Find(b_a), std::nullopt);
}

TEST(ArpaModel, RefusesBadInputAndNamesTheLine) {
  EXPECT_THAT(Failure("ngram 2=2", "ngram 2=3"), HasSubstr("line 16: 2 2-grams, 3 announced"));
  EXPECT_THAT(Failure("ngram 1=4", "ngram 1=3"), HasSubstr("line 10: more 1-grams than the 3"));
  EXPECT_THAT(Failure("ngram 2=2", "ngram 2=4000000"), HasSubstr("room"));
  EXPECT_THAT(Failure("ngram 2=2", "ngram 3=2"), HasSubstr("line 4: orders"));
  EXPECT_THAT(Failure("ngram 2=2", "ngram 2=two"), HasSubstr("ORDER=COUNT"));
  EXPECT_THAT(Failure("ngram 1=4\nngram 2=2\n", ""), HasSubstr("no n-gram counts"));
  EXPECT_THAT(Failure("ngram 2=2\n", "ngram 2=0\nngram 3=0\nngram 4=0\nngram 5=0\nngram 6=0\n"),
              HasSubstr("order 6"));
  EXPECT_THAT(Failure("\\data\\", "data"), HasSubstr("no \\data\\ section"));
  EXPECT_THAT(Failure("\\2-grams:", "\\3-grams:"), HasSubstr("\\2-grams: expected"));
  EXPECT_THAT(Failure("\\end\\\n", ""), HasSubstr("\\end\\ expected"));
  EXPECT_THAT(Failure("-0.2\tA B", "nan\tA B"),
              HasSubstr("line 14: log probability \"nan\" is not a number"));
  EXPECT_THAT(Failure("-0.2\tA B", "x\tA B"), HasSubstr("not a number"));
  EXPECT_THAT(Failure("-0.2\tA B", "0.2\tA B"), HasSubstr("probability above 1"));
  EXPECT_THAT(Failure("-0.2\tA B", "-1e30\tA B"), HasSubstr("out of range"));
  EXPECT_THAT(Failure("A\t-0.25", "A\tNaN"), HasSubstr("line 9: back-off weight"));
  EXPECT_THAT(Failure("-0.2\tA B", "-0.2\tA C"), HasSubstr("line 14: word \"C\" is not among the unigrams"));
  EXPECT_THAT(Failure("-0.2\tA B", "-0.2\tA"), HasSubstr("2 words expected"));
  EXPECT_THAT(Failure("-0.2\tA B", "-0.2\tA B -1 -1"), HasSubstr("more fields"));
  EXPECT_THAT(Failure("-0.2\tA B", "-0.2\t<s> A"), HasSubstr("listed twice"));
  EXPECT_THAT(Failure("-inf B", "-inf A"), HasSubstr("\"A\" is listed twice"));
  EXPECT_THAT(ArpaModel::Parse("").status().ToString(), HasSubstr("no \\data\\ section"));
}

TEST(ArpaModel, RefusesAnNgramWithoutItsContext) {
  const std::string three = Replaced(kSmall, "ngram 2=2\n", "ngram 2=2\nngram 3=1\n");
  const auto with = [&](const std::string& ngram) {
    return ArpaModel::Parse(Replaced(three, "\\end\\", "\\3-grams:\n" + ngram + "\n\\end\\"))
        .status()
        .ToString();
  };
  EXPECT_EQ(with("-1 <s> A B"), "ok");
  EXPECT_THAT(with("-1 B A B"), HasSubstr("context of this n-gram is not listed"));
}

TEST(ArpaModel, ReadsPlainAndGzipAndRefusesTruncatedGzip) {
  test::TemporaryFolder folder;
  std::mt19937_64 random(7);
  const std::string text = test::RandomArpa(random, test::RandomWords(random, 200), 3);
  ASSERT_TRUE(WriteFileAtomically(folder / "a.arpa", text).ok());
  gzFile file = gzopen((folder / "a.arpa.gz").c_str(), "wb");
  ASSERT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
  gzclose(file);
  const auto plain = ArpaModel::Read(folder / "a.arpa"), gzip = ArpaModel::Read(folder / "a.arpa.gz");
  ASSERT_TRUE(plain.ok()) << plain.status().ToString();
  ASSERT_TRUE(gzip.ok()) << gzip.status().ToString();
  for (int n = 1; n <= 3; ++n) {
    ASSERT_EQ(plain->count(n), gzip->count(n));
    EXPECT_GT(plain->count(n), 0u);
    for (size_t i = 0; i < plain->count(n); ++i) {
      EXPECT_EQ(plain->log_prob(n, i), gzip->log_prob(n, i));
      EXPECT_EQ(plain->Find(plain->ngram(n, i)), i);
    }
  }
  const std::string packed = ReadFile(folder / "a.arpa.gz").value();
  for (const size_t size : {packed.size() - 1, packed.size() / 2, size_t{30}}) {
    ASSERT_TRUE(WriteFileAtomically(folder / "cut.gz", packed.substr(0, size)).ok());
    EXPECT_THAT(ArpaModel::Read(folder / "cut.gz").status().ToString(), HasSubstr("cut.gz"));
  }
  EXPECT_EQ(ArpaModel::Read(folder / "none").status().code(), StatusCode::kNotFound);
}

TEST(ArpaModel, NeverCrashesOnDamagedText) {
  std::mt19937_64 random(test::PropertySeed());
  const std::string text = test::RandomArpa(random, test::RandomWords(random, 8), 3);
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = text;
    for (size_t hits = 1 + random() % 3; hits > 0 && !damaged.empty(); --hits) {
      const size_t at = random() % damaged.size();
      switch (random() % 3) {
        case 0:
          damaged[at] = "\\\n\t -.0<A="[random() % 9];
          break;
        case 1:
          damaged.erase(at, random() % 20);
          break;
        default:
          damaged.resize(at + 1);
      }
    }
    const auto model = ArpaModel::Parse(damaged);
    if (model.ok()) continue;
    EXPECT_THAT(model.status().ToString(), HasSubstr("line "));
  }
}

}  // namespace
}  // namespace skald
