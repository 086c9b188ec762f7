#include "models/batch_check.h"

#include <algorithm>

namespace skald {

Status BatchShape::Check(FeatureView features, std::span<const int64_t> window_feature_frames,
                         std::span<const MatrixView<float>> nll_per_head) const {
  int64_t feature_frames = 0, frames = 0;
  for (const int64_t window : window_feature_frames) {
    if (window < 0 || window > max_window_feature_frames()) {
      return Status::InvalidArgument("window of " + std::to_string(window) +
                                     " feature frames; the model takes 0 to " +
                                     std::to_string(max_window_feature_frames()));
    }
    feature_frames += window;
    frames += ScoreFrames(window);
    if (feature_frames > max_batch_feature_frames) {
      return Status::InvalidArgument("batch of more than " + std::to_string(max_batch_feature_frames) +
                                     " feature frames, the limit the model was loaded with");
    }
  }
  if (features.rows != feature_frames || features.columns != feature_bins() ||
      features.stride < features.columns) {
    return Status::InvalidArgument("features [" + std::to_string(features.rows) + ", " +
                                   std::to_string(features.columns) + "]; the windows need [" +
                                   std::to_string(feature_frames) + ", " + std::to_string(feature_bins()) +
                                   "]");
  }
  if (nll_per_head.size() != heads.size()) {
    return Status::InvalidArgument(std::to_string(nll_per_head.size()) + " outputs for " +
                                   std::to_string(heads.size()) + " heads");
  }
  for (size_t head = 0; head < heads.size(); ++head) {
    const MatrixView<float>& nll = nll_per_head[head];
    if (nll.rows != frames || nll.columns != units[head] || nll.stride < nll.columns) {
      return Status::InvalidArgument("scores of head " + heads[head] + " [" + std::to_string(nll.rows) +
                                     ", " + std::to_string(nll.columns) + "]; the batch gives [" +
                                     std::to_string(frames) + ", " + std::to_string(units[head]) + "]");
    }
  }
  return Status::Ok();
}

StatusOr<BatchShape> MakeBatchShape(const Bundle& bundle, const std::vector<std::string>& heads,
                                    int64_t max_batch_feature_frames) {
  const BundleManifest& manifest = bundle.manifest();
  if (max_batch_feature_frames < 1) {
    return Status::InvalidArgument("batch limit of " + std::to_string(max_batch_feature_frames) +
                                   " feature frames");
  }
  BatchShape shape;
  shape.sizes = manifest.sizes;
  shape.max_batch_feature_frames = max_batch_feature_frames;
  shape.heads = heads;
  if (shape.heads.empty()) shape.heads.push_back(manifest.search_head);
  for (size_t i = 0; i < shape.heads.size(); ++i) {
    const auto found = manifest.heads.find(shape.heads[i]);
    if (found == manifest.heads.end()) {
      return Status::InvalidArgument("bundle " + manifest.name + " has no head " + shape.heads[i]);
    }
    if (std::count(shape.heads.begin(), shape.heads.end(), shape.heads[i]) > 1) {
      return Status::InvalidArgument("head " + shape.heads[i] + " is asked for twice");
    }
    shape.units.push_back(found->second.units);
  }
  return shape;
}

}  // namespace skald
