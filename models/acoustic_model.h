#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/view.h"
#include "models/bundle/bundle.h"

namespace skald {

/// Arithmetic of the large matrix products; sums, norms, softmax and scores are f32 in every case.
enum class Precision {
  kAuto,  ///< the fastest that the processor has and that keeps WER within 0.1 absolute of f32
          ///< (models/README.md)
  kF32,
  kBf16,  ///< CPU: needs AVX512_BF16
  kF16,   ///< CUDA only
  kInt8,  ///< CPU only: needs AVX512_VNNI; weights with a scale per output, activations with a scale per
          ///< frame
};

/// "auto", "f32", "bf16", "f16", "int8".
const char* PrecisionName(Precision precision);
/// The reverse; kInvalidArgument for anything else.
StatusOr<Precision> ParsePrecision(const std::string& name);

struct AcousticModelOptions {
  Precision precision = Precision::kAuto;
  /// Threads of one Run. More finish a batch sooner; results stay the same.
  int threads = 1;
  /// Heads to compute, in the order of Run's outputs; each costs a small product. Empty: the bundle's search
  /// head.
  std::vector<std::string> heads;
  /// Largest batch in feature frames. Larger batches use threads better and take more memory: about 7 KiB per
  /// feature frame for en-base.
  int64_t max_batch_feature_frames = 12000;
};

/// Where the wall time of an AcousticModel went since it was loaded.
struct AcousticModelTiming {
  double convolution_s = 0;
  double attention_s = 0;
  double linear_s = 0;
  double heads_s = 0;
};

/// An acoustic model on the CPU: windows of features in, frame scores out. Loading checks and reorders the
/// weights once. Deterministic: a window's scores have the same bits whatever windows share its batch and
/// however many threads work, on one kind of processor. One Run at a time per object; the const functions are
/// thread safe.
class AcousticModel {
 public:
  /// Failures name file and tensor; kUnsupported where the processor lacks the precision asked for.
  static StatusOr<std::unique_ptr<AcousticModel>> Load(const Bundle& bundle,
                                                       const AcousticModelOptions& options);
  virtual ~AcousticModel() = default;

  /// Frames of scores for a window of `feature_frames`; 0 for 0.
  virtual int64_t ScoreFrames(int64_t feature_frames) const = 0;
  /// Seconds from one frame of scores to the next.
  virtual double frame_shift_s() const = 0;
  /// Longest window, in feature frames.
  virtual int64_t max_window_feature_frames() const = 0;
  virtual int64_t max_batch_feature_frames() const = 0;
  virtual int feature_bins() const = 0;
  /// Names of the heads that Run computes, in order.
  virtual const std::vector<std::string>& heads() const = 0;
  /// Units of the head `heads()[head]`.
  virtual int Units(size_t head) const = 0;
  /// The precision in use, never kAuto.
  virtual Precision precision() const = 0;
  virtual AcousticModelTiming timing() const = 0;

  /// Scores a packed batch of windows. features [sum of window_feature_frames, feature_bins()], windows one
  /// after the other; nll_per_head: for each of heads() a matrix [sum of ScoreFrames(window), Units(head)]
  /// that receives -log softmax in nats. kInvalidArgument where a shape is wrong, a window too long or the
  /// batch too large. Buffers grow with the
  /// largest batch seen and are kept.
  virtual Status Run(FeatureView features, std::span<const int64_t> window_feature_frames,
                     std::span<const MatrixView<float>> nll_per_head) = 0;
};

}  // namespace skald
