#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "decoder/graph/graph_image.h"
#include "decoder/search/search_options.h"
#include "frontend/features/frame_weights.h"
#include "models/acoustic_model.h"
#include "models/bundle/bundle.h"

namespace skald {

/// Weights of frames in i-vectors: little where a search over the stream so far takes them for silence. The
/// rule is that of Kaldi's OnlineSilenceWeighting (online2/online-ivector-feature.h): the best path of the
/// moment says what the last hundred frames of scores are, frames behind it are taken to be like its last
/// one, and before there is one all are silence. So the network runs once more, in small chunks, and a search
/// with it; thread safe, the graph outlives it.
class SearchWeightsSource {
 public:
  struct Options {
    std::string head;
    SearchOptions search;
    float acoustic_scale = 1;
    double silence_weight = 1;
    int chunk_frames = 0;  ///< feature frames of a chunk
  };
  /// kUnsupported for a bundle of another network than "nnet3".
  static StatusOr<std::unique_ptr<SearchWeightsSource>> Create(const Bundle& bundle, const GraphImage& graph,
                                                               const Options& options);

  /// For a new stream. This object outlives it.
  std::unique_ptr<FrameWeights> NewStream();

 private:
  class Stream;
  SearchWeightsSource(const Bundle& bundle, const GraphImage& graph, const Options& options);
  StatusOr<std::unique_ptr<AcousticModel>> LoadModel() const;
  /// A model that nobody uses; null where none can be loaded.
  std::unique_ptr<AcousticModel> Take();
  void GiveBack(std::unique_ptr<AcousticModel> model);

  const Bundle& bundle_;
  const GraphImage& graph_;
  const Options options_;
  int subsampling_ = 1, frames_before_ = 0, frames_after_ = 0;
  std::vector<bool> is_silence_;  ///< [units]
  std::mutex mutex_;
  std::vector<std::unique_ptr<AcousticModel>> idle_;  ///< guarded by mutex_
};

}  // namespace skald
