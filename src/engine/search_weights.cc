#include "engine/search_weights.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "base/log.h"
#include "decoder/search/beam_search.h"

namespace skald {
namespace {

/// Frames of scores whose weights may still change.
constexpr int64_t kOpenFrames = 100;
/// The best path is all that is asked for.
constexpr float kTraceBeam = 0.01f;
constexpr TokenKey kNoToken = std::numeric_limits<TokenKey>::max();

}  // namespace

class SearchWeightsSource::Stream : public FrameWeights {
 public:
  explicit Stream(SearchWeightsSource* source)
      : source_(*source), search_(source->graph_, TraceOptions(source->options_.search)) {
    search_.Begin();
  }

  int frames_before() const override { return source_.frames_before_; }
  int frames_after() const override { return source_.frames_after_; }

  std::vector<std::pair<int64_t, double>> Changes(int64_t frames) override {
    const int64_t decoded = failed_ ? 0 : search_.frames();
    const int64_t before = std::max(static_cast<int64_t>(weights_.size()), decoded);
    const int64_t all = std::max(before, (frames + source_.subsampling_ - 1) / source_.subsampling_);
    const int64_t first = std::max<int64_t>(0, before - kOpenFrames);
    weights_.resize(static_cast<size_t>(all));
    const double silence = source_.options_.silence_weight;
    const double unknown = first == 0 ? silence : weights_[static_cast<size_t>(first - 1)];
    Trace(first, decoded);
    std::vector<std::pair<int64_t, double>> changes;
    double weight = unknown;
    for (int64_t frame = first; frame < all; ++frame) {
      if (frame < decoded) weight = traced_[static_cast<size_t>(frame)].silent ? silence : 1.0;
      double& known = weights_[static_cast<size_t>(frame)];
      if (weight != known) {
        for (int i = 0; i < source_.subsampling_; ++i)
          changes.emplace_back(frame * source_.subsampling_ + i, weight - known);
      }
      known = weight;
    }
    return changes;
  }

  void Take(FeatureView input, int64_t chunk_frames) override {
    if (failed_) return;
    std::unique_ptr<AcousticModel> model = source_.Take();
    failed_ = model == nullptr;
    if (failed_) return;
    const int64_t units = model->Units(0);
    const int64_t rows = model->ScoreFrames(input.rows);
    nll_.resize(static_cast<size_t>(rows * units));
    const MatrixView<float> nll(nll_.data(), rows, units);
    const int64_t windows[] = {input.rows};
    Status status = model->Run(input, windows, {{nll}});
    source_.GiveBack(std::move(model));
    for (float& value : nll_) value *= source_.options_.acoustic_scale;
    const int64_t subsampling = source_.subsampling_;
    if (status.ok()) {
      status = search_.Advance(
          nll.Rows(source_.frames_before_ / subsampling, (chunk_frames + subsampling - 1) / subsampling));
    }
    if (status.ok()) return;
    failed_ = true;
    Log(LogLevel::kWarning, "silence is not told from speech in i-vectors any more: " + status.ToString());
  }

 private:
  static SearchOptions TraceOptions(SearchOptions options) {
    options.lattice_beam = kTraceBeam;
    return options;
  }

  /// What the best path does in a frame of scores.
  struct Step {
    TokenKey source = kNoToken;
    bool silent = false;
  };

  /// Brings traced_ up to date in the rows `first` to `end`. Stops where the path comes from the token that
  /// it came from before: what lies before that is the same, and the step from there on, which may be another
  /// one, stays as it was, as it does for Kaldi.
  void Trace(int64_t first, int64_t end) {
    traced_.resize(static_cast<size_t>(end));
    if (end <= first) return;
    const LinkHistory& history = search_.history();
    uint32_t token = search_.BestToken(false);
    for (size_t record = history.record_count(); record-- > 1 && history.record(record).frame > first;) {
      const auto best_to = [&](std::span<const TokenLink> links) {
        const TokenLink* best = nullptr;
        for (const TokenLink& link : links) {
          if (link.destination == token && (best == nullptr || link.slack < best->slack)) best = &link;
        }
        return best;
      };
      // Back through this record's epsilons, then over the arc that took its frame.
      const TokenLink* emitting = best_to(history.emitting_links(record));
      for (const TokenLink* other; (other = best_to(history.other_links(record))) != nullptr;) {
        if (emitting != nullptr && emitting->slack <= other->slack) break;
        token = other->source;
        emitting = best_to(history.emitting_links(record));
      }
      if (emitting == nullptr) break;
      Step& step = traced_[static_cast<size_t>(history.record(record).frame - 1)];
      const TokenKey source = history.tokens(record - 1)[emitting->source];
      if (step.source == source) break;
      step = {source, source_.is_silence_[source_.graph_.arc(emitting->cell).unit]};
      token = emitting->source;
    }
  }

  SearchWeightsSource& source_;
  BeamSearch search_;
  std::vector<Step> traced_;     // [frames of scores that the search has seen]
  std::vector<double> weights_;  // of frames of scores, as they were told last
  std::vector<float> nll_;
  bool failed_ = false;
};

SearchWeightsSource::SearchWeightsSource(const Bundle& bundle, const GraphImage& graph,
                                         const Options& options)
    : bundle_(bundle), graph_(graph), options_(options) {}

StatusOr<std::unique_ptr<SearchWeightsSource>> SearchWeightsSource::Create(const Bundle& bundle,
                                                                           const GraphImage& graph,
                                                                           const Options& options) {
  const auto* sizes = std::get_if<Nnet3Sizes>(&bundle.manifest().sizes);
  if (sizes == nullptr || !graph.info().explicit_topology) {
    return Status::Unsupported("weights of silence are for nnet3 networks with graphs of their own")
        .InFile(bundle.folder());
  }
  SKALD_ASSIGN_OR_RETURN(const Nnet3Shape shape, ShapeOfNnet3(*sizes));
  auto source = std::unique_ptr<SearchWeightsSource>(new SearchWeightsSource(bundle, graph, options));
  const int subsampling = sizes->subsampling;
  source->subsampling_ = subsampling;
  source->frames_before_ = (shape.left_context + subsampling - 1) / subsampling * subsampling;
  source->frames_after_ = shape.right_context;
  source->is_silence_.assign(graph.info().unit_count, false);
  for (const int unit : sizes->silence_units) source->is_silence_.at(static_cast<size_t>(unit)) = true;
  SKALD_ASSIGN_OR_RETURN(std::unique_ptr<AcousticModel> model, source->LoadModel());
  source->GiveBack(std::move(model));
  return source;
}

std::unique_ptr<FrameWeights> SearchWeightsSource::NewStream() { return std::make_unique<Stream>(this); }

StatusOr<std::unique_ptr<AcousticModel>> SearchWeightsSource::LoadModel() const {
  AcousticModelOptions options;
  options.precision = Precision::kF32;
  options.heads = {options_.head};
  options.max_batch_feature_frames = options_.chunk_frames + frames_before_ + frames_after_;
  return AcousticModel::Load(bundle_, options);
}

std::unique_ptr<AcousticModel> SearchWeightsSource::Take() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<AcousticModel> model = std::move(idle_.back());
      idle_.pop_back();
      return model;
    }
  }
  StatusOr<std::unique_ptr<AcousticModel>> model = LoadModel();
  if (!model.ok()) {
    Log(LogLevel::kWarning, "silence is not told from speech in i-vectors: " + model.status().ToString());
    return nullptr;
  }
  return std::move(model).value();
}

void SearchWeightsSource::GiveBack(std::unique_ptr<AcousticModel> model) {
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(model));
}

}  // namespace skald
