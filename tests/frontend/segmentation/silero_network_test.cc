#include "frontend/segmentation/silero_network.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

#include "base/file.h"
#include "engine/silero_file.h"
#include "support/npy.h"
#include "support/test_environment.h"
#include "support/tolerances.h"
#include "support/wav_file.h"

namespace skald {
namespace {

constexpr size_t kChunk = SileroNetwork::kChunkSamples;

const SileroNetwork& Network() {
  static const SileroNetwork network = ReadSileroNetwork(test::ProjectPath("models/silero-vad-16k")).value();
  return network;
}

std::vector<float> Recording(const std::string& name) {
  std::vector<float> samples = test::ReadWavFile(test::ProjectPath("models/en-base/golden/" + name + ".wav"));
  samples.resize((samples.size() + kChunk - 1) / kChunk * kChunk, 0.0f);
  return samples;
}

std::vector<float> Probabilities(PcmView samples, const internal::SileroCode* code = nullptr) {
  SileroNetwork::State state;
  SileroNetwork::Scratch scratch;
  std::vector<float> probabilities(samples.size() / kChunk);
  if (code == nullptr) {
    Network().Run(samples, &state, &scratch, probabilities.data());
  } else {
    Network().RunWith(*code, samples, &state, &scratch, probabilities.data());
  }
  return probabilities;
}

// With the code of every instruction set of this processor.
TEST(SileroNetwork, AgreesWithOnnxruntime) {
  const internal::SileroCodes codes = internal::UsableSileroCodes();
  for (const std::string name : {"jfk", "short", "long15"}) {
    const std::vector<float> samples = Recording(name);
    const auto golden =
        test::ReadNpy(test::ProjectPath("tests/frontend/segmentation/golden/" + name + ".npy"));
    ASSERT_TRUE(golden.ok()) << golden.status().ToString();
    for (int c = 0; c < codes.count; ++c) {
      SCOPED_TRACE(name + " " + codes.codes[c]->name);
      const std::vector<float> probabilities = Probabilities(samples, codes.codes[c]);
      ASSERT_EQ(probabilities.size(), golden->values.size());
      double worst = 0;
      for (size_t i = 0; i < probabilities.size(); ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(probabilities[i]) - golden->values[i]));
      }
      EXPECT_LT(worst, test::kSpeechProbabilityAbs);
      RecordProperty(name + "_" + codes.codes[c]->name, std::to_string(worst));
    }
  }
}

TEST(SileroNetwork, DoesNotDependOnHowChunksArriveBitForBit) {
  const uint64_t seed = test::PropertySeed();
  std::mt19937_64 random(seed);
  const std::vector<float> samples = Recording("jfk");
  const std::vector<float> whole = Probabilities(samples);
  std::vector<float> pieces(whole.size());
  SileroNetwork::State state;
  SileroNetwork::Scratch scratch;
  for (size_t begin = 0; begin < whole.size();) {
    const size_t count = std::min<size_t>(whole.size() - begin, 1 + random() % 70);
    Network().Run(PcmView(samples).subspan(begin * kChunk, count * kChunk), &state, &scratch, &pieces[begin]);
    begin += count;
  }
  EXPECT_EQ(pieces, whole);
}

TEST(SileroNetwork, RecoversFromSamplesThatAreNone) {
  std::vector<float> samples(20 * kChunk, 0.0f);
  samples[700] = std::numeric_limits<float>::quiet_NaN();
  samples[800] = std::numeric_limits<float>::infinity();
  samples[900] = -1e30f;
  const std::vector<float> speech = Recording("jfk");
  samples.insert(samples.end(), speech.begin(), speech.end());
  const std::vector<float> probabilities = Probabilities(samples);
  float most = 0;
  for (const float probability : probabilities) {
    ASSERT_TRUE(probability >= 0 && probability <= 1);
    most = std::max(most, probability);
  }
  EXPECT_GT(most, 0.99f);
}

TEST(SileroFile, NamesWhatIsWrong) {
  test::TemporaryFolder folder;
  EXPECT_EQ(ReadSileroNetwork(folder.path()).status().code(), StatusCode::kNotFound);
  const std::string whole = ReadFile(test::ProjectPath("models/silero-vad-16k/model.safetensors")).value();
  ASSERT_TRUE(WriteFileAtomically(folder / "model.safetensors", whole.substr(0, whole.size() / 2)).ok());
  EXPECT_EQ(ReadSileroNetwork(folder.path()).status().code(), StatusCode::kCorrupt);
  std::string renamed = whole;
  renamed.replace(renamed.find("conv3.bias"), 10, "conv9.bias");
  ASSERT_TRUE(WriteFileAtomically(folder / "model.safetensors", renamed).ok());
  const Status status = ReadSileroNetwork(folder.path()).status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_NE(status.ToString().find("conv3.bias"), std::string::npos) << status.ToString();
}

}  // namespace
}  // namespace skald
