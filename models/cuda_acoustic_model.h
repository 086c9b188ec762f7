#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/cuda/device_context.h"
#include "base/status.h"
#include "base/view.h"
#include "models/acoustic_model.h"
#include "models/bundle/bundle.h"

namespace skald {

struct CudaAcousticModelOptions {
  /// kAuto is f16; kInt8 is not supported.
  Precision precision = Precision::kAuto;
  /// As AcousticModelOptions::heads.
  std::vector<std::string> heads;
  /// Largest batch. Larger ones keep the device busier; device memory is about 20 KiB (f16) or 32 KiB (f32) a
  /// feature frame.
  int64_t max_batch_feature_frames = 60000;
  int max_batch_windows = 256;
  /// Longest window; 0: what the model allows.
  int64_t max_window_feature_frames = 0;
};

/// AcousticModel on a CUDA device: the same shapes with device memory. Loading allocates everything and
/// waits; Run only queues. Scores agree with the CPU's to rounding. Algorithms are chosen at loading and do
/// not depend on the batch. One Run at a time, all on streams of one device that are ordered among each
/// other.
class CudaAcousticModel {
 public:
  static StatusOr<std::unique_ptr<CudaAcousticModel>> Load(DeviceContext context, const Bundle& bundle,
                                                           const CudaAcousticModelOptions& options);
  virtual ~CudaAcousticModel() = default;

  virtual int64_t ScoreFrames(int64_t feature_frames) const = 0;
  virtual double frame_shift_s() const = 0;
  virtual int64_t max_window_feature_frames() const = 0;
  virtual int64_t max_batch_feature_frames() const = 0;
  virtual int max_batch_windows() const = 0;
  virtual int feature_bins() const = 0;
  virtual const std::vector<std::string>& heads() const = 0;
  virtual int Units(size_t head) const = 0;
  virtual Precision precision() const = 0;

  /// Queues the scoring of a packed batch, arguments as AcousticModel::Run with features and nll_per_head on
  /// the device. kInvalidArgument where a shape is wrong or a limit exceeded; kDeviceError,
  /// kDeviceOutOfMemory. Waits only where more than 4 calls are queued. Allocates no device memory.
  virtual Status Run(DeviceContext context, FeatureView features,
                     std::span<const int64_t> window_feature_frames,
                     std::span<const MatrixView<float>> nll_per_head) = 0;
};

}  // namespace skald
