#include "engine/pipeline.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "base/file.h"
#include "decoder/lattice/best_path.h"
#include "engine/fake_scorer.h"
#include "engine/pipeline_inputs.h"
#include "support/test_environment.h"

namespace skald {
namespace {

using test::Pulse;
using test::TwoWords;
using test::Words;
using test::WriteWav;

class PipelineTest : public ::testing::Test {
 protected:
  std::vector<FileResult> Run(const std::vector<std::string>& paths, int workers,
                              const test::FakeScorer::Before& before = {}) {
    std::vector<std::unique_ptr<Scorer>> scorers;
    for (int i = 0; i < workers; ++i) scorers.push_back(std::make_unique<test::FakeScorer>(before));
    std::vector<FileResult> results;
    RunPipeline({options_, &graph_, scorers, 1, {}}, paths, {},
                [&](FileResult result) { results.push_back(std::move(result)); }, {});
    return results;
  }

  test::TemporaryFolder folder_;
  const GraphImage graph_ = TwoWords();
  RecognizerOptions options_ = [] {
    RecognizerOptions options;
    options.batch_s = 30;
    return options;
  }();
};

TEST_F(PipelineTest, FindsWordsAtTheirTimes) {
  WriteWav(folder_ / "a.wav", 12, {{1.0, true}, {1.5, false}, {9.0, false}});
  const auto results = Run({folder_ / "a.wav"}, 1);
  ASSERT_EQ(results.size(), 1u);
  ASSERT_TRUE(results[0].status.ok()) << results[0].status.ToString();
  ASSERT_EQ(results[0].transcripts.size(), 1u);
  const Transcript& transcript = results[0].transcripts[0];
  EXPECT_NEAR(transcript.source.duration_s, 12, 1e-6);
  ASSERT_EQ(transcript.segments.size(), 2u);  // a pause of more than a second lies between
  ASSERT_EQ(transcript.segments[0].words.size(), 2u);
  EXPECT_EQ(transcript.segments[0].text, "ALPHA BETA");
  EXPECT_NEAR(transcript.segments[0].words[0].start_s, 1.0, 1e-9);
  EXPECT_NEAR(transcript.segments[0].words[0].end_s, 1.06, 1e-9);
  EXPECT_NEAR(transcript.segments[1].words[0].start_s, 9.0, 1e-9);
  EXPECT_GT(transcript.segments[1].words[0].confidence, 0.9);
}

TEST_F(PipelineTest, WindowsJoinWithoutLosingOrDoublingWords) {
  options_.windows.window_s = 3.0;
  options_.windows.context_s = 0.5;
  std::vector<Pulse> pulses;
  for (int i = 0; i < 200; ++i) pulses.push_back({0.3 + 0.3 * i, i % 3 == 0});
  WriteWav(folder_ / "a.wav", 62, pulses);
  const auto results = Run({folder_ / "a.wav"}, 3);
  ASSERT_TRUE(results[0].status.ok()) << results[0].status.ToString();
  size_t next = 0;
  for (const Segment& segment : results[0].transcripts[0].segments) {
    for (const Word& word : segment.words) {
      ASSERT_LT(next, pulses.size());
      EXPECT_EQ(word.text, pulses[next].alpha ? "ALPHA" : "BETA");
      EXPECT_NEAR(word.start_s, pulses[next].time_s, 0.021);
      ++next;
    }
  }
  EXPECT_EQ(next, pulses.size());
}

TEST_F(PipelineTest, SameResultsForAnyWorkersInInputOrder) {
  std::mt19937_64 random(test::PropertySeed());
  std::vector<std::string> paths;
  for (int i = 0; i < 40; ++i) {
    paths.push_back(folder_ / ("f" + std::to_string(i) + ".wav"));
    std::vector<Pulse> pulses;
    double time_s = 0.1;
    for (size_t n = random() % 6; n > 0; --n) {
      pulses.push_back({time_s, random() % 2 == 0});
      time_s += 0.2 + 0.001 * static_cast<double>(random() % 2000);
    }
    WriteWav(paths.back(), time_s + 0.2, pulses);
  }
  std::vector<std::string> expected;
  for (const std::string& path : paths) expected.push_back(Words(Run({path}, 1)[0]));
  for (int workers : {1, 2, 4}) {
    const auto results = Run(paths, workers);
    ASSERT_EQ(results.size(), paths.size());
    for (size_t i = 0; i < paths.size(); ++i) {
      EXPECT_EQ(results[i].path, paths[i]);
      EXPECT_EQ(Words(results[i]), expected[i]) << paths[i] << ", " << workers << " workers";
    }
  }
}

TEST_F(PipelineTest, BadFilesFailAlone) {
  WriteWav(folder_ / "good.wav", 2, {{1.0, true}});
  WriteWav(folder_ / "empty.wav", 0, {});
  ASSERT_TRUE(WriteFileAtomically(folder_ / "text.wav", "no audio here").ok());
  const auto results = Run({folder_ / "missing.wav", folder_ / "good.wav", folder_ / "text.wav",
                            folder_ / "empty.wav", folder_ / "good.wav"},
                           2);
  ASSERT_EQ(results.size(), 5u);
  for (size_t bad : {0, 2, 3}) {
    EXPECT_FALSE(results[bad].status.ok());
    EXPECT_EQ(results[bad].status.file(), results[bad].path);
  }
  for (size_t good : {1, 4}) EXPECT_EQ(Words(results[good]), "ALPHA");
}

TEST_F(PipelineTest, ShortDeviceMemoryMakesBatchesSmaller) {
  std::vector<std::string> paths;
  for (int i = 0; i < 12; ++i) {
    paths.push_back(folder_ / ("f" + std::to_string(i) + ".wav"));
    WriteWav(paths.back(), 1, {{0.3, i % 2 == 0}});
  }
  std::atomic<int> refused{0};
  const auto results = Run(paths, 1, [&](std::span<const WindowInput> windows) {
    if (windows.size() <= 1) return Status::Ok();
    ++refused;
    return Status(StatusCode::kDeviceOutOfMemory, "too much");
  });
  for (size_t i = 0; i < paths.size(); ++i) EXPECT_EQ(Words(results[i]), i % 2 == 0 ? "ALPHA" : "BETA");
}

TEST_F(PipelineTest, AFailingDeviceFailsTheFilesOfItsBatchOnly) {
  options_.batch_s = 1;
  WriteWav(folder_ / "a.wav", 2, {{1.0, true}});
  WriteWav(folder_ / "b.wav", 3, {{1.0, false}});
  const auto results =
      Run({folder_ / "a.wav", folder_ / "b.wav"}, 1, [](std::span<const WindowInput> windows) {
        return windows[0].size() == 3 * kSampleRateHz ? Status(StatusCode::kDeviceError, "broken")
                                                      : Status::Ok();
      });
  EXPECT_EQ(Words(results[0]), "ALPHA");
  EXPECT_EQ(results[1].status.code(), StatusCode::kDeviceError);
}

/// A scorer of a device of its own that works ahead and fails from batch `good` on.
class FailingScorer : public test::FakeScorer {
 public:
  FailingScorer(int good, StatusCode code)
      : FakeScorer([this, code](std::span<const WindowInput>) {
          return left_-- > 0 ? Status::Ok() : Status(code, "broken");
        }),
        left_(good) {}
  int max_begun() const override { return 2; }

 private:
  std::atomic<int> left_;
};

TEST_F(PipelineTest, ADeviceThatFailsLeavesItsWorkToTheOthers) {
  options_.batch_s = 2;
  std::vector<std::string> paths;
  for (int i = 0; i < 30; ++i) {
    paths.push_back(folder_ / ("f" + std::to_string(i) + ".wav"));
    WriteWav(paths.back(), 1, {{0.3, i % 2 == 0}});
  }
  for (const StatusCode code : {StatusCode::kDeviceError, StatusCode::kDeviceOutOfMemory}) {
    for (const int good : {0, 3}) {
      std::vector<std::unique_ptr<Scorer>> scorers;
      for (int i = 0; i < 2; ++i) scorers.push_back(std::make_unique<FailingScorer>(good, code));
      // Slower, so that the failing ones get something to do.
      scorers.push_back(std::make_unique<test::FakeScorer>([](std::span<const WindowInput>) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        return Status::Ok();
      }));
      std::vector<std::string> words;
      const PipelineReport report = RunPipeline({options_, &graph_, scorers, 1, {}}, paths, {},
                                                [&](FileResult result) {
                                                  EXPECT_TRUE(result.status.ok()) << result.status.ToString();
                                                  words.push_back(Words(result));
                                                },
                                                {});
      ASSERT_EQ(words.size(), paths.size());
      for (size_t i = 0; i < words.size(); ++i) EXPECT_EQ(words[i], i % 2 == 0 ? "ALPHA" : "BETA");
      EXPECT_LE(report.notes.size(), 2u);
      for (const std::string& note : report.notes) EXPECT_NE(note.find("broken"), std::string::npos);
      if (good == 0) {
        EXPECT_GT(report.notes.size(), 0u);
      }
    }
  }
}

TEST_F(PipelineTest, EveryLatticeComesBeforeItsFileIsDone) {
  std::vector<std::string> paths = {folder_ / "a.wav", folder_ / "b.wav"};
  WriteWav(paths[0], 12, {{1.0, true}, {9.0, false}});
  WriteWav(paths[1], 3, {{1.0, false}});
  std::vector<std::unique_ptr<Scorer>> scorers;
  for (int i = 0; i < 2; ++i) scorers.push_back(std::make_unique<test::FakeScorer>());
  std::mutex mutex;
  std::vector<std::vector<double>> starts(paths.size());
  const LatticeSink lattices = [&](const SegmentLattice& segment) {
    std::lock_guard lock(mutex);
    for (const PathWord& word : BestPath(segment.lattice).words) {
      starts[segment.file_index].push_back(segment.clock.Seconds(segment.first_frame + word.start_frame));
    }
  };
  std::vector<size_t> seen;
  RunPipeline({options_, &graph_, scorers, 1, {}, lattices}, paths, {},
              [&](FileResult) { seen.push_back(starts[seen.size()].size()); }, {});
  EXPECT_EQ(seen, (std::vector<size_t>{2, 1}));
  std::sort(starts[0].begin(), starts[0].end());
  ASSERT_EQ(starts[0].size(), 2u);
  EXPECT_NEAR(starts[0][0], 1.0, 1e-9);
  EXPECT_NEAR(starts[0][1], 9.0, 1e-9);
}

TEST_F(PipelineTest, ProgressReachesTheEnd) {
  WriteWav(folder_ / "a.wav", 2, {});
  std::vector<std::unique_ptr<Scorer>> scorers;
  scorers.push_back(std::make_unique<test::FakeScorer>());
  PipelineProgress last;
  RunPipeline(
      {options_, &graph_, scorers, 0, {}}, {folder_ / "a.wav", folder_ / "a.wav"}, {}, [](FileResult) {},
      [&](const PipelineProgress& now) { last = now; });
  EXPECT_EQ(last.files_done, 2);
  EXPECT_EQ(last.files, 2);
  EXPECT_NEAR(last.audio_s, 4, 1e-6);
}

TEST_F(PipelineTest, ASinkGetsTheSegmentsInOrderInPlaceOfTheTranscripts) {
  class Collector : public SegmentSink {
   public:
    void Begin(size_t file_index, std::span<const Transcript::Source> sources) override {
      std::lock_guard lock(mutex_);
      EXPECT_EQ(sources.size(), 1u);
      EXPECT_TRUE(words.emplace(file_index, "").second) << "begun twice";
    }
    void Take(size_t file_index, int track, Segment segment) override {
      std::lock_guard lock(mutex_);
      EXPECT_EQ(track, 0);
      EXPECT_LE(last_s[file_index], segment.start_s);
      last_s[file_index] = segment.start_s;
      for (const Word& word : segment.words) {
        words.at(file_index) += (words.at(file_index).empty() ? "" : " ") + word.text;
      }
    }
    std::map<size_t, std::string> words;
    std::map<size_t, double> last_s;

   private:
    std::mutex mutex_;
  };
  options_.windows.window_s = 3.0;
  options_.windows.context_s = 0.5;
  std::mt19937_64 random(test::PropertySeed());
  std::vector<std::string> paths;
  for (int i = 0; i < 5; ++i) {
    std::vector<Pulse> pulses;
    for (double time_s = 0.1; time_s < 59; time_s += 0.2 + 0.001 * static_cast<double>(random() % 3000)) {
      pulses.push_back({time_s, random() % 2 == 0});
    }
    paths.push_back(folder_ / ("f" + std::to_string(i) + ".wav"));
    WriteWav(paths.back(), 60, pulses);
  }
  paths.push_back(folder_ / "missing.wav");
  const std::vector<FileResult> expected = Run(paths, 3);
  std::vector<std::unique_ptr<Scorer>> scorers;
  for (int i = 0; i < 3; ++i) scorers.push_back(std::make_unique<test::FakeScorer>());
  Collector collector;
  PipelineContext context{options_, &graph_, scorers, 1, {}};
  context.segment_sink = &collector;
  RunPipeline(context, paths, {},
              [&](FileResult result) {
                EXPECT_EQ(Words(result), "");
                EXPECT_EQ(collector.words[result.index], Words(expected[result.index]))
                    << "all come before the result";
                EXPECT_EQ(result.status.ok(), expected[result.index].status.ok());
              },
              {});
  EXPECT_EQ(collector.words.size(), 6u);
}

TEST_F(PipelineTest, ReportsWhatItsThreadsDid) {
  std::vector<std::string> paths;
  for (int i = 0; i < 8; ++i) {
    paths.push_back(folder_ / ("f" + std::to_string(i) + ".wav"));
    WriteWav(paths.back(), 2, {{0.3, true}});
  }
  paths.push_back(folder_ / "missing.wav");
  std::vector<std::unique_ptr<Scorer>> scorers;
  scorers.push_back(std::make_unique<test::FakeScorer>());
  const auto slow_sink = [](FileResult) { std::this_thread::sleep_for(std::chrono::milliseconds(10)); };
  const PipelineReport report = RunPipeline({options_, &graph_, scorers, 2, {}}, paths, {}, slow_sink, {});
  EXPECT_EQ(report.files, 9);
  EXPECT_EQ(report.files_failed, 1);
  EXPECT_NEAR(report.audio_s, 16, 1e-6);
  EXPECT_GE(report.busy_s(PipelineStage::kWrite), 9 * 0.010);
  EXPECT_GT(report.busy_s(PipelineStage::kRead), 0);
  EXPECT_GT(report.busy_s(PipelineStage::kModel), 0);
  EXPECT_GT(report.busy_s(PipelineStage::kSearch), 0);
  EXPECT_GT(report.busy_s(PipelineStage::kDescribe), 0);
  ASSERT_EQ(report.workers.size(), 4u);
  for (const WorkerOccupancy& worker : report.workers) {
    const double counted_s = worker.total_busy_s() + worker.waiting_for_input_s + worker.waiting_for_room_s;
    EXPECT_LE(counted_s, 1.1 * worker.threads * report.wall_s + 0.05) << worker.name;
    if (worker.name == "writers") {
      EXPECT_GE(counted_s, 0.7 * report.wall_s);
    }
  }
  ASSERT_EQ(report.queues.size(), 5u);
  for (const QueueFill& queue : report.queues) {
    EXPECT_LE(queue.most, queue.capacity) << queue.name;
    EXPECT_LE(queue.mean, static_cast<double>(queue.most)) << queue.name;
  }
}

TEST_F(PipelineTest, SeveralWritersTakeEveryResultOnceAndAtTheSameTime) {
  std::vector<std::string> paths;
  for (int i = 0; i < 30; ++i) paths.push_back(folder_ / ("f" + std::to_string(i % 5) + ".wav"));
  for (int i = 0; i < 5; ++i) WriteWav(paths[static_cast<size_t>(i)], 1, {{0.3, i % 2 == 0}});
  std::vector<std::unique_ptr<Scorer>> scorers;
  scorers.push_back(std::make_unique<test::FakeScorer>());
  PipelineContext context{options_, &graph_, scorers, 1, {}};
  context.writers = 3;
  std::mutex mutex;
  std::vector<int> taken(paths.size());
  int writing = 0, most_writing = 0;
  RunPipeline(context, paths, {},
              [&](FileResult result) {
                {
                  std::lock_guard lock(mutex);
                  ++taken[result.index];
                  most_writing = std::max(most_writing, ++writing);
                  EXPECT_EQ(result.path, paths[result.index]);
                  EXPECT_EQ(Words(result), result.index % 5 % 2 == 0 ? "ALPHA" : "BETA");
                }
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
                std::lock_guard lock(mutex);
                --writing;
              },
              {});
  EXPECT_EQ(taken, std::vector<int>(paths.size(), 1));
  EXPECT_GT(most_writing, 1);
}

TEST_F(PipelineTest, SamplesInMemoryGiveTheWordsOfTheirFile) {
  WriteWav(folder_ / "a.wav", 70, {{1.0, true}, {40.0, false}, {69.0, true}});
  std::vector<float> samples;
  auto reader = MediaReader::Open(folder_ / "a.wav", {}).value();
  for (auto block = reader->Read().value(); block.has_value(); block = reader->Read().value()) {
    samples.insert(samples.end(), block->samples.begin(), block->samples.end());
  }
  std::vector<std::unique_ptr<Scorer>> scorers;
  scorers.push_back(std::make_unique<test::FakeScorer>());
  PipelineContext context{options_, &graph_, scorers, 1, {}};
  const std::vector<PcmView> inputs = {samples, {}};
  context.samples = inputs;
  std::vector<FileResult> results;
  RunPipeline(context, {"one", "none"}, {}, [&](FileResult result) { results.push_back(std::move(result)); },
              {});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(Words(results[0]), "ALPHA BETA ALPHA");
  EXPECT_NEAR(results[0].transcripts.at(0).source.duration_s, 70, 1e-6);
  EXPECT_TRUE(results[1].status.ok());
  EXPECT_EQ(Words(results[1]), "");
}

/// FakeScorer twice: behind its columns the same ones with units 1 and 2 changed over.
class TwoHeadScorer : public test::FakeScorer {
 public:
  TwoHeadScorer() : shape_(FakeScorer::shape()) {
    shape_.units = 6;
    shape_.head_units = {3, 3};
  }
  const ScorerShape& shape() const override { return shape_; }
  Status Score(std::span<const WindowInput> windows, std::vector<ScoreRows>* scores,
               ScorerTiming* timing) override {
    SKALD_RETURN_IF_ERROR(FakeScorer::Score(windows, scores, timing));
    for (ScoreRows& rows : *scores) {
      ScoreMatrix matrix(rows.frames(), 6);
      for (int64_t f = 0; f < rows.frames(); ++f) {
        const int64_t from[] = {0, 1, 2, 0, 2, 1};
        for (int64_t u = 0; u < 6; ++u) matrix.mutable_view()(f, u) = rows.nll(f, from[u]);
      }
      rows = MakeHostScores(std::move(matrix));
    }
    return Status::Ok();
  }

 private:
  ScorerShape shape_;
};

TEST_F(PipelineTest, HeadsSideBySideAreSearchedEachInItsColumns) {
  WriteWav(folder_ / "a.wav", 70, {{1.0, true}, {1.3, false}, {40.0, false}, {69.0, true}});
  const std::vector<FileResult> alone = Run({folder_ / "a.wav"}, 1);
  GraphImageBuilder builder({"<blk>", "b", "a"}, {"", "BETA", "ALPHA"});
  const GraphImageBuilder::Arc arcs[] = {{0, 0.5f, 1, kArcWordStart, 1}, {0, 0.5f, 2, kArcWordStart, 2}};
  builder.AddState(0.0f, arcs);
  builder.SetStart(0);
  const GraphImage other = std::move(builder).Build().value();
  const std::vector<CombinedHead> heads = {{graph_, options_.search, nullptr, nullptr, 0, 1},
                                           {other, options_.search, nullptr, nullptr, 3, 1}};
  std::vector<std::unique_ptr<Scorer>> scorers;
  scorers.push_back(std::make_unique<TwoHeadScorer>());
  PipelineContext context{options_, &graph_, scorers, 1, {}};
  context.heads = heads;
  std::vector<FileResult> results;
  RunPipeline(context, {folder_ / "a.wav"}, {},
              [&](FileResult result) { results.push_back(std::move(result)); }, {});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(Words(results[0]), "ALPHA BETA BETA ALPHA");
  EXPECT_EQ(Words(results[0]), Words(alone.at(0)));
  // Both heads agree: all that either is sure of is beyond doubt.
  for (const Segment& segment : results[0].transcripts.at(0).segments) EXPECT_GT(segment.confidence, 0.9);
}

TEST_F(PipelineTest, NoInputsNoResults) { EXPECT_TRUE(Run({}, 1).empty()); }

}  // namespace
}  // namespace skald
