#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/cuda/device_buffer.h"

namespace skald {

/// A fixed number of equal slabs of device memory, each for the scores of one batch. A slab goes back to the
/// pool with the last owner of the rows in it, from any thread. The pool lives as long as any slab is lent.
class DeviceScorePool : public std::enable_shared_from_this<DeviceScorePool> {
 public:
  /// `slabs` of `floats` each on the current device; fewer where memory is short, none is an error of kind
  /// kDeviceOutOfMemory.
  static StatusOr<std::shared_ptr<DeviceScorePool>> Create(int slabs, size_t floats) {
    auto pool = std::shared_ptr<DeviceScorePool>(new DeviceScorePool());
    for (int i = 0; i < slabs; ++i) {
      auto slab = DeviceBuffer<float>::Create(floats, "scores");
      if (slab.status().code() == StatusCode::kDeviceOutOfMemory && i > 0) break;
      if (!slab.ok()) return slab.status();
      pool->free_.push_back(std::move(*slab));
    }
    pool->slabs_ = static_cast<int>(pool->free_.size());
    return pool;
  }

  /// A slab, or null where all are lent. Its floats are not initialised.
  std::shared_ptr<float> TryAcquire() {
    std::lock_guard lock(mutex_);
    if (free_.empty()) return nullptr;
    auto lent = std::make_shared<Lent>(shared_from_this(), std::move(free_.back()));
    free_.pop_back();
    return {lent, lent->slab.data()};
  }
  bool HasFree() const {
    std::lock_guard lock(mutex_);
    return !free_.empty();
  }
  int slabs() const { return slabs_; }

 private:
  struct Lent {
    Lent(std::shared_ptr<DeviceScorePool> pool_in, DeviceBuffer<float> slab_in)
        : pool(std::move(pool_in)), slab(std::move(slab_in)) {}
    Lent(const Lent&) = delete;
    ~Lent() {
      std::lock_guard lock(pool->mutex_);
      pool->free_.push_back(std::move(slab));
    }
    std::shared_ptr<DeviceScorePool> pool;
    DeviceBuffer<float> slab;
  };

  DeviceScorePool() = default;

  mutable std::mutex mutex_;
  std::vector<DeviceBuffer<float>> free_;
  int slabs_ = 0;
};

}  // namespace skald
