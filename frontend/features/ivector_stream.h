#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/audio.h"
#include "base/view.h"
#include "frontend/features/feature_extractor.h"
#include "frontend/features/frame_weights.h"
#include "frontend/features/ivector_model.h"
#include "frontend/features/sliding_mean.h"

namespace skald {

/// I-vectors of one stream, estimated online: an i-vector knows what came before it, and nothing of what
/// comes after the frames that its network needs. The statistics are those of Kaldi's OnlineIvectorFeature
/// (online2/online-ivector-feature.h), and at the times at which its looped network asks for them
/// (nnet3/decodable-online-looped.cc). A function of the samples alone, however they are split over calls.
/// Not thread safe.
class IvectorStream {
 public:
  /// `extractor` computes the features of `model`. `weights` null: all frames weigh 1.
  IvectorStream(std::shared_ptr<const IvectorModel> model, FeatureExtractor extractor,
                std::unique_ptr<FrameWeights> weights = nullptr);

  /// The next samples.
  void Push(PcmView samples);
  /// The stream ended.
  void Finish();

  int size() const { return model_->options().size; }
  /// The i-vectors of `rows` [frames, size()], feature frames from `first_frame` on. Frames whose i-vector
  /// needs samples that have not come have the latest one.
  void Read(int64_t first_frame, MatrixView<float> rows) const;
  /// Frames before will not be read any more.
  void Forget(int64_t first_frame);

 private:
  struct Frame {
    std::vector<float> features;
    std::vector<float> projected;  ///< of the frames around it less their means; empty: not asked for yet
  };

  void Step(bool finished);
  void AddFrames();
  void AccumulateUntil(int64_t frame);
  void AccumulateFrame(int64_t frame, double weight);
  void CollectChanges(bool finished);
  void ShowChunk(int64_t chunk);
  const std::vector<float>& IvectorOf(int64_t frame) const;
  void Estimate();
  const std::vector<float>& FeaturesOf(int64_t frame) const;
  void ProjectNormalised(int64_t frame);
  void ProjectPlain(int64_t frame);
  /// The chunk whose i-vector a frame has.
  int64_t ChunkOf(int64_t frame) const;

  const std::shared_ptr<const IvectorModel> model_;
  const FeatureExtractor extractor_;
  const std::unique_ptr<FrameWeights> weights_;
  std::vector<float> samples_;   // not yet used up
  std::vector<float> step_;      // of the step that is being collected
  std::vector<float> features_;  // scratch
  std::deque<Frame> frames_;
  int64_t first_kept_ = 0;  // number of frames_.front()
  int64_t frame_count_ = 0;
  SlidingMean mean_;
  int64_t counted_ = 0;                // frames in the statistics
  std::map<int64_t, double> changes_;  // of weights, by frame, that are not in the statistics yet
  double weight_ = 0;                  // of them
  std::vector<double> linear_, quadratic_, current_;
  std::vector<std::vector<float>> chunks_;  // i-vectors of chunks from first_chunk_ on
  int64_t first_chunk_ = 0;
  std::vector<float> spliced_, projected_, input_;  // scratch
  std::vector<std::pair<int, float>> posteriors_;   // scratch
};

}  // namespace skald
