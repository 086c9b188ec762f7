#pragma once

#include <cstddef>
#include <memory>

#include "kernels/search/lane_search.h"

namespace skald {

/// How much of the device the frames of a lane are given.
struct FrameSearchShape {
  int lanes = 1;             ///< streams that are searched at the same time
  int blocks = 1;            ///< thread blocks of each
  int epsilon_launches = 1;  ///< epsilon ranks that all blocks follow; one block follows the rest. At least 0
  /// Frames of a graph launch. Larger: fewer launches, more idle ones at the end of a chunk.
  int frames_per_launch = 32;
};

/// The search of LaunchLaneSearch for few streams with very many tokens: every frame is made by several
/// thread blocks, in some kernels one after the other; what all blocks must have done before the next step
/// lies between two kernels. The kernels of frames_per_launch frames are one CUDA graph; counters on the
/// device say which row is next, so the host is asked for nothing. Move-only.
class FrameSearch {
 public:
  /// Kernels of a frame, besides the epsilon launches.
  static constexpr int kKernelsPerFrame = 9;

  /// Device memory that the search needs beside that of its lanes.
  static size_t MemoryBytes(int lanes);

  /// `memory`: MemoryBytes(shape.lanes) on the device, 256-byte aligned, which outlive the search.
  static StatusOr<FrameSearch> Create(DeviceContext context, const FrameSearchShape& shape,
                                      std::byte* memory);
  FrameSearch(FrameSearch&&) noexcept;
  FrameSearch& operator=(FrameSearch&&) noexcept;
  ~FrameSearch();  ///< no launch is in flight

  /// Searches the rows of the work items from number `first_work` on; those before are left to
  /// LaunchLaneSearch, after which it goes on with the output where there are any. The plan's shared memory
  /// is not used; its lane memory is that of `lanes` lanes. May be called again once the launch before is
  /// done.
  Status Launch(DeviceContext context, const LaneSearchPlan& plan, uint32_t first_work);

  const FrameSearchShape& shape() const;
  int64_t graph_launches() const;  ///< so far

 private:
  struct State;
  explicit FrameSearch(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace skald
