#include "engine/model_check.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "base/npy.h"
#include "engine/bundle_features.h"
#include "frontend/features/feature_extractor.h"
#include "frontend/media/media_reader.h"
#include "models/acoustic_model.h"

namespace skald {
namespace {

namespace fs = std::filesystem;

constexpr double kFeatureLimit = 1e-4;
/// Features divided by their deviation: where a bin hardly changes, so do differences of rounding.
constexpr double kNormalisedFeatureLimit = 1e-3;
constexpr double kScoreLimit = 2e-3;

StatusOr<std::vector<float>> ReadSamples(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<MediaReader> reader, MediaReader::Open(path, {}));
  std::vector<float> samples;
  for (;;) {
    SKALD_ASSIGN_OR_RETURN(std::optional<PcmBlock> block, reader->Read());
    if (!block.has_value()) return samples;
    samples.insert(samples.end(), block->samples.begin(), block->samples.end());
  }
}

/// Largest |expected(r, c) - sign * actual(r, c)|; infinity where the shapes differ. `transposed`:
/// expected(c, r).
double LargestDifference(const NpyArray& expected, MatrixView<const float> actual, float sign,
                         bool transposed) {
  const std::vector<int64_t> shape = transposed ? std::vector<int64_t>{actual.columns, actual.rows}
                                                : std::vector<int64_t>{actual.rows, actual.columns};
  if (expected.shape != shape) return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (int64_t r = 0; r < actual.rows; ++r) {
    for (int64_t c = 0; c < actual.columns; ++c) {
      const int64_t place = transposed ? c * actual.rows + r : r * actual.columns + c;
      const double difference = std::abs(static_cast<double>(expected.values[static_cast<size_t>(place)]) -
                                         static_cast<double>(sign * actual(r, c)));
      largest =
          std::max(largest, std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference);
    }
  }
  return largest;
}

/// A golden recording and its features.
struct Recording {
  std::string name, stem;  ///< stem: its path without the extension
  int64_t frames = 0;
  std::vector<float> features;  ///< [frames, bins]
};

StatusOr<std::vector<Recording>> ReadRecordings(const Bundle& bundle, const FeatureExtractor& extractor) {
  const fs::path folder = fs::path(bundle.folder()) / "golden";
  std::vector<fs::path> paths;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".wav") paths.push_back(entry.path());
  }
  if (paths.empty()) return Status::NotFound("no golden recordings").InFile(folder.string());
  std::sort(paths.begin(), paths.end());
  std::vector<Recording> recordings;
  for (const fs::path& path : paths) {
    SKALD_ASSIGN_OR_RETURN(const std::vector<float> samples, ReadSamples(path.string()));
    Recording recording{path.stem().string(), (folder / path.stem()).string(), 0, {}};
    recording.frames = extractor.FrameCount(static_cast<int64_t>(samples.size()));
    recording.features.resize(static_cast<size_t>(recording.frames * extractor.bins()));
    extractor.Run(samples, MatrixView<float>(recording.features.data(), recording.frames, extractor.bins()));
    recordings.push_back(std::move(recording));
  }
  return recordings;
}

}  // namespace

StatusOr<std::vector<GoldenResult>> CheckModel(const Bundle& bundle) {
  SKALD_RETURN_IF_ERROR(bundle.VerifyAll());
  SKALD_ASSIGN_OR_RETURN(const FeatureOptions options, FeaturesOfBundle(bundle.manifest().features));
  SKALD_ASSIGN_OR_RETURN(const FeatureExtractor extractor, FeatureExtractor::Create(options));
  SKALD_ASSIGN_OR_RETURN(const std::vector<Recording> recordings, ReadRecordings(bundle, extractor));

  std::vector<GoldenResult> results;
  std::vector<int64_t> windows;
  std::vector<float> features;
  for (const Recording& recording : recordings) {
    windows.push_back(recording.frames);
    features.insert(features.end(), recording.features.begin(), recording.features.end());
    // Where the network takes samples there are no features to compare.
    if (options.kind == FeatureKind::kWaveform) continue;
    SKALD_ASSIGN_OR_RETURN(const NpyArray mel, ReadNpy(recording.stem + ".mel.npy"));
    const MatrixView<const float> view(recording.features.data(), recording.frames, extractor.bins());
    results.push_back({recording.name + ", features", LargestDifference(mel, view, 1, true),
                       options.kind == FeatureKind::kNemoLogMel ? kNormalisedFeatureLimit : kFeatureLimit});
  }
  const auto feature_rows = static_cast<int64_t>(features.size()) / extractor.bins();
  AcousticModelOptions model_options;
  model_options.precision = Precision::kF32;
  model_options.max_batch_feature_frames = std::max<int64_t>(1, feature_rows);
  for (const auto& [name, head] : bundle.manifest().heads) model_options.heads.push_back(name);
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<AcousticModel> model,
                         AcousticModel::Load(bundle, model_options));

  int64_t score_rows = 0;
  for (const int64_t frames : windows) score_rows += model->ScoreFrames(frames);
  std::vector<std::vector<float>> storage;
  std::vector<MatrixView<float>> nll;
  for (size_t head = 0; head < model->heads().size(); ++head) {
    storage.emplace_back(static_cast<size_t>(score_rows * model->Units(head)));
    nll.emplace_back(storage.back().data(), score_rows, model->Units(head));
  }
  SKALD_RETURN_IF_ERROR(model->Run({features.data(), feature_rows, extractor.bins()}, windows, nll));
  int64_t first_row = 0;
  for (const Recording& recording : recordings) {
    const int64_t rows = model->ScoreFrames(recording.frames);
    for (size_t head = 0; head < nll.size(); ++head) {
      const std::string& name = model->heads()[head];
      SKALD_ASSIGN_OR_RETURN(const NpyArray log_probs,
                             ReadNpy(recording.stem + ".logprobs_" + name + ".npy"));
      results.push_back({recording.name + ", head " + name,
                         LargestDifference(log_probs, nll[head].Rows(first_row, rows), -1, false),
                         kScoreLimit});
    }
    first_row += rows;
  }
  return results;
}

}  // namespace skald
