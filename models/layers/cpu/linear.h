#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "models/layers/weights.h"

namespace skald {

/// Rows that one call of CpuLinear computes. Every product of the model has this one shape per layer,
/// whatever the batch, so a row's bits never depend on the batch; only the last tile of a batch has rows to
/// spare.
inline constexpr int kLinearRowTile = 64;

/// Arithmetic of a linear layer on the CPU. Inputs, outputs and sums are f32 (s32 sums for int8) in every
/// case.
enum class CpuPrecision {
  kF32,
  kBf16,  ///< needs AVX512_BF16
  kInt8,  ///< weights with a scale per output, activations with a scale per row; needs AVX512_VNNI
};

/// What int8 networks keep the layers in whose inputs have outliers (from GELU): bf16 where the processor has
/// it, else f32. That keeps WER within 0.1 of f32; all int8 costs 0.3. Other precisions stay as they are.
CpuPrecision WideOf(CpuPrecision precision);

/// What a layer applies to its result.
enum class Activation {
  kNone,
  kGelu,   ///< x * (1 + erf(x / sqrt 2)) / 2
  kSwish,  ///< x / (1 + exp(-x))
  kRelu,
};

/// Memory one worker needs to run linear layers; grows to the largest layer it was prepared for.
class CpuLinearScratch {
 public:
  std::vector<uint16_t> bf16_input;
  std::vector<uint8_t> int8_input;
  std::vector<float> row_scales;
  std::vector<int32_t> sums;
};

/// output = activation(input * weights^T + bias) [+ output], by one oneDNN matrix product with fused
/// post-operations per tile of kLinearRowTile rows, on the calling thread. Weights are converted and
/// reordered once. Works with oneDNN 2.6 and 3. Run may be called concurrently for different workers.
class CpuLinear {
 public:
  struct Options {
    CpuPrecision precision = CpuPrecision::kF32;
    Activation activation = Activation::kNone;
    bool accumulate = false;  ///< add to the output's old content; not with an activation
    int workers = 1;
  };
  /// weights [outputs, inputs] row-major; bias [outputs], or empty for none. Neither is kept. `inputs` of
  /// int8 is a multiple of 16.
  static StatusOr<CpuLinear> Create(std::span<const float> weights, std::span<const float> bias, int inputs,
                                    int outputs, const Options& options);
  CpuLinear(CpuLinear&&) noexcept;
  CpuLinear& operator=(CpuLinear&&) noexcept;
  ~CpuLinear();

  int inputs() const;
  int outputs() const;
  /// Makes `scratch` large enough for this layer.
  void Prepare(CpuLinearScratch* scratch) const;
  /// input [kLinearRowTile, inputs], output [kLinearRowTile, outputs], contiguous. Allocates nothing.
  Status Run(int worker, const float* input, float* output, CpuLinearScratch* scratch);
  /// oneDNN's name of the implementation in use, for reports.
  std::string implementation() const;

 private:
  struct Impl;
  explicit CpuLinear(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A linear layer of `inputs` columns with `weights`; the outputs follow.
StatusOr<CpuLinear> MakeCpuLinear(const AffineWeights& weights, int inputs,
                                  const CpuLinear::Options& options);

}  // namespace skald
