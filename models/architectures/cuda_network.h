#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/cuda/device_context.h"
#include "base/status.h"
#include "base/view.h"
#include "kernels/nn/element_type.h"
#include "models/bundle/bundle.h"

namespace skald {

/// Sizes that bound the batches of a network on a device.
struct CudaNetworkLimits {
  int64_t feature_frames = 0;         ///< of a batch
  int windows = 0;                    ///< of a batch
  int64_t window_feature_frames = 0;  ///< of a window
};

/// Forward pass of a network on a CUDA device over packed windows. Activations are of one type; the residual
/// stream, sums, norms, softmax and the heads are f32. Making one allocates everything for the limits; Run
/// queues small copies and kernels on the caller's stream.
class CudaNetwork {
 public:
  virtual ~CudaNetwork() = default;
  /// As CudaAcousticModel::Run, arguments already checked.
  virtual Status Run(DeviceContext context, FeatureView features,
                     std::span<const int64_t> window_feature_frames,
                     std::span<const MatrixView<float>> nll_per_head) = 0;
};

/// Makes the network that the bundle describes with the heads asked for.
StatusOr<std::unique_ptr<CudaNetwork>> MakeCudaNetwork(DeviceContext context, const Bundle& bundle,
                                                       const std::vector<std::string>& heads,
                                                       ElementType type, const CudaNetworkLimits& limits);

}  // namespace skald
