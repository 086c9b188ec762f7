#pragma once

#include <cstddef>

#include "frontend/features/feature_tables.h"

namespace skald::internal {

/// Borrowed pointers into FeatureTables and sizes: all that the SIMD code reads, free of library types so
/// that it can be compiled for several instruction sets.
struct FrameBlockPlan {
  int frame_length = 0;
  int fft_size = 0;
  int radices[16] = {};
  int radix_count = 0;
  const float* window = nullptr;
  const float* twiddle_real = nullptr;
  const float* twiddle_imag = nullptr;
  const float* split_real = nullptr;
  const float* split_imag = nullptr;
  int mel_bins = 0;
  const int* mel_first = nullptr;
  const int* mel_start = nullptr;
  const float* mel_weights = nullptr;
  float mel_floor = 0;
  float mel_offset = 0;
  float log_scale = 1;
  int cepstra = 0;  ///< 0: no DCT
  const float* dct = nullptr;
  bool remove_dc_offset = false;
  bool raw_energy = false;
  float preemphasis = 0;
  float sample_scale = 1;
  float energy_floor = 0;
  int mel_output = 0;
  int energy_output = -1;
};

/// `tables` must outlive the plan.
FrameBlockPlan MakeFrameBlockPlan(const FeatureOptions& options, const FeatureTables& tables);

/// The code for one instruction set: turns `lanes` frames at once, one in each SIMD lane.
struct FrameBlockCode {
  const char* name;
  int lanes;
  /// frames [lanes] pointers to frame_length samples each; scratch ScratchFloats(plan, lanes) floats, aligned
  /// to 64 bytes; results in output [bins, lanes]. The result of a lane depends on its own frame only and is
  /// the same, bit for bit, for every instruction set.
  void (*run)(const FrameBlockPlan& plan, const float* const* frames, float* scratch, float* output);
};

inline constexpr int kMaximumLanes = 16;

size_t ScratchFloats(const FrameBlockPlan& plan, int lanes);

/// The codes that this processor can run, the quickest first; the last one is portable C++.
struct FrameBlockCodes {
  const FrameBlockCode* codes[3];
  int count;
};
FrameBlockCodes UsableFrameBlockCodes();

}  // namespace skald::internal
