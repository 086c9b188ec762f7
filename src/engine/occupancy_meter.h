#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "base/stopwatch.h"
#include "engine/pipeline_report.h"

namespace skald {

/// Adds the seconds until its end to `sum`.
class SecondsTo {
 public:
  explicit SecondsTo(double* sum) : sum_(sum) {}
  SecondsTo(const SecondsTo&) = delete;
  ~SecondsTo() { *sum_ += watch_.Seconds(); }

 private:
  double* const sum_;
  const Stopwatch watch_;
};

/// Collects what threads did. Each counts in a WorkerOccupancy of its own and hands it in at its end. Thread
/// safe.
class OccupancyMeter {
 public:
  void Add(const WorkerOccupancy& thread);
  /// One for each name, in the order in which the names came.
  std::vector<WorkerOccupancy> workers() const;

 private:
  mutable std::mutex mutex_;
  std::vector<WorkerOccupancy> workers_;
};

/// Remembers how full a queue was. Not thread safe: the queue's lock guards it.
class FillGauge {
 public:
  void Set(int64_t fill);
  QueueFill Reading(std::string name, std::string unit, int64_t capacity) const;

 private:
  Stopwatch watch_;
  double last_s_ = 0;
  double sum_ = 0;  // fill times seconds, until last_s_
  int64_t fill_ = 0;
  int64_t most_ = 0;
};

/// Processor seconds of this process, all threads.
double ProcessorSeconds();

}  // namespace skald
