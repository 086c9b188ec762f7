#include "engine/scheduler.h"

#include <algorithm>
#include <utility>

namespace skald {

Scheduler::Scheduler(const SchedulerLimits& limits, bool device_searches, std::function<bool()> has_room)
    : limits_(limits), device_searches_(device_searches), has_room_(std::move(has_room)) {}

void Scheduler::PushWindow(WindowJob job) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return windows_.size() < limits_.max_waiting_windows; });
  windows_.push_back(std::move(job));
  windows_fill_.Set(static_cast<int64_t>(windows_.size()));
  work_.notify_all();  // a worker that cannot score may be the one that waits
}

void Scheduler::PushSegment(SegmentJob job) {
  std::lock_guard lock(mutex_);
  WaitingFramesBecome(waiting_frames_ + job.segment.frames());
  (device_searches_ ? device_segments_ : segments_).push_back(std::move(job));
  work_.notify_all();
}

void Scheduler::PushSegmentForCpu(SegmentJob job) {
  std::lock_guard lock(mutex_);
  WaitingFramesBecome(waiting_frames_ + job.segment.frames());
  segments_.push_back(std::move(job));
  work_.notify_all();
}

void Scheduler::PushLattice(LatticeJob job) {
  std::lock_guard lock(mutex_);
  lattices_.push_back(std::move(job));
  lattices_fill_.Set(static_cast<int64_t>(lattices_.size()));
  work_.notify_all();
}

void Scheduler::CloseWindows() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  work_.notify_all();
}

void Scheduler::ScoresReleased() {
  std::lock_guard lock(mutex_);
  --segments_searched_;
  work_.notify_all();
}

void Scheduler::Done() {
  std::lock_guard lock(mutex_);
  --running_;
  if (running_ == 0) work_.notify_all();
}

void Scheduler::WaitingFramesBecome(int64_t frames) {
  waiting_frames_ = frames;
  frames_fill_.Set(frames);
}

void Scheduler::WaitForWork(std::unique_lock<std::mutex>* lock, bool for_room, WorkerOccupancy* occupancy) {
  WorkerOccupancy nobody;
  if (occupancy == nullptr) occupancy = &nobody;
  SecondsTo waiting(for_room ? &occupancy->waiting_for_room_s : &occupancy->waiting_for_input_s);
  work_.wait(*lock);
}

std::vector<QueueFill> Scheduler::queues() const {
  std::lock_guard lock(mutex_);
  return {windows_fill_.Reading("windows to be scored", "windows",
                                static_cast<int64_t>(limits_.max_waiting_windows)),
          frames_fill_.Reading("scores to be searched", "frames", limits_.max_waiting_frames),
          lattices_fill_.Reading("lattices to be described", "segments",
                                 static_cast<int64_t>(limits_.max_waiting_lattices))};
}

bool Scheduler::MayScore() const {
  if (windows_.empty()) return false;
  if (segments_.empty() && device_segments_.empty() && segments_searched_ == 0) return true;
  return waiting_frames_ < limits_.max_waiting_frames && (!has_room_ || has_room_());
}

bool Scheduler::AllDone() const {
  return closed_ && windows_.empty() && segments_.empty() && device_segments_.empty() && lattices_.empty() &&
         running_ == 0;
}

Task Scheduler::Next(WorkerKind worker, bool wait, WorkerOccupancy* occupancy) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (worker != WorkerKind::kScorer) {
      if (!lattices_.empty()) {
        LatticeJob job = std::move(lattices_.front());
        lattices_.pop_front();
        lattices_fill_.Set(static_cast<int64_t>(lattices_.size()));
        ++running_;
        if (lattices_.size() + 1 == limits_.max_waiting_lattices) work_.notify_all();
        return job;
      }
      if (!segments_.empty()) return TakeSegment(&segments_);
    }
    if (worker != WorkerKind::kSearcher && MayScore()) {
      ++running_;
      std::vector<WindowJob> batch = TakeBatch();
      room_.notify_all();
      return batch;
    }
    if (!wait || AllDone()) return std::monostate();
    WaitForWork(&lock, worker != WorkerKind::kSearcher && !windows_.empty(), occupancy);
  }
}

std::vector<SegmentJob> Scheduler::NextDeviceSegments(size_t most, bool wait, WorkerOccupancy* occupancy) {
  std::vector<SegmentJob> jobs;
  std::unique_lock lock(mutex_);
  for (;;) {
    while (jobs.size() < most && !device_segments_.empty() &&
           lattices_.size() < limits_.max_waiting_lattices) {
      jobs.push_back(TakeSegment(&device_segments_));
    }
    if (!jobs.empty() || !wait || AllDone()) return jobs;
    WaitForWork(&lock, !device_segments_.empty(), occupancy);
  }
}

SegmentJob Scheduler::TakeSegment(std::deque<SegmentJob>* segments) {
  SegmentJob job = std::move(segments->front());
  segments->pop_front();
  WaitingFramesBecome(waiting_frames_ - job.segment.frames());
  ++segments_searched_;
  ++running_;
  return job;
}

std::vector<WindowJob> Scheduler::TakeBatch() {
  // No worker takes more than its share, so that the others find something too.
  const size_t share = (windows_.size() + limits_.scoring_workers - 1) / limits_.scoring_workers;
  std::vector<WindowJob> batch;
  size_t samples = 0;
  while (!windows_.empty() && batch.size() < share) {
    const size_t next = windows_.front().window.samples.size();
    if (!batch.empty() && samples + next > limits_.max_batch_samples) break;
    samples += next;
    batch.push_back(std::move(windows_.front()));
    windows_.pop_front();
  }
  windows_fill_.Set(static_cast<int64_t>(windows_.size()));
  return batch;
}

}  // namespace skald
