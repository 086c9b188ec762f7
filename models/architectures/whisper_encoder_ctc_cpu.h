#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/view.h"
#include "models/architectures/whisper_encoder_ctc.h"
#include "models/layers/cpu/attention.h"
#include "models/layers/cpu/linear.h"
#include "models/layers/cpu/worker_team.h"

namespace skald {

/// Seconds spent in the parts of the network since construction, summed over calls (wall time).
struct EncoderTiming {
  double convolution_s = 0;
  double attention_s = 0;
  double linear_s = 0;  ///< linear layers and the norms and activations between them
  double heads_s = 0;
};

/// Forward pass of a "whisper-encoder-ctc" network on the CPU over packed windows. Work is cut into tiles of
/// kLinearRowTile packed rows that run through several layers while they are in cache. Bits of a window's
/// scores do not depend on the other windows, the number of threads or earlier calls. One call at a time.
class WhisperEncoderCtcCpu {
 public:
  /// Precision of the linear layers and of the second convolution; the first convolution, attention, norms
  /// and heads are always f32.
  static StatusOr<WhisperEncoderCtcCpu> Create(const WhisperEncoderCtcSizes& sizes,
                                               WhisperEncoderCtcWeights weights, CpuPrecision precision,
                                               int threads);

  /// As AcousticModel::Run, arguments already checked.
  Status Run(FeatureView features, std::span<const int64_t> window_feature_frames,
             std::span<const MatrixView<float>> nll_per_head);

  const EncoderTiming& timing() const { return timing_; }

 private:
  struct Layer {
    WhisperEncoderCtcWeights::Norm attention_norm, feed_forward_norm;
    CpuLinear query_key_value, attention_output, feed_forward_1, feed_forward_2;
  };
  struct Worker {
    CpuLinearScratch linear;
    std::vector<float> narrow;  ///< [kLinearRowTile, 3 * model_width or feature taps]: inputs of products
    std::vector<float> wide;    ///< [kLinearRowTile, widest output]: outputs of products
    Status status;
  };
  /// First packed row of every window, and one past the last: [windows + 1].
  using Starts = std::vector<int64_t>;

  WhisperEncoderCtcCpu(const WhisperEncoderCtcSizes& sizes, int threads);
  Status BuildLayers(WhisperEncoderCtcWeights* weights, CpuPrecision precision, int threads);
  Status Convolve1(FeatureView features);
  Status Convolve2();
  Status AttentionInputs(size_t layer);
  Status AfterAttention(size_t layer);
  Status Heads(std::span<const MatrixView<float>> nll_per_head);
  void PoolPairs();
  void SetWindows(std::span<const int64_t> window_feature_frames);
  /// Runs `task(worker, first row, rows)` over tiles of `rows` packed rows.
  template <typename Task>
  Status ForTiles(int64_t rows, const Task& task);

  WhisperEncoderCtcSizes sizes_;
  const SimdKernels& simd_;
  std::unique_ptr<WorkerTeam> team_;
  std::vector<CpuLinear> convolutions_;  ///< two
  std::vector<float> positions_;
  std::vector<Layer> layers_;
  WhisperEncoderCtcWeights::Norm final_norm_;
  std::vector<CpuLinear> heads_;
  CpuAttention attention_;

  std::vector<Worker> workers_;
  Starts feature_starts_;        ///< windows of features
  Starts starts_;                ///< windows of frames at the current layer
  std::vector<int64_t> frames_;  ///< frames of each window at the current layer
  std::vector<float>
      convolved_;         ///< [feature rows, model_width]; later the output of attention [rows, model_width]
  std::vector<float> x_;  ///< [rows, model_width]: the residual stream
  EncoderTiming timing_;
};

}  // namespace skald
