#include <gtest/gtest.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "output/output_format.h"
#include "output/plain_text.h"
#include "output/sample_transcripts.h"
#include "output/writers.h"
#include "support/test_environment.h"

namespace skald {
namespace {

struct ReadCue {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  std::string text;
};

struct CloseInput {
  void operator()(AVFormatContext* context) const { avformat_close_input(&context); }
};
struct FreeCodec {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};

/// The text of an ASS dialogue line (the eight fields before it are separated by commas), without override
/// blocks.
std::string TextOfAss(const std::string& dialogue) {
  size_t begin = 0;
  for (int commas = 0; commas < 8; ++commas) begin = dialogue.find(',', begin) + 1;
  std::string text;
  bool in_override = false;
  for (size_t i = begin; i < dialogue.size(); ++i) {
    if (dialogue.compare(i, 2, "{\\") == 0) in_override = true;
    if (!in_override) {
      if (dialogue.compare(i, 2, "\\N") == 0) {
        text += '\n';
        ++i;
      } else {
        text += dialogue[i];
      }
    }
    if (dialogue[i] == '}') in_override = false;
  }
  return text;
}

/// Demuxes and decodes a subtitle file with FFmpeg's libraries.
std::vector<ReadCue> ReadWithFfmpeg(const std::string& path) {
  std::vector<ReadCue> cues;
  AVFormatContext* opened = nullptr;
  if (avformat_open_input(&opened, path.c_str(), nullptr, nullptr) < 0) {
    ADD_FAILURE() << "FFmpeg cannot open " << path;
    return cues;
  }
  std::unique_ptr<AVFormatContext, CloseInput> input(opened);
  EXPECT_EQ(input->nb_streams, 1u);
  const AVStream* stream = input->streams[0];
  EXPECT_EQ(stream->codecpar->codec_type, AVMEDIA_TYPE_SUBTITLE);
  const AVCodec* codec = avcodec_find_decoder(stream->codecpar->codec_id);
  std::unique_ptr<AVCodecContext, FreeCodec> decoder(avcodec_alloc_context3(codec));
  avcodec_parameters_to_context(decoder.get(), stream->codecpar);
  decoder->pkt_timebase = stream->time_base;
  EXPECT_EQ(avcodec_open2(decoder.get(), codec, nullptr), 0);
  std::unique_ptr<AVPacket, FreePacket> packet(av_packet_alloc());
  while (av_read_frame(input.get(), packet.get()) >= 0) {
    ReadCue cue;
    cue.start_ms = av_rescale_q(packet->pts, stream->time_base, {1, 1000});
    cue.end_ms = cue.start_ms + av_rescale_q(packet->duration, stream->time_base, {1, 1000});
    AVSubtitle subtitle = {};
    int got_subtitle = 0;
    EXPECT_GE(avcodec_decode_subtitle2(decoder.get(), &subtitle, &got_subtitle, packet.get()), 0);
    EXPECT_EQ(got_subtitle, 1);
    for (unsigned i = 0; i < subtitle.num_rects; ++i) cue.text += TextOfAss(subtitle.rects[i]->ass);
    avsubtitle_free(&subtitle);
    av_packet_unref(packet.get());
    cues.push_back(std::move(cue));
  }
  return cues;
}

std::string Joined(const SubtitleCue& cue, const OutputOptions& options) {
  std::string text = ChannelLabel(cue.channel, options);
  if (!text.empty()) text += ": ";
  for (size_t i = 0; i < cue.lines.size(); ++i) text += (i == 0 ? "" : "\n") + cue.lines[i];
  return text;
}

void ExpectFfmpegAgrees(const Transcript& transcript, const OutputOptions& options) {
  test::TemporaryFolder folder;
  const auto expected = test::SubtitlesOf(transcript, options, true);
  for (const OutputFormat format : {OutputFormat::kSrt, OutputFormat::kVtt}) {
    const std::string path = folder / (std::string("subtitles.") + FileExtension(format, {}));
    ASSERT_TRUE(WriteFileAtomically(path, FormatTranscript(transcript, format, options)).ok());
    const auto read = ReadWithFfmpeg(path);
    ASSERT_EQ(read.size(), expected.size()) << path;
    for (size_t i = 0; i < read.size(); ++i) {
      EXPECT_EQ(read[i].start_ms, expected[i].start_ms);
      EXPECT_EQ(read[i].end_ms, expected[i].end_ms);
      EXPECT_EQ(read[i].text, Joined(expected[i], options));
    }
  }
}

TEST(FfmpegReadsSubtitles, OfATalk) { ExpectFfmpegAgrees(test::SampleTranscripts()[0].second, {}); }

TEST(FfmpegReadsSubtitles, OfTwoChannels) {
  OutputOptions options;
  options.split_channels = true;
  ExpectFfmpegAgrees(test::SampleTranscripts()[1].second, options);
}

TEST(FfmpegReadsSubtitles, OfALongTalkInManyScripts) {
  Transcript transcript;
  for (int i = 0; i < 200; ++i) {
    const double start_s = i * 2001.0 + i * 0.001;  // past 100 hours
    transcript.segments.push_back(test::MakeSegment(
        start_s, start_s + 9.5, {"SOME",       "WORDS", "\u4F60\u597D", "\u05E9\u05DC\u05D5\u05DD",
                                 "\U0001F600", "THAT",  "NEED",         "MORE",
                                 "THAN",       "ONE",   "LINE",         "AND",
                                 "THEN",       "A",     "SECOND",       "CUE",
                                 "BECAUSE",    "THEY",  "TAKE",         "TOO",
                                 "LONG",       "TO",    "SAY"}));
  }
  ExpectFfmpegAgrees(transcript, {});
}

TEST(FfmpegReadsSubtitles, WithoutTakingWordsForMarkup) {
  Transcript transcript;
  transcript.segments = {test::MakeSegment(1, 3, {"<b>BOLD</b>", "A&B", "-->", "{\\an8}TOP", "1<2"})};
  test::TemporaryFolder folder;
  const std::string srt = folder / "subtitles.srt", vtt = folder / "subtitles.vtt";
  ASSERT_TRUE(WriteFileAtomically(srt, FormatTranscript(transcript, OutputFormat::kSrt, {})).ok());
  ASSERT_TRUE(WriteFileAtomically(vtt, FormatTranscript(transcript, OutputFormat::kVtt, {})).ok());
  const auto from_srt = ReadWithFfmpeg(srt), from_vtt = ReadWithFfmpeg(vtt);
  ASSERT_EQ(from_srt.size(), 1u);
  EXPECT_EQ(from_srt[0].text, "\u2039b\u203ABOLD\u2039/b\u203A A&B --\u203A (\\an8}TOP 1\u20392");
  ASSERT_EQ(from_vtt.size(), 1u);
  EXPECT_TRUE(from_vtt[0].text.starts_with("<b>BOLD</b> A&B -->")) << from_vtt[0].text;
}

}  // namespace
}  // namespace skald
