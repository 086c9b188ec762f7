#pragma once

#include <cstddef>
#include <cstdint>

#include "base/cuda/device_buffer.h"
#include "decoder/search/search_options.h"
#include "kernels/search/lane_search.h"

namespace skald {

/// What a lane is first given.
LaneCapacities InitialLaneCapacities(const SearchOptions& options);

/// `capacities` where they hold what is needed, else that with some to spare, so that a slowly growing
/// frontier does not ask again and again.
LaneCapacities EnlargedCapacities(const LaneCapacities& capacities, const LaneCapacities& needed);

/// The larger of each.
LaneCapacities LargerCapacities(const LaneCapacities& a, const LaneCapacities& b);

/// Device memory of lanes of equal size. Move-only.
class CudaLanes {
 public:
  /// Frees what there was first. Where there is not enough memory, fails with kDeviceOutOfMemory and has no
  /// lanes.
  Status Allocate(DeviceContext context, const LaneCapacities& capacities, int count);

  /// Frees the memory; capacities stay known.
  void Release() { memory_ = {}; }

  bool empty() const { return memory_.data() == nullptr; }
  int count() const { return count_; }
  const LaneCapacities& capacities() const { return capacities_; }
  size_t lane_bytes() const { return layout_.total; }
  void AddTo(LaneSearchPlan* plan) const;

 private:
  LaneCapacities capacities_;
  LaneLayout layout_{};
  int count_ = 0;
  DeviceBuffer<std::byte> memory_;
};

/// Tokens of channels between launches. Move-only.
struct CudaTokens {
  static StatusOr<CudaTokens> Create(size_t tokens);

  size_t size() const { return keys.size(); }
  DeviceBuffer<uint64_t> keys;
  DeviceBuffer<float> costs;
};

}  // namespace skald
