#include "frontend/features/frame_block.h"

namespace skald::internal {

FrameBlockPlan MakeFrameBlockPlan(const FeatureOptions& options, const FeatureTables& tables) {
  FrameBlockPlan plan;
  plan.frame_length = options.frame_length_samples;
  plan.fft_size = options.fft_size;
  int rest = options.fft_size / 2;
  for (int radix : {5, 4, 3, 2}) {
    while (rest % radix == 0) {
      plan.radices[plan.radix_count++] = radix;
      rest /= radix;
    }
  }
  plan.window = tables.window.data();
  plan.twiddle_real = tables.twiddle_real.data();
  plan.twiddle_imag = tables.twiddle_imag.data();
  plan.split_real = tables.split_real.data();
  plan.split_imag = tables.split_imag.data();
  plan.mel_bins = options.mel_bins;
  plan.mel_first = tables.mel.first.data();
  plan.mel_start = tables.mel.start.data();
  plan.mel_weights = tables.mel.weights.data();
  plan.mel_floor = tables.mel_floor;
  plan.mel_offset = tables.mel_offset;
  plan.log_scale = tables.log_scale;
  plan.cepstra = tables.dct.empty() ? 0 : options.cepstra;
  plan.dct = tables.dct.data();
  if (options.kind != FeatureKind::kWhisperLogMel) {
    plan.remove_dc_offset = options.remove_dc_offset;
    plan.preemphasis = static_cast<float>(options.preemphasis);
  }
  plan.raw_energy = options.raw_energy;
  plan.sample_scale = tables.sample_scale;
  plan.energy_floor = tables.energy_floor;
  plan.mel_output = tables.mel_output;
  plan.energy_output = tables.energy_output;
  return plan;
}

size_t ScratchFloats(const FrameBlockPlan& plan, int lanes) {
  // Two complex arrays of fft_size / 2, and the log mel values where a DCT follows.
  return static_cast<size_t>(2 * plan.fft_size + plan.mel_bins) * lanes;
}

// The same source for each instruction set. Vectors wider than the set supports would be split through
// memory, hence the lane count of each. No fused multiply-add anywhere (-ffp-contract=off), hence equal bits.
#if defined(__x86_64__) && !defined(__clang__)

#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,prefer-vector-width=512")
namespace avx512 {
#define SKALD_LANES 16
#include "frontend/features/frame_block.inc"
#undef SKALD_LANES
}  // namespace avx512
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {
#define SKALD_LANES 8
#include "frontend/features/frame_block.inc"
#undef SKALD_LANES
}  // namespace avx2
#pragma GCC pop_options

#endif

namespace portable {
#define SKALD_LANES 4
#include "frontend/features/frame_block.inc"
#undef SKALD_LANES
}  // namespace portable

FrameBlockCodes UsableFrameBlockCodes() {
  static constexpr FrameBlockCode kPortable = {"portable", 4, portable::Run};
  FrameBlockCodes usable = {};
#if defined(__x86_64__) && !defined(__clang__)
  static constexpr FrameBlockCode kAvx512 = {"avx512", 16, avx512::Run};
  static constexpr FrameBlockCode kAvx2 = {"avx2", 8, avx2::Run};
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) {
    usable.codes[usable.count++] = &kAvx512;
  }
  if (__builtin_cpu_supports("avx2")) usable.codes[usable.count++] = &kAvx2;
#endif
  usable.codes[usable.count++] = &kPortable;
  return usable;
}

}  // namespace skald::internal
