#include "engine/benchmark.h"

#include <fmt/format.h>
#include <span>
#include <utility>

#include "engine/benchmark_stages.h"
#include "engine/bundle_features.h"
#include "engine/voice_activity.h"
#include "frontend/features/feature_extractor.h"
#include "frontend/media/media_reader.h"
#include "models/bundle/bundle.h"

namespace skald {
namespace {

Status BenchmarkMedia(const std::vector<std::string>& paths, const BenchmarkOptions& benchmark,
                      BenchmarkResult* result) {
  return Measure(benchmark, result, [&]() -> Status {
    int64_t samples = 0;
    for (const std::string& path : paths) {
      SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<MediaReader> reader, MediaReader::Open(path, {}));
      for (;;) {
        SKALD_ASSIGN_OR_RETURN(std::optional<PcmBlock> block, reader->Read());
        if (!block.has_value()) break;
        samples += static_cast<int64_t>(block->samples.size());
      }
    }
    result->audio_s = static_cast<double>(samples) / kSampleRateHz;
    return Status::Ok();
  });
}

/// The detector and its gate, from samples in memory.
Status BenchmarkVad(const std::vector<std::string>& paths, const VadOptions& options,
                    const BenchmarkOptions& benchmark, BenchmarkResult* result) {
  if (options.detector == "off")
    return Status::InvalidArgument("a detector is to be measured: --vad silero or energy");
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<VoiceActivity> vad, VoiceActivity::Create(options));
  std::vector<std::vector<float>> files;
  for (const std::string& path : paths) {
    SKALD_ASSIGN_OR_RETURN(std::vector<float> samples, DecodeFile(path));
    result->audio_s += static_cast<double>(samples.size()) / kSampleRateHz;
    files.push_back(std::move(samples));
  }
  VoiceActivity::Scratch scratch;
  int64_t passed = 0;
  SKALD_RETURN_IF_ERROR(Measure(benchmark, result, [&]() -> Status {
    passed = 0;
    for (const PcmView samples : files) {
      SpeechGate gate = vad->MakeGate(
          &scratch, [&passed](int64_t, PcmView kept) { passed += static_cast<int64_t>(kept.size()); });
      for (size_t first = 0; first < samples.size(); first += kSampleRateHz) {
        gate.Push(samples.subspan(first, std::min<size_t>(kSampleRateHz, samples.size() - first)));
      }
      gate.Finish();
    }
    return Status::Ok();
  }));
  const double kept_s = static_cast<double>(passed) / kSampleRateHz;
  result->details = {{"left out, seconds", fmt::format("{:.1f}", result->audio_s - kept_s)}};
  return Status::Ok();
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

/// A scorer runs features and model; `stage_s` picks the seconds to quote.
template <typename StageSeconds>
Status BenchmarkScorer(Recognizer* recognizer, const std::vector<Window>& windows,
                       const BenchmarkOptions& benchmark, StageSeconds stage_s, BenchmarkResult* result) {
  std::vector<ScoreRows> scores;
  std::vector<double> seconds;
  SKALD_RETURN_IF_ERROR(Measure(benchmark, result, [&]() -> Status {
    ScorerTiming timing;
    scores.clear();
    SKALD_RETURN_IF_ERROR(
        ScoreAll(recognizer->first_scorer(), windows, recognizer->batch_s(), &scores, &timing));
    seconds.push_back(stage_s(timing));
    return Status::Ok();
  }));
  result->details = {{"precision", recognizer->info().precision},
                     {"features and model, wall seconds", fmt::format("{:.4f}", result->median_s())}};
  result->run_s.assign(seconds.begin() + benchmark.warm_up_runs, seconds.end());
  std::sort(result->run_s.begin(), result->run_s.end());
  return Status::Ok();
}

/// Adds the floating-point operations of the network: those for a second of audio, and what that makes of a
/// second of the median run.
Status DescribeFlops(Recognizer* recognizer, std::span<const Window> windows, BenchmarkResult* result) {
  const BundleManifest& manifest = recognizer->bundle().manifest();
  SKALD_ASSIGN_OR_RETURN(const FeatureOptions features, FeaturesOfBundle(manifest.features));
  SKALD_ASSIGN_OR_RETURN(const FeatureExtractor extractor, FeatureExtractor::Create(features));
  const int64_t units = recognizer->first_scorer()->shape().units;
  double flops = 0;
  for (const Window& window : windows) {
    flops += ForwardFlops(manifest.sizes, extractor.FrameCount(static_cast<int64_t>(window.samples.size())),
                          units);
  }
  result->details.emplace_back("gflop_per_audio_s", fmt::format("{:.2f}", flops / 1e9 / result->audio_s));
  result->details.emplace_back("gflop_per_s", fmt::format("{:.1f}", flops / 1e9 / result->median_s()));
  return Status::Ok();
}

}  // namespace

StatusOr<std::vector<float>> DecodeFile(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<MediaReader> reader, MediaReader::Open(path, {}));
  std::vector<float> samples;
  for (;;) {
    SKALD_ASSIGN_OR_RETURN(std::optional<PcmBlock> block, reader->Read());
    if (!block.has_value()) return samples;
    samples.insert(samples.end(), block->samples.begin(), block->samples.end());
  }
}

StatusOr<std::vector<Window>> DecodeAll(const std::vector<std::string>& paths, const WindowOptions& options,
                                        double* audio_s) {
  std::vector<Window> windows;
  *audio_s = 0;
  for (const std::string& path : paths) {
    SKALD_ASSIGN_OR_RETURN(const std::vector<float> samples, DecodeFile(path));
    *audio_s += static_cast<double>(samples.size()) / kSampleRateHz;
    WindowCutter cutter(options);
    for (Window& window : cutter.Push(samples)) windows.push_back(std::move(window));
    if (auto window = cutter.Finish()) windows.push_back(std::move(*window));
  }
  return windows;
}

Status ScoreAll(Scorer* scorer, const std::vector<Window>& windows, double batch_s,
                std::vector<ScoreRows>* scores, ScorerTiming* timing) {
  std::vector<WindowInput> batch;
  double seconds = 0;
  const auto flush = [&]() -> Status {
    if (batch.empty()) return Status::Ok();
    std::vector<ScoreRows> rows;
    SKALD_RETURN_IF_ERROR(scorer->Score(batch, &rows, timing));
    std::move(rows.begin(), rows.end(), std::back_inserter(*scores));
    batch.clear();
    seconds = 0;
    return Status::Ok();
  };
  for (const Window& window : windows) {
    const double window_s = static_cast<double>(window.samples.size()) / kSampleRateHz;
    if (seconds + window_s > batch_s) SKALD_RETURN_IF_ERROR(flush());
    batch.emplace_back(window.samples);
    seconds += window_s;
  }
  return flush();
}

StatusOr<BenchmarkStage> ParseBenchmarkStage(const std::string& name) {
  if (name == "media") return BenchmarkStage::kMedia;
  if (name == "vad") return BenchmarkStage::kVad;
  if (name == "features") return BenchmarkStage::kFeatures;
  if (name == "model") return BenchmarkStage::kModel;
  if (name == "search") return BenchmarkStage::kSearch;
  if (name == "pcm") return BenchmarkStage::kPcm;
  if (name == "pipeline") return BenchmarkStage::kPipeline;
  return Status::InvalidArgument("a stage is media, vad, features, model, search, pcm or pipeline, not '" +
                                 name + "'");
}

StatusOr<BenchmarkResult> RunBenchmark(BenchmarkStage stage, const std::vector<std::string>& paths,
                                       const RecognizerOptions& options, const BenchmarkOptions& benchmark) {
  static constexpr const char* kNames[] = {"media", "vad", "features", "model", "search", "pcm", "pipeline"};
  BenchmarkResult result;
  result.stage = kNames[static_cast<int>(stage)];
  if (stage == BenchmarkStage::kMedia) {
    SKALD_RETURN_IF_ERROR(BenchmarkMedia(paths, benchmark, &result));
    return result;
  }
  if (stage == BenchmarkStage::kVad) {
    SKALD_RETURN_IF_ERROR(BenchmarkVad(paths, options.vad, benchmark, &result));
    return result;
  }
  const bool whole = stage == BenchmarkStage::kPcm || stage == BenchmarkStage::kPipeline;
  RecognizerOptions one_worker = options;
  if (!whole && (stage != BenchmarkStage::kModel || options.threads == 0)) one_worker.threads = 1;
  if (stage == BenchmarkStage::kSearch) one_worker.decoding = Decoding::kGraph;
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Recognizer> recognizer, Recognizer::Create(one_worker));
  if (whole) {
    SKALD_RETURN_IF_ERROR(
        BenchmarkPipeline(recognizer.get(), paths, benchmark, stage == BenchmarkStage::kPipeline, &result));
    return result;
  }
  WindowOptions windows_options = options.windows;
  windows_options.frame_shift_samples = recognizer->first_scorer()->shape().frame_shift_samples;
  SKALD_ASSIGN_OR_RETURN(const std::vector<Window> windows,
                         DecodeAll(paths, windows_options, &result.audio_s));
  if (stage == BenchmarkStage::kSearch) {
    SKALD_RETURN_IF_ERROR(BenchmarkSearch(recognizer.get(), windows, benchmark, &result));
  } else if (stage == BenchmarkStage::kModel) {
    SKALD_RETURN_IF_ERROR(BenchmarkScorer(
        recognizer.get(), windows, benchmark, [](const ScorerTiming& timing) { return timing.model_s; },
        &result));
    SKALD_RETURN_IF_ERROR(DescribeFlops(recognizer.get(), windows, &result));
  } else if (recognizer->info().device != "cpu") {
    SKALD_RETURN_IF_ERROR(BenchmarkScorer(
        recognizer.get(), windows, benchmark, [](const ScorerTiming& timing) { return timing.features_s; },
        &result));
  } else {
    SKALD_ASSIGN_OR_RETURN(const FeatureOptions features,
                           FeaturesOfBundle(recognizer->bundle().manifest().features));
    SKALD_RETURN_IF_ERROR(BenchmarkFeatures(windows, features, benchmark, &result));
  }
  return result;
}

}  // namespace skald
