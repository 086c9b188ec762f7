#include "engine/pipeline.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "base/check.h"
#include "engine/input_reader.h"
#include "engine/result_collector.h"
#include "engine/scheduler.h"
#include "engine/scoring_worker.h"
#include "engine/search_worker.h"

namespace skald {
namespace {

/// Scores that wait for a search at most, half a GiB.
constexpr int64_t kMaxWaitingScores = int64_t{1} << 27;

SchedulerLimits LimitsOf(const PipelineContext& context) {
  const RecognizerOptions& options = context.options;
  SchedulerLimits limits;
  limits.scoring_workers = context.scorers.size();
  // Short files average some seconds.
  limits.max_waiting_windows =
      4 * context.scorers.size() * static_cast<size_t>(std::max(1.0, options.batch_s / 4.0));
  limits.max_batch_samples = static_cast<size_t>(options.batch_s * kSampleRateHz);
  limits.max_waiting_frames =
      kMaxWaitingScores / std::max<int64_t>(1, context.scorers.front()->shape().units);
  return limits;
}

/// Does what the scheduler gives until all work is done. `scorer` null: searches and describes only.
void Work(const PipelineContext& context, Scorer* scorer, const LatticeReader& reader, Scheduler* scheduler,
          ResultCollector* results) {
  // A scorer that works ahead is a device's: its thread shall not be late for it.
  const WorkerKind kind = scorer == nullptr         ? WorkerKind::kSearcher
                          : scorer->max_begun() > 1 ? WorkerKind::kScorer
                                                    : WorkerKind::kBoth;
  ScoringWorker scoring(scorer, scheduler, results);
  SearchWorker search(context, reader, scheduler);
  for (;;) {
    Task task = scheduler->Next(kind, scoring.idle());
    if (auto* lattice = std::get_if<LatticeJob>(&task)) {
      reader.Describe(lattice);
      scheduler->Done();
    } else if (auto* segment = std::get_if<SegmentJob>(&task)) {
      search.Search(segment);
      scheduler->Done();
    } else if (auto* windows = std::get_if<std::vector<WindowJob>>(&task)) {
      scoring.Begin(std::move(*windows));
    } else if (!scoring.idle()) {
      scoring.FinishOldest();
    } else {
      return;
    }
  }
}

}  // namespace

void RunPipeline(const PipelineContext& context, const std::vector<std::string>& paths,
                 const MediaOptions& media, const ResultSink& sink, const ProgressSink& progress) {
  if (paths.empty()) return;
  size_t next = 0;
  const auto inputs = [&]() -> std::optional<std::string> {
    if (next == paths.size()) return std::nullopt;
    return paths[next++];
  };
  RunPipeline(context, inputs, static_cast<int64_t>(paths.size()), media, sink, progress);
}

void RunPipeline(const PipelineContext& context, const InputSource& inputs, int64_t files,
                 const MediaOptions& media, const ResultSink& sink, const ProgressSink& progress) {
  SKALD_CHECK(context.search_workers > 0 || context.scorers.front()->max_begun() == 1,
              "nobody is there to describe lattices");
  Scheduler scheduler(LimitsOf(context), !context.device_searches.empty(), [&context] {
    return std::all_of(context.scorers.begin(), context.scorers.end(),
                       [](const auto& scorer) { return scorer->HasRoom(); });
  });
  ResultCollector results(context, inputs, files, sink, progress);
  const LatticeReader lattices(context, &results);
  InputReader reader(context, media, &scheduler, &results);

  std::vector<std::thread> workers;
  const auto work = [&](Scorer* scorer) {
    workers.emplace_back([&, scorer] { Work(context, scorer, lattices, &scheduler, &results); });
  };
  for (const auto& scorer : context.scorers) work(scorer.get());
  for (int i = 0; i < context.search_workers; ++i) work(nullptr);
  for (const auto& search : context.device_searches) {
    workers.emplace_back([&, device = search.get()] { SearchOnDevice(device, &scheduler); });
  }
  std::vector<std::thread> readers;
  for (size_t i = 0; i < std::max<size_t>(2, workers.size() / 2); ++i) {
    readers.emplace_back([&] { reader.Run(); });
  }
  for (std::thread& thread : readers) thread.join();
  scheduler.CloseWindows();
  for (std::thread& thread : workers) thread.join();
}

}  // namespace skald
