#pragma once

namespace skald::internal {

/// Chunks that one call computes at most: products over all of them keep their weights in the cache.
inline constexpr int kSileroBlockChunks = 32;

/// Weights as the kernels read them, free of library types so that they compile for several instruction sets.
/// A product's weights [outputs / 16][inputs][16]; the recurrent ones [unit / 16][hidden][gate][16].
struct SileroPlan {
  const float* stft = nullptr;  ///< inputs 256, outputs 144 real, then 144 imaginary; those from 129 on are 0
  const float* conv1 = nullptr;  ///< inputs 3 * 129
  const float* conv1_bias = nullptr;
  const float* conv2 = nullptr;  ///< inputs 3 * 128
  const float* conv2_bias = nullptr;
  const float* conv3 = nullptr;  ///< inputs 2 * 64: the first tap only ever sees padding
  const float* conv3_bias = nullptr;
  const float* conv4 = nullptr;  ///< inputs 64: only the middle tap sees anything
  const float* conv4_bias = nullptr;
  const float* lstm_input = nullptr;  ///< inputs 128, outputs 512 in the order of the recurrent weights
  const float* lstm_bias = nullptr;
  const float* lstm_hidden = nullptr;
  const float* output = nullptr;  ///< [128]
  float output_bias = 0;
};

/// The code for one instruction set.
struct SileroCode {
  const char* name;
  /// chunks [count, 576]: 64 samples before each chunk and its 512; count at most kSileroBlockChunks. Updates
  /// hidden [128] and cell [128], writes probabilities [count]. scratch: kSileroScratchFloats. A chunk's
  /// result does not depend, bit for bit, on how chunks are split over calls.
  void (*run)(const SileroPlan& plan, const float* chunks, int count, float* hidden, float* cell,
              float* scratch, float* probabilities);
};

/// Padded chunks, magnitudes, three layers, gates.
inline constexpr int kSileroScratchFloats =
    kSileroBlockChunks * (640 + 4 * 288 + 6 * 129 + 5 * 128 + 2 * 64 + 64 + 128 + 512);

/// The codes that this processor can run, the quickest first; the last one is portable C++.
struct SileroCodes {
  const SileroCode* codes[3];
  int count;
};
SileroCodes UsableSileroCodes();

}  // namespace skald::internal
