#include "engine/scorer.h"

namespace skald {

StatusOr<std::unique_ptr<Scorer>> MakeCudaScorer(const Bundle&, const ScorerOptions&, int) {
  return Status::Unsupported("this build has no CUDA");
}

int UsableCudaDevices() { return 0; }

std::string DescribeDevice(int) { return "none"; }

std::vector<DeviceMemoryPart> DeviceMemoryParts() { return {}; }

}  // namespace skald
