#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <limits>
#include <map>
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

/// Who asks for work.
struct Worker {
  Worker(WorkerKind kind_in) : kind(kind_in) {}  // NOLINT: a kind is a worker
  WorkerKind kind;
  /// Less than SchedulerLimits::max_batch_samples, where its scorer takes less.
  size_t max_batch_samples = std::numeric_limits<size_t>::max();
  /// Whether the scores of a batch find room on its device; empty: always. Any thread may ask.
  std::function<bool()> has_room;
};

/// Hands tasks to workers. What frees memory goes first: lattices, then segments, then windows, which wait in
/// a bounded queue that makes the readers wait in turn.
///
/// Scores may lie in memory of fixed size. While a worker's `has_room` says that there is none, it gets no
/// windows until searches under way give theirs back. Where no segment is waiting or being searched, waiting
/// would not help (open segments hold all the memory): then windows are scored nevertheless, and the scorer
/// puts their scores elsewhere. So no order of windows can lock the pipeline up.
///
/// Segments go to the device where most of their scores lie, so that whoever scores more searches more; those
/// with scores on the host, to the CPU where it is to search, else to the device with the least to do. A
/// worker or a device that fails gives back what it had, for the others. Thread safe.
class Scheduler {
 public:
  /// `search_devices` have a NextDeviceSegments each. None: the CPU searches all. `cpu_searches`: also where
  /// there are some, segments with scores on the host.
  explicit Scheduler(const SchedulerLimits& limits, std::vector<int> search_devices = {},
                     bool cpu_searches = false);

  /// Blocks while the queue is full.
  void PushWindow(WindowJob job);
  /// A worker will score no more. Refused (false) where it is the last one that scores.
  bool GiveUpScoring();
  /// Takes back windows that were handed out and not scored, in their order. Before Done.
  void ReturnWindows(std::vector<WindowJob> windows);
  /// A device will search no more: its segments go to others.
  void GiveUpSearching(int device);
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
  Task Next(const Worker& worker, bool wait = true, WorkerOccupancy* occupancy = nullptr);
  /// Up to `most` segments for one of the search devices. Where `wait`, waits for the first, and none means
  /// that all work is done.
  std::vector<SegmentJob> NextDeviceSegments(int device, size_t most, bool wait,
                                             WorkerOccupancy* occupancy = nullptr);

  /// How full the queues were.
  std::vector<QueueFill> queues() const;

 private:
  void WaitForWork(std::unique_lock<std::mutex>* lock, bool for_room, WorkerOccupancy* occupancy);
  void WaitingFramesBecome(int64_t frames);
  std::deque<SegmentJob>& QueueFor(const ScoreSegment& segment);
  bool NothingToSearch() const;
  bool MayScore(const Worker& worker) const;
  bool AllDone() const;
  SegmentJob TakeSegment(std::deque<SegmentJob>* segments);
  std::vector<WindowJob> TakeBatch(const Worker& worker);

  const SchedulerLimits limits_;
  const bool cpu_searches_;
  mutable std::mutex mutex_;
  std::condition_variable room_, work_;
  std::deque<WindowJob> windows_;
  std::deque<SegmentJob> segments_;
  std::map<int, std::deque<SegmentJob>> device_segments_;  // of the devices that search
  std::deque<LatticeJob> lattices_;
  int64_t waiting_frames_ = 0;    // of both kinds of segments
  size_t segments_searched_ = 0;  // that were handed out and hold scores
  size_t running_ = 0;
  size_t scoring_workers_;
  bool closed_ = false;
  FillGauge windows_fill_, frames_fill_, lattices_fill_;
};

}  // namespace skald
