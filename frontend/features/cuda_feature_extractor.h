#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/cuda/device_context.h"
#include "base/status.h"
#include "base/view.h"
#include "frontend/features/feature_options.h"

namespace skald {

/// A window of audio inside packed samples. Windows may overlap and be in any order.
struct PackedWindow {
  int64_t first_sample = 0;
  int64_t samples = 0;
};

/// The features of FeatureExtractor on a CUDA device, for any number of windows of any lengths at once.
/// Move-only. Not thread safe: one object for each stream. Create and Setup allocate and wait; Run queues
/// work only: one copy to the device, one fused kernel, and for Whisper one more that clamps to each window's
/// maximum.
class CudaFeatureExtractor {
 public:
  /// Copies the tables to the device of `context`. Fails as FeatureOptions::Validate does; kUnsupported for
  /// an fft_size other than 400 and 512.
  static StatusOr<CudaFeatureExtractor> Create(DeviceContext context, const FeatureOptions& options);
  CudaFeatureExtractor(CudaFeatureExtractor&&) noexcept;
  CudaFeatureExtractor& operator=(CudaFeatureExtractor&&) noexcept;
  ~CudaFeatureExtractor();

  const FeatureOptions& options() const;
  /// Frames of a window of `samples` samples; 0 for an empty one.
  int64_t FrameCount(int64_t samples) const;
  /// Rows of all windows together.
  int64_t FrameCount(std::span<const PackedWindow> windows) const;
  /// Values of a frame.
  int bins() const;
  double frame_shift_s() const;

  /// Makes room for calls of Run with up to `max_windows` windows of `max_samples` samples altogether. Waits
  /// for earlier calls of Run. About 60 bytes of device memory for each window and for each 32 frames.
  Status Setup(DeviceContext context, int max_windows, int64_t max_samples);

  /// Features of all windows, one after the other, `features` [FrameCount(windows), bins()] on the device.
  /// `samples` on the device: floats in [-1, 1] or 16-bit integers (half the bytes to upload; x counts as x /
  /// 32768). kInvalidArgument where a window is outside of the samples or the windows exceed what Setup made
  /// room for. Deterministic: a window's result has the same bits whatever is computed along with it; it
  /// agrees with FeatureExtractor to rounding. Bad samples count as silence, as there. Waits only where more
  /// than 4 calls are queued.
  Status Run(DeviceContext context, std::span<const float> samples, std::span<const PackedWindow> windows,
             MatrixView<float> features);
  Status Run(DeviceContext context, std::span<const int16_t> samples, std::span<const PackedWindow> windows,
             MatrixView<float> features);

 private:
  struct State;
  explicit CudaFeatureExtractor(std::unique_ptr<State> state);
  template <typename Sample>
  Status RunAny(DeviceContext context, std::span<const Sample> samples, std::span<const PackedWindow> windows,
                MatrixView<float> features);
  std::unique_ptr<State> state_;
};

}  // namespace skald
