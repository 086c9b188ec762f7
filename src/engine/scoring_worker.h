#pragma once

#include <deque>
#include <span>
#include <vector>

#include "engine/pipeline_state.h"
#include "engine/result_collector.h"
#include "engine/scheduler.h"
#include "engine/scorer.h"

namespace skald {

/// Takes batches of windows through a scorer, up to max_begun() at once, and their scores to the streams'
/// stitchers and endpointers. Belongs to one thread.
class ScoringWorker {
 public:
  ScoringWorker(Scorer* scorer, Scheduler* scheduler, ResultCollector* results, WorkerOccupancy* occupancy)
      : scorer_(scorer), scheduler_(scheduler), results_(results), occupancy_(occupancy) {}

  /// No batch is begun.
  bool idle() const { return begun_.empty(); }
  /// Not ok: its device failed, or has no memory even for one window, while others can go on; it gave its
  /// windows back and must not be used any more.
  const Status& lost() const { return lost_; }
  /// Begins a batch; where that makes max_begun(), finishes the oldest.
  void Begin(std::vector<WindowJob> windows);
  /// Finishes the oldest batch. Where the device's memory is short, in pieces.
  void FinishOldest();

 private:
  /// A batch that the scorer has, or would not take.
  struct Batch {
    std::vector<WindowJob> jobs;
    std::vector<WindowInput> views;
    Status begun;
  };

  bool GiveUp(Batch* batch, const Status& status);
  void Return(Batch* batch);
  Status ScoreInPieces(std::span<const WindowInput> views, std::vector<ScoreRows>* scores,
                       ScorerTiming* timing);
  void Deliver(const Batch& batch, const Status& status, std::vector<ScoreRows> scores,
               const ScorerTiming& timing);

  Scorer* const scorer_;
  Scheduler* const scheduler_;
  ResultCollector* const results_;
  WorkerOccupancy* const occupancy_;
  std::deque<Batch> begun_;
  Status lost_;
};

}  // namespace skald
