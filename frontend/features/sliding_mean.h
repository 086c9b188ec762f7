#pragma once

#include <cstdint>
#include <deque>
#include <vector>

namespace skald {

/// Over what the mean is taken.
struct SlidingMeanOptions {
  /// Frames up to a frame, itself included; larger is steadier and follows a stream more slowly.
  int frames = 600;
  /// Frames that the global mean counts as while the stream has fewer than `frames`.
  int global_frames = 200;
  /// Frames whose value 0 is not above this are quiet: see Normalise.
  double least_energy = -1e6;
};

/// Takes the mean of the frames up to a frame out of it. The rule is that of Kaldi's OnlineCmvn
/// (feat/online-feature.h) with means only. Not thread safe.
class SlidingMean {
 public:
  /// `global_mean` has the values of a frame.
  SlidingMean(const SlidingMeanOptions& options, std::vector<float> global_mean);

  /// The next frame of the stream [values].
  void Add(const float* frame);

  /// `normalised` [values]: a frame that was added and not forgotten, less its mean. A quiet frame has the
  /// mean of the frame that this was called for last, towards which the global mean is added once more: so
  /// Vosk's Kaldi has it, and i-vectors near silence are only Vosk's if the calls come in the same order.
  void Normalise(int64_t frame, const float* values, float* normalised);

  /// Frames before will not be asked for any more.
  void Forget(int64_t first_frame);

 private:
  const SlidingMeanOptions options_;
  const std::vector<float> global_mean_;
  std::deque<std::vector<double>> sums_;  // of all frames up to each, from first_sum_ on
  int64_t first_sum_ = 0;
  std::vector<double> sum_;  // that the last mean came from
  double count_ = 0;         // frames in it
};

}  // namespace skald
