#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"

namespace skald {

/// How i-vectors follow a stream. The values in place are those of Kaldi's online decoding.
struct IvectorOptions {
  int feature_bins = 0;
  int size = 0;  ///< values of an i-vector
  /// Frames before and after a frame that are looked at with it.
  int splice_left = 3, splice_right = 3;
  /// Gaussians of a frame that count, at most; more is slower.
  int selected_gaussians = 5;
  /// Posteriors below count as 0; larger is faster.
  double least_posterior = 0.025;
  /// Weight of a frame: neighbours are alike, so less than 1. Smaller trusts the prior longer.
  double posterior_scale = 0.1;
  /// Weighted frames from which on the prior grows with them, so that an i-vector is never surer; 0: none.
  double max_count = 0;
  /// Steps of conjugate gradients for each i-vector. More is more exact and slower.
  int solver_steps = 15;
  /// Mean of an i-vector's value 0.
  double prior_offset = 0;
  /// Frames before a frame whose mean is taken out for the posteriors, and how many frames the global mean
  /// counts as.
  int mean_frames = 600, global_mean_frames = 200;
  /// Frames whose value 0 is not above this have the mean of other ones (SlidingMeanOptions::least_energy).
  double least_energy = -1e6;

  /// Weight of frames that FrameWeights take for silence; 1: frames weigh alike, and none are needed.
  double silence_weight = 1;

  // When an i-vector is estimated: as a network would that computes chunk_frames at a time, as soon as
  // samples that come step_samples at a time suffice for them and right_context frames more.
  int chunk_frames = 21;
  int right_context = 0;
  int step_samples = 3200;

  /// kInvalidArgument naming the field that is out of range.
  Status Validate() const;
};

/// The numbers of an i-vector extractor (Dehak et al. 2011 "Front-end factor analysis for speaker
/// verification"; in the form of Kaldi, ivector/ivector-extractor.h). G Gaussians over D values, i-vectors of
/// S.
struct IvectorParameters {
  std::vector<float>
      projection;  ///< [D, columns] of spliced frames; one more column than they have values: an offset
  std::vector<float> global_mean;          ///< [feature_bins]
  std::vector<float> constants;            ///< [G] of the diagonal Gaussians: log weight and normaliser
  std::vector<float> scaled_means;         ///< [G, D] means / variances
  std::vector<float> inverse_variances;    ///< [G, D]
  std::vector<float> factor_loadings;      ///< [G, D, S] from an i-vector to the mean of a Gaussian
  std::vector<float> inverse_covariances;  ///< [G, D, D] of the extractor's full Gaussians
};

/// An extractor, ready to use: checked, and what follows from its parameters computed. Immutable; thread
/// safe.
class IvectorModel {
 public:
  /// kInvalidArgument naming what does not fit. Takes about a second for 512 Gaussians and 100 values.
  static StatusOr<IvectorModel> Create(const IvectorOptions& options, IvectorParameters parameters);

  const IvectorOptions& options() const { return options_; }
  int gaussians() const { return gaussians_; }
  /// Values of a projected frame.
  int projected() const { return projected_; }

  /// projected [projected()] of a spliced frame [(splice_left + 1 + splice_right) * feature_bins].
  void Project(const float* spliced, float* projected) const;
  /// The Gaussians of a projected frame with their posteriors, which add up to 1.
  /// Posteriors below `least` count as 0, but for the largest.
  void Posteriors(const float* projected, double least, std::vector<std::pair<int, float>>* posteriors) const;
  /// Adds `weight` times what a frame says of Gaussian g: linear [S], quadratic [S * (S + 1) / 2] (lower
  /// triangle).
  void Accumulate(int g, double weight, const float* projected, double* linear, double* quadratic) const;
  const std::vector<float>& global_mean() const { return parameters_.global_mean; }

 private:
  IvectorModel() = default;
  IvectorOptions options_;
  IvectorParameters parameters_;
  int gaussians_ = 0, projected_ = 0, columns_ = 0;
  std::vector<float> linear_terms_;     ///< [G, D, S] inverse covariance times loadings
  std::vector<float> quadratic_terms_;  ///< [G, S * (S + 1) / 2] loadings' * inverse covariance * loadings
};

}  // namespace skald
