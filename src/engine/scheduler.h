#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <variant>
#include <vector>

#include "engine/occupancy_meter.h"
#include "engine/pipeline_state.h"

namespace skald {

/// What a worker is to do next: nothing (monostate), describe a lattice, search a segment, or score a batch
/// of windows.
using Task = std::variant<std::monostate, LatticeJob, SegmentJob, std::vector<WindowJob>>;

/// How much the scheduler lets wait.
struct SchedulerLimits {
  size_t max_waiting_windows = 1;
  size_t max_batch_samples = 1;
  size_t scoring_workers = 1;  ///< they share the windows that wait
  /// Frames of segments that wait for a search; where there are more, no windows are scored.
  int64_t max_waiting_frames = 1 << 20;
  size_t max_waiting_lattices = 512;  ///< where there are more, no segments go to a device
};

/// What a worker is able to do.
enum class WorkerKind {
  kScorer,    ///< windows only
  kSearcher,  ///< lattices and segments
  kBoth,
};

/// Hands tasks to workers. What frees memory goes first: lattices, then segments, then windows, which wait in
/// a bounded queue that makes the readers wait in turn.
///
/// Scores may lie in memory of fixed size. While `has_room` says that there is none, windows wait for the
/// searches under way to give theirs back. Where no segment is waiting or being searched, waiting would not
/// help (open segments hold all the memory): then windows are scored nevertheless, and the scorer puts their
/// scores elsewhere. So no order of windows can lock the pipeline up. Thread safe.
class Scheduler {
 public:
  /// Where `device_searches`, segments are for NextDeviceSegments.
  explicit Scheduler(const SchedulerLimits& limits, bool device_searches = false,
                     std::function<bool()> has_room = {});

  /// Blocks while the queue is full.
  void PushWindow(WindowJob job);
  void PushSegment(SegmentJob job);
  /// For a CPU also where segments are for devices; its scores are on the host.
  void PushSegmentForCpu(SegmentJob job);
  void PushLattice(LatticeJob job);
  /// No more windows will come.
  void CloseWindows();
  /// A segment that was handed out gave back its scores. Before Done.
  void ScoresReleased();
  /// A task that was handed out is done, with all jobs that it gave rise to pushed. One call for each segment
  /// that NextDeviceSegments handed out.
  void Done();

  /// Waits for a task; monostate when all work is done. Where not `wait`, monostate also where there is
  /// nothing now.
  Task Next(WorkerKind worker, bool wait = true, WorkerOccupancy* occupancy = nullptr);
  /// Up to `most` segments for a device. Where `wait`, waits for the first, and none means that all work is
  /// done.
  std::vector<SegmentJob> NextDeviceSegments(size_t most, bool wait, WorkerOccupancy* occupancy = nullptr);

  /// How full the queues were.
  std::vector<QueueFill> queues() const;

 private:
  void WaitForWork(std::unique_lock<std::mutex>* lock, bool for_room, WorkerOccupancy* occupancy);
  void WaitingFramesBecome(int64_t frames);
  bool MayScore() const;
  bool AllDone() const;
  SegmentJob TakeSegment(std::deque<SegmentJob>* segments);
  std::vector<WindowJob> TakeBatch();

  const SchedulerLimits limits_;
  const bool device_searches_;
  const std::function<bool()> has_room_;
  mutable std::mutex mutex_;
  std::condition_variable room_, work_;
  std::deque<WindowJob> windows_;
  std::deque<SegmentJob> segments_, device_segments_;
  std::deque<LatticeJob> lattices_;
  int64_t waiting_frames_ = 0;    // of both kinds of segments
  size_t segments_searched_ = 0;  // that were handed out and hold scores
  size_t running_ = 0;
  bool closed_ = false;
  FillGauge windows_fill_, frames_fill_, lattices_fill_;
};

}  // namespace skald
