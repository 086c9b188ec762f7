#include "frontend/segmentation/silero_network.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/check.h"

namespace skald {
namespace {

constexpr int kPanel = 16;  // outputs side by side, see SileroPlan

/// [outputs, channels, 3] to [outputs / 16][taps * channels][16], with the taps from first_tap on.
std::vector<float> PackConvolution(const std::vector<float>& weights, int outputs, int channels,
                                   int first_tap, int taps) {
  SKALD_CHECK(weights.size() == static_cast<size_t>(outputs) * channels * 3,
              "weights [outputs, channels, 3]");
  std::vector<float> packed;
  packed.reserve(static_cast<size_t>(outputs) * taps * channels);
  for (int panel = 0; panel < outputs; panel += kPanel) {
    for (int tap = first_tap; tap < first_tap + taps; ++tap) {
      for (int channel = 0; channel < channels; ++channel) {
        for (int output = panel; output < panel + kPanel; ++output) {
          packed.push_back(weights[static_cast<size_t>((output * channels + channel) * 3 + tap)]);
        }
      }
    }
  }
  return packed;
}

/// [258, 256] to [288 / 16][256][16]: each half of 129 rows gets 144.
std::vector<float> PackTransform(const std::vector<float>& weights) {
  SKALD_CHECK(weights.size() == 258 * 256, "weights [258, 1, 256]");
  std::vector<float> packed;
  packed.reserve(288 * 256);
  for (int panel = 0; panel < 288; panel += kPanel) {
    for (int input = 0; input < 256; ++input) {
      for (int output = panel; output < panel + kPanel; ++output) {
        const int half = output / 144, bin = output % 144;
        packed.push_back(bin < 129 ? weights[static_cast<size_t>((half * 129 + bin) * 256 + input)] : 0.0f);
      }
    }
  }
  return packed;
}

/// Row of the LSTM's weights [4 * 128] that stands at a place of the kernels' order [unit / 16][gate][16].
int GateRow(int place) {
  const int panel = place / (4 * kPanel), gate = place / kPanel % 4;
  return gate * 128 + panel * kPanel + place % kPanel;
}

/// [512, 128] to [512 / width][128][width] in the order of GateRow.
std::vector<float> PackGates(const std::vector<float>& weights, int width) {
  SKALD_CHECK(weights.size() == 512 * 128, "weights [512, 128]");
  std::vector<float> packed;
  packed.reserve(weights.size());
  for (int panel = 0; panel < 512; panel += width) {
    for (int input = 0; input < 128; ++input) {
      for (int place = panel; place < panel + width; ++place) {
        packed.push_back(weights[static_cast<size_t>(GateRow(place) * 128 + input)]);
      }
    }
  }
  return packed;
}

}  // namespace

SileroNetwork::Scratch::Scratch()
    : chunks_(internal::kSileroBlockChunks * (kContextSamples + kChunkSamples)),
      kernels_(internal::kSileroScratchFloats) {}

SileroNetwork::SileroNetwork(const SileroWeights& weights)
    : stft_(PackTransform(weights.stft)),
      conv1_(PackConvolution(weights.conv1, 128, 129, 0, 3)),
      conv2_(PackConvolution(weights.conv2, 64, 128, 0, 3)),
      conv3_(PackConvolution(weights.conv3, 64, 64, 1, 2)),
      conv4_(PackConvolution(weights.conv4, 128, 64, 1, 1)),
      lstm_ih_(PackGates(weights.lstm_ih, kPanel)),
      lstm_hh_(PackGates(weights.lstm_hh, 4 * kPanel)),
      conv1_bias_(weights.conv1_bias),
      conv2_bias_(weights.conv2_bias),
      conv3_bias_(weights.conv3_bias),
      conv4_bias_(weights.conv4_bias),
      output_(weights.output) {
  SKALD_CHECK(conv1_bias_.size() == 128 && conv2_bias_.size() == 64 && conv3_bias_.size() == 64 &&
                  conv4_bias_.size() == 128 && weights.lstm_ih_bias.size() == 512 &&
                  weights.lstm_hh_bias.size() == 512 && output_.size() == 128 &&
                  weights.output_bias.size() == 1,
              "biases of Silero's network");
  for (int place = 0; place < 512; ++place) {
    const auto row = static_cast<size_t>(GateRow(place));
    lstm_bias_.push_back(weights.lstm_ih_bias[row] + weights.lstm_hh_bias[row]);
  }
  plan_ = {stft_.data(),       conv1_.data(),         conv1_bias_.data(), conv2_.data(),
           conv2_bias_.data(), conv3_.data(),         conv3_bias_.data(), conv4_.data(),
           conv4_bias_.data(), lstm_ih_.data(),       lstm_bias_.data(),  lstm_hh_.data(),
           output_.data(),     weights.output_bias[0]};
}

void SileroNetwork::Run(PcmView samples, State* state, Scratch* scratch, float* probabilities) const {
  static const internal::SileroCode& quickest = *internal::UsableSileroCodes().codes[0];
  RunWith(quickest, samples, state, scratch, probabilities);
}

void SileroNetwork::RunWith(const internal::SileroCode& code, PcmView samples, State* state, Scratch* scratch,
                            float* probabilities) const {
  SKALD_CHECK(samples.size() % kChunkSamples == 0, "samples [chunks * 512]");
  constexpr size_t kRow = kContextSamples + kChunkSamples;
  while (!samples.empty()) {
    const size_t count =
        std::min<size_t>(internal::kSileroBlockChunks, samples.size() / static_cast<size_t>(kChunkSamples));
    float* row = scratch->chunks_.data();
    for (size_t chunk = 0; chunk < count; ++chunk, row += kRow) {
      const PcmView now = samples.subspan(chunk * kChunkSamples, kChunkSamples);
      std::copy(state->context.begin(), state->context.end(), row);
      // What is no number would stay in the recurrent state for ever.
      std::transform(now.begin(), now.end(), row + kContextSamples, [](float x) {
        return x >= -1.0f && x <= 1.0f ? x : x > 1.0f ? 1.0f : x < -1.0f ? -1.0f : 0.0f;
      });
      std::copy(row + kChunkSamples, row + kRow, state->context.begin());
    }
    code.run(plan_, scratch->chunks_.data(), static_cast<int>(count), state->hidden.data(),
             state->cell.data(), scratch->kernels_.data(), probabilities);
    samples = samples.subspan(count * kChunkSamples);
    probabilities += count;
  }
}

}  // namespace skald
