#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "models/layers/cpu/attention.h"
#include "models/layers/cpu/linear.h"
#include "models/layers/cpu/network_timing.h"
#include "models/layers/cpu/tile_team.h"
#include "models/layers/weights.h"

namespace skald {

/// Layers of a transformer over packed windows on the CPU: x += attention(norm(x)); x +=
/// feed-forward(norm(x)); or, with norms last, x = norm(x + attention(x)); x = norm(x + feed-forward(x)).
/// Work is cut into tiles that run through several layers while they are in cache. Bits of a window's rows do
/// not depend on the other windows or the number of threads.
class CpuTransformer {
 public:
  struct Sizes {
    int width = 0;  ///< attention_heads times a multiple of 16
    int attention_heads = 0;
    int feed_forward_width = 0;
    bool norm_first = true;
    double layer_norm_epsilon = 1e-5;
  };
  /// `team` outlives the object.
  CpuTransformer(const Sizes& sizes, CpuPrecision precision, TileTeam* team);

  Status AddLayer(TransformerLayerWeights weights);
  int layers() const { return static_cast<int>(layers_.size()); }

  /// Starts a batch, or goes on with other windows: frames of each window in packed order.
  void Begin(std::span<const int64_t> window_frames);
  /// One layer on x [padded rows, width] in place.
  Status RunLayer(int layer, float* x, NetworkTiming* timing);

 private:
  struct Layer {
    NormWeights attention_norm, feed_forward_norm;
    CpuLinear query_key_value, attention_output, feed_forward_1, feed_forward_2;
  };
  Status AttentionInputs(Layer& layer, const float* x);
  Status AfterAttention(Layer& layer, float* x);
  void Normalise(const NormWeights& norm, const float* input, float* output) const;

  Sizes sizes_;
  CpuPrecision precision_;
  const SimdKernels& simd_;
  TileTeam* team_;
  std::vector<Layer> layers_;
  CpuAttention attention_;
  int64_t rows_ = 0;
  std::vector<float> attended_;  ///< [padded rows, width]
};

}  // namespace skald
