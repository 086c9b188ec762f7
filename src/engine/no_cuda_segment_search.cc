#include "engine/device_segment_search.h"

namespace skald {

StatusOr<ScoreRows> CopyToDevice(const ScoreRows&, int) {
  return Status::Unsupported("this build has no CUDA");
}

StatusOr<ScoreRows> CopyToHost(const ScoreRows& rows) { return rows; }

StatusOr<std::vector<std::unique_ptr<DeviceSegmentSearch>>> MakeCudaSegmentSearches(
    const GraphImage&, const SearchOptions&, const DeviceSearchShape&, int, int, const BoostAutomaton*) {
  return Status::Unsupported("this build has no CUDA");
}

}  // namespace skald
