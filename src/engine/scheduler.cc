#include "engine/scheduler.h"

#include <algorithm>
#include <utility>

namespace skald {

Scheduler::Scheduler(size_t max_waiting_windows, size_t max_batch_samples, size_t scoring_workers)
    : max_waiting_windows_(max_waiting_windows),
      max_batch_samples_(max_batch_samples),
      scoring_workers_(std::max<size_t>(1, scoring_workers)) {}

void Scheduler::PushWindow(WindowJob job) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return windows_.size() < max_waiting_windows_; });
  windows_.push_back(std::move(job));
  work_.notify_one();
}

void Scheduler::PushSegment(SegmentJob job) {
  std::lock_guard lock(mutex_);
  segments_.push_back(std::move(job));
  work_.notify_all();  // a worker that cannot score may be the one that waits
}

void Scheduler::CloseWindows() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  work_.notify_all();
}

void Scheduler::Done() {
  std::lock_guard lock(mutex_);
  --running_;
  if (running_ == 0) work_.notify_all();
}

Task Scheduler::Next(bool can_score) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!segments_.empty()) {
      SegmentJob job = std::move(segments_.front());
      segments_.pop_front();
      ++running_;
      return job;
    }
    if (can_score && !windows_.empty()) {
      ++running_;
      std::vector<WindowJob> batch = TakeBatch();
      room_.notify_all();
      return batch;
    }
    if (closed_ && windows_.empty() && running_ == 0) return std::monostate();
    work_.wait(lock);
  }
}

std::vector<WindowJob> Scheduler::TakeBatch() {
  // No worker takes more than its share, so that the others find something too.
  const size_t share = (windows_.size() + scoring_workers_ - 1) / scoring_workers_;
  std::vector<WindowJob> batch;
  size_t samples = 0;
  while (!windows_.empty() && batch.size() < share) {
    const size_t next = windows_.front().window.samples.size();
    if (!batch.empty() && samples + next > max_batch_samples_) break;
    samples += next;
    batch.push_back(std::move(windows_.front()));
    windows_.pop_front();
  }
  return batch;
}

}  // namespace skald
