#include "frontend/media/resampler.h"

#include <algorithm>

#include "base/audio.h"
#include "frontend/media/av_error.h"
#include "frontend/media/av_handles.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace skald {
namespace {

// Zero crossings of the sinc and where its band ends, as a part of the smaller Nyquist frequency: with these,
// flat to 7 kHz and down by more than 60 dB from 8.5 kHz on.
constexpr int kFilterSize = 64;
constexpr double kCutoff = 0.97;
constexpr double kKaiserBeta = 8;

}  // namespace

void Resampler::Free::operator()(SwrContext* context) const { swr_free(&context); }
Resampler::Resampler(Resampler&&) noexcept = default;
Resampler& Resampler::operator=(Resampler&&) noexcept = default;
Resampler::~Resampler() = default;

StatusOr<Resampler> Resampler::Create(int input_rate_hz) {
  if (input_rate_hz <= 0) return Status::Corrupt("sample rate " + std::to_string(input_rate_hz) + " Hz");
  Resampler resampler;
  resampler.input_rate_hz_ = input_rate_hz;
  if (input_rate_hz == kSampleRateHz) return resampler;
  AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;  // not const: FFmpeg 5 takes plain pointers
  SwrContext* context = nullptr;
  int error = swr_alloc_set_opts2(&context, &mono, AV_SAMPLE_FMT_FLTP, kSampleRateHz, &mono,
                                  AV_SAMPLE_FMT_FLTP, input_rate_hz, 0, nullptr);
  resampler.context_.reset(context);
  if (error < 0) return AvError(error, "resampler");
  av_opt_set_int(context, "filter_size", kFilterSize, 0);
  av_opt_set_double(context, "cutoff", kCutoff, 0);
  av_opt_set_int(context, "filter_type", SWR_FILTER_TYPE_KAISER, 0);
  av_opt_set_double(context, "kaiser_beta", kKaiserBeta, 0);
  av_opt_set_int(context, "exact_rational", 1, 0);
  error = swr_init(context);
  if (error < 0) return AvError(error, "resampling from " + std::to_string(input_rate_hz) + " Hz");
  return resampler;
}

int64_t Resampler::OutputCount(int64_t input_samples, int input_rate_hz) {
  return (input_samples * kSampleRateHz + input_rate_hz - 1) / input_rate_hz;
}

void Resampler::Convert(std::span<const float> input, std::vector<float>* output) {
  const size_t before = output->size();
  const int room = std::max(swr_get_out_samples(context_.get(), static_cast<int>(input.size())), 0);
  output->resize(before + static_cast<size_t>(room));
  auto* out = reinterpret_cast<uint8_t*>(output->data() + before);
  const auto* in = reinterpret_cast<const uint8_t*>(input.data());
  const int made = swr_convert(context_.get(), &out, room, &in, static_cast<int>(input.size()));
  SKALD_CHECK(made >= 0, "libswresample refused samples of the format it was made for");
  output->resize(before + static_cast<size_t>(made));
  given_ += made;
}

void Resampler::Push(std::span<const float> input, std::vector<float>* output) {
  if (input.empty()) return;
  taken_ += static_cast<int64_t>(input.size());
  if (context_ == nullptr) {
    output->insert(output->end(), input.begin(), input.end());
  } else {
    Convert(input, output);
  }
}

void Resampler::Finish(std::vector<float>* output) {
  if (context_ != nullptr) {
    // Silence after the end brings out what the filter still holds; libswresample's own flush fails on tiny
    // streams.
    const std::vector<float> silence(static_cast<size_t>(std::max(input_rate_hz_ / 100, 256)), 0.0f);
    const int64_t wanted = OutputCount(taken_, input_rate_hz_);
    for (int i = 0; i < 100 && taken_ > 0 && given_ < wanted; ++i) Convert(silence, output);
    SKALD_CHECK(given_ >= wanted, "the resampler held samples back");
    output->resize(output->size() - static_cast<size_t>(given_ - wanted));
    swr_init(context_.get());
  }
  taken_ = 0;
  given_ = 0;
}

}  // namespace skald
