#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/audio.h"
#include "frontend/segmentation/silero_kernels.h"

namespace skald {

/// Tensors of Silero's voice activity detector for 16 kHz, row-major, with the shapes of its file.
struct SileroWeights {
  std::vector<float> stft;                        ///< stft_conv.weight [258, 1, 256]: 129 cosines, 129 sines
  std::vector<float> conv1, conv1_bias;           ///< [128, 129, 3], [128]
  std::vector<float> conv2, conv2_bias;           ///< [64, 128, 3], [64]
  std::vector<float> conv3, conv3_bias;           ///< [64, 64, 3], [64]
  std::vector<float> conv4, conv4_bias;           ///< [128, 64, 3], [128]
  std::vector<float> lstm_ih, lstm_hh;            ///< [512, 128] each: input, forget, cell, output gate
  std::vector<float> lstm_ih_bias, lstm_hh_bias;  ///< [512] each
  std::vector<float> output, output_bias;         ///< final_conv [1, 128, 1], [1]
};

/// Silero's voice activity detector (https://github.com/snakers4/silero-vad), version 5 for 16 kHz, in f32:
/// the magnitudes of a short-time Fourier transform, four convolutions over the frames of a chunk, one LSTM
/// step a chunk, a sigmoid. All but the LSTM step is computed for kSileroBlockChunks chunks at once.
/// Immutable after construction: any number of threads may share it, each with its own State and Scratch.
class SileroNetwork {
 public:
  static constexpr int kChunkSamples = 512;
  static constexpr int kContextSamples = 64;

  /// What a stream has to remember from one chunk to the next.
  struct State {
    std::array<float, kContextSamples> context = {};
    std::array<float, 128> hidden = {};
    std::array<float, 128> cell = {};
  };
  class Scratch {
   public:
    Scratch();

   private:
    friend class SileroNetwork;
    std::vector<float> chunks_, kernels_;
  };

  /// Sizes of the tensors must be right (SKALD_CHECK).
  explicit SileroNetwork(const SileroWeights& weights);
  SileroNetwork(SileroNetwork&&) = default;
  SileroNetwork& operator=(SileroNetwork&&) = default;

  /// Probability of speech in each of the next chunks of a stream: samples [chunks * kChunkSamples]
  /// in [-1, 1] (others are clipped, NaN is 0), probabilities [chunks]. The result does not depend, bit for
  /// bit, on how chunks are split over calls. Allocates nothing.
  void Run(PcmView samples, State* state, Scratch* scratch, float* probabilities) const;

  /// The same with the code of one instruction set, for tests; see UsableSileroCodes.
  void RunWith(const internal::SileroCode& code, PcmView samples, State* state, Scratch* scratch,
               float* probabilities) const;

 private:
  std::vector<float> stft_, conv1_, conv2_, conv3_, conv4_, lstm_ih_, lstm_hh_;  // packed for the kernels
  std::vector<float> conv1_bias_, conv2_bias_, conv3_bias_, conv4_bias_, lstm_bias_, output_;
  internal::SileroPlan plan_;
};

}  // namespace skald
