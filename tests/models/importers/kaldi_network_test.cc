// Networks of Kaldi against the independent reference that golden/make_fixtures.py ran.
#include "models/importers/kaldi_network.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <random>

#include "base/file.h"
#include "models/architectures/nnet3_cpu.h"
#include "models/importers/kaldi_nnet3.h"
#include "models/importers/kaldi_transitions.h"
#include "support/npy.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

std::string Golden(const std::string& name) {
  return test::ProjectPath("tests/models/importers/golden/" + name);
}

struct Parsed {
  KaldiTransitionModel transitions;
  KaldiNnet3 nnet3;
  KaldiNetwork network;
};

StatusOr<Parsed> Parse(KaldiReader reader) {
  Parsed parsed;
  SKALD_ASSIGN_OR_RETURN(parsed.transitions, ReadKaldiTransitionModel(&reader));
  SKALD_ASSIGN_OR_RETURN(parsed.nnet3, ReadKaldiNnet3(&reader));
  SKALD_ASSIGN_OR_RETURN(parsed.network, ConvertKaldiNetwork(parsed.nnet3));
  return parsed;
}
StatusOr<Parsed> ParseFile(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(KaldiReader reader, KaldiReader::Open(path));
  return Parse(std::move(reader));
}

Nnet3Weights WeightsOf(const KaldiNetwork& network) {
  std::map<std::string, std::vector<float>> tensors;
  for (const NamedTensor& tensor : network.tensors) tensors[tensor.name] = tensor.values;
  Nnet3Weights weights;
  for (const Nnet3Sizes::Layer& layer : network.sizes.layers) {
    auto& operations = weights.layers.emplace_back();
    for (size_t place = 0; place < layer.operations.size(); ++place) {
      const bool affine = layer.operations[place].type == Nnet3Sizes::Operator::kAffine;
      operations.push_back({tensors[Nnet3TensorName(layer.name, place, affine ? "weight" : "scale")],
                            tensors[Nnet3TensorName(layer.name, place, affine ? "bias" : "offset")]});
    }
  }
  return weights;
}

/// Features of the golden recording: [frames, width]; with i-vectors where there are any, then for the frames
/// behind it too, which repeat its last features.
std::vector<float> GoldenInput(bool ivectors) {
  const NpyArray features = test::ReadNpy(Golden("features.npy")).value();
  if (!ivectors) return features.values;
  const NpyArray vectors = test::ReadNpy(Golden("chain.ivectors.npy")).value();
  const auto bins = features.shape[1], size = vectors.shape[1];
  std::vector<float> input;
  for (int64_t frame = 0; frame < vectors.shape[0]; ++frame) {
    const int64_t source = std::min(frame, features.shape[0] - 1);
    input.insert(input.end(), features.values.begin() + source * bins,
                 features.values.begin() + (source + 1) * bins);
    input.insert(input.end(), vectors.values.begin() + frame * size,
                 vectors.values.begin() + (frame + 1) * size);
  }
  return input;
}

/// Scores of windows that lie one behind the other in `input`.
std::vector<float> ScoresOf(const KaldiNetwork& network, std::vector<float> input,
                            std::vector<int64_t> windows, int threads) {
  auto cpu = Nnet3Cpu::Create(network.sizes, WeightsOf(network), CpuPrecision::kF32, threads).value();
  const int64_t width = network.sizes.feature_bins + network.sizes.ivector_size;
  const int64_t units = ShapeOfNnet3(network.sizes).value().widths.back() + 1;
  int64_t rows = 0;
  for (const int64_t frames : windows)
    rows += (frames + network.sizes.subsampling - 1) / network.sizes.subsampling;
  std::vector<float> scores(static_cast<size_t>(rows * units));
  const MatrixView<float> view(scores.data(), rows, units);
  EXPECT_TRUE(
      cpu->Run({input.data(), static_cast<int64_t>(input.size()) / width, width}, windows, {{view}}).ok());
  return scores;
}

void ExpectGolden(const std::string& model, int subsampling, const std::string& golden) {
  auto parsed = ParseFile(Golden(model));
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  KaldiNetwork& network = parsed->network;
  network.sizes.subsampling = subsampling;
  network.sizes.silence_units = {1, 2};
  const NpyArray wanted = test::ReadNpy(Golden(golden)).value();
  const std::vector<float> input = GoldenInput(network.sizes.ivector_size > 0);
  const auto width = static_cast<size_t>(network.sizes.feature_bins + network.sizes.ivector_size);
  const std::vector<float> scores = ScoresOf(network, input, {static_cast<int64_t>(input.size() / width)}, 2);
  const auto units = static_cast<size_t>(wanted.shape[1]);
  ASSERT_GE(scores.size(), static_cast<size_t>(wanted.shape[0]) * (units + 1));
  double largest = 0, silence = 0;
  for (size_t row = 0; row < static_cast<size_t>(wanted.shape[0]); ++row) {
    double all = 0, silent = 0;
    for (size_t unit = 0; unit < units; ++unit) {
      const double log_likelihood = wanted.values[row * units + unit];
      largest = std::max(largest, std::abs(log_likelihood + scores[row * (units + 1) + 1 + unit]));
      all += std::exp(log_likelihood);
      if (unit < 2) silent += std::exp(log_likelihood);
    }
    silence = std::max(silence, std::abs(scores[row * (units + 1)] + std::log(silent / all)));
  }
  EXPECT_LT(largest, test::kNnet3ScoreAbs);
  EXPECT_LT(silence, test::kNnet3ScoreAbs);
}

TEST(KaldiNetwork, ChainModelEqualsReference) {
  ExpectGolden("chain-binary/am/final.mdl", 3, "chain.scores.npy");
  ExpectGolden("chain-text/am/final.mdl", 3, "chain.scores.npy");
}

TEST(KaldiNetwork, ClassicModelWithPriorsEqualsReference) {
  ExpectGolden("classic/final.mdl", 1, "classic.scores.npy");
}

TEST(KaldiNetwork, TextAndBinaryAreTheSame) {
  const auto binary = ParseFile(Golden("chain-binary/am/final.mdl")).value();
  const auto text = ParseFile(Golden("chain-text/am/final.mdl")).value();
  ASSERT_EQ(binary.network.tensors.size(), text.network.tensors.size());
  for (size_t i = 0; i < binary.network.tensors.size(); ++i) {
    EXPECT_EQ(binary.network.tensors[i].name, text.network.tensors[i].name);
    EXPECT_EQ(binary.network.tensors[i].values, text.network.tensors[i].values);
  }
  ASSERT_EQ(binary.transitions.transitions.size(), text.transitions.transitions.size());
  for (size_t i = 1; i < binary.transitions.transitions.size(); ++i) {
    EXPECT_EQ(binary.transitions.transitions[i].pdf, text.transitions.transitions[i].pdf);
    EXPECT_EQ(binary.transitions.transitions[i].phone, text.transitions.transitions[i].phone);
  }
}

TEST(KaldiNetwork, TransitionsKnowPhonesPdfsAndSelfLoops) {
  const auto chain = ParseFile(Golden("chain-binary/am/final.mdl")).value().transitions;
  ASSERT_EQ(chain.transitions.size(), 19u);
  EXPECT_EQ(chain.pdfs, 10);
  EXPECT_TRUE(chain.transitions[3].self_loop);
  EXPECT_EQ(chain.transitions[3].phone, 2);
  EXPECT_EQ(chain.transitions[3].pdf, 7);
  EXPECT_FALSE(chain.transitions[4].self_loop);
  EXPECT_EQ(chain.transitions[4].pdf, 6);
  const auto classic = ParseFile(Golden("classic/final.mdl")).value().transitions;
  ASSERT_EQ(classic.transitions.size(), 37u);
  EXPECT_EQ(classic.transitions[3].hmm_state, 1);
  EXPECT_EQ(classic.transitions[3].pdf, 1);
}

TEST(KaldiNetwork, LayersAreFused) {
  const auto parsed = ParseFile(Golden("chain-binary/am/final.mdl")).value();
  const Nnet3Shape shape = ShapeOfNnet3(parsed.network.sizes).value();
  EXPECT_EQ(shape.left_context, parsed.nnet3.left_context);
  EXPECT_EQ(shape.right_context, parsed.nnet3.right_context);
  // lda, tdnn1, two of each TDNN-F layer and its sum, prefinal-l, two of prefinal-chain, output; nothing of
  // output-xent.
  EXPECT_EQ(parsed.network.sizes.layers.size(), 12u);
  EXPECT_EQ(parsed.network.sizes.layers.back().name, "output.affine");
}

TEST(KaldiNetwork, WindowsAndThreadsDoNotChangeBits) {
  auto parsed = ParseFile(Golden("chain-binary/am/final.mdl")).value();
  parsed.network.sizes.subsampling = 3;
  const std::vector<float> input = GoldenInput(true);
  const size_t width = 12;
  const auto frames = static_cast<int64_t>(input.size() / width);
  const std::vector<float> whole = ScoresOf(parsed.network, input, {frames}, 1);
  std::vector<float> twice = input;
  twice.insert(twice.end(), input.begin(), input.end());
  const std::vector<float> both = ScoresOf(parsed.network, twice, {frames, 0, frames}, 3);
  EXPECT_TRUE(std::equal(whole.begin(), whole.end(), both.begin()));
  EXPECT_TRUE(std::equal(whole.begin(), whole.end(), both.begin() + static_cast<ptrdiff_t>(whole.size())));
  EXPECT_TRUE(ScoresOf(parsed.network, {}, {0}, 1).empty());
  EXPECT_EQ(ScoresOf(parsed.network, {input.begin(), input.begin() + width}, {1}, 1).size(), 11u);
}

TEST(KaldiNetwork, TruncatedFilesAreRefusedWhereverTheyEnd) {
  for (const char* name : {"chain-binary/am/final.mdl", "chain-text/am/final.mdl"}) {
    const std::string bytes = ReadFile(Golden(name)).value();
    for (size_t size = 0; size + 8 < bytes.size(); size += size < 3000 ? 7 : 97) {
      const auto parsed = Parse(KaldiReader::FromBytes(bytes.substr(0, size), "cut.mdl"));
      ASSERT_FALSE(parsed.ok()) << name << " cut at " << size;
      EXPECT_EQ(parsed.status().code(), StatusCode::kCorrupt) << parsed.status().ToString();
      EXPECT_EQ(parsed.status().file(), "cut.mdl");
    }
  }
}

TEST(KaldiNetwork, DamagedFilesNeverCrash) {
  const std::string bytes = ReadFile(Golden("chain-binary/am/final.mdl")).value();
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 300; ++round) {
    std::string damaged = bytes;
    for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    (void)Parse(KaldiReader::FromBytes(damaged, "damaged.mdl"));
  }
}

/// Status of the text model with `from` replaced by `to`.
Status Changed(const std::string& model, const std::string& from, const std::string& to) {
  std::string text = ReadFile(Golden(model)).value();
  const size_t place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  text.replace(place, from.size(), to);
  return Parse(KaldiReader::FromBytes(text, "x.mdl")).status();
}

TEST(KaldiNetwork, WhatIsNotRunIsNamed) {
  const std::string chain = "chain-text/am/final.mdl";
  Status status = Changed(chain, "<ComponentName> lda <FixedAffineComponent>",
                          "<ComponentName> lda <LstmNonlinearityComponent>");
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_EQ(status.reason(), "component lda is a LstmNonlinearityComponent, which Skald does not run");
  EXPECT_EQ(status.file(), "x.mdl");
  EXPECT_EQ(status.position().substr(0, 5), "byte ");

  status = Changed(chain, "input=lda", "input=IfDefined(Offset(tdnnf2.noop, -1))");
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.ToString().find("node tdnn1.affine: the descriptor IfDefined"), std::string::npos)
      << status.ToString();
  status = Changed(chain, "input=lda", "input=Offset(tdnnf2.noop, -1)");
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.ToString().find("recurrence"), std::string::npos) << status.ToString();
  EXPECT_EQ(Changed(chain, "input-node name=ivector", "input-node name=speaker").code(),
            StatusCode::kUnsupported);
}

TEST(KaldiNetwork, WhatDoesNotFitIsNamed) {
  const std::string chain = "chain-text/am/final.mdl";
  const auto reason = [&](const std::string& from, const std::string& to) {
    const Status status = Changed(chain, from, to);
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << status.ToString();
    return status.ToString();
  };
  EXPECT_NE(reason("input=lda", "input=nowhere").find("takes from nowhere, which is no node"),
            std::string::npos);
  EXPECT_NE(reason("input=lda", "input=Append(lda").find("its input is not a descriptor"), std::string::npos);
  EXPECT_NE(reason("input=lda", "input=Append(lda, lda)").find("a matrix [16, 28] for 56 inputs"),
            std::string::npos);
  EXPECT_NE(reason("input=lda", "input=Offset(lda, 5000)").find("no whole number up to 1000"),
            std::string::npos);
  EXPECT_NE(reason("component=lda ", "component=nothing ").find("its component is not there"),
            std::string::npos);
  EXPECT_NE(reason("name=output ", "name=exit ").find("no output node"), std::string::npos);
  EXPECT_NE(reason("<Tuples> 9", "<Tuples> 10").find("byte"), std::string::npos);
  EXPECT_NE(reason("<NumComponents> ", "<NumComponents> 99999").find("the number of components"),
            std::string::npos);
  EXPECT_NE(reason("<Dim> 16 ", "<Dim> 17 ").find("its component is for 17 values, not 16"),
            std::string::npos);
  EXPECT_NE(reason("<MaxChange>", "<Surprise>").find("unknown field"), std::string::npos);
}

}  // namespace
}  // namespace skald
