#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/view.h"
#include "models/layers/cpu/linear.h"
#include "models/layers/cpu/simd_kernels.h"
#include "models/layers/cpu/tile_team.h"
#include "models/layers/weights.h"

namespace skald {

/// Subsampling by 8 of features over time (models/architectures/fastconformer_ctc.h): three convolutions of 3
/// x 3 with stride 2, the second and third depthwise with a product over channels behind, ReLU after each,
/// then a linear layer over all bins and channels; in f32 on the CPU. Activations are [frames, bins,
/// channels]. A window's result does not depend on the others. Memory grows with the largest batch seen and
/// is kept.
class CpuStridingSubsampling {
 public:
  struct Sizes {
    int bins = 0;      ///< of the features; a multiple of 8
    int channels = 0;  ///< a multiple of 16
    int outputs = 0;
  };
  /// `first` and `depthwise` (two) [9 taps, channels], `pointwise` (two) [channels, channels], `projection`
  /// [outputs, bins / 8 * channels]. `team` is prepared.
  static StatusOr<std::unique_ptr<CpuStridingSubsampling>> Create(const Sizes& sizes, AffineWeights first,
                                                                  std::vector<AffineWeights> depthwise,
                                                                  const std::vector<AffineWeights>& pointwise,
                                                                  const AffineWeights& projection,
                                                                  TileTeam* team);

  /// output [padded rows, outputs]: (frames + 7) / 8 rows of each window, one window after the other.
  Status Run(FeatureView features, std::span<const int64_t> window_feature_frames, float* output,
             TileTeam* team);

 private:
  CpuStridingSubsampling(const Sizes& sizes, AffineWeights first, std::vector<AffineWeights> depthwise);
  Status FirstConvolution(FeatureView features, TileTeam* team);
  Status DepthwiseStage(int stage, TileTeam* team);

  Sizes sizes_;
  const SimdKernels& simd_;
  AffineWeights first_;
  std::vector<AffineWeights> depthwise_;
  std::vector<CpuLinear> pointwise_;   ///< two, with ReLU
  std::vector<CpuLinear> projection_;  ///< one
  std::vector<float> zeros_;           ///< [channels]: what a convolution sees outside
  std::vector<int64_t>
      starts_[4];  ///< first frame of each window before and after each convolution, and the end
  std::vector<float> stages_[3];  ///< after each convolution: [frames, bins, channels]
};

}  // namespace skald
