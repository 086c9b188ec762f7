#include "frontend/media/channel_mixer.h"

#include <cmath>
#include <cstdint>
#include <type_traits>

extern "C" {
#include <libavutil/frame.h>
#include <libavutil/samplefmt.h>
}

namespace skald {
namespace {

// Value of a sample before scaling: the scale is a power of two, so that sums of 16-bit samples stay exact.
template <typename T>
float Load(T x) {
  if constexpr (std::is_same_v<T, uint8_t>) return static_cast<float>(static_cast<int>(x) - 128);
  if constexpr (std::is_floating_point_v<T>) return std::isfinite(x) ? static_cast<float>(x) : 0.0f;
  return static_cast<float>(x);
}

template <typename T>
constexpr float Scale() {
  if constexpr (std::is_floating_point_v<T>) return 1.0f;
  return 1.0f / static_cast<float>(uint64_t{1} << (8 * sizeof(T) - 1));
}

template <typename T>
void Mix(const AVFrame& frame, bool planar, Lanes* lanes) {
  const int channels = frame.ch_layout.nb_channels;
  const bool split = lanes->size() > 1;
  const float scale = split ? Scale<T>() : Scale<T>() / static_cast<float>(channels);
  const size_t stride = planar ? 1 : static_cast<size_t>(channels);
  const auto count = static_cast<size_t>(frame.nb_samples);
  for (int channel = 0; channel < channels; ++channel) {
    const T* in = planar ? reinterpret_cast<const T*>(frame.extended_data[channel])
                         : reinterpret_cast<const T*>(frame.extended_data[0]) + channel;
    float* out = (*lanes)[split ? static_cast<size_t>(channel) : 0].data();
    if (split || channel == 0) {
      for (size_t i = 0; i < count; ++i) out[i] = Load(in[i * stride]);
    } else {
      for (size_t i = 0; i < count; ++i) out[i] += Load(in[i * stride]);
    }
  }
  for (std::vector<float>& lane : *lanes) {
    for (float& x : lane) x *= scale;
  }
}

}  // namespace

bool MixChannels(const AVFrame& frame, bool split_channels, Lanes* lanes) {
  lanes->resize(split_channels ? static_cast<size_t>(frame.ch_layout.nb_channels) : 1);
  for (std::vector<float>& lane : *lanes) lane.resize(static_cast<size_t>(frame.nb_samples));
  const auto format = static_cast<AVSampleFormat>(frame.format);
  const bool planar = av_sample_fmt_is_planar(format) != 0;
  switch (av_get_packed_sample_fmt(format)) {
    case AV_SAMPLE_FMT_U8:
      Mix<uint8_t>(frame, planar, lanes);
      return true;
    case AV_SAMPLE_FMT_S16:
      Mix<int16_t>(frame, planar, lanes);
      return true;
    case AV_SAMPLE_FMT_S32:
      Mix<int32_t>(frame, planar, lanes);
      return true;
    case AV_SAMPLE_FMT_S64:
      Mix<int64_t>(frame, planar, lanes);
      return true;
    case AV_SAMPLE_FMT_FLT:
      Mix<float>(frame, planar, lanes);
      return true;
    case AV_SAMPLE_FMT_DBL:
      Mix<double>(frame, planar, lanes);
      return true;
    default:
      return false;
  }
}

}  // namespace skald
