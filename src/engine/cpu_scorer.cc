#include <algorithm>
#include <map>
#include <utility>

#include "base/stopwatch.h"
#include "engine/bundle_features.h"
#include "engine/ivector_source.h"
#include "engine/scorer.h"
#include "frontend/features/feature_extractor.h"
#include "models/acoustic_model.h"

namespace skald {
namespace {

/// Threads that share one batch: more of them wait for each other more, fewer hold more copies of the
/// weights.
constexpr int kThreadsPerScorer = 4;

class CpuScorer : public Scorer {
 public:
  CpuScorer(FeatureExtractor extractor, std::unique_ptr<AcousticModel> model, ScorerShape shape,
            std::span<const ScoreScaling> scaling)
      : extractor_(std::move(extractor)),
        model_(std::move(model)),
        shape_(std::move(shape)),
        heads_(ColumnsOfHeads(shape_, scaling)),
        ivector_size_(shape_.ivectors == nullptr ? 0 : shape_.ivectors->model->options().size) {}

  const ScorerShape& shape() const override { return shape_; }

  Status Score(std::span<const WindowInput> windows, std::vector<ScoreRows>* scores,
               ScorerTiming* timing) override {
    scores->assign(windows.size(), {});
    // The model takes batches of bounded size.
    for (size_t first = 0; first < windows.size();) {
      size_t count = 0;
      int64_t frames = 0;
      while (first + count < windows.size()) {
        const int64_t next = RowCount(windows[first + count]);
        if (count > 0 && frames + next > model_->max_batch_feature_frames()) break;
        frames += next;
        ++count;
      }
      SKALD_RETURN_IF_ERROR(
          ScoreBatch(windows.subspan(first, count), std::span(*scores).subspan(first, count), timing));
      first += count;
    }
    return Status::Ok();
  }

 private:
  Status ScoreBatch(std::span<const WindowInput> windows, std::span<ScoreRows> scores, ScorerTiming* timing) {
    Stopwatch features_watch;
    std::vector<int64_t> feature_frames;
    std::vector<size_t> computed;
    int64_t feature_rows = 0;
    int64_t score_rows = 0;
    for (size_t i = 0; i < windows.size(); ++i) {
      if (const ScoreRows* known = FindSilent(windows[i])) {
        scores[i] = *known;
        continue;
      }
      feature_frames.push_back(RowCount(windows[i]));
      feature_rows += feature_frames.back();
      score_rows += model_->ScoreFrames(feature_frames.back());
      computed.push_back(i);
    }
    const int64_t width = extractor_.bins() + ivector_size_;
    features_.resize(static_cast<size_t>(feature_rows * width));
    const MatrixView<float> features(features_.data(), feature_rows, width);
    int64_t row = 0;
    for (size_t k = 0; k < computed.size(); ++k) {
      const WindowInput& window = windows[computed[k]];
      extractor_.Run(window, {features.Row(row).data(), FrameCount(window), extractor_.bins(), width});
      if (ivector_size_ > 0) {
        SKALD_RETURN_IF_ERROR(AddIvectors(window, features.Rows(row, feature_frames[k])));
      }
      row += feature_frames[k];
    }
    timing->features_s += features_watch.Seconds();

    Stopwatch model_watch;
    nll_.resize(static_cast<size_t>(score_rows * shape_.units));
    const MatrixView<float> nll(nll_.data(), score_rows, shape_.units);
    std::vector<MatrixView<float>> of_heads;
    for (const HeadColumns& head : heads_) of_heads.push_back(nll.Columns(head.first, head.count));
    SKALD_RETURN_IF_ERROR(model_->Run(features, feature_frames, of_heads));
    row = 0;
    for (size_t k = 0; k < computed.size(); ++k) {
      ScoreMatrix matrix(model_->ScoreFrames(FrameCount(windows[computed[k]])), shape_.units);
      std::copy_n(nll.Row(row).data(), matrix.nll.size(), matrix.nll.data());
      row += model_->ScoreFrames(feature_frames[k]);
      scores[computed[k]] = MakeHostScores(std::move(matrix), heads_);
      RememberSilent(windows[computed[k]], scores[computed[k]]);
    }
    timing->model_s += model_watch.Seconds();
    return Status::Ok();
  }

  int64_t FrameCount(const WindowInput& window) const {
    return extractor_.FrameCount(static_cast<int64_t>(window.size()));
  }
  /// Rows that the network gets of a window.
  int64_t RowCount(const WindowInput& window) const {
    return shape_.ivectors == nullptr ? FrameCount(window) : shape_.ivectors->RowCount(window.size());
  }

  /// Fills the columns behind the features, and the rows behind the window, which repeat its last features.
  Status AddIvectors(const WindowInput& window, MatrixView<float> rows) const {
    const std::vector<float> alone =
        window.ivectors.empty() ? shape_.ivectors->OfWindowAlone(window.samples) : std::vector<float>();
    const std::span<const float> ivectors = window.ivectors.empty() ? std::span(alone) : window.ivectors;
    const auto size = static_cast<size_t>(ivector_size_);
    if (ivectors.size() != size * static_cast<size_t>(rows.rows)) {
      return Status::InvalidArgument("a window's i-vectors are not as many as its feature frames");
    }
    const int64_t last = FrameCount(window) - 1;
    for (int64_t row = 0; row < rows.rows; ++row) {
      if (row > last) std::copy_n(rows.Row(last).begin(), extractor_.bins(), rows.Row(row).begin());
      const std::span<const float> ivector = ivectors.subspan(static_cast<size_t>(row) * size, size);
      std::copy(ivector.begin(), ivector.end(), rows.Row(row).begin() + extractor_.bins());
    }
    return Status::Ok();
  }

  bool IsSilent(const WindowInput& window) const {
    if (shape_.ivectors != nullptr) return false;  // what came before it counts too
    const PcmView samples = window;
    return std::all_of(samples.begin(), samples.end(), [](float sample) { return sample == 0.0f; });
  }

  /// Scores of a window of nothing but zeros depend on its length only: hours of digital silence cost one
  /// window.
  const ScoreRows* FindSilent(const WindowInput& samples) const {
    const auto known = silent_.find(samples.size());
    return known != silent_.end() && IsSilent(samples) ? &known->second : nullptr;
  }
  void RememberSilent(const WindowInput& samples, const ScoreRows& scores) {
    if (silent_.size() < 4 && IsSilent(samples)) silent_.emplace(samples.size(), scores);
  }

  const FeatureExtractor extractor_;
  const std::unique_ptr<AcousticModel> model_;
  const ScorerShape shape_;
  const std::vector<HeadColumns> heads_;
  const int64_t ivector_size_;
  std::vector<float> features_, nll_;
  std::map<size_t, ScoreRows> silent_;
};

}  // namespace

StatusOr<std::vector<std::unique_ptr<Scorer>>> MakeCpuScorers(const Bundle& bundle,
                                                              const ScorerOptions& options, int threads) {
  SKALD_ASSIGN_OR_RETURN(const FeatureOptions features, FeaturesOfBundle(bundle.manifest().features));
  SKALD_ASSIGN_OR_RETURN(const FeatureExtractor extractor, FeatureExtractor::Create(features));
  AcousticModelOptions model_options;
  SKALD_ASSIGN_OR_RETURN(model_options.precision, ParsePrecision(options.precision));
  model_options.heads = options.heads;
  const double feature_frames_per_s = 1.0 / extractor.frame_shift_s();
  model_options.max_batch_feature_frames =
      static_cast<int64_t>(options.max_batch_s * feature_frames_per_s) + 1;

  SKALD_ASSIGN_OR_RETURN(const std::shared_ptr<const IvectorSource> ivectors,
                         IvectorSourceOfBundle(bundle, extractor));
  if (ivectors != nullptr) model_options.max_batch_feature_frames += ivectors->frames_behind();
  std::vector<std::unique_ptr<Scorer>> scorers;
  const int count = (threads + kThreadsPerScorer - 1) / kThreadsPerScorer;
  for (int i = 0; i < count; ++i) {
    model_options.threads = threads / count + (i < threads % count ? 1 : 0);
    SKALD_ASSIGN_OR_RETURN(std::unique_ptr<AcousticModel> model, AcousticModel::Load(bundle, model_options));
    ScorerShape shape;
    for (size_t head = 0; head < options.heads.size(); ++head) {
      shape.head_units.push_back(model->Units(head));
      shape.units += shape.head_units.back();
    }
    shape.frame_shift_s = model->frame_shift_s();
    shape.frame_shift_samples = static_cast<int64_t>(model->frame_shift_s() * kSampleRateHz + 0.5);
    shape.max_window_s = static_cast<double>(model->max_window_feature_frames()) * extractor.frame_shift_s();
    shape.precision = PrecisionName(model->precision());
    shape.max_batch_s = options.max_batch_s;
    shape.ivectors = ivectors;
    scorers.push_back(
        std::make_unique<CpuScorer>(extractor, std::move(model), std::move(shape), options.scaling));
  }
  return scorers;
}

}  // namespace skald
