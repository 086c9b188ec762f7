#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engine/options.h"
#include "engine/pipeline_report.h"

namespace skald {

/// kPcm: the pipeline from samples in memory; kPipeline: from media files.
enum class BenchmarkStage { kMedia, kVad, kFeatures, kModel, kSearch, kPcm, kPipeline };

/// kInvalidArgument for names other than media, vad, features, model, search, pcm, pipeline.
StatusOr<BenchmarkStage> ParseBenchmarkStage(const std::string& name);

struct BenchmarkOptions {
  int repeats = 5;  ///< timed runs; the median is what to quote
  int warm_up_runs = 1;
  /// Search, pcm and pipeline: every input this many times, so that few files fill a device.
  int copies = 1;
  /// Search: also on the CPU, and fail where the survivors differ.
  bool check = false;
};

/// Seconds of one stage over the same audio, run by run. On the CPU media, vad, features, model and search
/// run on one thread. On a device features and model are the seconds between events, search is wall time with
/// scores that lie on the device, raw lattices included. The pipelines run on all workers of the recognizer.
struct BenchmarkResult {
  std::string stage;
  double audio_s = 0;
  std::vector<double> run_s;  ///< sorted
  std::vector<std::pair<std::string, std::string>> details;
  std::optional<PipelineReport> occupancy;  ///< of the last run, where it was of a pipeline

  double median_s() const { return run_s[run_s.size() / 2]; }
  double times_real_time() const { return audio_s / median_s(); }
};

/// Measures one stage over files, with its inputs prepared beforehand and held in memory. Fails where a file
/// cannot be read or the recognizer cannot be made.
StatusOr<BenchmarkResult> RunBenchmark(BenchmarkStage stage, const std::vector<std::string>& paths,
                                       const RecognizerOptions& options, const BenchmarkOptions& benchmark);

}  // namespace skald
