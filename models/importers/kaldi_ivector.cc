#include "models/importers/kaldi_ivector.h"

#include <cmath>
#include <utility>

#include "models/importers/kaldi_config.h"
#include "models/importers/kaldi_reader.h"

namespace skald {
namespace {

constexpr int32_t kMaxGaussians = 100'000;
/// What is quiet for Vosk; Kaldi has no such option.
constexpr double kVoskLeastEnergy = 50;
/// Weighted frames that Vosk lets an i-vector be sure of; Kaldi's default is 0, no limit.
constexpr double kVoskMaxCount = 100;

/// A file that holds one matrix.
StatusOr<KaldiMatrix> ReadMatrixFile(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(KaldiReader reader, KaldiReader::Open(path));
  return reader.Matrix();
}

/// Mean of each feature from the sums of a CMVN file.
Status ReadGlobalMean(const KaldiIvectorFiles& files, int feature_bins, ImportedIvector* result) {
  SKALD_ASSIGN_OR_RETURN(const KaldiMatrix stats, ReadMatrixFile(files.cmvn_stats));
  const double count = stats.rows == 2 && stats.columns == feature_bins + 1 ? stats(0, feature_bins) : 0;
  if (!(count > 0)) {
    return Status::Corrupt("statistics [" + std::to_string(stats.rows) + ", " +
                           std::to_string(stats.columns) + "]; features of " + std::to_string(feature_bins) +
                           " values have [2, " + std::to_string(feature_bins + 1) + "] with a positive count")
        .InFile(files.cmvn_stats);
  }
  NamedTensor mean{"global_mean", {feature_bins}, {}};
  for (int i = 0; i < feature_bins; ++i) mean.values.push_back(static_cast<float>(stats(0, i) / count));
  result->tensors.push_back(std::move(mean));
  return Status::Ok();
}

/// The diagonal Gaussians; returns [number, values].
StatusOr<std::pair<int64_t, int64_t>> ReadGaussians(const std::string& path, ImportedIvector* result) {
  SKALD_ASSIGN_OR_RETURN(KaldiReader reader, KaldiReader::Open(path));
  SKALD_ASSIGN_OR_RETURN(const std::string opening, reader.Token());
  if (opening != "<DiagGMM>" && opening != "<DiagGMMBegin>") return reader.Corrupt("expected <DiagGMM>");
  SKALD_ASSIGN_OR_RETURN(std::string tag, reader.Token());
  if (tag == "<GCONSTS>") {  // computed anew below
    SKALD_RETURN_IF_ERROR(reader.Vector().status());
    SKALD_ASSIGN_OR_RETURN(tag, reader.Token());
  }
  if (tag != "<WEIGHTS>") return reader.Corrupt("expected <WEIGHTS>");
  SKALD_ASSIGN_OR_RETURN(const std::vector<double> weights, reader.Vector());
  SKALD_RETURN_IF_ERROR(reader.Expect("<MEANS_INVVARS>"));
  SKALD_ASSIGN_OR_RETURN(const KaldiMatrix means, reader.Matrix());
  SKALD_RETURN_IF_ERROR(reader.Expect("<INV_VARS>"));
  SKALD_ASSIGN_OR_RETURN(const KaldiMatrix inverses, reader.Matrix());
  SKALD_ASSIGN_OR_RETURN(const std::string closing, reader.Token());
  if (closing != "</DiagGMM>" && closing != "<DiagGMMEnd>") return reader.Corrupt("expected </DiagGMM>");
  const auto gaussians = static_cast<int64_t>(weights.size());
  if (gaussians < 1 || means.columns < 1 || means.rows != gaussians || inverses.rows != gaussians ||
      inverses.columns != means.columns) {
    return reader.Corrupt(std::to_string(gaussians) + " weights, means [" + std::to_string(means.rows) +
                          ", " + std::to_string(means.columns) + "], variances [" +
                          std::to_string(inverses.rows) + ", " + std::to_string(inverses.columns) + "]");
  }
  NamedTensor constants{"gaussians.constants", {gaussians}, {}};
  for (int64_t g = 0; g < gaussians; ++g) {
    // Text has more digits than the values, which are floats.
    double constant = std::log(double{static_cast<float>(weights[static_cast<size_t>(g)])});
    for (int64_t d = 0; d < means.columns; ++d) {
      const double mean = static_cast<float>(means(g, d)), inverse = static_cast<float>(inverses(g, d));
      constant += 0.5 * (std::log(inverse) - std::log(2 * M_PI) - mean * mean / inverse);
    }
    if (!std::isfinite(constant))
      return reader.Corrupt("Gaussian " + std::to_string(g) + " has no finite density");
    constants.values.push_back(static_cast<float>(constant));
  }
  result->tensors.push_back(std::move(constants));
  result->tensors.push_back({"gaussians.scaled_means", {gaussians, means.columns}, means.ToFloat()});
  result->tensors.push_back({"gaussians.inverse_variances", {gaussians, means.columns}, inverses.ToFloat()});
  return std::pair(gaussians, means.columns);
}

Status ReadExtractor(const std::string& path, int64_t gaussians, int64_t projected, ImportedIvector* result) {
  SKALD_ASSIGN_OR_RETURN(KaldiReader reader, KaldiReader::Open(path));
  SKALD_RETURN_IF_ERROR(reader.Expect("<IvectorExtractor>"));
  SKALD_RETURN_IF_ERROR(reader.Expect("<w>"));
  SKALD_ASSIGN_OR_RETURN(const KaldiMatrix weights, reader.Matrix());
  if (weights.rows != 0) return reader.Unsupported("an extractor whose weights depend on the i-vector");
  SKALD_RETURN_IF_ERROR(reader.Expect("<w_vec>"));
  SKALD_RETURN_IF_ERROR(reader.Vector().status());
  SKALD_RETURN_IF_ERROR(reader.Expect("<M>"));
  SKALD_ASSIGN_OR_RETURN(const int32_t count, reader.Integer("the number of Gaussians", 1, kMaxGaussians));
  if (count != gaussians) {
    return reader.Corrupt(std::to_string(count) + " Gaussians; the diagonal ones are " +
                          std::to_string(gaussians));
  }
  NamedTensor loadings{"extractor.loadings", {gaussians, projected, 0}, {}};
  for (int32_t g = 0; g < count; ++g) {
    SKALD_ASSIGN_OR_RETURN(const KaldiMatrix matrix, reader.Matrix());
    if (g == 0) loadings.shape[2] = matrix.columns;
    if (matrix.rows != projected || matrix.columns != loadings.shape[2] || matrix.columns < 1 ||
        matrix.columns > 2000) {
      return reader.Corrupt("a matrix [" + std::to_string(matrix.rows) + ", " +
                            std::to_string(matrix.columns) + "] where " + std::to_string(projected) +
                            " rows of up to 2000 columns are needed");
    }
    loadings.values.insert(loadings.values.end(), matrix.values.begin(), matrix.values.end());
  }
  SKALD_RETURN_IF_ERROR(reader.Expect("<SigmaInv>"));
  NamedTensor inverses{"extractor.inverse_covariances", {gaussians, projected, projected}, {}};
  for (int32_t g = 0; g < count; ++g) {
    SKALD_ASSIGN_OR_RETURN(const KaldiMatrix matrix, reader.SymmetricMatrix());
    if (matrix.rows != projected)
      return reader.Corrupt("a covariance of " + std::to_string(matrix.rows) + " values");
    inverses.values.insert(inverses.values.end(), matrix.values.begin(), matrix.values.end());
  }
  SKALD_RETURN_IF_ERROR(reader.Expect("<IvectorOffset>"));
  SKALD_ASSIGN_OR_RETURN(result->settings["prior_offset"], reader.Number());
  SKALD_RETURN_IF_ERROR(reader.Expect("</IvectorExtractor>"));
  result->size = static_cast<int>(loadings.shape[2]);
  result->tensors.push_back(std::move(loadings));
  result->tensors.push_back(std::move(inverses));
  return Status::Ok();
}

StatusOr<KaldiConfig> ReadConfigOr(const std::string& path) {
  if (path.empty()) return KaldiConfig();
  return KaldiConfig::Read(path);
}

Status ReadSettings(const KaldiIvectorFiles& files, std::map<std::string, double>* settings) {
  SKALD_ASSIGN_OR_RETURN(const KaldiConfig splice, ReadConfigOr(files.splice_config));
  SKALD_RETURN_IF_ERROR(splice.CheckKnown({"left-context", "right-context"}));
  SKALD_ASSIGN_OR_RETURN((*settings)["splice_left"], splice.Integer("left-context", 4, 0, 100));
  SKALD_ASSIGN_OR_RETURN((*settings)["splice_right"], splice.Integer("right-context", 4, 0, 100));

  SKALD_ASSIGN_OR_RETURN(const KaldiConfig cmvn, ReadConfigOr(files.cmvn_config));
  SKALD_RETURN_IF_ERROR(
      cmvn.CheckKnown({"cmn-window", "global-frames", "speaker-frames", "norm-means", "norm-vars", "modulus",
                       "ring-buffer-size", "skip-dims", "cmn-min-energy"}));
  SKALD_ASSIGN_OR_RETURN(const bool variances, cmvn.Boolean("norm-vars", false));
  SKALD_ASSIGN_OR_RETURN(const bool means, cmvn.Boolean("norm-means", true));
  if (variances || !means || cmvn.Has("skip-dims")) {
    return Status::Unsupported("normalisation of anything but the means of all values").InFile(cmvn.path());
  }
  SKALD_ASSIGN_OR_RETURN((*settings)["mean_frames"], cmvn.Integer("cmn-window", 600, 1, 100000));
  SKALD_ASSIGN_OR_RETURN((*settings)["global_mean_frames"], cmvn.Integer("global-frames", 200, 0, 100000));

  SKALD_ASSIGN_OR_RETURN(const KaldiConfig extractor, ReadConfigOr(files.extractor_config));
  if (files.extractor_config.empty() || cmvn.Has("cmn-min-energy")) {
    SKALD_ASSIGN_OR_RETURN((*settings)["least_energy"],
                           cmvn.Number("cmn-min-energy", kVoskLeastEnergy, -1e6, 1e6));
  }
  SKALD_ASSIGN_OR_RETURN((*settings)["selected_gaussians"], extractor.Integer("num-gselect", 5, 1, 10000));
  SKALD_ASSIGN_OR_RETURN((*settings)["least_posterior"], extractor.Number("min-post", 0.025, 0, 0.5));
  SKALD_ASSIGN_OR_RETURN((*settings)["posterior_scale"], extractor.Number("posterior-scale", 0.1, 1e-6, 1));
  SKALD_ASSIGN_OR_RETURN((*settings)["solver_steps"], extractor.Integer("num-cg-iters", 15, 1, 1000));
  const double max_count = files.extractor_config.empty() ? kVoskMaxCount : 0;
  SKALD_ASSIGN_OR_RETURN((*settings)["max_count"], extractor.Number("max-count", max_count, 0, 1e9));
  return Status::Ok();
}

}  // namespace

StatusOr<ImportedIvector> ReadKaldiIvector(const KaldiIvectorFiles& files, int feature_bins) {
  ImportedIvector result;
  SKALD_RETURN_IF_ERROR(ReadSettings(files, &result.settings));
  SKALD_RETURN_IF_ERROR(ReadGlobalMean(files, feature_bins, &result));
  SKALD_ASSIGN_OR_RETURN(const auto gaussians, ReadGaussians(files.gaussians, &result));
  SKALD_ASSIGN_OR_RETURN(const KaldiMatrix projection, ReadMatrixFile(files.projection));
  const auto spliced = static_cast<int64_t>(
      feature_bins * (result.settings["splice_left"] + 1 + result.settings["splice_right"]));
  if (projection.rows != gaussians.second ||
      (projection.columns != spliced && projection.columns != spliced + 1)) {
    return Status::Corrupt("a matrix [" + std::to_string(projection.rows) + ", " +
                           std::to_string(projection.columns) + "] from " + std::to_string(spliced) +
                           " spliced values to " + std::to_string(gaussians.second))
        .InFile(files.projection);
  }
  result.tensors.push_back({"projection", {projection.rows, projection.columns}, projection.ToFloat()});
  SKALD_RETURN_IF_ERROR(ReadExtractor(files.extractor, gaussians.first, gaussians.second, &result));
  return result;
}

}  // namespace skald
