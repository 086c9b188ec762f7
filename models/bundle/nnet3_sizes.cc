#include "models/bundle/nnet3_sizes.h"

#include <algorithm>
#include <limits>

namespace skald {
namespace {

constexpr int kMaxWidth = 65535;
constexpr int kMaxContext = 10000;
using Operator = Nnet3Sizes::Operator;

Status Bad(const Nnet3Sizes::Layer& layer, const std::string& reason) {
  return Status::Corrupt(reason).At("layer " + layer.name);
}

/// Sizes in front of and behind layer `l`, given those of the layers before it.
Status AddWidths(const Nnet3Sizes& sizes, size_t l, Nnet3Shape* shape) {
  const Nnet3Sizes::Layer& layer = sizes.layers[l];
  int64_t inputs = 0;
  for (const auto& part : layer.input) {
    int width = -1;
    for (const Nnet3Sizes::Term& term : part) {
      if (term.source < 0 || term.source >= static_cast<int>(l) + Nnet3Sizes::kFirstLayer) {
        return Bad(layer, "takes from a layer that does not come before it");
      }
      const int of_term = term.source == Nnet3Sizes::kFeatures ? sizes.feature_bins
                          : term.source == Nnet3Sizes::kIvector
                              ? sizes.ivector_size
                              : shape->widths[static_cast<size_t>(term.source - Nnet3Sizes::kFirstLayer)];
      if (width != -1 && of_term != width) return Bad(layer, "a sum of terms of different width");
      width = of_term;
    }
    if (width < 1) return Bad(layer, "an input without values");
    inputs += width;
  }
  if (inputs < 1 || inputs > kMaxWidth) return Bad(layer, std::to_string(inputs) + " inputs");
  int width = static_cast<int>(inputs);
  for (const Nnet3Sizes::Operation& operation : layer.operations) {
    if (operation.type == Operator::kAffine) width = operation.outputs;
    if (width < 1 || width > kMaxWidth) return Bad(layer, std::to_string(width) + " outputs");
  }
  shape->inputs.push_back(static_cast<int>(inputs));
  shape->widths.push_back(width);
  return Status::Ok();
}

/// Which frames of the layers the scores need: from the last layer back.
Status AddTimes(const Nnet3Sizes& sizes, Nnet3Shape* shape) {
  const size_t count = sizes.layers.size();
  constexpr int kUnused = std::numeric_limits<int>::max();
  shape->first_offsets.assign(count, kUnused);
  shape->last_offsets.assign(count, -kUnused);
  shape->strides.assign(count, sizes.subsampling);
  shape->first_offsets.back() = shape->last_offsets.back() = 0;
  for (size_t l = count; l-- > 0;) {
    const Nnet3Sizes::Layer& layer = sizes.layers[l];
    if (shape->first_offsets[l] == kUnused) return Bad(layer, "is not used");
    for (const auto& part : layer.input) {
      for (const Nnet3Sizes::Term& term : part) {
        const int first = shape->first_offsets[l] + term.offset;
        const int last = shape->last_offsets[l] + term.offset;
        if (first < -kMaxContext || last > kMaxContext)
          return Bad(layer, "needs more than 10000 frames of context");
        if (term.source < Nnet3Sizes::kFirstLayer) {
          shape->left_context = std::max(shape->left_context, -first);
          shape->right_context = std::max(shape->right_context, last);
          continue;
        }
        const auto s = static_cast<size_t>(term.source - Nnet3Sizes::kFirstLayer);
        shape->first_offsets[s] = std::min(shape->first_offsets[s], first);
        shape->last_offsets[s] = std::max(shape->last_offsets[s], last);
        if (shape->strides[l] != sizes.subsampling || term.offset % sizes.subsampling != 0)
          shape->strides[s] = 1;
      }
    }
  }
  // Frames at multiples of the stride, so that those of all layers lie on one grid.
  for (size_t l = 0; l < count; ++l) {
    const int stride = shape->strides[l];
    const int first = shape->first_offsets[l];
    shape->first_offsets[l] =
        first >= 0 ? first / stride * stride : -((-first + stride - 1) / stride * stride);
  }
  return Status::Ok();
}

}  // namespace

StatusOr<Nnet3Shape> ShapeOfNnet3(const Nnet3Sizes& sizes) {
  Nnet3Shape shape;
  if (sizes.layers.empty()) return Status::Corrupt("a network without layers");
  for (size_t l = 0; l < sizes.layers.size(); ++l) SKALD_RETURN_IF_ERROR(AddWidths(sizes, l, &shape));
  SKALD_RETURN_IF_ERROR(AddTimes(sizes, &shape));
  for (const int unit : sizes.silence_units) {
    if (unit < 1 || unit > shape.widths.back()) {
      return Status::Corrupt("silence unit " + std::to_string(unit) + " is none of the network's " +
                             std::to_string(shape.widths.back()));
    }
  }
  return shape;
}

}  // namespace skald
