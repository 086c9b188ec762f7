#include "models/acoustic_model.h"

#include <utility>

#include "models/architectures/cpu_network.h"
#include "models/batch_check.h"
#include "models/layers/cpu/simd_kernels.h"

namespace skald {
namespace {

class CpuAcousticModel : public AcousticModel {
 public:
  CpuAcousticModel(std::unique_ptr<CpuNetwork> network, BatchShape shape, double frame_shift_s,
                   Precision precision)
      : network_(std::move(network)),
        shape_(std::move(shape)),
        frame_shift_s_(frame_shift_s),
        precision_(precision) {}

  int64_t ScoreFrames(int64_t feature_frames) const override { return shape_.ScoreFrames(feature_frames); }
  double frame_shift_s() const override { return frame_shift_s_; }
  int64_t max_window_feature_frames() const override { return shape_.max_window_feature_frames(); }
  int64_t max_batch_feature_frames() const override { return shape_.max_batch_feature_frames; }
  int feature_bins() const override { return shape_.feature_bins(); }
  const std::vector<std::string>& heads() const override { return shape_.heads; }
  int Units(size_t head) const override { return shape_.units.at(head); }
  Precision precision() const override { return precision_; }
  AcousticModelTiming timing() const override {
    const NetworkTiming& timing = network_->timing();
    return {timing.convolution_s, timing.attention_s, timing.linear_s, timing.heads_s};
  }

  Status Run(FeatureView features, std::span<const int64_t> window_feature_frames,
             std::span<const MatrixView<float>> nll_per_head) override {
    SKALD_RETURN_IF_ERROR(shape_.Check(features, window_feature_frames, nll_per_head));
    return network_->Run(features, window_feature_frames, nll_per_head);
  }

 private:
  std::unique_ptr<CpuNetwork> network_;
  BatchShape shape_;
  double frame_shift_s_;
  Precision precision_;
};

StatusOr<Precision> ChoosePrecision(Precision asked) {
  const CpuFeatures features = DetectCpuFeatures();
  switch (asked) {
    case Precision::kAuto:
      return features.avx512_bf16 ? Precision::kBf16 : Precision::kF32;
    case Precision::kF32:
      return asked;
    case Precision::kBf16:
      if (features.avx512_bf16) return asked;
      return Status::Unsupported("precision bf16 needs a processor with AVX512_BF16");
    case Precision::kInt8:
      if (features.avx512_vnni) return asked;
      return Status::Unsupported("precision int8 needs a processor with AVX512_VNNI");
    case Precision::kF16:
      break;
  }
  return Status::Unsupported("precision f16 is for CUDA; the CPU has f32, bf16 and int8");
}

CpuPrecision ToCpuPrecision(Precision precision) {
  if (precision == Precision::kBf16) return CpuPrecision::kBf16;
  return precision == Precision::kInt8 ? CpuPrecision::kInt8 : CpuPrecision::kF32;
}

}  // namespace

const char* PrecisionName(Precision precision) {
  switch (precision) {
    case Precision::kAuto:
      return "auto";
    case Precision::kF32:
      return "f32";
    case Precision::kBf16:
      return "bf16";
    case Precision::kF16:
      return "f16";
    case Precision::kInt8:
      return "int8";
  }
  return "unknown";
}

StatusOr<Precision> ParsePrecision(const std::string& name) {
  for (const Precision precision :
       {Precision::kAuto, Precision::kF32, Precision::kBf16, Precision::kF16, Precision::kInt8}) {
    if (name == PrecisionName(precision)) return precision;
  }
  return Status::InvalidArgument("precision \"" + name + "\" is none of auto, f32, bf16, f16, int8");
}

StatusOr<std::unique_ptr<AcousticModel>> AcousticModel::Load(const Bundle& bundle,
                                                             const AcousticModelOptions& options) {
  if (options.threads < 1 || options.threads > 1024) {
    return Status::InvalidArgument("threads must be from 1 to 1024, not " + std::to_string(options.threads));
  }
  SKALD_ASSIGN_OR_RETURN(const Precision precision, ChoosePrecision(options.precision));
  SKALD_ASSIGN_OR_RETURN(BatchShape shape,
                         MakeBatchShape(bundle, options.heads, options.max_batch_feature_frames));
  SKALD_ASSIGN_OR_RETURN(std::unique_ptr<CpuNetwork> network,
                         MakeCpuNetwork(bundle, shape.heads, ToCpuPrecision(precision), options.threads));
  return std::unique_ptr<AcousticModel>(std::make_unique<CpuAcousticModel>(
      std::move(network), std::move(shape), bundle.manifest().frame_shift_s, precision));
}

}  // namespace skald
