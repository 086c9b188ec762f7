#include "decoder/rescore/ngram_model.h"

#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

#include "base/file.h"
#include "base/hash.h"
#include "decoder/graph/random_model.h"
#include "decoder/rescore/build_ngram_model.h"
#include "decoder/rescore/ngram_model_format.h"
#include "slow_scorer.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

using ::testing::HasSubstr;

NgramModel Built(const ArpaModel& arpa, const std::string& path) {
  const Status status = BuildNgramModel(arpa, "{}", path);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return NgramModel::Open(path).value();
}

TEST(NgramModel, ScoresAreThoseOfTheArpaFileForEveryOrderAndHistory) {
  std::mt19937_64 random(PropertySeed());
  const TemporaryFolder folder;
  for (int round = 0; round < 60; ++round) {
    const int order = 1 + round % ArpaModel::kMaxOrder;
    const ArpaModel arpa =
        ArpaModel::Parse(RandomArpa(random, RandomWords(random, 5 + random() % 20), order)).value();
    const NgramModel model = Built(arpa, folder / "model.sklm");
    ASSERT_EQ(model.order(), order);
    ASSERT_EQ(model.sentence_start(), arpa.sentence_start());
    ASSERT_EQ(model.sentence_end(), arpa.sentence_end());
    ASSERT_EQ(model.unknown(), arpa.unknown());
    for (int n = 1; n <= order; ++n) ASSERT_EQ(model.info().ngram_counts[n - 1], arpa.count(n));
    for (int sentence = 0; sentence < 40; ++sentence) {
      std::vector<uint32_t> history = {arpa.sentence_start()};
      NgramModel::State state = model.start();
      if (sentence % 2 == 1) {
        history.clear();
        state = model.no_history();
      }
      for (int i = 0; i < 12; ++i) {
        // Half of the words continue a listed n-gram, so that long ones are met.
        uint32_t word = static_cast<uint32_t>(random() % arpa.words().size());
        if (random() % 2 == 0 && !history.empty() && order > 1) {
          const int n = 2 + static_cast<int>(random() % static_cast<size_t>(order - 1));
          for (int attempt = 0; attempt < 50 && arpa.count(n) > 0; ++attempt) {
            const auto ngram = arpa.ngram(n, random() % arpa.count(n));
            if (ngram[ngram.size() - 2] == history.back()) word = ngram.back();
          }
        }
        ASSERT_EQ(model.Score(word, &state), SlowScore(arpa, history, word)) << "order " << order;
        history.push_back(word);
      }
    }
  }
}

TEST(NgramModel, ProbabilityZeroIsFinite) {
  const TemporaryFolder folder;
  const ArpaModel arpa =
      ArpaModel::Parse(
          "\\data\\\nngram 1=3\nngram 2=1\n\\1-grams:\n-99 <s> -0.5\n-1 </s>\n-inf A -inf\n"
          "\\2-grams:\n-0.25 <s> A\n\\end\\\n")
          .value();
  const NgramModel model = Built(arpa, folder / "model.sklm");
  NgramModel::State state = model.start();
  EXPECT_EQ(model.Score(2, &state), -250'000);
  EXPECT_LE(model.Score(2, &state), 2 * NgramModel::kNever) << "closed back-off, then impossible";
  EXPECT_EQ(model.unknown(), NgramModel::kNoWord);
}

TEST(NgramModel, WordsAreFoundByTheirSpelling) {
  std::mt19937_64 random(PropertySeed());
  const TemporaryFolder folder;
  const std::vector<std::string> words = RandomWords(random, 300);
  const ArpaModel arpa = ArpaModel::Parse(RandomArpa(random, words, 2)).value();
  const NgramModel model = Built(arpa, folder / "model.sklm");
  std::vector<std::string> asked = words;
  asked.insert(asked.begin() + 7, {"", "not a word", "<unk>"});
  const std::vector<uint32_t> found =
      model.FindWords(asked.size(), [&](size_t i) { return std::string_view(asked[i]); });
  for (size_t i = 0; i < asked.size(); ++i) {
    if (i == 7 || i == 8) {
      EXPECT_EQ(found[i], NgramModel::kNoWord);
    } else {
      ASSERT_EQ(model.word(found[i]), asked[i]);
      ASSERT_EQ(arpa.words()[found[i]], asked[i]);
    }
  }
}

TEST(NgramModel, TheSameSourceGivesTheSameBytes) {
  std::mt19937_64 random(PropertySeed());
  const TemporaryFolder folder;
  const std::string text = RandomArpa(random, RandomWords(random, 30), 3);
  ASSERT_TRUE(WriteFileAtomically(folder / "a.arpa", text).ok());
  ASSERT_TRUE(BuildNgramModelFromArpa(folder / "a.arpa", folder / "1").ok());
  ASSERT_TRUE(BuildNgramModelFromArpa(folder / "a.arpa", folder / "2").ok());
  EXPECT_EQ(ReadFile(folder / "1").value(), ReadFile(folder / "2").value());
  EXPECT_THAT(NgramModel::Open(folder / "1").value().info().recipe_json,
              HasSubstr(Sha256Hex(std::as_bytes(std::span(text.data(), text.size())))));
}

TEST(NgramModel, SourceErrorsNameFileAndLine) {
  const TemporaryFolder folder;
  EXPECT_EQ(BuildNgramModelFromArpa(folder / "none", folder / "x").code(), StatusCode::kNotFound);
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"\\data\\\nngram 1=2\n\\1-grams:\n-1 <s>\n\\end\\\n", "1 1-grams, 2 announced"},
      {"\\data\\\nngram 1=1\n\\1-grams:\n-1 <s> x\n\\end\\\n",
       "line 4: back-off weight \"x\" is not a number"},
      {"\\data\\\nngram 1=1\nngram 2=1\n\\1-grams:\n-1 A\n\\2-grams:\n-1 A B\n\\end\\\n",
       "line 7: word \"B\""},
      {"\\data\\\nngram 1=1\n\\1-grams:\n-1 A\n", "\\end\\ expected"},
      {"", "no \\data\\ section"},
  };
  for (const auto& [text, message] : cases) {
    ASSERT_TRUE(WriteFileAtomically(folder / "bad.arpa", text).ok());
    const Status status = BuildNgramModelFromArpa(folder / "bad.arpa", folder / "x");
    EXPECT_EQ(status.code(), StatusCode::kCorrupt);
    EXPECT_THAT(status.ToString(), HasSubstr(message));
    EXPECT_THAT(status.ToString(), HasSubstr("bad.arpa"));
  }
  EXPECT_EQ(NgramModel::Open(folder / "x").status().code(), StatusCode::kNotFound)
      << "nothing is left behind";
}

class NgramFile : public ::testing::Test {
 protected:
  NgramFile() {
    std::mt19937_64 random(7);
    const ArpaModel arpa = ArpaModel::Parse(RandomArpa(random, RandomWords(random, 12), 3)).value();
    EXPECT_TRUE(BuildNgramModel(arpa, "{\"some\": \"recipe\"}", folder_ / "good").ok());
    bytes_ = ReadFile(folder_ / "good").value();
    std::memcpy(&header_, bytes_.data(), sizeof header_);
  }

  Status Open(const std::string& bytes) {
    EXPECT_TRUE(WriteFileAtomically(folder_ / "bad", bytes).ok());
    const auto model = NgramModel::Open(folder_ / "bad");
    if (model.ok()) return Status::Ok();
    EXPECT_EQ(model.status().file(), folder_ / "bad");
    return model.status();
  }

  /// The file with a changed header or section and fitting checksums.
  std::string Signed(ngram_format::Header header, std::string bytes) {
    for (auto& entry : header.sections) {
      if (entry.offset <= bytes.size() && entry.size <= bytes.size() - entry.offset)
        entry.checksum = Xxh64(std::as_bytes(std::span(bytes)).subspan(entry.offset, entry.size));
    }
    header.checksum =
        Xxh64(std::as_bytes(std::span(&header, 1)).first(offsetof(ngram_format::Header, checksum)));
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes;
  }

  TemporaryFolder folder_;
  std::string bytes_;
  ngram_format::Header header_{};
};

TEST_F(NgramFile, EveryTruncationIsRefused) {
  for (size_t size = 0; size < bytes_.size(); size += size < 600 ? 1 : 97) {
    EXPECT_EQ(Open(bytes_.substr(0, size)).code(), StatusCode::kCorrupt) << size;
  }
  EXPECT_EQ(Open(bytes_ + "x").code(), StatusCode::kCorrupt);
  EXPECT_TRUE(Open(bytes_).ok());
}

TEST_F(NgramFile, EveryBitFlipInHeaderAndSectionsIsFound) {
  const auto flip = [&](uint64_t begin, uint64_t end) {
    for (uint64_t at = begin; at < end; ++at) {
      std::string damaged = bytes_;
      damaged[at] = static_cast<char>(damaged[at] ^ 1 << at % 8);
      ASSERT_FALSE(Open(damaged).ok()) << "byte " << at;
    }
  };
  flip(0, sizeof header_);
  for (const auto& entry : header_.sections) flip(entry.offset, entry.offset + entry.size);
}

TEST_F(NgramFile, WrongMagicAndVersion) {
  std::string other = bytes_;
  other[0] = 'X';
  EXPECT_THAT(Open(other).ToString(), HasSubstr("wrong magic"));
  ngram_format::Header header = header_;
  header.start.version = 2;
  EXPECT_EQ(Open(Signed(header, bytes_)).code(), StatusCode::kUnsupported);
}

TEST_F(NgramFile, HeaderFieldsOutOfBoundsAreRefusedEvenWithAFittingChecksum) {
  EXPECT_TRUE(Open(Signed(header_, bytes_)).ok());
  const auto refuses = [&](auto change, const char* what) {
    ngram_format::Header header = header_;
    change(&header);
    EXPECT_EQ(Open(Signed(header, bytes_)).code(), StatusCode::kCorrupt) << what;
  };
  refuses([](auto* h) { h->order = 0; }, "order 0");
  refuses([](auto* h) { h->order = 6; }, "order 6");
  refuses([](auto* h) { ++h->word_count; }, "words");
  refuses([](auto* h) { ++h->state_count; }, "states");
  refuses([](auto* h) { h->arc_count += 100; }, "arcs");
  refuses([](auto* h) { h->start_state = static_cast<uint32_t>(h->state_count); }, "start");
  refuses([](auto* h) { h->sentence_end = h->word_count; }, "</s>");
  refuses([](auto* h) { h->word_bits = 64; }, "word bits");
  refuses([](auto* h) { h->state_bits = 1; }, "state bits");
  refuses([](auto* h) { h->sections[2].offset += 1; }, "alignment");
  refuses([](auto* h) { h->sections[3].offset = uint64_t{1} << 63; }, "offset");
  refuses([](auto* h) { h->sections[4].size = UINT64_MAX; }, "size");
  refuses([](auto* h) { --h->section_count; }, "sections");
}

TEST_F(NgramFile, ContentsOutOfBoundsAreRefusedEvenWithAFittingChecksum) {
  // Whatever a section says, opening is refused, or scoring stays within bounds and comes to an end.
  std::mt19937_64 random(PropertySeed());
  int refused = 0;
  for (int round = 0; round < 600; ++round) {
    const auto& entry = header_.sections[random() % (ngram_format::kRecipe)];
    std::string damaged = bytes_;
    for (int i = 0; i < 3; ++i) damaged[entry.offset + random() % entry.size] = static_cast<char>(random());
    if (!Open(Signed(header_, damaged)).ok()) {
      ++refused;
      continue;
    }
    const NgramModel model = NgramModel::Open(folder_ / "bad").value();
    NgramModel::State state = model.start();
    for (int i = 0; i < 50; ++i) {
      const auto word = static_cast<uint32_t>(random() % model.info().word_count);
      model.Score(word, &state);
      ASSERT_LT(state, model.info().state_count);
      model.word(word);
    }
  }
  EXPECT_GT(refused, 200);
}

}  // namespace
}  // namespace skald::test
