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

}  // namespace

StatusOr<std::vector<GoldenResult>> CheckModel(const Bundle& bundle) {
  SKALD_RETURN_IF_ERROR(bundle.VerifyAll());
  const fs::path folder = fs::path(bundle.folder()) / "golden";
  std::vector<fs::path> recordings;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".wav") recordings.push_back(entry.path());
  }
  if (recordings.empty()) return Status::NotFound("no golden recordings").InFile(folder.string());
  std::sort(recordings.begin(), recordings.end());

  SKALD_ASSIGN_OR_RETURN(const FeatureOptions options, FeaturesOfBundle(bundle.manifest().features));
  SKALD_ASSIGN_OR_RETURN(const FeatureExtractor extractor, FeatureExtractor::Create(options));
  AcousticModelOptions model_options;
  model_options.precision = Precision::kF32;
  for (const auto& [name, head] : bundle.manifest().heads) model_options.heads.push_back(name);
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<AcousticModel> model,
                         AcousticModel::Load(bundle, model_options));

  std::vector<GoldenResult> results;
  for (const fs::path& recording : recordings) {
    const std::string stem = (folder / recording.stem()).string();
    SKALD_ASSIGN_OR_RETURN(const std::vector<float> samples, ReadSamples(recording.string()));
    const int64_t frames = extractor.FrameCount(static_cast<int64_t>(samples.size()));
    std::vector<float> features(static_cast<size_t>(frames * extractor.bins()));
    const MatrixView<float> feature_view(features.data(), frames, extractor.bins());
    extractor.Run(samples, feature_view);
    SKALD_ASSIGN_OR_RETURN(const NpyArray mel, ReadNpy(stem + ".mel.npy"));
    results.push_back({recording.stem().string() + ", features",
                       LargestDifference(mel, feature_view, 1, true), kFeatureLimit});

    std::vector<std::vector<float>> storage;
    std::vector<MatrixView<float>> nll;
    for (size_t head = 0; head < model->heads().size(); ++head) {
      const int64_t rows = model->ScoreFrames(frames);
      storage.emplace_back(static_cast<size_t>(rows * model->Units(head)));
      nll.emplace_back(storage.back().data(), rows, model->Units(head));
    }
    const int64_t lengths[] = {frames};
    SKALD_RETURN_IF_ERROR(model->Run(feature_view, lengths, nll));
    for (size_t head = 0; head < nll.size(); ++head) {
      const std::string& name = model->heads()[head];
      SKALD_ASSIGN_OR_RETURN(const NpyArray log_probs, ReadNpy(stem + ".logprobs_" + name + ".npy"));
      results.push_back({recording.stem().string() + ", head " + name,
                         LargestDifference(log_probs, nll[head], -1, false), kScoreLimit});
    }
  }
  return results;
}

}  // namespace skald
