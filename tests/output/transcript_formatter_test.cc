// Byte identity with the golden files is tested in output_format_test: FormatTranscript is made of
// formatters.
#include "output/transcript_formatter.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <vector>

#include "output/sample_transcripts.h"
#include "support/test_environment.h"

namespace skald {
namespace {

constexpr OutputFormat kAllFormats[] = {OutputFormat::kText,   OutputFormat::kJson, OutputFormat::kSrt,
                                        OutputFormat::kVtt,    OutputFormat::kTtml, OutputFormat::kCtm,
                                        OutputFormat::kLattice};

/// A talk of `count` segments on `channels` that overlap.
Transcript LongTalk(std::mt19937_64& random, int count, int channels) {
  Transcript transcript;
  transcript.source.path = "talk.wav";
  std::vector<double> time_s(static_cast<size_t>(channels), 0.5);
  for (int i = 0; i < count; ++i) {
    const int channel = static_cast<int>(random() % static_cast<uint64_t>(channels));
    double& now_s = time_s[static_cast<size_t>(channel)];
    now_s = std::max(now_s, *std::min_element(time_s.begin(), time_s.end()));
    Segment segment;
    segment.channel = channel;
    for (size_t w = 1 + random() % 20; w > 0; --w) {
      const double length_s = 0.02 * static_cast<double>(1 + random() % 30);
      segment.words.push_back({"WORD" + std::to_string(random() % 1000), now_s, now_s + length_s, 0.5});
      segment.text += (segment.text.empty() ? "" : " ") + segment.words.back().text;
      now_s += length_s + (random() % 8 == 0 ? 0.02 * static_cast<double>(random() % 60) : 0);
    }
    segment.start_s = segment.words.front().start_s;
    segment.end_s = segment.words.back().end_s;
    segment.lattice = {LatticeType::kKaldiText, segment.start_s, segment.end_s, "0 1\n\n"};
    now_s += 0.02 * static_cast<double>(random() % 200);
    transcript.segments.push_back(std::move(segment));
  }
  std::stable_sort(transcript.segments.begin(), transcript.segments.end(), [](const auto& a, const auto& b) {
    return std::pair(a.start_s, a.channel) < std::pair(b.start_s, b.channel);
  });
  return transcript;
}

TEST(TranscriptFormatter, HoldsNextToNothingBack) {
  std::mt19937_64 random(test::PropertySeed());
  for (const int channels : {1, 2, 3}) {
    const Transcript talk = LongTalk(random, 400, channels);
    OutputOptions options;
    options.split_channels = channels > 1;
    for (const OutputFormat format : kAllFormats) {
      if (format == OutputFormat::kCtm && channels > 1) continue;  // all but the first channel wait
      const auto formatter = TranscriptFormatter::Create(format, options, talk.source);
      size_t written = 0;
      for (const Segment& segment : talk.segments) written += formatter->Add(segment).size();
      const size_t rest = formatter->Tail(talk).size();
      EXPECT_LT(rest, 4000u + written / 100) << static_cast<int>(format) << ", " << channels << " channels";
      EXPECT_GT(written, 5000u);
    }
  }
}

TEST(TranscriptFormatter, SubtitlesOfAStreamAreThoseOfTheWholeChannelByChannel) {
  std::mt19937_64 random(test::PropertySeed());
  for (int round = 0; round < 60; ++round) {
    const int channels = 1 + round % 3;
    const Transcript talk = LongTalk(random, 1 + static_cast<int>(random() % 60), channels);
    OutputOptions options;
    options.split_channels = channels > 1;
    std::vector<SubtitleCue> expected;
    for (int channel = 0; channel < channels; ++channel) {
      std::vector<Segment> own;
      for (const Segment& segment : talk.segments) {
        if (segment.channel == channel) own.push_back(segment);
      }
      const int reserve = channels > 1 ? 11 : 0;  // "Channel 1: "
      for (SubtitleCue& cue : LayOutSubtitles(own, options.subtitles, channel, reserve)) {
        expected.push_back(std::move(cue));
      }
    }
    std::stable_sort(expected.begin(), expected.end(),
                     [](const SubtitleCue& a, const SubtitleCue& b) { return a.start_ms < b.start_ms; });
    const std::vector<SubtitleCue> cues = test::SubtitlesOf(talk, options, true);
    ASSERT_EQ(cues.size(), expected.size());
    for (size_t i = 0; i < cues.size(); ++i) {
      EXPECT_EQ(cues[i].start_ms, expected[i].start_ms);
      EXPECT_EQ(cues[i].end_ms, expected[i].end_ms);
      EXPECT_EQ(cues[i].channel, expected[i].channel);
      EXPECT_EQ(cues[i].lines, expected[i].lines);
    }
  }
}

}  // namespace
}  // namespace skald
