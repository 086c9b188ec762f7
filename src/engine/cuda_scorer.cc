#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

#include "base/cuda/cuda_status.h"
#include "base/cuda/device_buffer.h"
#include "base/cuda/device_context.h"
#include "base/cuda/device_memory.h"
#include "engine/bundle_features.h"
#include "engine/cuda_timer.h"
#include "engine/device_score_pool.h"
#include "engine/scorer.h"
#include "frontend/features/cuda_feature_extractor.h"
#include "kernels/search/score_fusion.h"
#include "models/cuda_acoustic_model.h"

namespace skald {
namespace {

/// Windows of one batch at most; short clips of 1 s still fill a batch of four minutes.
constexpr int kMaxBatchWindows = 256;
/// Scores that wait for their searches: slabs of one batch each, as many as fit in this many bytes. The least
/// lets a batch be computed and one be endpointed while others are searched.
constexpr size_t kPoolBytes = size_t{1} << 30;
constexpr size_t kLeastSlabs = 4, kMostSlabs = 64;

/// One of the two batches under way.
struct Slot {
  PinnedBuffer<float> host_samples;
  DeviceBuffer<float> samples;
  std::shared_ptr<float> slab;  // null: scores go to the host by way of nll
  DeviceBuffer<float> nll;
  PinnedBuffer<float> host_nll;
  DeviceBuffer<float> blank_nll;
  PinnedBuffer<float> host_blank_nll;
  std::vector<int64_t> score_frames;  // of each window
  CudaTimer uploaded, start, features_done, model_done, done;
};

/// Samples go up, the blank's column comes back; features, network and scores stay on the device. Uploads and
/// downloads have streams of their own, ordered by events, so that a batch is uploaded while another
/// computes. The launches (some 60 a batch) are not captured in a CUDA graph: the shapes of a packed batch
/// hardly ever come again, and cuBLASLt and cuDNN take theirs from the host.
class CudaScorer : public Scorer {
 public:
  static StatusOr<std::unique_ptr<Scorer>> Create(const Bundle& bundle, const ScorerOptions& options,
                                                  int device) {
    SKALD_ASSIGN_OR_RETURN(CudaStream stream, CudaStream::Create(device));
    SKALD_ASSIGN_OR_RETURN(CudaStream upload, CudaStream::Create(device));
    SKALD_ASSIGN_OR_RETURN(CudaStream download, CudaStream::Create(device));
    const DeviceContext context = stream.context();
    SKALD_ASSIGN_OR_RETURN(const FeatureOptions features, FeaturesOfBundle(bundle.manifest().features));
    SKALD_ASSIGN_OR_RETURN(CudaFeatureExtractor extractor, CudaFeatureExtractor::Create(context, features));
    const int64_t max_samples = static_cast<int64_t>(options.max_batch_s * kSampleRateHz);
    SKALD_RETURN_IF_ERROR(extractor.Setup(context, kMaxBatchWindows, max_samples));

    CudaAcousticModelOptions model_options;
    SKALD_ASSIGN_OR_RETURN(model_options.precision, ParsePrecision(options.precision));
    SKALD_CHECK(options.heads.size() == 1 || !options.scores_on_device, "heads are searched on the host");
    model_options.heads = options.heads;
    model_options.max_batch_windows = kMaxBatchWindows;
    // A window shorter than the least that the features take still has a few frames.
    const int64_t least_frames = 1 + features.minimum_samples / features.frame_shift_samples;
    model_options.max_batch_feature_frames =
        max_samples / features.frame_shift_samples + kMaxBatchWindows * least_frames;
    SKALD_ASSIGN_OR_RETURN(std::unique_ptr<CudaAcousticModel> model,
                           CudaAcousticModel::Load(context, bundle, model_options));

    auto scorer =
        std::unique_ptr<CudaScorer>(new CudaScorer(std::move(stream), std::move(upload), std::move(download),
                                                   std::move(extractor), std::move(model), options.scaling));
    SKALD_RETURN_IF_ERROR(
        scorer->Allocate(max_samples, model_options.max_batch_feature_frames, options.scores_on_device));
    scorer->shape_.max_batch_s = options.max_batch_s;
    return std::unique_ptr<Scorer>(std::move(scorer));
  }

  ~CudaScorer() override {
    // The work under way uses memory that is about to be freed.
    for (const CudaStream* stream : {&upload_, &stream_, &download_}) (void)stream->Synchronize();
  }

  const ScorerShape& shape() const override { return shape_; }

  Status Score(std::span<const WindowInput> windows, std::vector<ScoreRows>* scores,
               ScorerTiming* timing) override {
    SKALD_CHECK(begun_ == 0, "Score between Begin and Finish");
    scores->clear();
    Status status;
    for (size_t first = 0; first < windows.size() || begun_ > 0;) {
      if (first < windows.size() && begun_ < max_begun() && status.ok()) {
        const size_t count = WindowsOfOneBatch(windows.subspan(first));
        if (count == 0) {
          status = Status::InvalidArgument("a window is longer than the scorer was made for");
        } else {
          status = BeginBatch(windows.subspan(first, count));
          first += count;
        }
        continue;
      }
      if (begun_ == 0) break;  // it failed
      std::vector<ScoreRows> batch;
      const Status finished = FinishBatch(&batch, timing);
      if (status.ok()) status = finished;
      std::move(batch.begin(), batch.end(), std::back_inserter(*scores));
    }
    return status;
  }

  int max_begun() const override { return static_cast<int>(slots_.size()); }

  Status Begin(std::span<const WindowInput> windows) override {
    if (WindowsOfOneBatch(windows) < windows.size())
      return Status::InvalidArgument("a batch is larger than the scorer was made for");
    return BeginBatch(windows);
  }

  Status Finish(std::vector<ScoreRows>* scores, ScorerTiming* timing) override {
    scores->clear();
    return FinishBatch(scores, timing);
  }

  bool HasRoom() const override { return pool_ == nullptr || pool_->HasFree(); }

 private:
  CudaScorer(CudaStream stream, CudaStream upload, CudaStream download, CudaFeatureExtractor extractor,
             std::unique_ptr<CudaAcousticModel> model, std::span<const ScoreScaling> scaling)
      : stream_(std::move(stream)),
        upload_(std::move(upload)),
        download_(std::move(download)),
        extractor_(std::move(extractor)),
        model_(std::move(model)) {
    for (size_t head = 0; head < scaling.size(); ++head) {
      shape_.head_units.push_back(model_->Units(head));
      shape_.units += shape_.head_units.back();
    }
    heads_ = ColumnsOfHeads(shape_, scaling);
    shape_.frame_shift_s = model_->frame_shift_s();
    shape_.frame_shift_samples = static_cast<int64_t>(model_->frame_shift_s() * kSampleRateHz + 0.5);
    shape_.max_window_s =
        static_cast<double>(model_->max_window_feature_frames()) * extractor_.frame_shift_s();
    shape_.precision = PrecisionName(model_->precision());
    shape_.device = stream_.context().device;
  }

  Status Allocate(int64_t max_samples, int64_t max_feature_frames, bool scores_on_device) {
    const auto count = [](int64_t value) { return static_cast<size_t>(value); };
    // Each window's frames round up.
    const int64_t max_rows = model_->ScoreFrames(max_feature_frames) + kMaxBatchWindows;
    const size_t max_scores = count(max_rows * shape_.units);
    SKALD_ASSIGN_OR_RETURN(
        features_, DeviceBuffer<float>::Create(count(max_feature_frames * extractor_.bins()), "features"));
    for (Slot& slot : slots_) {
      SKALD_ASSIGN_OR_RETURN(slot.host_samples,
                             PinnedBuffer<float>::Create(count(max_samples), "samples on the host"));
      SKALD_ASSIGN_OR_RETURN(slot.samples, DeviceBuffer<float>::Create(count(max_samples), "samples"));
      SKALD_ASSIGN_OR_RETURN(slot.nll, DeviceBuffer<float>::Create(max_scores, "scores"));
      SKALD_ASSIGN_OR_RETURN(slot.host_nll, PinnedBuffer<float>::Create(max_scores, "scores on the host"));
      SKALD_ASSIGN_OR_RETURN(slot.blank_nll, DeviceBuffer<float>::Create(count(max_rows), "blank scores"));
      SKALD_ASSIGN_OR_RETURN(slot.host_blank_nll,
                             PinnedBuffer<float>::Create(count(max_rows), "blank scores on the host"));
      for (CudaTimer* timer :
           {&slot.uploaded, &slot.start, &slot.features_done, &slot.model_done, &slot.done}) {
        SKALD_ASSIGN_OR_RETURN(*timer, CudaTimer::Create());
      }
    }
    if (!scores_on_device) return Status::Ok();
    const size_t slabs = std::clamp(kPoolBytes / (max_scores * sizeof(float)), kLeastSlabs, kMostSlabs);
    SKALD_ASSIGN_OR_RETURN(pool_, DeviceScorePool::Create(static_cast<int>(slabs), max_scores));
    return Status::Ok();
  }

  size_t WindowsOfOneBatch(std::span<const WindowInput> windows) const {
    size_t count = 0;
    size_t samples = 0;
    while (count < windows.size() && count < kMaxBatchWindows &&
           samples + windows[count].size() <= slots_[0].samples.size()) {
      samples += windows[count++].size();
    }
    return count;
  }

  Status BeginBatch(std::span<const WindowInput> windows) {
    SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(stream_.context().device));
    Slot& slot = slots_[(first_begun_ + begun_) % slots_.size()];
    const DeviceContext compute = stream_.context(), upload = upload_.context();
    std::vector<PackedWindow> packed;
    std::vector<int64_t> feature_frames;
    int64_t samples = 0, feature_rows = 0, score_rows = 0;
    slot.score_frames.clear();
    for (const PcmView window : windows) {
      const int64_t length = static_cast<int64_t>(window.size());
      std::copy(window.begin(), window.end(), slot.host_samples.data() + samples);
      packed.push_back({samples, length});
      samples += length;
      feature_frames.push_back(extractor_.FrameCount(length));
      feature_rows += feature_frames.back();
      slot.score_frames.push_back(model_->ScoreFrames(feature_frames.back()));
      score_rows += slot.score_frames.back();
    }
    SKALD_RETURN_IF_ERROR(
        slot.samples.CopyFrom(upload, {slot.host_samples.data(), static_cast<size_t>(samples)}));
    SKALD_RETURN_IF_ERROR(slot.uploaded.Record(upload));

    SKALD_RETURN_IF_ERROR(slot.uploaded.Precede(compute));
    SKALD_RETURN_IF_ERROR(slot.start.Record(compute));
    const MatrixView<float> features(features_.data(), feature_rows, extractor_.bins());
    SKALD_RETURN_IF_ERROR(
        extractor_.Run(compute, std::span<const float>(slot.samples.data(), static_cast<size_t>(samples)),
                       packed, features));
    SKALD_RETURN_IF_ERROR(slot.features_done.Record(compute));
    slot.slab = pool_ == nullptr ? nullptr : pool_->TryAcquire();
    const MatrixView<float> nll(slot.slab != nullptr ? slot.slab.get() : slot.nll.data(), score_rows,
                                shape_.units);
    std::vector<MatrixView<float>> of_heads;
    for (const HeadColumns& head : heads_) of_heads.push_back(nll.Columns(head.first, head.count));
    SKALD_RETURN_IF_ERROR(model_->Run(compute, features, feature_frames, of_heads));
    for (size_t head = 0; head < heads_.size(); ++head) {
      ScoreFusion fusion;
      fusion.log_probs[0] = of_heads[head];
      fusion.negated = true;
      fusion.acoustic_scale = heads_[head].scaling.acoustic_scale;
      fusion.blank_penalty = heads_[head].scaling.blank_penalty;
      fusion.blank_nll = head == 0 ? slot.blank_nll.data() : nullptr;
      SKALD_RETURN_IF_ERROR(FuseScores(compute, fusion, of_heads[head]));
    }
    SKALD_RETURN_IF_ERROR(slot.model_done.Record(compute));

    const DeviceContext download = download_.context();
    SKALD_RETURN_IF_ERROR(slot.model_done.Precede(download));
    SKALD_RETURN_IF_ERROR(
        slot.blank_nll.CopyTo(download, {slot.host_blank_nll.data(), static_cast<size_t>(score_rows)}));
    if (slot.slab == nullptr) {
      SKALD_RETURN_IF_ERROR(
          slot.nll.CopyTo(download, {slot.host_nll.data(), static_cast<size_t>(score_rows * shape_.units)}));
    }
    SKALD_RETURN_IF_ERROR(slot.done.Record(download));
    ++begun_;
    return Status::Ok();
  }

  Status FinishBatch(std::vector<ScoreRows>* scores, ScorerTiming* timing) {
    SKALD_CHECK(begun_ > 0, "Finish without Begin");
    Slot& slot = slots_[first_begun_];
    first_begun_ = (first_begun_ + 1) % slots_.size();
    --begun_;
    SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(stream_.context().device));
    SKALD_RETURN_IF_ERROR(slot.done.Synchronize());

    const std::shared_ptr<float> slab = std::exchange(slot.slab, nullptr);
    const float* host_nll = slot.host_nll.data();
    const float* host_blank_nll = slot.host_blank_nll.data();
    int64_t first_row = 0;
    for (const int64_t frames : slot.score_frames) {
      struct Owner {
        std::shared_ptr<float> slab;
        std::vector<float> nll, blank_nll;
      };
      const auto owner = std::make_shared<Owner>();
      owner->slab = slab;
      owner->blank_nll.assign(host_blank_nll + first_row, host_blank_nll + first_row + frames);
      if (slab == nullptr)
        owner->nll.assign(host_nll + first_row * shape_.units,
                          host_nll + (first_row + frames) * shape_.units);
      const float* nll = slab != nullptr ? slab.get() + first_row * shape_.units : owner->nll.data();
      scores->push_back({{nll, frames, shape_.units},
                         owner->blank_nll.data(),
                         slab != nullptr,
                         owner,
                         stream_.context().device});
      first_row += frames;
    }
    timing->features_s += slot.features_done.SecondsSince(slot.start);
    timing->model_s += slot.model_done.SecondsSince(slot.features_done);
    return Status::Ok();
  }

  CudaStream stream_, upload_, download_;
  CudaFeatureExtractor extractor_;
  std::unique_ptr<CudaAcousticModel> model_;
  std::vector<HeadColumns> heads_;
  ScorerShape shape_;
  DeviceBuffer<float> features_;
  std::array<Slot, 2> slots_;
  size_t first_begun_ = 0;
  int begun_ = 0;
  std::shared_ptr<DeviceScorePool> pool_;
};

}  // namespace

StatusOr<std::unique_ptr<Scorer>> MakeCudaScorer(const Bundle& bundle, const ScorerOptions& options,
                                                 int device) {
  return CudaScorer::Create(bundle, options, device);
}

int UsableCudaDevices() { return CudaDeviceCount(); }

std::string DescribeDevice(int device) {
  const StatusOr<CudaDeviceDescription> description = DescribeCudaDevice(device);
  if (!description.ok()) return description.status().ToString();
  constexpr double kGb = 1e9;
  return fmt::format("{}, {:.1f} GB, {:.1f} GB free", description->name,
                     static_cast<double>(description->total_bytes) / kGb,
                     static_cast<double>(description->free_bytes) / kGb);
}

std::vector<DeviceMemoryPart> DeviceMemoryParts() {
  std::vector<DeviceMemoryPart> parts;
  for (const DeviceMemoryPurpose& part : DeviceMemoryByPurpose()) {
    parts.push_back({part.device, part.purpose, static_cast<int64_t>(part.current_bytes),
                     static_cast<int64_t>(part.peak_bytes)});
  }
  return parts;
}

}  // namespace skald
