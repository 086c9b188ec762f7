#include "engine/pipeline.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/stopwatch.h"
#include "engine/device_list.h"
#include "engine/input_reader.h"
#include "engine/occupancy_meter.h"
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

std::vector<int> SearchDevices(const PipelineContext& context) {
  std::vector<int> devices;
  for (const auto& search : context.device_searches) devices.push_back(search->device());
  return devices;
}

/// Whether the CPU scores beside devices: then it searches what it scored.
bool CpuSearches(const PipelineContext& context) {
  const auto on_cpu = [](const auto& scorer) { return scorer->shape().device == kCpuDevice; };
  return std::any_of(context.scorers.begin(), context.scorers.end(), on_cpu) &&
         !std::all_of(context.scorers.begin(), context.scorers.end(), on_cpu);
}

/// What the threads of a run share.
class Run {
 public:
  Run(const PipelineContext& context, const InputSource& inputs, int64_t files, const MediaOptions& media,
      const ResultSink& sink, const ProgressSink& progress)
      : context_(context),
        scheduler_(LimitsOf(context), SearchDevices(context), CpuSearches(context)),
        results_(context, inputs, files, sink, progress),
        segments_(context, &results_),
        reader_(context, media, &scheduler_, &results_) {}

  PipelineReport Execute() {
    const Stopwatch watch;
    const double processor_s_before = ProcessorSeconds();
    std::vector<std::thread> readers, workers, writers;
    for (const auto& scorer : context_.scorers) {
      Start(&workers, DeviceName(scorer->shape().device),
            [this, s = scorer.get()](WorkerOccupancy* counted) { Work(s, counted); });
    }
    for (int i = 0; i < context_.search_workers; ++i) {
      Start(&workers, "cpu search", [this](WorkerOccupancy* counted) { Work(nullptr, counted); });
    }
    for (const auto& search : context_.device_searches) {
      Start(&workers, DeviceName(search->device()) + " search",
            [this, s = search.get()](WorkerOccupancy* counted) {
              NoteLoss(s->device(), "searches", SearchOnDevice(s, &scheduler_, counted));
            });
    }
    for (int i = 0; i < context_.writers; ++i) {
      Start(&writers, "writers", [this](WorkerOccupancy* counted) { results_.Deliver(counted); });
    }
    for (size_t i = 0; i < std::max<size_t>(2, workers.size() / 2); ++i) {
      Start(&readers, "readers", [this](WorkerOccupancy* counted) { reader_.Run(counted); });
    }
    for (std::thread& thread : readers) thread.join();
    scheduler_.CloseWindows();
    for (std::thread& thread : workers) thread.join();
    results_.Close();
    for (std::thread& thread : writers) thread.join();

    PipelineReport report;
    report.wall_s = watch.Seconds();
    report.processor_s = ProcessorSeconds() - processor_s_before;
    report.workers = meter_.workers();
    report.queues = scheduler_.queues();
    report.notes = std::move(notes_);
    report.device_memory = DeviceMemoryParts();
    results_.Describe(&report);
    return report;
  }

 private:
  /// A thread whose body counts what it does under `name`.
  template <typename Body>
  void Start(std::vector<std::thread>* threads, const std::string& name, Body body) {
    WorkerOccupancy counted;
    counted.name = name;
    meter_.Add(counted);  // groups are reported in the order in which they start
    counted.threads = 1;
    threads->emplace_back([this, counted, body]() mutable {
      body(&counted);
      meter_.Add(counted);
    });
  }

  /// Does what the scheduler gives until all work is done. `scorer` null: searches and describes only.
  void Work(Scorer* scorer, WorkerOccupancy* counted) {
    // A scorer that works ahead is a device's: its thread shall not be late for it.
    Worker worker = scorer == nullptr         ? WorkerKind::kSearcher
                    : scorer->max_begun() > 1 ? WorkerKind::kScorer
                                              : WorkerKind::kBoth;
    if (scorer != nullptr) {
      worker.has_room = [scorer] { return scorer->HasRoom(); };
      const double batch_s = scorer->shape().max_batch_s;
      if (batch_s > 0) worker.max_batch_samples = static_cast<size_t>(batch_s * kSampleRateHz);
    }
    ScoringWorker scoring(scorer, &scheduler_, &results_, counted);
    SearchWorker search(context_, segments_, &scheduler_, counted);
    for (;;) {
      if (!scoring.lost().ok()) return NoteLoss(scorer->shape().device, "scores", scoring.lost());
      Task task = scheduler_.Next(worker, scoring.idle(), counted);
      if (auto* lattice = std::get_if<LatticeJob>(&task)) {
        segments_.Describe(lattice, counted);
        scheduler_.Done();
      } else if (auto* segment = std::get_if<SegmentJob>(&task)) {
        search.Search(segment);
        scheduler_.Done();
      } else if (auto* windows = std::get_if<std::vector<WindowJob>>(&task)) {
        scoring.Begin(std::move(*windows));
      } else if (!scoring.idle()) {
        scoring.FinishOldest();
      } else {
        return;
      }
    }
  }

  void NoteLoss(int device, const char* what, const Status& status) {
    if (status.ok()) return;
    std::lock_guard lock(notes_mutex_);
    notes_.push_back(DeviceName(device) + " " + what + " no more, others go on: " + status.ToString());
  }

  const PipelineContext& context_;
  std::mutex notes_mutex_;
  std::vector<std::string> notes_;  // guarded by notes_mutex_
  OccupancyMeter meter_;
  Scheduler scheduler_;
  ResultCollector results_;
  const SegmentReader segments_;
  InputReader reader_;
};

}  // namespace

PipelineReport RunPipeline(const PipelineContext& context, const std::vector<std::string>& paths,
                           const MediaOptions& media, const ResultSink& sink, const ProgressSink& progress) {
  if (paths.empty()) return {};
  size_t next = 0;
  const auto inputs = [&]() -> std::optional<std::string> {
    if (next == paths.size()) return std::nullopt;
    return paths[next++];
  };
  return RunPipeline(context, inputs, static_cast<int64_t>(paths.size()), media, sink, progress);
}

PipelineReport RunPipeline(const PipelineContext& context, const InputSource& inputs, int64_t files,
                           const MediaOptions& media, const ResultSink& sink, const ProgressSink& progress) {
  SKALD_CHECK(context.search_workers > 0 || context.scorers.front()->max_begun() == 1,
              "nobody is there to describe lattices");
  SKALD_CHECK(context.writers > 0, "nobody is there to deliver results");
  return Run(context, inputs, files, media, sink, progress).Execute();
}

}  // namespace skald
