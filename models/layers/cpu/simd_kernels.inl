// The kernels of simd_kernels.h over GCC vectors of SKALD_LANES floats. Included once by each
// simd_kernels_*.cc, which is compiled for its instruction set. Uses no inline functions of headers: the
// linker might keep a wide copy of one for everybody.
#include <utility>

#include "models/layers/cpu/simd_kernels.h"

namespace skald {
namespace {

constexpr int kLanes = SKALD_LANES;
constexpr int kTileColumns = SKALD_TILE_VECTORS * kLanes;
constexpr int kTileRows = 6;

typedef float Vec __attribute__((vector_size(4 * kLanes)));
typedef float VecUnaligned __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
typedef int32_t Int __attribute__((vector_size(4 * kLanes)));
typedef int32_t IntUnaligned __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

inline Vec Load(const float* p) { return *reinterpret_cast<const VecUnaligned*>(p); }
inline void Store(float* p, Vec v) { *reinterpret_cast<VecUnaligned*>(p) = v; }
inline Int LoadInt(const int32_t* p) { return *reinterpret_cast<const IntUnaligned*>(p); }
inline Vec Broadcast(float x) { return Vec{} + x; }
inline Vec Max(Vec a, Vec b) { return a > b ? a : b; }
inline Vec Min(Vec a, Vec b) { return a < b ? a : b; }
inline Vec Abs(Vec a) { return reinterpret_cast<Vec>(reinterpret_cast<Int>(a) & 0x7fffffff); }

inline float Sum(Vec v) {
  float sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += v[i];
  return sum;
}
inline float Largest(Vec v) {
  float largest = v[0];
  for (int i = 1; i < kLanes; ++i) largest = v[i] > largest ? v[i] : largest;
  return largest;
}

/// Nearest integer, ties to even, of |x| < 2^22.
inline Vec Round(Vec x) {
  const Vec magic = Broadcast(0x1.8p23f);
  Vec shifted = x + magic;
  asm volatile("" : "+x"(shifted));  // keeps the compiler from cancelling the addition
  return shifted - magic;
}

/// e^x for x <= 88, relative error below 2e-7: x = n ln 2 + r, Taylor in r. Below -87.3 the result is 0.
inline Vec Exp(Vec x) {
  const Vec clamped = Max(Min(x, Broadcast(88.0f)), Broadcast(-87.3f));
  const Vec n = Round(clamped * 1.44269504f);
  Vec r = clamped - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  Vec p = Broadcast(1.0f / 5040);
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const Int exponent = (__builtin_convertvector(n, Int) + 127) << 23;
  const Vec result = p * reinterpret_cast<Vec>(exponent);
  return x < -87.3f ? Vec{} : result;
}

/// GELU by Abramowitz and Stegun 7.1.26 for erfc(|x| / sqrt 2): absolute error of erf below 1.5e-7.
inline Vec Gelu(Vec x) {
  const Vec z = Abs(x) * 0.70710678f;
  const Vec t = 1.0f / (1.0f + z * 0.3275911f);
  Vec p = Broadcast(1.061405429f);
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const Vec half_erfc = 0.5f * p * t * Exp(-z * z);
  return x * (x > 0.0f ? 1.0f - half_erfc : half_erfc);
}

void LayerNorm(const float* input, int64_t rows, int64_t width, const float* gain, const float* bias,
               float epsilon, float* output) {
  const float scale = 1.0f / static_cast<float>(width);
  for (int64_t row = 0; row < rows; ++row, input += width, output += width) {
    Vec sums = {};
    for (int64_t i = 0; i < width; i += kLanes) sums += Load(input + i);
    const float mean = Sum(sums) * scale;
    Vec squares = {};
    for (int64_t i = 0; i < width; i += kLanes) {
      const Vec d = Load(input + i) - mean;
      squares += d * d;
    }
    const float inverse = 1.0f / __builtin_sqrtf(Sum(squares) * scale + epsilon);
    for (int64_t i = 0; i < width; i += kLanes) {
      Store(output + i, (Load(input + i) - mean) * inverse * Load(gain + i) + Load(bias + i));
    }
  }
}

/// Applies f to `count` floats in place, the tail through a padded copy.
template <typename F>
inline void Map(float* x, int64_t count, F f) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) Store(x + i, f(Load(x + i)));
  if (i < count) {
    Vec tail = {};
    for (int64_t j = i; j < count; ++j) tail[j - i] = x[j];
    tail = f(tail);
    for (int64_t j = i; j < count; ++j) x[j] = tail[j - i];
  }
}

void GeluInPlace(float* x, int64_t count) {
  Map(x, count, [](Vec v) { return Gelu(v); });
}

inline Vec Sigmoid(Vec x) { return 1.0f / (1.0f + Exp(-x)); }

void SwishInPlace(float* x, int64_t count) {
  Map(x, count, [](Vec v) { return v * Sigmoid(v); });
}

void ReluInPlace(float* x, int64_t count) {
  Map(x, count, [](Vec v) { return Max(v, Vec{}); });
}

void Add(const float* x, int64_t count, float* y) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) Store(y + i, Load(y + i) + Load(x + i));
  for (; i < count; ++i) y[i] += x[i];
}

void Gated(const float* input, int64_t rows, int64_t width, float* output) {
  for (int64_t row = 0; row < rows; ++row, input += 2 * width, output += width) {
    for (int64_t i = 0; i < width; i += kLanes)
      Store(output + i, Load(input + i) * Sigmoid(Load(input + width + i)));
  }
}

void ExpandTaps(const float* input, int64_t rows, int64_t stride, int64_t taps, const float* weights,
                const float* bias, int64_t channels, float* output) {
  for (int64_t row = 0; row < rows; ++row, input += stride, output += channels) {
    for (int64_t i = 0; i < channels; i += kLanes) {
      Vec sum = Load(bias + i);
      for (int64_t k = 0; k < taps; ++k) sum += input[k] * Load(weights + k * channels + i);
      Store(output + i, sum);
    }
  }
}

void Depthwise(const float* const* taps, int64_t count, const float* weights, const float* bias,
               int64_t channels, float* output) {
  for (int64_t i = 0; i < channels; i += kLanes) {
    Vec sum = Load(bias + i);
    for (int64_t k = 0; k < count; ++k) sum += Load(taps[k] + i) * Load(weights + k * channels + i);
    Store(output + i, sum);
  }
}

/// Replaces a row by exp(x - max); returns the sum and stores the maximum.
inline float ExponentialsOfRow(float* x, int64_t count, float* maximum) {
  const int64_t whole = count / kLanes * kLanes;
  Vec largest = Broadcast(x[0]);
  for (int64_t i = 0; i < whole; i += kLanes) largest = Max(largest, Load(x + i));
  float top = Largest(largest);
  for (int64_t i = whole; i < count; ++i) top = x[i] > top ? x[i] : top;
  Vec sums = {};
  for (int64_t i = 0; i < whole; i += kLanes) {
    const Vec e = Exp(Load(x + i) - top);
    Store(x + i, e);
    sums += e;
  }
  if (whole < count) {
    Vec tail = Broadcast(-1e30f);
    for (int64_t i = whole; i < count; ++i) tail[i - whole] = x[i] - top;
    tail = Exp(tail);
    for (int64_t i = whole; i < count; ++i) x[i] = tail[i - whole];
    sums += tail;
  }
  *maximum = top;
  return Sum(sums);
}

void NegativeLogSoftmax(const float* logits, int64_t rows, int64_t units, float* nll, int64_t nll_stride) {
  for (int64_t row = 0; row < rows; ++row, logits += units, nll += nll_stride) {
    for (int64_t i = 0; i < units; ++i) nll[i] = logits[i];
    float top = 0;
    const float sum = ExponentialsOfRow(nll, units, &top);
    const float normaliser = top + __builtin_logf(sum);
    for (int64_t i = 0; i < units; ++i) nll[i] = normaliser - logits[i];
  }
}

void Exponentials(float* scores, int64_t rows, int64_t count, int64_t padded_count, int64_t stride,
                  float* inverse_sums) {
  for (int64_t row = 0; row < rows; ++row, scores += stride) {
    float top = 0;
    inverse_sums[row] = 1.0f / ExponentialsOfRow(scores, count, &top);
    for (int64_t i = count; i < padded_count; ++i) scores[i] = 0;
  }
}

void Product6x64(const float* left, int64_t left_stride, const float* right, int64_t depth, float* product,
                 int64_t product_stride) {
  for (int column = 0; column < 64; column += kTileColumns) {
    Vec sums[kTileRows][SKALD_TILE_VECTORS] = {};
    const float* b = right + column;
    for (int64_t k = 0; k < depth; ++k, b += 64) {
      Vec rights[SKALD_TILE_VECTORS];
#pragma GCC unroll 8
      for (int v = 0; v < SKALD_TILE_VECTORS; ++v) rights[v] = Load(b + v * kLanes);
#pragma GCC unroll 8
      for (int row = 0; row < kTileRows; ++row) {
        const Vec l = Broadcast(left[row * left_stride + k]);
#pragma GCC unroll 8
        for (int v = 0; v < SKALD_TILE_VECTORS; ++v) sums[row][v] += l * rights[v];
      }
    }
#pragma GCC unroll 8
    for (int row = 0; row < kTileRows; ++row) {
#pragma GCC unroll 8
      for (int v = 0; v < SKALD_TILE_VECTORS; ++v) {
        Store(product + row * product_stride + column + v * kLanes, sums[row][v]);
      }
    }
  }
}

/// Swaps the off-diagonal kHalf x kHalf quarters of two rows of every 2 kHalf x 2 kHalf square.
template <int kHalf, int... kLane>
void SwapQuarters(Vec* upper, Vec* lower, std::integer_sequence<int, kLane...>) {
  const Vec a = *upper, b = *lower;
  *upper = __builtin_shufflevector(a, b, ((kLane & kHalf) != 0 ? kLanes + kLane - kHalf : kLane)...);
  *lower = __builtin_shufflevector(a, b, ((kLane & kHalf) != 0 ? kLanes + kLane : kLane + kHalf)...);
}

/// Transposes a block of kLanes rows: all steps from kHalf down to 1.
template <int kHalf>
void Butterfly(Vec* block) {
  if constexpr (kHalf > 0) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      if ((i & kHalf) == 0)
        SwapQuarters<kHalf>(block + i, block + i + kHalf, std::make_integer_sequence<int, kLanes>());
    }
    Butterfly<kHalf / 2>(block);
  }
}

void Transpose(const float* input, int64_t rows, int64_t input_stride, int64_t columns, float* output,
               int64_t output_stride) {
  int64_t row = 0;
  for (; row + kLanes <= rows; row += kLanes) {
    for (int64_t column = 0; column < columns; column += kLanes) {
      Vec block[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) block[i] = Load(input + (row + i) * input_stride + column);
      Butterfly<kLanes / 2>(block);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) Store(output + (column + i) * output_stride + row, block[i]);
    }
  }
  for (; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      output[column * output_stride + row] = input[row * input_stride + column];
    }
  }
}

void ToBf16(const float* input, int64_t count, uint16_t* output) {
  for (int64_t i = 0; i < count; ++i) {
    uint32_t bits;
    __builtin_memcpy(&bits, input + i, 4);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
    output[i] = static_cast<uint16_t>(is_nan ? (bits >> 16) | 0x40u : rounded);
  }
}

void QuantizeRows(const float* input, int64_t rows, int64_t width, uint8_t* output, float* scales) {
  for (int64_t row = 0; row < rows; ++row, input += width, output += width) {
    Vec largest = Broadcast(1e-20f);
    for (int64_t i = 0; i < width; i += kLanes) largest = Max(largest, Abs(Load(input + i)));
    const float scale = Largest(largest) * (1.0f / 127.0f);
    const float inverse = 1.0f / scale;
    scales[row] = scale;
    for (int64_t i = 0; i < width; ++i) {
      // Adding 1.5 * 2^23 leaves round(x) in the low mantissa bits, ties to even.
      const float shifted = input[i] * inverse + (0x1.8p23f + 128.0f);
      uint32_t bits;
      __builtin_memcpy(&bits, &shifted, 4);
      output[i] = static_cast<uint8_t>(bits);
    }
  }
}

template <bool kGelu, bool kAccumulate>
void DequantizeRows(const int32_t* sums, int64_t rows, int64_t width, const float* row_scales,
                    const float* column_scales, const int32_t* corrections, const float* bias,
                    float* output) {
  for (int64_t row = 0; row < rows; ++row, sums += width, output += width) {
    const float scale = row_scales[row];
    int64_t i = 0;
    for (; i + kLanes <= width; i += kLanes) {
      Vec x = __builtin_convertvector(LoadInt(sums + i) - LoadInt(corrections + i), Vec);
      x = x * (Load(column_scales + i) * scale) + Load(bias + i);
      if (kGelu) x = Gelu(x);
      if (kAccumulate) x += Load(output + i);
      Store(output + i, x);
    }
    for (; i < width; ++i) {
      Vec x = {};
      x[0] = static_cast<float>(sums[i] - corrections[i]) * (column_scales[i] * scale) + bias[i];
      if (kGelu) x = Gelu(x);
      output[i] = kAccumulate ? output[i] + x[0] : x[0];
    }
  }
}

void Dequantize(const int32_t* sums, int64_t rows, int64_t width, const float* row_scales,
                const float* column_scales, const int32_t* corrections, const float* bias, bool gelu,
                bool accumulate, float* output) {
  const auto run = gelu         ? DequantizeRows<true, false>
                   : accumulate ? DequantizeRows<false, true>
                                : DequantizeRows<false, false>;
  run(sums, rows, width, row_scales, column_scales, corrections, bias, output);
}

}  // namespace

extern const SimdKernels SKALD_KERNELS;
const SimdKernels SKALD_KERNELS = {
    SKALD_ISA_NAME, LayerNorm,  GeluInPlace,  SwishInPlace,       ReluInPlace, Add,
    Gated,          ExpandTaps, Depthwise,    NegativeLogSoftmax, Product6x64, Transpose,
    Exponentials,   ToBf16,     QuantizeRows, Dequantize};

}  // namespace skald
