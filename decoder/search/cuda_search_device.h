#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "decoder/search/cuda_beam_search.h"
#include "decoder/search/cuda_lanes.h"
#include "kernels/search/frame_search.h"

namespace skald {

/// Shared memory of a lane on this graph.
size_t SearchLaneSharedBytes(const GraphImage& graph, const CudaSearchShape& shape);

/// A launch and where it leaves its results, in pinned memory. The first `lane_work_count` items of its work
/// are searched by lanes, the rest by frames.
struct CudaSearchLaunch {
  PinnedBuffer<LaneWork> work;
  PinnedBuffer<LaneOutcome> outcomes;
  PinnedBuffer<uint64_t> output_bytes;
  PinnedBuffer<std::byte> output;
  cudaEvent_t done = nullptr;
  uint32_t work_count = 0;
  uint32_t lane_work_count = 0;
  bool in_flight = false;
  bool has_output = false;

  CudaSearchLaunch() = default;
  CudaSearchLaunch(const CudaSearchLaunch&) = delete;
  CudaSearchLaunch& operator=(const CudaSearchLaunch&) = delete;
  ~CudaSearchLaunch() {
    if (done != nullptr) (void)cudaEventDestroy(done);
  }

  Status Allocate(size_t channels, uint64_t bytes);
  Status GrowOutput(uint64_t bytes);
};

/// What CudaBeamSearch has on the device: memory of lanes and the tokens of channels, and the launches that
/// work on them. Channels whose frames outgrow the lanes have tokens of their own, and are searched frame by
/// frame with more of the device; they come back once their tokens fit. Not thread safe.
class CudaSearchDevice {
 public:
  static StatusOr<std::unique_ptr<CudaSearchDevice>> Create(DeviceContext context,
                                                            const CudaGraphImage& graph,
                                                            const SearchOptions& options,
                                                            const CudaSearchShape& shape);
  CudaSearchDevice(const CudaSearchDevice&) = delete;
  CudaSearchDevice& operator=(const CudaSearchDevice&) = delete;

  /// Whether the channel cannot be searched by lanes.
  bool IsOutgrown(uint32_t channel) const;

  /// Fills in where the channel's tokens are and shall be. No launch is in flight. Fails with
  /// kDeviceOutOfMemory.
  Status PlaceTokens(LaneWork* work, bool by_frames);
  /// The work is done; `count` tokens are where they should be.
  void TokensMoved(const LaneWork& work, uint32_t count);
  void ForgetTokens(uint32_t channel);

  Status Start(CudaSearchLaunch* launch);

  /// Makes room for frames that did not fit. Sets *to_frames where those that lanes could not hold are to be
  /// searched by frames. No launch is in flight. Fails with kDeviceOutOfMemory.
  Status Grow(const LaneCapacities& lanes_need, const LaneCapacities& frames_need, bool* to_frames);

  int lanes() const { return frames_only_ ? frame_lanes_.count() : lane_count_; }
  size_t lane_bytes() const { return frames_only_ ? frame_lanes_.lane_bytes() : lanes_.lane_bytes(); }
  size_t channel_bytes() const {
    return size_t{tokens_pitch_} * (sizeof(uint64_t) + sizeof(float)) + sizeof(ChannelState) +
           plan_.carried_bytes;
  }
  int64_t graph_launches() const { return frame_search_ ? frame_search_->graph_launches() : 0; }

 private:
  CudaSearchDevice(DeviceContext context, const CudaSearchShape& shape) : context_(context), shape_(shape) {}
  Status Initialise(const CudaGraphImage& graph, const SearchOptions& options);
  Status AllocateLanes(const LaneCapacities& capacities);
  Status AllocateFrameLanes(const LaneCapacities& capacities);
  Status CreateFrameSearch();

  /// Where a channel's tokens are between launches.
  struct ChannelTokens {
    uint32_t count = 0;
    bool outgrown = false;  ///< in `own`, else among those of all channels
    CudaTokens own, next_own;
  };

  DeviceContext context_;
  const CudaSearchShape shape_;
  bool frames_only_ = false;
  size_t lane_memory_limit_ = 0;
  int epsilon_ranks_ = 0;
  LaneSearchPlan plan_{};
  DeviceBuffer<ChannelState> channel_states_;
  DeviceBuffer<std::byte> carried_;  // [channels][plan_.carried_bytes]
  DeviceBuffer<LaneQueue> queue_;
  int lane_count_ = 0;  // what lanes_ has or should have
  CudaLanes lanes_;
  uint32_t tokens_pitch_ = 0;
  CudaTokens tokens_;  // [channels][tokens_pitch_]
  std::vector<ChannelTokens> channels_;
  CudaLanes frame_lanes_;
  DeviceBuffer<std::byte> frame_memory_;
  std::optional<FrameSearch> frame_search_;
};

}  // namespace skald
