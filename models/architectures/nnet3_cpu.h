#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/view.h"
#include "models/architectures/cpu_network.h"
#include "models/architectures/nnet3.h"
#include "models/layers/cpu/linear.h"
#include "models/layers/cpu/worker_team.h"

namespace skald {

/// Forward pass of an "nnet3" network on the CPU over packed windows, layer by layer; a layer's rows are cut
/// into tiles of kLinearRowTile. Bits of a window's scores do not depend on the other windows, the number of
/// threads or earlier calls. One call at a time.
class Nnet3Cpu : public CpuNetwork {
 public:
  /// Precision of the matrix products, int8 excepted; everything else is f32.
  static StatusOr<std::unique_ptr<CpuNetwork>> Create(const Bundle& bundle,
                                                      const std::vector<std::string>& heads,
                                                      CpuPrecision precision, int threads);
  /// The same from weights in memory.
  static StatusOr<std::unique_ptr<CpuNetwork>> Create(const Nnet3Sizes& sizes, const Nnet3Weights& weights,
                                                      CpuPrecision precision, int threads);

  /// One head: features [rows, feature_bins + ivector_size], scores [frames, outputs + 1].
  Status Run(FeatureView features, std::span<const int64_t> window_feature_frames,
             std::span<const MatrixView<float>> nll_per_head) override;

 private:
  struct Layer {
    std::vector<std::optional<CpuLinear>> products;  ///< of the operations that are kAffine
    size_t buffer = 0;                               ///< into buffers_
  };
  /// A window's rows of a layer.
  struct Rows {
    int64_t first_row = 0;
    int64_t first_frame = 0;  ///< of the window, may be negative
  };
  struct Worker {
    CpuLinearScratch linear;
    std::vector<float> x, y;  ///< [kLinearRowTile, widest]
    Status status;
  };
  /// A batch's windows that are not empty.
  struct Window {
    int64_t first_feature_row = 0, feature_frames = 0, first_score_row = 0, score_frames = 0;
  };

  Nnet3Cpu(const Nnet3Sizes& sizes, Nnet3Shape shape, int threads);
  Status BuildLayers(const Nnet3Weights& weights, CpuPrecision precision, int threads);
  void AssignBuffers();
  void SetWindows(std::span<const int64_t> window_feature_frames);
  Status RunLayer(size_t layer, FeatureView features);
  void Gather(size_t layer, FeatureView features, int64_t first, int64_t rows, float* x) const;
  void Pointwise(const Nnet3Sizes::Operation& operation, const Nnet3Weights::Operation& values, int64_t rows,
                 int64_t width, float* x) const;
  void WriteScores(MatrixView<float> nll);

  Nnet3Sizes sizes_;
  Nnet3Shape shape_;
  Nnet3Weights pointwise_;  ///< weights of the operations that are not products
  std::unique_ptr<WorkerTeam> team_;
  std::vector<Layer> layers_;
  std::vector<Worker> workers_;
  std::vector<std::vector<float>> buffers_;  ///< [rows of the layer, its width]
  std::vector<Window> windows_;
  std::vector<std::vector<Rows>> rows_;  ///< [layers][windows]
  std::vector<int64_t> row_counts_;      ///< [layers]
};

}  // namespace skald
