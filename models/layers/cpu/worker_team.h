#pragma once

#include <atomic>
#include <cstdint>
#include <latch>
#include <memory>

#include "base/thread_pool.h"

namespace skald {

/// A fixed team of threads that shares loops: the calling thread and threads - 1 others. One loop at a time.
class WorkerTeam {
 public:
  /// `threads` of at least 1.
  explicit WorkerTeam(int threads) : size_(threads) {
    if (threads > 1) pool_ = std::make_unique<ThreadPool>(threads - 1);
  }

  int size() const { return size_; }

  /// Calls task(worker, i) for every i in [0, count), in rising order per worker, worker in [0, size());
  /// returns when all are done. Which worker gets which i is open: results must not depend on it.
  template <typename Task>
  void For(int64_t count, const Task& task) {
    if (size_ == 1 || count <= 1) {
      for (int64_t i = 0; i < count; ++i) task(0, i);
      return;
    }
    struct Loop {
      std::atomic<int64_t> next{0};
      int64_t count;
      const Task* task;
      std::latch done;
      void Work(int worker) {
        for (int64_t i = next++; i < count; i = next++) (*task)(worker, i);
      }
    };
    const int helpers = static_cast<int>(count < size_ ? count : size_) - 1;
    Loop loop{{}, count, &task, std::latch(helpers)};
    for (int worker = 1; worker <= helpers; ++worker) {
      pool_->Submit([&loop, worker] {
        loop.Work(worker);
        loop.done.count_down();
      });
    }
    loop.Work(0);
    loop.done.wait();
  }

 private:
  const int size_;
  std::unique_ptr<ThreadPool> pool_;
};

}  // namespace skald
