#include "decoder/kws/index_segment.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "base/file.h"
#include "decoder/kws/index_segment_format.h"
#include "decoder/kws/index_segment_writer.h"
#include "decoder/kws/probability_code.h"
#include "decoder/kws/query_evaluator.h"
#include "random_posterior_lattice.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

constexpr uint32_t kWords = 6;

class IndexSegmentTest : public ::testing::Test {
 protected:
  /// Sources of some utterances each.
  std::vector<PosteriorLattice> Write(const std::string& path, size_t sources, size_t utterances) {
    std::vector<PosteriorLattice> lattices;
    IndexSegmentWriter writer = IndexSegmentWriter::Create(path).value();
    for (size_t s = 0; s < sources; ++s) {
      const std::string name = "file" + std::to_string(s) + ".wav";
      writer.AddSource({100 + s, name, 60.5, 0.02});
      for (size_t u = 0; u < utterances; ++u) {
        lattices.push_back(RandomPosteriorLattice(2 + random_() % 20, kWords, random_));
        const Status status = writer.AddUtterance(
            0, static_cast<uint32_t>(u % 2), 10.0 * static_cast<double>(u), lattices.back(), WordName, 1e-3);
        EXPECT_TRUE(status.ok()) << status.ToString();
      }
    }
    const Status status = writer.Commit();
    EXPECT_TRUE(status.ok()) << status.ToString();
    return lattices;
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_ / "x.kws";
  std::mt19937_64 random_{PropertySeed()};
};

TEST_F(IndexSegmentTest, GivesBackWhatWasWritten) {
  const auto lattices = Write(path_, 5, 40);
  const auto segment = IndexSegment::Open(path_, /*verify_all=*/true);
  ASSERT_TRUE(segment.ok()) << segment.status().ToString();
  EXPECT_EQ(segment->info().source_count, 5u);
  EXPECT_EQ(segment->info().utterance_count, lattices.size());
  EXPECT_EQ(segment->info().term_count, kWords);
  EXPECT_DOUBLE_EQ(segment->info().audio_s, 5 * 60.5);
  uint64_t postings = 0;
  for (uint32_t t = 0; t < kWords; ++t) postings += segment->posting_count(t);
  EXPECT_EQ(postings, segment->info().posting_count);
  PosteriorLattice read;
  for (uint32_t u = 0; u < lattices.size(); ++u) {
    const auto place = segment->Utterance(u, &read);
    ASSERT_TRUE(place.ok()) << place.status().ToString();
    EXPECT_EQ(place->source, u / 40);
    EXPECT_EQ(place->channel, u % 40 % 2);
    EXPECT_DOUBLE_EQ(place->start_s, 10.0 * (u % 40));
    ASSERT_EQ(read.nodes.size(), lattices[u].nodes.size());
    ASSERT_EQ(read.arcs.size(), lattices[u].arcs.size());
    for (size_t n = 0; n < read.nodes.size(); ++n) {
      EXPECT_EQ(read.nodes[n].frame, lattices[u].nodes[n].frame);
      const double kept = std::max(lattices[u].nodes[n].posterior, ProbabilityOfCode(kMaxProbabilityCode));
      EXPECT_NEAR(std::log(read.nodes[n].posterior / kept), 0, kProbabilityCodeError * 1.001);
    }
    for (size_t a = 0; a < read.arcs.size(); ++a) {
      PosteriorLattice::Arc expected = lattices[u].arcs[a];
      EXPECT_NEAR(std::log(read.arcs[a].conditional / expected.conditional), 0,
                  kProbabilityCodeError * 1.001);
      EXPECT_EQ(segment->term(read.arcs[a].word), WordName(expected.word));
      expected.word = read.arcs[a].word;
      expected.conditional = read.arcs[a].conditional;
      EXPECT_EQ(read.arcs[a], expected);
    }
  }
  const auto source = segment->Source(3);
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(source->path, "file3.wav");
  EXPECT_EQ(source->file_id, 103u);
  EXPECT_DOUBLE_EQ(source->duration_s, 60.5);
  EXPECT_DOUBLE_EQ(source->frame_shift_s, 0.02);
}

TEST_F(IndexSegmentTest, FindsTermsWithoutRegardToCase) {
  Write(path_, 1, 50);
  const auto segment = IndexSegment::Open(path_);
  ASSERT_TRUE(segment.ok());
  const auto find = [&](std::string_view pattern) {
    std::string found;
    segment->FindTerms(pattern, [&](uint32_t term) { found += std::string(segment->term(term)) + " "; });
    return found;
  };
  EXPECT_EQ(find("WA"), "WA ");
  EXPECT_EQ(find("WB"), "Wb ");
  EXPECT_EQ(find("W"), "");
  EXPECT_EQ(find("W*"), "WA Wb WC Wd WE Wf ");
  EXPECT_EQ(find("?D"), "Wd ");
  EXPECT_EQ(find("W?*"), "WA Wb WC Wd WE Wf ");
  EXPECT_EQ(find("W??"), "");
}

TEST(MatchesPattern, AgreesWithItsDefinition) {
  EXPECT_TRUE(MatchesPattern("", ""));
  EXPECT_TRUE(MatchesPattern("", "*"));
  EXPECT_FALSE(MatchesPattern("", "?"));
  EXPECT_TRUE(MatchesPattern("ABCABD", "A*BD"));
  EXPECT_TRUE(MatchesPattern("ABCABD", "*A?D"));
  EXPECT_FALSE(MatchesPattern("ABCABD", "A?D"));
  EXPECT_TRUE(MatchesPattern("\u00c9T\u00c9", "?T?"));
  EXPECT_FALSE(MatchesPattern("\u00c9", "??"));
}

TEST_F(IndexSegmentTest, SkippingFindsWhatReadingFinds) {
  Write(path_, 1, 2000);
  const auto segment = IndexSegment::Open(path_);
  ASSERT_TRUE(segment.ok());
  for (uint32_t term = 0; term < kWords; ++term) {
    std::vector<Posting> all;
    auto list = segment->Postings(term).value();
    for (Posting posting; list.Next(&posting);) all.push_back(posting);
    ASSERT_TRUE(list.ok());
    ASSERT_EQ(all.size(), segment->posting_count(term));
    ASSERT_GT(all.size(), 3 * PostingListReader::kBlock);
    for (int round = 0; round < 50; ++round) {
      auto skipping = segment->Postings(term).value();
      size_t at = 0;
      uint32_t target = 0;
      for (;;) {
        target += static_cast<uint32_t>(random_() % 400);
        while (at < all.size() && all[at].utterance < target) ++at;
        Posting posting;
        ASSERT_EQ(skipping.SkipTo(target, &posting), at < all.size());
        if (at == all.size()) break;
        ASSERT_EQ(posting.utterance, all[at].utterance);
        ASSERT_EQ(posting.occurrence, all[at].occurrence);
        ++at;
      }
    }
  }
}

TEST_F(IndexSegmentTest, TheSameCallsGiveTheSameBytesAndCopiesAreEqual) {
  Write(path_, 3, 20);
  const IndexSegment segment = IndexSegment::Open(path_).value();
  const auto copy = [&](const std::string& path) {
    IndexSegmentWriter writer = IndexSegmentWriter::Create(path).value();
    ASSERT_TRUE(writer.AddSegment(segment, [](const IndexSource*) { return true; }).ok());
    ASSERT_TRUE(writer.Commit().ok());
  };
  copy(folder_ / "y.kws");
  EXPECT_EQ(ReadFile(path_).value(), ReadFile(folder_ / "y.kws").value());
}

TEST_F(IndexSegmentTest, NothingIsThereBeforeCommit) {
  {
    IndexSegmentWriter writer = IndexSegmentWriter::Create(path_).value();
    writer.AddSource({1, "a", 1, 0.02});
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(IndexSegmentTest, AnEmptySegmentIsFine) {
  ASSERT_TRUE(IndexSegmentWriter::Create(path_).value().Commit().ok());
  const auto segment = IndexSegment::Open(path_, true);
  ASSERT_TRUE(segment.ok()) << segment.status().ToString();
  EXPECT_TRUE(EvaluateQuery(*segment, PhraseQuery({"a", "b"}))->empty());
}

/// Without waiting for the disk.
void WriteQuickly(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Reads everything there is to read; a damaged segment may fail, but must not crash or run away.
void ReadAll(const std::string& path) {
  const auto segment = IndexSegment::Open(path);
  if (!segment.ok()) {
    EXPECT_NE(segment.status().ToString().find(path), std::string::npos);
    return;
  }
  for (const char* text : {"wa", "w* wb", "wc * wd", "wa NEAR/60 wb", "wa wb OR wc"}) {
    const auto hits = EvaluateQuery(*segment, ParseQuery(text).value());
    if (!hits.ok()) {
      EXPECT_EQ(hits.status().code(), StatusCode::kCorrupt);
      EXPECT_NE(hits.status().ToString().find(path), std::string::npos);
      continue;
    }
    for (size_t i = 0; i < hits->size(); i += 10) (void)HitContext(*segment, (*hits)[i], 3);
  }
}

TEST_F(IndexSegmentTest, BitFlipsAreFound) {
  Write(path_, 3, 5);
  const std::string good = ReadFile(path_).value();
  const std::string damaged = folder_ / "damaged.kws";
  size_t unnoticed = 0;
  for (int round = 0; round < 1000; ++round) {
    std::string bytes = good;
    const size_t at = random_() % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << random_() % 8));
    WriteQuickly(damaged, bytes);
    ReadAll(damaged);
    if (!IndexSegment::Open(damaged, true).ok()) continue;
    // Only what pads sections may change unnoticed.
    EXPECT_EQ(good[at], 0) << "byte " << at;
    ++unnoticed;
  }
  EXPECT_LT(unnoticed, 20u);
}

TEST_F(IndexSegmentTest, TruncatedSegmentsAreRefused) {
  Write(path_, 2, 5);
  const std::string good = ReadFile(path_).value();
  const std::string damaged = folder_ / "damaged.kws";
  for (int round = 0; round < 200; ++round) {
    WriteQuickly(damaged, good.substr(0, random_() % good.size()));
    const auto segment = IndexSegment::Open(damaged);
    ASSERT_FALSE(segment.ok());
    EXPECT_NE(segment.status().ToString().find(damaged), std::string::npos);
  }
}

TEST_F(IndexSegmentTest, OtherVersionsAreRefused) {
  Write(path_, 1, 1);
  std::string bytes = ReadFile(path_).value();
  bytes[offsetof(index_format::Header, start.version)] = 9;
  ASSERT_TRUE(WriteFileAtomically(path_, bytes).ok());
  const auto segment = IndexSegment::Open(path_);
  EXPECT_EQ(segment.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(segment.status().ToString().find("version 9"), std::string::npos);
  ASSERT_TRUE(WriteFileAtomically(path_, "something else" + std::string(1000, ' ')).ok());
  EXPECT_EQ(IndexSegment::Open(path_).status().code(), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace skald::test
