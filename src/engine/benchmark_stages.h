#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/stopwatch.h"
#include "engine/benchmark.h"
#include "engine/recognizer.h"
#include "engine/scorer.h"
#include "frontend/segmentation/window_cutter.h"

namespace skald {

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

/// All samples of a file.
StatusOr<std::vector<float>> DecodeFile(const std::string& path);
StatusOr<std::vector<Window>> DecodeAll(const std::vector<std::string>& paths, const WindowOptions& options,
                                        double* audio_s);
/// Scores of all windows, in order, batch by batch.
Status ScoreAll(Scorer* scorer, const std::vector<Window>& windows, double batch_s,
                std::vector<ScoreRows>* scores, ScorerTiming* timing);

Status BenchmarkSearch(Recognizer* recognizer, const std::vector<Window>& windows,
                       const BenchmarkOptions& benchmark, BenchmarkResult* result);
Status BenchmarkPipeline(Recognizer* recognizer, const std::vector<std::string>& paths,
                         const BenchmarkOptions& benchmark, bool from_media, BenchmarkResult* result);

}  // namespace skald
