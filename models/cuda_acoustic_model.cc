#include "models/cuda_acoustic_model.h"

#include <utility>

#include "models/architectures/cuda_network.h"
#include "models/batch_check.h"

namespace skald {
namespace {

constexpr double kMaxBatchSeconds = 4000;

class CudaNetworkModel : public CudaAcousticModel {
 public:
  CudaNetworkModel(std::unique_ptr<CudaNetwork> network, BatchShape shape, int max_windows,
                   int64_t max_window_feature_frames, double frame_shift_s, Precision precision)
      : network_(std::move(network)),
        shape_(std::move(shape)),
        max_windows_(max_windows),
        max_window_feature_frames_(max_window_feature_frames),
        frame_shift_s_(frame_shift_s),
        precision_(precision) {}

  int64_t ScoreFrames(int64_t feature_frames) const override { return shape_.ScoreFrames(feature_frames); }
  double frame_shift_s() const override { return frame_shift_s_; }
  int64_t max_window_feature_frames() const override { return max_window_feature_frames_; }
  int64_t max_batch_feature_frames() const override { return shape_.max_batch_feature_frames; }
  int max_batch_windows() const override { return max_windows_; }
  int feature_bins() const override { return shape_.feature_bins(); }
  const std::vector<std::string>& heads() const override { return shape_.heads; }
  int Units(size_t head) const override { return shape_.units.at(head); }
  Precision precision() const override { return precision_; }

  Status Run(DeviceContext context, FeatureView features, std::span<const int64_t> window_feature_frames,
             std::span<const MatrixView<float>> nll_per_head) override {
    SKALD_RETURN_IF_ERROR(shape_.Check(features, window_feature_frames, nll_per_head));
    if (window_feature_frames.size() > static_cast<size_t>(max_windows_)) {
      return Status::InvalidArgument("batch of " + std::to_string(window_feature_frames.size()) +
                                     " windows; the model was loaded for " + std::to_string(max_windows_));
    }
    for (const int64_t window : window_feature_frames) {
      if (window > max_window_feature_frames_) {
        return Status::InvalidArgument("window of " + std::to_string(window) +
                                       " feature frames; the model was loaded for " +
                                       std::to_string(max_window_feature_frames_));
      }
    }
    return network_->Run(context, features, window_feature_frames, nll_per_head);
  }

 private:
  std::unique_ptr<CudaNetwork> network_;
  BatchShape shape_;
  int max_windows_;
  int64_t max_window_feature_frames_;
  double frame_shift_s_;
  Precision precision_;
};

}  // namespace

StatusOr<std::unique_ptr<CudaAcousticModel>> CudaAcousticModel::Load(
    DeviceContext context, const Bundle& bundle, const CudaAcousticModelOptions& options) {
  const Precision precision = options.precision == Precision::kAuto ? Precision::kF16 : options.precision;
  if (precision == Precision::kInt8) {
    return Status::Unsupported("precision int8 is for the CPU; CUDA has f32, f16 and bf16");
  }
  if (options.max_batch_windows < 1 || options.max_batch_windows > 4096 ||
      options.max_window_feature_frames < 0) {
    return Status::InvalidArgument("batch limits out of range: windows 1 to 4096");
  }
  // Offsets of attention are int32: rows times three times the width.
  const double batch_s = static_cast<double>(options.max_batch_feature_frames) *
                         bundle.manifest().features.frame_shift_samples /
                         bundle.manifest().features.sample_rate_hz;
  if (batch_s > kMaxBatchSeconds) {
    return Status::InvalidArgument("batch limit of " + std::to_string(batch_s) + " s; at most " +
                                   std::to_string(static_cast<int>(kMaxBatchSeconds)));
  }
  SKALD_ASSIGN_OR_RETURN(BatchShape shape,
                         MakeBatchShape(bundle, options.heads, options.max_batch_feature_frames));
  int64_t max_window = shape.max_window_feature_frames();
  if (options.max_window_feature_frames > 0)
    max_window = std::min(max_window, options.max_window_feature_frames);
  max_window = std::min(max_window, options.max_batch_feature_frames);
  const ElementType type = precision == Precision::kF32   ? ElementType::kF32
                           : precision == Precision::kF16 ? ElementType::kF16
                                                          : ElementType::kBf16;
  SKALD_ASSIGN_OR_RETURN(
      std::unique_ptr<CudaNetwork> network,
      MakeCudaNetwork(context, bundle, shape.heads, type,
                      {options.max_batch_feature_frames, options.max_batch_windows, max_window}));
  return std::unique_ptr<CudaAcousticModel>(
      std::make_unique<CudaNetworkModel>(std::move(network), std::move(shape), options.max_batch_windows,
                                         max_window, bundle.manifest().frame_shift_s, precision));
}

}  // namespace skald
