#include "frontend/segmentation/speech_gate.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <utility>

#include "support/test_environment.h"

namespace skald {
namespace {

constexpr int64_t kChunk = SpeechDetector::kChunkSamples;

/// Takes the first sample of a chunk for its probability.
class FirstSample : public SpeechDetector {
 public:
  void Detect(PcmView samples, float* probabilities) override {
    for (size_t i = 0; i < samples.size(); i += kChunk) *probabilities++ = samples[i];
  }
};

using Span = std::pair<int64_t, int64_t>;

/// What stays of a stream, by the definition: everything but the stretches of at least min_skip samples that
/// lie between `tail` samples after speech and `lead` samples before the next.
std::vector<Span> ReferenceSpans(const std::vector<bool>& speech, int64_t samples, int64_t lead, int64_t tail,
                                 int64_t min_skip) {
  std::vector<Span> skips;
  int64_t gap_begin = 0;
  const auto end_gap = [&](int64_t end) {
    if (end - gap_begin >= min_skip) skips.emplace_back(gap_begin, end);
  };
  for (size_t c = 0; c < speech.size(); ++c) {
    if (!speech[c]) continue;
    const int64_t begin = static_cast<int64_t>(c) * kChunk;
    end_gap(begin - lead);
    gap_begin = std::min(begin + kChunk, samples) + tail;
  }
  end_gap(samples);
  std::vector<Span> kept;
  int64_t from = 0;
  for (const Span& skip : skips) {
    if (skip.first > from) kept.emplace_back(from, skip.first);
    from = skip.second;
  }
  if (samples > from) kept.emplace_back(from, samples);
  return kept;
}

TEST(SpeechGate, LeavesOutWhatItsDefinitionSaysHoweverSamplesArrive) {
  const uint64_t seed = test::PropertySeed();
  std::mt19937_64 random(seed);
  for (int trial = 0; trial < 200; ++trial) {
    SpeechGateOptions options;
    options.threshold = 0.5;
    options.lead_s = static_cast<double>(random() % 40) / 10;
    options.tail_s = static_cast<double>(random() % 40) / 10;
    options.min_skip_s = 0.1 + static_cast<double>(random() % 40) / 10;
    const auto length = static_cast<size_t>(random() % (40 * kSampleRateHz));
    std::vector<float> samples(length);
    for (size_t i = 0; i < length; ++i)
      samples[i] = static_cast<float>(i % 1000) / 4000;  // below the threshold
    std::vector<bool> speech((length + kChunk - 1) / kChunk);
    for (size_t c = 0; c < speech.size();) {
      const size_t quiet = random() % 300, loud = 1 + random() % 50;
      for (c += quiet; c < speech.size() && c % 300 != loud; ++c) speech[c] = true;
      c += loud;
    }
    for (size_t c = 0; c < speech.size(); ++c) samples[c * kChunk] = speech[c] ? 0.9f : 0.1f;

    std::vector<Span> kept;
    int64_t held = 0, pushed = 0;
    SpeechGate gate(options, std::make_unique<FirstSample>(), [&](int64_t first, PcmView passed) {
      ASSERT_FALSE(passed.empty());
      const auto end = first + static_cast<int64_t>(passed.size());
      ASSERT_TRUE(std::equal(passed.begin(), passed.end(), samples.begin() + first)) << "seed " << seed;
      if (!kept.empty() && kept.back().second == first) {
        kept.back().second = end;
      } else {
        kept.emplace_back(first, end);
      }
    });
    for (size_t begin = 0; begin < length;) {
      const size_t count = std::min(length - begin, 1 + random() % (2 * kSampleRateHz));
      gate.Push(PcmView(samples).subspan(begin, count));
      begin += count;
      pushed = static_cast<int64_t>(begin);
      held = std::max(held, gate.held_samples());
    }
    gate.Finish();
    EXPECT_EQ(kept, ReferenceSpans(speech, pushed, std::llround(options.lead_s * kSampleRateHz),
                                   std::llround(options.tail_s * kSampleRateHz),
                                   std::llround(options.min_skip_s * kSampleRateHz)))
        << "seed " << seed << " trial " << trial;
    EXPECT_LE(held, (options.lead_s + options.min_skip_s) * kSampleRateHz + 2 * kChunk);
  }
}

TEST(SpeechGate, OptionsOutOfRange) {
  EXPECT_TRUE(SpeechGateOptions().Validate().ok());
  for (const double bad : {-1.0, 1000.0, std::nan("")}) {
    SpeechGateOptions options;
    options.threshold = bad;
    EXPECT_FALSE(options.Validate().ok());
    options = {};
    options.lead_s = bad;
    EXPECT_FALSE(options.Validate().ok());
    options = {};
    options.tail_s = bad;
    EXPECT_FALSE(options.Validate().ok());
    options = {};
    options.min_skip_s = bad;
    EXPECT_FALSE(options.Validate().ok());
  }
}

}  // namespace
}  // namespace skald
