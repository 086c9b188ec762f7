#include "engine/occupancy_meter.h"

#include <algorithm>
#include <numeric>
#include <sys/resource.h>
#include <utility>

namespace skald {

const char* StageName(PipelineStage stage) {
  static constexpr std::array<const char*, kPipelineStages> kNames = {"read",   "features", "model",
                                                                      "search", "describe", "write"};
  return kNames[static_cast<size_t>(stage)];
}

double WorkerOccupancy::total_busy_s() const { return std::accumulate(busy_s.begin(), busy_s.end(), 0.0); }

double WorkerOccupancy::share(double wall_s) const {
  return wall_s > 0 && threads > 0 ? std::min(1.0, total_busy_s() / (wall_s * threads)) : 0;
}

double PipelineReport::busy_s(PipelineStage stage) const {
  double sum = 0;
  for (const WorkerOccupancy& worker : workers) sum += worker.busy(stage);
  return sum;
}

void OccupancyMeter::Add(const WorkerOccupancy& thread) {
  std::lock_guard lock(mutex_);
  const auto same = std::find_if(workers_.begin(), workers_.end(),
                                 [&](const WorkerOccupancy& other) { return other.name == thread.name; });
  if (same == workers_.end()) {
    workers_.push_back(thread);
    return;
  }
  same->threads += thread.threads;
  for (size_t stage = 0; stage < kPipelineStages; ++stage) same->busy_s[stage] += thread.busy_s[stage];
  same->waiting_for_input_s += thread.waiting_for_input_s;
  same->waiting_for_room_s += thread.waiting_for_room_s;
  same->device_s += thread.device_s;
}

std::vector<WorkerOccupancy> OccupancyMeter::workers() const {
  std::lock_guard lock(mutex_);
  return workers_;
}

void FillGauge::Set(int64_t fill) {
  const double now_s = watch_.Seconds();
  sum_ += static_cast<double>(fill_) * (now_s - last_s_);
  last_s_ = now_s;
  fill_ = fill;
  most_ = std::max(most_, fill);
}

QueueFill FillGauge::Reading(std::string name, std::string unit, int64_t capacity) const {
  const double now_s = watch_.Seconds();
  const double sum = sum_ + static_cast<double>(fill_) * (now_s - last_s_);
  return {std::move(name), std::move(unit), now_s > 0 ? sum / now_s : 0, most_, capacity};
}

double ProcessorSeconds() {
  rusage usage{};
  (void)::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace skald
