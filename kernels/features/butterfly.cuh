#pragma once

namespace skald {

/// A complex number in registers. Products use fused multiply-adds by name.
struct Complex {
  float re;
  float im;
};

__device__ __forceinline__ Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
__device__ __forceinline__ Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
__device__ __forceinline__ Complex operator*(Complex a, Complex b) {
  return {__fmaf_rn(a.re, b.re, -(a.im * b.im)), __fmaf_rn(a.re, b.im, a.im * b.re)};
}
__device__ __forceinline__ Complex TimesMinusI(Complex a) { return {a.im, -a.re}; }

/// Forward Fourier transforms of 4, 5 and 8 points in place, in natural order.
__device__ __forceinline__ void Butterfly(Complex (&v)[4]) {
  const Complex even_sum = v[0] + v[2], even_difference = v[0] - v[2];
  const Complex odd_sum = v[1] + v[3], odd_difference = TimesMinusI(v[1] - v[3]);
  v[0] = even_sum + odd_sum;
  v[1] = even_difference + odd_difference;
  v[2] = even_sum - odd_sum;
  v[3] = even_difference - odd_difference;
}

__device__ __forceinline__ void Butterfly(Complex (&v)[5]) {
  constexpr float kCos1 = 0.30901699437494742410f, kCos2 = -0.80901699437494742410f;  // of 2 pi / 5, 4 pi / 5
  constexpr float kSin1 = 0.95105651629515357212f, kSin2 = 0.58778525229247312917f;
  const Complex sum1 = v[1] + v[4], difference1 = TimesMinusI(v[1] - v[4]);
  const Complex sum2 = v[2] + v[3], difference2 = TimesMinusI(v[2] - v[3]);
  const Complex a = {__fmaf_rn(kCos2, sum2.re, __fmaf_rn(kCos1, sum1.re, v[0].re)),
                     __fmaf_rn(kCos2, sum2.im, __fmaf_rn(kCos1, sum1.im, v[0].im))};
  const Complex b = {__fmaf_rn(kCos1, sum2.re, __fmaf_rn(kCos2, sum1.re, v[0].re)),
                     __fmaf_rn(kCos1, sum2.im, __fmaf_rn(kCos2, sum1.im, v[0].im))};
  const Complex c = {__fmaf_rn(kSin2, difference2.re, kSin1 * difference1.re),
                     __fmaf_rn(kSin2, difference2.im, kSin1 * difference1.im)};
  const Complex d = {__fmaf_rn(-kSin1, difference2.re, kSin2 * difference1.re),
                     __fmaf_rn(-kSin1, difference2.im, kSin2 * difference1.im)};
  v[0] = v[0] + sum1 + sum2;
  v[1] = a + c;
  v[2] = b + d;
  v[3] = b - d;
  v[4] = a - c;
}

__device__ __forceinline__ void Butterfly(Complex (&v)[8]) {
  constexpr float kRoot = 0.70710678118654752440f;
  Complex even[4] = {v[0], v[2], v[4], v[6]};
  Complex odd[4] = {v[1], v[3], v[5], v[7]};
  Butterfly(even);
  Butterfly(odd);
  const Complex turned[4] = {odd[0],
                             {kRoot * (odd[1].re + odd[1].im), kRoot * (odd[1].im - odd[1].re)},
                             TimesMinusI(odd[2]),
                             {kRoot * (odd[3].im - odd[3].re), -kRoot * (odd[3].re + odd[3].im)}};
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    v[k] = even[k] + turned[k];
    v[k + 4] = even[k] - turned[k];
  }
}

}  // namespace skald
