#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/view.h"
#include "models/bundle/bundle.h"
#include "models/layers/cpu/linear.h"
#include "models/layers/cpu/network_timing.h"

namespace skald {

/// Forward pass of a network on the CPU over packed windows. One call at a time.
class CpuNetwork {
 public:
  virtual ~CpuNetwork() = default;
  /// As AcousticModel::Run, arguments already checked.
  virtual Status Run(FeatureView features, std::span<const int64_t> window_feature_frames,
                     std::span<const MatrixView<float>> nll_per_head) = 0;
  const NetworkTiming& timing() const { return timing_; }

 protected:
  NetworkTiming timing_;
};

/// Makes the network that the bundle describes with the heads asked for. Failures name file and tensor.
StatusOr<std::unique_ptr<CpuNetwork>> MakeCpuNetwork(const Bundle& bundle,
                                                     const std::vector<std::string>& heads,
                                                     CpuPrecision precision, int threads);

}  // namespace skald
