#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <variant>
#include <vector>

#include "engine/pipeline_state.h"

namespace skald {

/// What a worker is to do next: nothing more (monostate), search a segment, or score a batch of windows.
using Task = std::variant<std::monostate, SegmentJob, std::vector<WindowJob>>;

/// Hands tasks to workers. Searches go first, since they free memory; windows wait in a bounded queue that
/// makes the readers wait in turn. Thread safe.
class Scheduler {
 public:
  /// `max_waiting_windows` bounds the queue, `max_batch_samples` a batch, `scoring_workers` share what waits.
  Scheduler(size_t max_waiting_windows, size_t max_batch_samples, size_t scoring_workers);

  /// Blocks while the queue is full.
  void PushWindow(WindowJob job);
  void PushSegment(SegmentJob job);
  /// No more windows will come.
  void CloseWindows();
  /// A task that Next() handed out is done, with all segments that it gave rise to pushed.
  void Done();

  /// Waits for a task; monostate when all work is done. Where not `can_score`, only segments and monostate.
  Task Next(bool can_score);

 private:
  std::vector<WindowJob> TakeBatch();

  const size_t max_waiting_windows_, max_batch_samples_, scoring_workers_;
  std::mutex mutex_;
  std::condition_variable room_, work_;
  std::deque<WindowJob> windows_;
  std::deque<SegmentJob> segments_;
  size_t running_ = 0;
  bool closed_ = false;
};

}  // namespace skald
