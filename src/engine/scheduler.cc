#include "engine/scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace skald {

Scheduler::Scheduler(const SchedulerLimits& limits, std::vector<int> search_devices, bool cpu_searches)
    : limits_(limits), cpu_searches_(cpu_searches), scoring_workers_(limits.scoring_workers) {
  for (const int device : search_devices) device_segments_[device];
}

void Scheduler::PushWindow(WindowJob job) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return windows_.size() < limits_.max_waiting_windows; });
  windows_.push_back(std::move(job));
  windows_fill_.Set(static_cast<int64_t>(windows_.size()));
  work_.notify_all();  // a worker that cannot score may be the one that waits
}

bool Scheduler::GiveUpScoring() {
  std::lock_guard lock(mutex_);
  if (scoring_workers_ == 1) return false;
  --scoring_workers_;
  return true;
}

void Scheduler::ReturnWindows(std::vector<WindowJob> windows) {
  std::lock_guard lock(mutex_);
  windows_.insert(windows_.begin(), std::make_move_iterator(windows.begin()),
                  std::make_move_iterator(windows.end()));
  windows_fill_.Set(static_cast<int64_t>(windows_.size()));
  work_.notify_all();
}

void Scheduler::GiveUpSearching(int device) {
  std::lock_guard lock(mutex_);
  auto queue = device_segments_.extract(device);
  if (queue.empty()) return;  // another search of the device was there before
  for (SegmentJob& job : queue.mapped()) {
    std::deque<SegmentJob>& other = QueueFor(job.segment);
    other.push_back(std::move(job));
  }
  work_.notify_all();
}

std::deque<SegmentJob>& Scheduler::QueueFor(const ScoreSegment& segment) {
  std::map<int, int64_t> frames;  // by device that searches
  for (const ScoreRows& piece : segment.pieces) {
    if (piece.on_device && device_segments_.count(piece.device) != 0) frames[piece.device] += piece.frames();
  }
  if (!frames.empty()) {
    const auto most = std::max_element(frames.begin(), frames.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return device_segments_.at(most->first);
  }
  if (device_segments_.empty() || cpu_searches_) return segments_;
  return std::min_element(device_segments_.begin(), device_segments_.end(),
                          [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); })
      ->second;
}

void Scheduler::PushSegment(SegmentJob job) {
  std::lock_guard lock(mutex_);
  WaitingFramesBecome(waiting_frames_ + job.segment.frames());
  std::deque<SegmentJob>& queue = QueueFor(job.segment);
  queue.push_back(std::move(job));
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

bool Scheduler::NothingToSearch() const {
  return segments_.empty() && std::all_of(device_segments_.begin(), device_segments_.end(),
                                          [](const auto& queue) { return queue.second.empty(); });
}

bool Scheduler::MayScore(const Worker& worker) const {
  if (windows_.empty()) return false;
  if (NothingToSearch() && segments_searched_ == 0) return true;
  return waiting_frames_ < limits_.max_waiting_frames && (!worker.has_room || worker.has_room());
}

bool Scheduler::AllDone() const {
  return closed_ && windows_.empty() && NothingToSearch() && lattices_.empty() && running_ == 0;
}

Task Scheduler::Next(const Worker& worker, bool wait, WorkerOccupancy* occupancy) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (worker.kind != WorkerKind::kScorer) {
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
    if (worker.kind != WorkerKind::kSearcher && MayScore(worker)) {
      ++running_;
      std::vector<WindowJob> batch = TakeBatch(worker);
      room_.notify_all();
      return batch;
    }
    if (!wait || AllDone()) return std::monostate();
    WaitForWork(&lock, worker.kind != WorkerKind::kSearcher && !windows_.empty(), occupancy);
  }
}

std::vector<SegmentJob> Scheduler::NextDeviceSegments(int device, size_t most, bool wait,
                                                      WorkerOccupancy* occupancy) {
  std::vector<SegmentJob> jobs;
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto queue = device_segments_.find(device);
    if (queue == device_segments_.end()) return jobs;  // it gave up
    while (jobs.size() < most && !queue->second.empty() && lattices_.size() < limits_.max_waiting_lattices) {
      jobs.push_back(TakeSegment(&queue->second));
    }
    if (!jobs.empty() || !wait || AllDone()) return jobs;
    WaitForWork(&lock, !queue->second.empty(), occupancy);
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

std::vector<WindowJob> Scheduler::TakeBatch(const Worker& worker) {
  // No worker takes more than its share, so that the others find something too.
  const size_t share = (windows_.size() + scoring_workers_ - 1) / scoring_workers_;
  const size_t max_samples = std::min(limits_.max_batch_samples, worker.max_batch_samples);
  std::vector<WindowJob> batch;
  size_t samples = 0;
  while (!windows_.empty() && batch.size() < share) {
    const size_t next = windows_.front().window.samples.size();
    if (!batch.empty() && samples + next > max_samples) break;
    samples += next;
    batch.push_back(std::move(windows_.front()));
    windows_.pop_front();
  }
  windows_fill_.Set(static_cast<int64_t>(windows_.size()));
  return batch;
}

}  // namespace skald
