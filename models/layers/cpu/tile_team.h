#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/status.h"
#include "models/layers/cpu/linear.h"
#include "models/layers/cpu/worker_team.h"

namespace skald {

/// `rows` rounded up to whole tiles: what a matrix that tiles of linear layers write to must have room for.
inline int64_t PaddedRows(int64_t rows) {
  return (rows + kLinearRowTile - 1) / kLinearRowTile * kLinearRowTile;
}

/// Makes `values` at least `rows` padded rows of `width` large; it never shrinks.
inline void GrowRows(std::vector<float>* values, int64_t rows, int64_t width) {
  const auto size = static_cast<size_t>(PaddedRows(rows) * width);
  if (values->size() < size) values->resize(size);
}

/// Window that holds a packed row; `starts` [windows + 1] are the first packed rows and the end.
inline size_t WindowOf(const std::vector<int64_t>& starts, int64_t row) {
  return static_cast<size_t>(std::upper_bound(starts.begin(), starts.end(), row) - starts.begin()) - 1;
}

/// What one worker needs to run a tile of kLinearRowTile rows through several layers.
struct TileScratch {
  CpuLinearScratch linear;
  std::vector<float> narrow;  ///< inputs of products
  std::vector<float> wide;    ///< outputs of products
};

/// A worker team with scratch memory for each worker. One call at a time.
class TileTeam {
 public:
  explicit TileTeam(int threads) : team_(threads), workers_(static_cast<size_t>(threads)) {}

  int size() const { return team_.size(); }
  WorkerTeam* team() { return &team_; }

  /// Makes room for tiles of `narrow` input and `wide` output columns, and for these layers.
  void Prepare(int64_t narrow, int64_t wide, const std::vector<const CpuLinear*>& layers) {
    for (Worker& worker : workers_) {
      GrowRows(&worker.scratch.narrow, kLinearRowTile, narrow);
      GrowRows(&worker.scratch.wide, kLinearRowTile, wide);
      for (const CpuLinear* layer : layers) layer->Prepare(&worker.scratch.linear);
    }
  }

  /// Calls `task(worker, scratch, first row, rows)` -> Status for every tile of `rows` packed rows; the last
  /// one may have fewer. Returns a failure where there is one.
  template <typename Task>
  Status ForTiles(int64_t rows, const Task& task) {
    return For((rows + kLinearRowTile - 1) / kLinearRowTile,
               [&](int worker, TileScratch* scratch, int64_t tile) {
                 const int64_t first = tile * kLinearRowTile;
                 return task(worker, scratch, first, std::min<int64_t>(kLinearRowTile, rows - first));
               });
  }

  /// Calls `task(worker, scratch, i)` -> Status for every i below `count`.
  template <typename Task>
  Status For(int64_t count, const Task& task) {
    team_.For(count, [&](int index, int64_t i) {
      Worker& worker = workers_[static_cast<size_t>(index)];
      if (worker.status.ok()) worker.status = task(index, &worker.scratch, i);
    });
    Status result;
    for (Worker& worker : workers_) {
      if (!worker.status.ok()) result = std::exchange(worker.status, Status::Ok());
    }
    return result;
  }

 private:
  struct Worker {
    TileScratch scratch;
    Status status;
  };
  WorkerTeam team_;
  std::vector<Worker> workers_;
};

}  // namespace skald
