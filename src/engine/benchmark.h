#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "engine/options.h"
#include "frontend/media/media_reader.h"

namespace skald {

enum class BenchmarkStage { kMedia, kFeatures, kModel, kSearch, kPipeline };

/// kInvalidArgument for names other than media, features, model, search, pipeline.
StatusOr<BenchmarkStage> ParseBenchmarkStage(const std::string& name);

struct BenchmarkOptions {
  int repeats = 5;  ///< timed runs; the median is what to quote
  int warm_up_runs = 1;
};

/// Seconds of one stage over the same audio, run by run. Media, features, model and search run on one thread,
/// the pipeline on all workers of the recognizer.
struct BenchmarkResult {
  std::string stage;
  double audio_s = 0;
  std::vector<double> run_s;  ///< sorted
  std::vector<std::pair<std::string, std::string>> details;

  double median_s() const { return run_s[run_s.size() / 2]; }
  double times_real_time() const { return audio_s / median_s(); }
};

/// Measures one stage over files, with its inputs prepared beforehand and held in memory. Fails where a file
/// cannot be read or the recognizer cannot be made.
StatusOr<BenchmarkResult> RunBenchmark(BenchmarkStage stage, const std::vector<std::string>& paths,
                                       const RecognizerOptions& options, const BenchmarkOptions& benchmark);

}  // namespace skald
