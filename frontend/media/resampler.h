#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"

struct SwrContext;

namespace skald {

/// Changes the rate of one mono stream to kSampleRateHz without delay: output sample n is the input at the
/// time n / kSampleRateHz. A polyphase sinc filter with Kaiser window (libswresample); a stream that already
/// has the rate passes unchanged. Move-only; one thread at a time.
class Resampler {
 public:
  /// Fails where the rate is not positive or out of libswresample's range.
  static StatusOr<Resampler> Create(int input_rate_hz);
  Resampler(Resampler&&) noexcept;
  Resampler& operator=(Resampler&&) noexcept;
  ~Resampler();

  /// Takes the next input samples and appends what output is known by now.
  void Push(std::span<const float> input, std::vector<float>* output);
  /// Ends the stream: appends the rest, so that n input samples gave ceil(n * kSampleRateHz / input_rate_hz)
  /// in all. The next Push starts a new stream.
  void Finish(std::vector<float>* output);

  int input_rate_hz() const { return input_rate_hz_; }
  /// Number of output samples of a whole stream.
  static int64_t OutputCount(int64_t input_samples, int input_rate_hz);

 private:
  struct Free {
    void operator()(SwrContext* context) const;
  };
  Resampler() = default;
  void Convert(std::span<const float> input, std::vector<float>* output);

  int input_rate_hz_ = 0;
  std::unique_ptr<SwrContext, Free> context_;  // none where the rate is right already
  int64_t taken_ = 0;
  int64_t given_ = 0;
};

}  // namespace skald
