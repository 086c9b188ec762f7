#include <algorithm>
#include <utility>

#include "base/cuda/cuda_status.h"
#include "base/cuda/device_buffer.h"
#include "base/cuda/device_context.h"
#include "engine/bundle_features.h"
#include "engine/scorer.h"
#include "frontend/features/cuda_feature_extractor.h"
#include "models/cuda_acoustic_model.h"

namespace skald {
namespace {

/// Windows of one batch at most; short clips of 1 s still fill a batch of four minutes.
constexpr int kMaxBatchWindows = 256;

/// Owner of an event that takes times. Move-only.
class CudaTimer {
 public:
  CudaTimer() = default;
  static StatusOr<CudaTimer> Create() {
    CudaTimer timer;
    SKALD_CUDA_RETURN_IF_ERROR(cudaEventCreate(&timer.event_));
    return timer;
  }
  CudaTimer(CudaTimer&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  CudaTimer& operator=(CudaTimer&& other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  ~CudaTimer() {
    if (event_ != nullptr) (void)cudaEventDestroy(event_);
  }

  Status Record(DeviceContext context) {
    return CudaStatus(cudaEventRecord(event_, context.stream), "cudaEventRecord");
  }
  /// Seconds from an earlier event to this one; both have happened.
  double SecondsSince(const CudaTimer& earlier) const {
    float milliseconds = 0;
    return cudaEventElapsedTime(&milliseconds, earlier.event_, event_) == cudaSuccess ? milliseconds / 1e3
                                                                                      : 0;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

/// Samples go up, scores come back; features and network stay on the device.
class CudaScorer : public Scorer {
 public:
  static StatusOr<std::unique_ptr<Scorer>> Create(const Bundle& bundle, const ScorerOptions& options,
                                                  int device) {
    SKALD_ASSIGN_OR_RETURN(CudaStream stream, CudaStream::Create(device));
    const DeviceContext context = stream.context();
    SKALD_ASSIGN_OR_RETURN(const FeatureOptions features, FeaturesOfBundle(bundle.manifest().features));
    SKALD_ASSIGN_OR_RETURN(CudaFeatureExtractor extractor, CudaFeatureExtractor::Create(context, features));
    const int64_t max_samples = static_cast<int64_t>(options.max_batch_s * kSampleRateHz);
    SKALD_RETURN_IF_ERROR(extractor.Setup(context, kMaxBatchWindows, max_samples));

    CudaAcousticModelOptions model_options;
    SKALD_ASSIGN_OR_RETURN(model_options.precision, ParsePrecision(options.precision));
    model_options.heads = {options.head};
    model_options.max_batch_windows = kMaxBatchWindows;
    // A window shorter than the least that the features take still has a few frames.
    const int64_t least_frames = 1 + features.minimum_samples / features.frame_shift_samples;
    model_options.max_batch_feature_frames =
        max_samples / features.frame_shift_samples + kMaxBatchWindows * least_frames;
    SKALD_ASSIGN_OR_RETURN(std::unique_ptr<CudaAcousticModel> model,
                           CudaAcousticModel::Load(context, bundle, model_options));

    auto scorer = std::unique_ptr<CudaScorer>(
        new CudaScorer(std::move(stream), std::move(extractor), std::move(model), options.scaling));
    SKALD_RETURN_IF_ERROR(scorer->Allocate(max_samples, model_options.max_batch_feature_frames));
    return std::unique_ptr<Scorer>(std::move(scorer));
  }

  const ScorerShape& shape() const override { return shape_; }

  Status Score(std::span<const PcmView> windows, std::vector<ScoreRows>* scores,
               ScorerTiming* timing) override {
    SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(stream_.context().device));
    scores->assign(windows.size(), {});
    for (size_t first = 0; first < windows.size();) {
      size_t count = 0;
      size_t samples = 0;
      while (first + count < windows.size() && count < kMaxBatchWindows &&
             samples + windows[first + count].size() <= device_samples_.size()) {
        samples += windows[first + count++].size();
      }
      if (count == 0) return Status::InvalidArgument("a window is longer than the scorer was made for");
      SKALD_RETURN_IF_ERROR(
          ScoreBatch(windows.subspan(first, count), std::span(*scores).subspan(first, count), timing));
      first += count;
    }
    return Status::Ok();
  }

 private:
  CudaScorer(CudaStream stream, CudaFeatureExtractor extractor, std::unique_ptr<CudaAcousticModel> model,
             const ScoreScaling& scaling)
      : stream_(std::move(stream)),
        extractor_(std::move(extractor)),
        model_(std::move(model)),
        scaling_(scaling) {
    shape_.units = model_->Units(0);
    shape_.frame_shift_s = model_->frame_shift_s();
    shape_.frame_shift_samples = static_cast<int64_t>(model_->frame_shift_s() * kSampleRateHz + 0.5);
    shape_.max_window_s =
        static_cast<double>(model_->max_window_feature_frames()) * extractor_.frame_shift_s();
    shape_.precision = PrecisionName(model_->precision());
  }

  Status Allocate(int64_t max_samples, int64_t max_feature_frames) {
    // Each window's frames round up.
    const int64_t max_scores = (model_->ScoreFrames(max_feature_frames) + kMaxBatchWindows) * shape_.units;
    const auto count = [](int64_t value) { return static_cast<size_t>(value); };
    SKALD_ASSIGN_OR_RETURN(host_samples_,
                           PinnedBuffer<float>::Create(count(max_samples), "samples on the host"));
    SKALD_ASSIGN_OR_RETURN(device_samples_, DeviceBuffer<float>::Create(count(max_samples), "samples"));
    SKALD_ASSIGN_OR_RETURN(device_features_, DeviceBuffer<float>::Create(
                                                 count(max_feature_frames * extractor_.bins()), "features"));
    SKALD_ASSIGN_OR_RETURN(device_nll_, DeviceBuffer<float>::Create(count(max_scores), "scores"));
    SKALD_ASSIGN_OR_RETURN(host_nll_, PinnedBuffer<float>::Create(count(max_scores), "scores on the host"));
    for (CudaTimer* timer : {&start_, &features_done_, &model_done_}) {
      SKALD_ASSIGN_OR_RETURN(*timer, CudaTimer::Create());
    }
    return Status::Ok();
  }

  Status ScoreBatch(std::span<const PcmView> windows, std::span<ScoreRows> scores, ScorerTiming* timing) {
    const DeviceContext context = stream_.context();
    std::vector<PackedWindow> packed;
    std::vector<int64_t> feature_frames;
    int64_t samples = 0;
    int64_t feature_rows = 0;
    int64_t score_rows = 0;
    for (const PcmView window : windows) {
      const int64_t length = static_cast<int64_t>(window.size());
      std::copy(window.begin(), window.end(), host_samples_.data() + samples);
      packed.push_back({samples, length});
      samples += length;
      feature_frames.push_back(extractor_.FrameCount(length));
      feature_rows += feature_frames.back();
      score_rows += model_->ScoreFrames(feature_frames.back());
    }
    SKALD_RETURN_IF_ERROR(start_.Record(context));
    const std::span<const float> host(host_samples_.data(), static_cast<size_t>(samples));
    SKALD_RETURN_IF_ERROR(device_samples_.CopyFrom(context, host));
    const MatrixView<float> features(device_features_.data(), feature_rows, extractor_.bins());
    SKALD_RETURN_IF_ERROR(
        extractor_.Run(context, std::span<const float>(device_samples_.data(), static_cast<size_t>(samples)),
                       packed, features));
    SKALD_RETURN_IF_ERROR(features_done_.Record(context));
    const MatrixView<float> nll(device_nll_.data(), score_rows, shape_.units);
    SKALD_RETURN_IF_ERROR(model_->Run(context, features, feature_frames, {{nll}}));
    const std::span<float> host_nll(host_nll_.data(), static_cast<size_t>(score_rows * shape_.units));
    SKALD_RETURN_IF_ERROR(device_nll_.CopyTo(context, host_nll));
    SKALD_RETURN_IF_ERROR(model_done_.Record(context));
    SKALD_RETURN_IF_ERROR(stream_.Synchronize());

    const float* next = host_nll_.data();
    for (size_t i = 0; i < windows.size(); ++i) {
      ScoreMatrix matrix(model_->ScoreFrames(feature_frames[i]), shape_.units);
      std::copy_n(next, matrix.nll.size(), matrix.nll.data());
      next += matrix.nll.size();
      scores[i] = MakeHostScores(std::move(matrix), scaling_);
    }
    timing->features_s += features_done_.SecondsSince(start_);
    timing->model_s += model_done_.SecondsSince(features_done_);
    return Status::Ok();
  }

  CudaStream stream_;
  CudaFeatureExtractor extractor_;
  std::unique_ptr<CudaAcousticModel> model_;
  const ScoreScaling scaling_;
  ScorerShape shape_;
  PinnedBuffer<float> host_samples_, host_nll_;
  DeviceBuffer<float> device_samples_, device_features_, device_nll_;
  CudaTimer start_, features_done_, model_done_;
};

}  // namespace

StatusOr<std::unique_ptr<Scorer>> MakeCudaScorer(const Bundle& bundle, const ScorerOptions& options,
                                                 int device) {
  return CudaScorer::Create(bundle, options, device);
}

int UsableCudaDevices() { return CudaDeviceCount(); }

}  // namespace skald
