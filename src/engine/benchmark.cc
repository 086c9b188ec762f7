#include "engine/benchmark.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <utility>

#include "base/stopwatch.h"
#include "decoder/search/beam_search.h"
#include "engine/bundle_features.h"
#include "engine/endpointer.h"
#include "engine/recognizer.h"
#include "engine/scorer.h"
#include "frontend/features/feature_extractor.h"

namespace skald {
namespace {

/// Runs `body` as often as asked and keeps the seconds of the counted runs.
template <typename Body>
Status Measure(const BenchmarkOptions& benchmark, BenchmarkResult* result, Body body) {
  for (int run = -benchmark.warm_up_runs; run < benchmark.repeats; ++run) {
    Stopwatch watch;
    SKALD_RETURN_IF_ERROR(body());
    if (run >= 0) result->run_s.push_back(watch.Seconds());
  }
  std::sort(result->run_s.begin(), result->run_s.end());
  return Status::Ok();
}

/// Decodes a file; appends its windows to `windows` unless that is null. Returns its seconds of audio.
StatusOr<double> DecodeFile(const std::string& path, const WindowOptions& options,
                            std::vector<Window>* windows) {
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<MediaReader> reader, MediaReader::Open(path, {}));
  WindowCutter cutter(options);
  int64_t samples = 0;
  for (;;) {
    SKALD_ASSIGN_OR_RETURN(std::optional<PcmBlock> block, reader->Read());
    if (!block.has_value()) break;
    samples += static_cast<int64_t>(block->samples.size());
    if (windows == nullptr) continue;
    for (Window& window : cutter.Push(block->samples)) windows->push_back(std::move(window));
  }
  if (windows != nullptr) {
    if (auto window = cutter.Finish()) windows->push_back(std::move(*window));
  }
  return static_cast<double>(samples) / kSampleRateHz;
}

StatusOr<std::vector<Window>> DecodeAll(const std::vector<std::string>& paths, const WindowOptions& options,
                                        double* audio_s) {
  std::vector<Window> windows;
  *audio_s = 0;
  for (const std::string& path : paths) {
    SKALD_ASSIGN_OR_RETURN(const double seconds, DecodeFile(path, options, &windows));
    *audio_s += seconds;
  }
  return windows;
}

Status ScoreAll(Scorer* scorer, const std::vector<Window>& windows, double batch_s,
                std::vector<std::vector<ScoreRows>>* scores, ScorerTiming* timing) {
  std::vector<PcmView> batch;
  double seconds = 0;
  const auto flush = [&]() -> Status {
    if (batch.empty()) return Status::Ok();
    Status status = scorer->Score(batch, &scores->emplace_back(), timing);
    batch.clear();
    seconds = 0;
    return status;
  };
  scores->clear();
  for (const Window& window : windows) {
    const double window_s = static_cast<double>(window.samples.size()) / kSampleRateHz;
    if (seconds + window_s > batch_s) SKALD_RETURN_IF_ERROR(flush());
    batch.push_back(window.samples);
    seconds += window_s;
  }
  return flush();
}

Status BenchmarkMedia(const std::vector<std::string>& paths, const WindowOptions& options,
                      const BenchmarkOptions& benchmark, BenchmarkResult* result) {
  return Measure(benchmark, result, [&]() -> Status {
    result->audio_s = 0;
    for (const std::string& path : paths) {
      SKALD_ASSIGN_OR_RETURN(const double seconds, DecodeFile(path, options, nullptr));
      result->audio_s += seconds;
    }
    return Status::Ok();
  });
}

Status BenchmarkFeatures(const std::vector<Window>& windows, const FeatureOptions& options,
                         const BenchmarkOptions& benchmark, BenchmarkResult* result) {
  SKALD_ASSIGN_OR_RETURN(const FeatureExtractor extractor, FeatureExtractor::Create(options));
  std::vector<float> features;
  return Measure(benchmark, result, [&]() -> Status {
    for (const Window& window : windows) {
      const int64_t frames = extractor.FrameCount(static_cast<int64_t>(window.samples.size()));
      features.resize(static_cast<size_t>(frames * extractor.bins()));
      extractor.Run(window.samples, {features.data(), frames, extractor.bins()});
    }
    return Status::Ok();
  });
}

Status BenchmarkModel(Scorer* scorer, const std::vector<Window>& windows, double batch_s,
                      const BenchmarkOptions& benchmark, BenchmarkResult* result) {
  std::vector<std::vector<ScoreRows>> scores;
  std::vector<double> model_s;
  SKALD_RETURN_IF_ERROR(Measure(benchmark, result, [&]() -> Status {
    ScorerTiming timing;
    SKALD_RETURN_IF_ERROR(ScoreAll(scorer, windows, batch_s, &scores, &timing));
    model_s.push_back(timing.model_s);
    return Status::Ok();
  }));
  // The scorer also computes features: quote the model's own seconds.
  result->run_s.assign(model_s.begin() + benchmark.warm_up_runs, model_s.end());
  std::sort(result->run_s.begin(), result->run_s.end());
  result->details = {{"precision", scorer->shape().precision}};
  return Status::Ok();
}

Status BenchmarkSearch(const Recognizer& recognizer, Scorer* scorer, const std::vector<Window>& windows,
                       const BenchmarkOptions& benchmark, BenchmarkResult* result) {
  std::vector<std::vector<ScoreRows>> scores;
  ScorerTiming timing;
  SKALD_RETURN_IF_ERROR(ScoreAll(scorer, windows, recognizer.batch_s(), &scores, &timing));
  int64_t frames = 0;
  for (const std::vector<ScoreRows>& batch : scores) {
    for (const ScoreRows& rows : batch) frames += rows.frames();
  }
  BeamSearch search(recognizer.graph(), recognizer.search_options());
  SearchStatistics sum;
  uint64_t hash = 0;
  SKALD_RETURN_IF_ERROR(Measure(benchmark, result, [&]() -> Status {
    sum = {};
    hash = 0;
    for (const std::vector<ScoreRows>& batch : scores) {
      for (const ScoreRows& rows : batch) {
        search.Begin();
        SKALD_RETURN_IF_ERROR(search.Advance(rows.nll));
        SKALD_ASSIGN_OR_RETURN(const RawLattice lattice, search.Finish());
        hash = hash * 1099511628211u + SurvivorHash(lattice);
        sum.collapsed_frames += search.statistics().collapsed_frames;
        sum.tokens += search.statistics().tokens;
        sum.arcs_kept += search.statistics().arcs_kept;
      }
    }
    return Status::Ok();
  }));
  const double searched = static_cast<double>(std::max<int64_t>(1, frames - sum.collapsed_frames));
  result->details = {
      {"frames", fmt::format("{}", frames)},
      {"frames/s", fmt::format("{:.0f}", static_cast<double>(frames) / result->median_s())},
      {"collapsed frames", fmt::format("{:.1f} %", 100.0 * static_cast<double>(sum.collapsed_frames) /
                                                       static_cast<double>(frames))},
      {"tokens/frame searched", fmt::format("{:.0f}", static_cast<double>(sum.tokens) / searched)},
      {"arcs kept/frame searched", fmt::format("{:.0f}", static_cast<double>(sum.arcs_kept) / searched)},
      {"survivor hash", fmt::format("{:016x}", hash)}};
  return Status::Ok();
}

Status BenchmarkPipeline(Recognizer* recognizer, const std::vector<std::string>& paths,
                         const BenchmarkOptions& benchmark, BenchmarkResult* result) {
  Timing sum;
  Status failure;
  SKALD_RETURN_IF_ERROR(Measure(benchmark, result, [&]() -> Status {
    sum = {};
    recognizer->TranscribeFiles(paths, {}, [&](FileResult file) {
      if (!file.status.ok()) failure = file.status;
      for (const Transcript& transcript : file.transcripts) {
        sum.audio_s += transcript.timing.audio_s;
        sum.decode_s += transcript.timing.decode_s;
        sum.features_s += transcript.timing.features_s;
        sum.model_s += transcript.timing.model_s;
        sum.search_s += transcript.timing.search_s;
      }
    });
    return failure;
  }));
  result->audio_s = sum.audio_s;
  result->details = {{"workers", fmt::format("{}", recognizer->info().threads)},
                     {"precision", recognizer->info().precision},
                     {"media, thread seconds", fmt::format("{:.2f}", sum.decode_s)},
                     {"features, thread seconds", fmt::format("{:.2f}", sum.features_s)},
                     {"model, thread seconds", fmt::format("{:.2f}", sum.model_s)},
                     {"search, thread seconds", fmt::format("{:.2f}", sum.search_s)}};
  return Status::Ok();
}

}  // namespace

StatusOr<BenchmarkStage> ParseBenchmarkStage(const std::string& name) {
  if (name == "media") return BenchmarkStage::kMedia;
  if (name == "features") return BenchmarkStage::kFeatures;
  if (name == "model") return BenchmarkStage::kModel;
  if (name == "search") return BenchmarkStage::kSearch;
  if (name == "pipeline") return BenchmarkStage::kPipeline;
  return Status::InvalidArgument("a stage is media, features, model, search or pipeline, not '" + name + "'");
}

StatusOr<BenchmarkResult> RunBenchmark(BenchmarkStage stage, const std::vector<std::string>& paths,
                                       const RecognizerOptions& options, const BenchmarkOptions& benchmark) {
  static constexpr const char* kNames[] = {"media", "features", "model", "search", "pipeline"};
  BenchmarkResult result;
  result.stage = kNames[static_cast<int>(stage)];
  if (stage == BenchmarkStage::kMedia) {
    SKALD_RETURN_IF_ERROR(BenchmarkMedia(paths, options.windows, benchmark, &result));
    return result;
  }
  RecognizerOptions one_worker = options;
  if (stage != BenchmarkStage::kPipeline) one_worker.threads = 1;
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Recognizer> recognizer, Recognizer::Create(one_worker));
  if (stage == BenchmarkStage::kPipeline) {
    SKALD_RETURN_IF_ERROR(BenchmarkPipeline(recognizer.get(), paths, benchmark, &result));
    return result;
  }
  Scorer* scorer = recognizer->first_scorer();
  WindowOptions windows_options = options.windows;
  windows_options.frame_shift_samples = scorer->shape().frame_shift_samples;
  SKALD_ASSIGN_OR_RETURN(const std::vector<Window> windows,
                         DecodeAll(paths, windows_options, &result.audio_s));
  switch (stage) {
    case BenchmarkStage::kFeatures: {
      SKALD_ASSIGN_OR_RETURN(const FeatureOptions features,
                             FeaturesOfBundle(recognizer->bundle().manifest().features));
      SKALD_RETURN_IF_ERROR(BenchmarkFeatures(windows, features, benchmark, &result));
      break;
    }
    case BenchmarkStage::kModel:
      SKALD_RETURN_IF_ERROR(BenchmarkModel(scorer, windows, recognizer->batch_s(), benchmark, &result));
      break;
    default:
      SKALD_RETURN_IF_ERROR(BenchmarkSearch(*recognizer, scorer, windows, benchmark, &result));
  }
  return result;
}

}  // namespace skald
