#include "engine/keyword_index.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

#include "engine/fake_scorer.h"
#include "engine/keyword_indexer.h"
#include "engine/pipeline_inputs.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

class KeywordIndexTest : public ::testing::Test {
 protected:
  /// Files of ALPHA and BETA at known times.
  std::vector<std::string> WriteFiles(size_t count) {
    std::vector<std::string> paths;
    for (size_t i = 0; i < count; ++i) {
      paths.push_back(folder_ / ("f" + std::to_string(i) + ".wav"));
      std::vector<Pulse> pulses;
      double time_s = 0.5;
      for (size_t n = 1 + random_() % 12; n > 0; --n) {
        pulses.push_back({time_s, random_() % 3 != 0});
        time_s += 0.2 + 0.001 * static_cast<double>(random_() % 1900);
      }
      WriteWav(paths.back(), time_s + 1, pulses);
    }
    return paths;
  }

  /// Adds files; `commit_every_s` of 0 makes a segment of each.
  void Add(const std::string& index, const std::vector<std::string>& paths, int workers,
           double commit_every_s, bool merge = true) {
    std::vector<std::unique_ptr<Scorer>> scorers;
    for (int i = 0; i < workers; ++i) scorers.push_back(std::make_unique<FakeScorer>());
    KeywordIndexerOptions options;
    options.commit_every_s = commit_every_s;
    options.merge_small_segments = merge;
    KeywordIndexer indexer = KeywordIndexer::Open(index, graph_, options).value();
    PipelineContext context{options_, &graph_, scorers, 1, {}, indexer.lattice_sink()};
    RunPipeline(context, paths, {}, [&](FileResult result) { EXPECT_TRUE(indexer.AddFile(result).ok()); },
                {});
    EXPECT_TRUE(indexer.Finish().ok());
  }

  static KeywordSearchResult Search(const std::string& index, const std::string& query,
                                    const KeywordSearchOptions& options = {}) {
    auto result = KeywordIndex::Open(index).value().Search(query, options);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return std::move(result).value();
  }

  static void ExpectEqual(const KeywordSearchResult& a, const KeywordSearchResult& b) {
    EXPECT_EQ(a.kind, b.kind);
    EXPECT_EQ(a.threshold, b.threshold);
    ASSERT_EQ(a.hits.size(), b.hits.size()) << a.query;
    for (size_t i = 0; i < a.hits.size(); ++i) {
      EXPECT_EQ(a.hits[i].file, b.hits[i].file);
      EXPECT_EQ(a.hits[i].start_s, b.hits[i].start_s);
      EXPECT_EQ(a.hits[i].end_s, b.hits[i].end_s);
      EXPECT_EQ(a.hits[i].score, b.hits[i].score);
      EXPECT_EQ(a.hits[i].decision, b.hits[i].decision);
      EXPECT_EQ(a.hits[i].context, b.hits[i].context);
    }
  }

  TemporaryFolder folder_;
  const std::string index_ = folder_ / "index";
  std::mt19937_64 random_{PropertySeed()};
  const GraphImage graph_ = TwoWords();
  const RecognizerOptions options_ = [] {
    RecognizerOptions options;
    options.batch_s = 30;
    return options;
  }();
};

constexpr const char* kQueries[] = {
    "alpha", "beta", "alpha beta", "alpha * beta", "al* OR beta beta", "alpha NEAR/2 beta"};

TEST_F(KeywordIndexTest, FindsWordsWhereTheyWereSaid) {
  const std::string path = folder_ / "a.wav";
  WriteWav(path, 30, {{5.0, true}, {5.4, false}, {20.0, true}});
  Add(index_, {path}, 1, 60);
  const KeywordSearchResult alpha = Search(index_, "alpha");
  EXPECT_EQ(alpha.kind, "word");
  ASSERT_EQ(alpha.hits.size(), 2u);
  std::vector<double> starts = {alpha.hits[0].start_s, alpha.hits[1].start_s};
  std::sort(starts.begin(), starts.end());
  EXPECT_NEAR(starts[0], 5.0, 0.021);
  EXPECT_NEAR(starts[1], 20.0, 0.021);
  EXPECT_EQ(alpha.hits[0].file, path);
  EXPECT_NEAR(alpha.hits[0].play_s, alpha.hits[0].start_s - 2, kPosteriorSumAbs);
  const KeywordSearchResult phrase = Search(index_, "Alpha Beta");
  EXPECT_EQ(phrase.kind, "phrase");
  ASSERT_EQ(phrase.hits.size(), 1u);
  EXPECT_NEAR(phrase.hits[0].end_s, 5.46, 0.021);
  EXPECT_GT(phrase.hits[0].score, 0.8);
  EXPECT_EQ(phrase.hits[0].context, "ALPHA BETA");
  // beta * N / (T + (beta - 1) * N) with N the sum of scores and T = 30 s.
  double sum = 0;
  KeywordSearchOptions counted;
  counted.min_score = 0.01;
  for (const KeywordHit& hit : Search(index_, "alpha", counted).hits) sum += hit.score;
  EXPECT_NEAR(alpha.threshold, 999.9 * sum / (30 + 998.9 * sum), 1e-6);
  EXPECT_TRUE(Search(index_, "gamma").hits.empty());
}

TEST_F(KeywordIndexTest, ResultsDependNeitherOnThreadsNorOnSegments) {
  const auto paths = WriteFiles(12);
  const std::string one = folder_ / "one", many = folder_ / "many";
  Add(one, paths, 1, 1e9);
  Add(many, std::vector<std::string>(paths.begin() + 6, paths.end()), 3, 0, false);
  Add(many, std::vector<std::string>(paths.begin(), paths.begin() + 6), 2, 0, false);
  EXPECT_EQ(KeywordIndex::Open(one)->Info()->segments.size(), 1u);
  EXPECT_GT(KeywordIndex::Open(many)->Info()->segments.size(), 3u);
  for (const char* query : kQueries) {
    KeywordSearchOptions options;
    options.min_score = 0;
    options.threads = 1;
    const KeywordSearchResult expected = Search(one, query, options);
    EXPECT_FALSE(expected.hits.empty()) << query;
    for (const int threads : {1, 4}) {
      options.threads = threads;
      ExpectEqual(Search(many, query, options), expected);
    }
    options.max_hits = 3;
    const KeywordSearchResult best = Search(many, query, options);
    EXPECT_EQ(best.hit_count, expected.hits.size());
    for (size_t i = 0; i < best.hits.size(); ++i) EXPECT_EQ(best.hits[i].score, expected.hits[i].score);
  }
  EXPECT_GT(KeywordIndex::Merge(many).value(), 1);
  EXPECT_EQ(KeywordIndex::Open(many)->Info()->segments.size(), 1u);
  EXPECT_TRUE(KeywordIndex::Verify(many).ok());
  for (const char* query : kQueries) ExpectEqual(Search(many, query), Search(one, query));
}

TEST_F(KeywordIndexTest, SmallSegmentsAreMergedByThemselves) {
  Add(index_, WriteFiles(30), 2, 0);
  EXPECT_EQ(KeywordIndex::Open(index_)->Info()->segments.size(), 1u);
  EXPECT_EQ(KeywordIndex::Open(index_)->Files()->size(), 30u);
}

TEST_F(KeywordIndexTest, RemovedFilesAreNotFoundAndLeaveAsIfTheyHadNeverBeen) {
  const auto paths = WriteFiles(6);
  const std::string without = folder_ / "without";
  Add(index_, paths, 1, 60);
  Add(without, std::vector<std::string>(paths.begin() + 2, paths.end()), 1, 60);
  EXPECT_EQ(KeywordIndex::Remove(index_, {paths[0], paths[1], "unknown"}).value(), 2);
  for (const char* query : kQueries) ExpectEqual(Search(index_, query), Search(without, query));
  EXPECT_EQ(KeywordIndex::Open(index_)->Info()->removed_files, 2);
  EXPECT_EQ(KeywordIndex::Merge(index_).value(), 1);
  EXPECT_EQ(KeywordIndex::Open(index_)->Info()->removed_files, 0);
  for (const char* query : kQueries) ExpectEqual(Search(index_, query), Search(without, query));
}

TEST_F(KeywordIndexTest, AddingAgainReplaces) {
  const std::string path = folder_ / "a.wav";
  WriteWav(path, 10, {{5.0, true}});
  Add(index_, {path}, 1, 60);
  EXPECT_TRUE(KeywordIndexer::Open(index_, graph_)->IsUpToDate(path).value());
  WriteWav(path, 11, {{5.0, false}});
  EXPECT_FALSE(KeywordIndexer::Open(index_, graph_)->IsUpToDate(path).value());
  Add(index_, {path, path}, 1, 60);  // twice in one run
  KeywordSearchOptions options;
  options.min_score = 0.5;
  EXPECT_TRUE(Search(index_, "alpha", options).hits.empty());
  EXPECT_EQ(Search(index_, "beta", options).hits.size(), 1u);
  EXPECT_NEAR(KeywordIndex::Open(index_)->Info()->audio_s, 11, 1e-3);
}

TEST_F(KeywordIndexTest, BadFilesAreLeftOut) {
  const std::string good = folder_ / "good.wav", bad = folder_ / "bad.wav";
  WriteWav(good, 10, {{5.0, true}});
  std::ofstream(bad) << "no audio";
  Add(index_, {bad, good, bad}, 2, 60);
  EXPECT_EQ(KeywordIndex::Open(index_)->Files().value(), std::vector<std::string>{good});
  EXPECT_EQ(Search(index_, "alpha").hits.size(), 1u);
}

TEST_F(KeywordIndexTest, AnIndexOutlivesItsMedia) {
  const std::string path = folder_ / "a.wav";
  WriteWav(path, 10, {{5.0, true}});
  Add(index_, {path}, 1, 60);
  std::filesystem::remove(path);
  EXPECT_EQ(Search(index_, "alpha").hits.size(), 1u);
  EXPECT_FALSE(KeywordIndexer::Open(index_, graph_)->IsUpToDate(path).value());
}

TEST_F(KeywordIndexTest, SaysWhyNothingIsFound) {
  const std::string path = folder_ / "a.wav";
  WriteWav(path, 30, {{5.0, true}, {5.4, false}});
  Add(index_, {path}, 1, 60);
  EXPECT_EQ(Search(index_, "alpha").tried, "");
  EXPECT_TRUE(
      Search(index_, "beta alpha").tried.starts_with("its words are in the index, but not as asked for"));
  EXPECT_EQ(Search(index_, "gamma").tried,
            "GAMMA is nowhere in the index, and no pronunciations are known to look for it by its sound");
  KeywordSearchOptions literally;
  literally.oov = OovSearch::kOff;
  EXPECT_EQ(Search(index_, "gamma", literally).tried, "GAMMA is nowhere in the index");
}

TEST_F(KeywordIndexTest, AnEmptyArchiveHasNothingToFind) {
  Add(index_, {}, 1, 60);
  const KeywordSearchResult result = Search(index_, "alpha beta");
  EXPECT_TRUE(result.hits.empty());
  EXPECT_EQ(result.threshold, 0);
  EXPECT_EQ(KeywordIndex::Open(index_)->Info()->files, 0);
  EXPECT_EQ(KeywordIndex::Merge(index_).value(), 0);
}

TEST_F(KeywordIndexTest, ReplicasHoldTheSameOftener) {
  Add(index_, WriteFiles(4), 1, 60);
  const std::string replica = folder_ / "replica";
  ASSERT_TRUE(KeywordIndex::Replicate(index_, replica, 3).ok());
  EXPECT_EQ(KeywordIndex::Open(replica)->Files()->size(), 12u);
  EXPECT_TRUE(KeywordIndex::Verify(replica).ok());
  for (const char* query : kQueries) {
    EXPECT_EQ(Search(replica, query).hits.size(), 3 * Search(index_, query).hits.size()) << query;
  }
}

TEST_F(KeywordIndexTest, NamesWhatIsWrong) {
  EXPECT_EQ(KeywordIndex::Open(index_).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(KeywordIndex::Merge(index_).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(KeywordIndex::Remove(index_, {"a"}).status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(index_));
  Add(index_, WriteFiles(2), 1, 60);
  const KeywordIndex index = KeywordIndex::Open(index_).value();
  EXPECT_EQ(index.Search("(").status().code(), StatusCode::kInvalidArgument);
  KeywordSearchOptions options;
  options.min_score = 2;
  EXPECT_EQ(index.Search("alpha", options).status().code(), StatusCode::kInvalidArgument);
  std::string segment;
  for (const auto& entry : std::filesystem::directory_iterator(index_)) {
    if (entry.path().extension() == ".kws") segment = entry.path().string();
  }
  std::string bytes = ReadFile(segment).value();
  bytes[300] = static_cast<char>(bytes[300] ^ 1);  // in an utterance
  ASSERT_TRUE(WriteFileAtomically(segment, bytes).ok());
  const Status status = KeywordIndex::Verify(index_);
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_EQ(status.file(), segment);
}

}  // namespace
}  // namespace skald::test
