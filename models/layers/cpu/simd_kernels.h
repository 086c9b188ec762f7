#pragma once

#include <cstdint>

namespace skald {

/// Inner loops of the CPU layers that oneDNN has no primitive for, chosen once for the processor's widest
/// vectors (AVX-512, AVX2 with FMA, or plain). All matrices are row-major f32; every row's result depends on
/// that row alone, so results do not depend on what is computed beside it. Functions allocate nothing and are
/// thread safe.
struct SimdKernels {
  /// Name of the instruction set: "avx512", "avx2" or "generic".
  const char* name;

  /// output [rows, width] = (input - mean) / sqrt(variance + epsilon) * gain + bias, per row, biased
  /// variance. `width` is a multiple of 16.
  void (*layer_norm)(const float* input, int64_t rows, int64_t width, const float* gain, const float* bias,
                     float epsilon, float* output);

  /// x [count] = x * (1 + erf(x / sqrt 2)) / 2 in place; absolute error below 1e-6.
  void (*gelu)(float* x, int64_t count);

  /// x [count] = x / (1 + exp(-x)) in place.
  void (*swish)(float* x, int64_t count);

  /// x [count] = max(x, 0) in place.
  void (*relu)(float* x, int64_t count);

  /// y [count] += x.
  void (*add)(const float* x, int64_t count, float* y);

  /// Gated linear unit: output [rows, width] = a / (1 + exp(-b)) of input rows [a | b] [rows, 2 * width].
  /// `width` is a multiple of 16. In place where output == input and rows == 1.
  void (*gated)(const float* input, int64_t rows, int64_t width, float* output);

  /// output [rows, channels] = bias + sum over k of input[row * stride + k] * weights[k, channel]: a
  /// convolution of one input channel with `taps` taps. weights [taps, channels]; `channels` is a multiple
  /// of 16.
  void (*expand_taps)(const float* input, int64_t rows, int64_t stride, int64_t taps, const float* weights,
                      const float* bias, int64_t channels, float* output);

  /// output [channels] = bias + sum over k of taps[k][channel] * weights[k, channel]: one output of a
  /// depthwise convolution. weights [count, channels]; `channels` is a multiple of 16.
  void (*depthwise)(const float* const* taps, int64_t count, const float* weights, const float* bias,
                    int64_t channels, float* output);

  /// nll [rows, units] = log(sum exp(logits)) - logits, per row; logits [rows, units] contiguous.
  void (*negative_log_softmax)(const float* logits, int64_t rows, int64_t units, float* nll,
                               int64_t nll_stride);

  /// product [6, 64] (rows `product_stride` apart) = left [6, depth] (rows `left_stride` apart) * right
  /// [depth, 64] (contiguous).
  void (*product_6x64)(const float* left, int64_t left_stride, const float* right, int64_t depth,
                       float* product, int64_t product_stride);

  /// output [columns, rows] (rows of it `output_stride` apart) = input [rows, columns] (rows `input_stride`
  /// apart), transposed. `columns` is a multiple of 16.
  void (*transpose)(const float* input, int64_t rows, int64_t input_stride, int64_t columns, float* output,
                    int64_t output_stride);

  /// Per row of scores [rows, count] (rows `stride` apart): exp(score - max of the row); zeros up to
  /// `padded_count`. inverse_sums [rows] = 1 / sum. In place.
  void (*exponentials)(float* scores, int64_t rows, int64_t count, int64_t padded_count, int64_t stride,
                       float* inverse_sums);

  /// f32 to bf16, round to nearest even, NaN stays NaN. [count]
  void (*to_bf16)(const float* input, int64_t count, uint16_t* output);

  /// Per row: scale = max |x| / 127; output = round(x / scale) + 128. [rows, width] contiguous, width a
  /// multiple of 16.
  void (*quantize_rows)(const float* input, int64_t rows, int64_t width, uint8_t* output, float* scales);

  /// output [rows, width] = (sums - 128 * column sum of the weights) * row_scale * column_scale + bias, then
  /// GELU where `gelu`, or added to output where `accumulate`. `corrections` [width] = 128 * column sums.
  void (*dequantize)(const int32_t* sums, int64_t rows, int64_t width, const float* row_scales,
                     const float* column_scales, const int32_t* corrections, const float* bias, bool gelu,
                     bool accumulate, float* output);
};

/// The kernels for this processor; SKALD_CPU_ISA=avx2|generic in the environment asks for narrower ones
/// (tests).
const SimdKernels& CpuKernels();

/// All variants this processor can run, widest first.
struct SimdKernelVariants {
  const SimdKernels* variants[3];
  int count;
};
SimdKernelVariants AllCpuKernels();

/// What the processor has beyond SIMD width.
struct CpuFeatures {
  bool avx512_bf16 = false;
  bool avx512_vnni = false;
};
CpuFeatures DetectCpuFeatures();

}  // namespace skald
