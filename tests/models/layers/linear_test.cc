#include "models/layers/cpu/linear.h"

#include <algorithm>
#include <barrier>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

#include "layers/layer_reference.h"
#include "models/layers/cpu/simd_kernels.h"
#include "models/layers/cpu/worker_team.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald {
namespace {

constexpr double kSteepestActivation = 1.13;  ///< largest slope of GELU; the others are flatter

double Activate(Activation activation, double x) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kGelu:
      return test::Gelu(x);
    case Activation::kSwish:
      return x / (1 + std::exp(-x));
    case Activation::kRelu:
      return std::max(x, 0.0);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

struct Case {
  int inputs, outputs;
  AffineWeights affine;
  CpuLinear::Options options;
  std::vector<float> x;    ///< [kLinearRowTile, inputs]
  std::vector<float> old;  ///< [kLinearRowTile, outputs], what the output holds before

  std::span<const float> Row(int row) const {
    return std::span(x).subspan(static_cast<size_t>(row) * inputs, inputs);
  }
  std::span<const float> Weights(int output) const {
    return std::span(affine.weight).subspan(static_cast<size_t>(output) * inputs, inputs);
  }
};

/// One element of the output in f64.
double Reference(const Case& c, int row, int output) {
  double sum = c.affine.bias.empty() ? 0.0 : double{c.affine.bias[static_cast<size_t>(output)]};
  for (int i = 0; i < c.inputs; ++i) sum += double{c.Row(row)[i]} * c.Weights(output)[i];
  const double old =
      c.options.accumulate ? double{c.old[static_cast<size_t>(row * c.outputs + output)]} : 0.0;
  return Activate(c.options.activation, sum) + old;
}

double Largest(std::span<const float> values) {
  double largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(double{value}));
  return largest;
}

/// How far rounding of inputs and weights to the layer's precision can move an element of the output.
double RoundingBound(const Case& c, int row, int output) {
  if (c.options.precision == CpuPrecision::kF32) return 0;
  const std::span<const float> x = c.Row(row), weights = c.Weights(output);
  const bool int8 = c.options.precision == CpuPrecision::kInt8;
  const double x_step = Largest(x) / 127, weight_step = Largest(weights) / 127;
  double bound = 0;
  for (int i = 0; i < c.inputs; ++i) {
    const double value = std::abs(double{x[i]}), weight = std::abs(double{weights[i]});
    // Half a step of int8; half a unit in the last of 8 bits of bf16.
    const double value_error = int8 ? x_step / 2 : value * 0x1p-8;
    const double weight_error = int8 ? weight_step / 2 : weight * 0x1p-8;
    bound += value * weight_error + weight * value_error + value_error * weight_error;
  }
  return bound * kSteepestActivation;
}

CpuLinear MakeLayer(const Case& c) {
  AffineWeights affine = c.affine;
  CpuLinear layer = CpuLinear::Create(affine.weight, affine.bias, c.inputs, c.outputs, c.options).value();
  // The layer has its own copy.
  std::fill(affine.weight.begin(), affine.weight.end(), std::numeric_limits<float>::quiet_NaN());
  std::fill(affine.bias.begin(), affine.bias.end(), std::numeric_limits<float>::quiet_NaN());
  return layer;
}

std::vector<float> RunLayer(const Case& c, CpuLinear* layer, CpuLinearScratch* scratch, int worker = 0) {
  std::vector<float> output = c.old;
  output.push_back(-7.0f);
  EXPECT_TRUE(layer->Run(worker, c.x.data(), output.data(), scratch).ok());
  EXPECT_EQ(output.back(), -7.0f) << "wrote past the tile";
  output.pop_back();
  return output;
}

/// Every precision of this processor.
class CpuLinearTest : public ::testing::TestWithParam<CpuPrecision> {
 protected:
  void SetUp() override {
    const CpuFeatures features = DetectCpuFeatures();
    const bool here = GetParam() == CpuPrecision::kBf16   ? features.avx512_bf16
                      : GetParam() == CpuPrecision::kInt8 ? features.avx512_vnni
                                                          : true;
    if (!here) GTEST_SKIP() << "the processor lacks the precision";
    random_.seed(test::PropertySeed());
  }

  /// A layer and a tile of values of about 1; widths around those of vectors.
  Case RandomCase() {
    Case c;
    c.inputs = GetParam() == CpuPrecision::kInt8
                   ? test::PickOne({16, 48, 64, 80, 512, 1040}, &random_)
                   : test::PickOne({1, 2, 7, 16, 17, 31, 64, 80, 513, 1040}, &random_);
    c.outputs = test::PickOne({1, 3, 15, 16, 17, 29, 64, 65, 131}, &random_);
    c.affine = test::RandomAffine(c.outputs, c.inputs, &random_);
    if (random_() % 3 == 0) c.affine.bias.clear();
    c.x = test::RandomValues(int64_t{kLinearRowTile} * c.inputs, 1.0f, &random_);
    c.old = test::RandomValues(int64_t{kLinearRowTile} * c.outputs, 1.0f, &random_);
    c.options = {
        .precision = GetParam(),
        .activation = test::PickOne(
            {Activation::kNone, Activation::kGelu, Activation::kSwish, Activation::kRelu}, &random_)};
    c.options.accumulate = c.options.activation == Activation::kNone && random_() % 2 == 0;
    return c;
  }

  /// Replaces inputs and weights by values that the precision holds exactly.
  void MakeExact(Case* c) {
    if (GetParam() == CpuPrecision::kBf16) {
      for (std::vector<float>* values : {&c->x, &c->affine.weight}) {
        for (float& x : *values) x = std::bit_cast<float>(std::bit_cast<uint32_t>(x) & 0xffff0000u);
      }
    } else if (GetParam() == CpuPrecision::kInt8) {
      // Whole numbers up to 127 times a step, with 127 in each row. 73 is their standard deviation.
      const auto fill = [&](std::vector<float>* values, float step) {
        for (size_t i = 0; i < values->size(); ++i) {
          const bool first = i % static_cast<size_t>(c->inputs) == 0;
          (*values)[i] = step * (first ? 127.0f : static_cast<float>(random_() % 255) - 127.0f);
        }
      };
      fill(&c->x, 1.0f / 73);
      fill(&c->affine.weight, 1.0f / 73 / std::sqrt(static_cast<float>(c->inputs)));
    }
  }

  std::mt19937_64 random_;
};

std::string Describe(const Case& c) {
  return std::to_string(c.inputs) + " x " + std::to_string(c.outputs) + ", activation " +
         std::to_string(static_cast<int>(c.options.activation)) + (c.options.accumulate ? ", added" : "") +
         (c.affine.bias.empty() ? ", no bias" : "");
}

TEST_P(CpuLinearTest, EqualsTheDefinitionOnValuesThatThePrecisionHolds) {
  CpuLinearScratch scratch;
  for (int round = 0; round < 60; ++round) {
    Case c = RandomCase();
    MakeExact(&c);
    CpuLinear layer = MakeLayer(c);
    layer.Prepare(&scratch);
    const std::vector<float> output = RunLayer(c, &layer, &scratch);
    for (int row = 0; row < kLinearRowTile; ++row) {
      for (int column = 0; column < c.outputs; ++column) {
        ASSERT_NEAR(output[static_cast<size_t>(row * c.outputs + column)], Reference(c, row, column),
                    test::kLayerF32Abs)
            << "round " << round << ": " << Describe(c) << ", row " << row << ", output " << column;
      }
    }
  }
}

TEST_P(CpuLinearTest, ErrsByTheRoundingOfInputsAndWeights) {
  CpuLinearScratch scratch;
  double worst = 0;
  for (int round = 0; round < 30; ++round) {
    const Case c = RandomCase();
    CpuLinear layer = MakeLayer(c);
    layer.Prepare(&scratch);
    const std::vector<float> output = RunLayer(c, &layer, &scratch);
    for (int row = 0; row < kLinearRowTile; ++row) {
      for (int column = 0; column < c.outputs; ++column) {
        const double error =
            std::abs(output[static_cast<size_t>(row * c.outputs + column)] - Reference(c, row, column));
        ASSERT_LE(error, RoundingBound(c, row, column) + test::kLayerF32Abs)
            << "round " << round << ": " << Describe(c) << ", row " << row << ", output " << column;
        worst = std::max(worst, error);
      }
    }
  }
  EXPECT_EQ(worst > test::kLayerF32Abs, GetParam() != CpuPrecision::kF32) << "computed in another precision";
}

TEST_P(CpuLinearTest, ARowsBitsDependOnItAlone) {
  CpuLinearScratch scratch;
  for (int round = 0; round < 20; ++round) {
    const Case c = RandomCase();
    CpuLinear layer = MakeLayer(c);
    layer.Prepare(&scratch);
    const std::vector<float> together = RunLayer(c, &layer, &scratch);
    // One row goes elsewhere, among rows that are no numbers.
    const int from = static_cast<int>(random_() % kLinearRowTile),
              to = static_cast<int>(random_() % kLinearRowTile);
    Case alone = c;
    std::fill(alone.x.begin(), alone.x.end(), std::numeric_limits<float>::quiet_NaN());
    std::copy_n(c.x.begin() + from * c.inputs, c.inputs, alone.x.begin() + to * c.inputs);
    std::copy_n(c.old.begin() + from * c.outputs, c.outputs, alone.old.begin() + to * c.outputs);
    const std::vector<float> output = RunLayer(alone, &layer, &scratch);
    EXPECT_TRUE(std::equal(output.begin() + to * c.outputs, output.begin() + (to + 1) * c.outputs,
                           together.begin() + from * c.outputs))
        << Describe(c) << ", row " << from << " at " << to;
  }
}

TEST_P(CpuLinearTest, WorkersRunAtTheSameTime) {
  constexpr int kWorkers = 3;
  WorkerTeam team(kWorkers);
  for (int round = 0; round < 5; ++round) {
    Case c = RandomCase();
    while (c.inputs * c.outputs < 16000) c = RandomCase();  // smaller ones hardly overlap
    c.options.workers = kWorkers;
    CpuLinear layer = MakeLayer(c);
    std::vector<CpuLinearScratch> scratch(kWorkers);
    for (CpuLinearScratch& one : scratch) layer.Prepare(&one);
    std::vector<Case> tiles(40, c);
    std::vector<std::vector<float>> expected;
    for (Case& tile : tiles) {
      tile.x = test::RandomValues(static_cast<int64_t>(c.x.size()), 1.0f, &random_);
      expected.push_back(RunLayer(tile, &layer, scratch.data()));
    }
    // Every worker begins with another tile, when all are here.
    std::barrier everybody(kWorkers);
    std::vector<std::vector<std::vector<float>>> outputs(kWorkers, expected);
    team.For(kWorkers, [&](int worker, int64_t first) {
      const auto own = static_cast<size_t>(worker);
      everybody.arrive_and_wait();
      for (size_t i = 0; i < tiles.size(); ++i) {
        const size_t tile = (static_cast<size_t>(first) + i) % tiles.size();
        outputs[own][tile] = RunLayer(tiles[tile], &layer, &scratch[own], worker);
      }
    });
    for (const std::vector<std::vector<float>>& of_worker : outputs) {
      EXPECT_TRUE(of_worker == expected) << Describe(c);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, CpuLinearTest,
                         ::testing::Values(CpuPrecision::kF32, CpuPrecision::kBf16, CpuPrecision::kInt8),
                         [](const auto& precision) {
                           return precision.param == CpuPrecision::kF32    ? "F32"
                                  : precision.param == CpuPrecision::kBf16 ? "Bf16"
                                                                           : "Int8";
                         });

TEST(CpuLinear, OutputsFollowFromTheWeights) {
  std::mt19937_64 random(test::PropertySeed());
  const CpuLinear layer = MakeCpuLinear(test::RandomAffine(29, 48, &random), 48, {}).value();
  EXPECT_EQ(layer.inputs(), 48);
  EXPECT_EQ(layer.outputs(), 29);
  EXPECT_FALSE(layer.implementation().empty());
}

TEST(CpuLinear, LayersBehindGeluOfInt8NetworksAreWide) {
  EXPECT_EQ(WideOf(CpuPrecision::kF32), CpuPrecision::kF32);
  EXPECT_EQ(WideOf(CpuPrecision::kBf16), CpuPrecision::kBf16);
  EXPECT_EQ(WideOf(CpuPrecision::kInt8),
            DetectCpuFeatures().avx512_bf16 ? CpuPrecision::kBf16 : CpuPrecision::kF32);
}

TEST(CpuLinearDeathTest, ShapesAndOptionsThatDoNotFitAreErrorsOfTheCaller) {
  const std::vector<float> weights(12 * 8, 0.5f), bias(8, 0.0f), short_bias(7, 0.0f);
  EXPECT_DEATH((void)CpuLinear::Create(weights, bias, 12, 9, {}), "weights \\[outputs, inputs\\]");
  EXPECT_DEATH((void)CpuLinear::Create(weights, short_bias, 12, 8, {}), "bias \\[outputs\\]");
  EXPECT_DEATH(
      (void)CpuLinear::Create(weights, bias, 12, 8, {.activation = Activation::kRelu, .accumulate = true}),
      "activation of a sum");
  EXPECT_DEATH((void)CpuLinear::Create(weights, bias, 12, 8, {.precision = CpuPrecision::kInt8}),
               "multiple of 16");
}

}  // namespace
}  // namespace skald
