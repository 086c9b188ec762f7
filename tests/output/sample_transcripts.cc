#include "output/sample_transcripts.h"

#include <algorithm>
#include <iterator>

#include "output/subtitle_stream.h"

namespace skald::test {

Segment MakeSegment(double start_s, double end_s, const std::vector<std::string>& words, int channel) {
  Segment segment;
  segment.start_s = start_s;
  segment.end_s = end_s;
  segment.channel = channel;
  segment.confidence = 0.9;
  const double step_s = words.empty() ? 0 : (end_s - start_s) / static_cast<double>(words.size());
  for (size_t i = 0; i < words.size(); ++i) {
    const double word_start_s = start_s + step_s * static_cast<double>(i);
    segment.words.push_back({words[i], word_start_s, word_start_s + step_s, 0.9});
    segment.text += (i == 0 ? "" : " ") + words[i];
  }
  return segment;
}

namespace {

Transcript Described() {
  Transcript transcript;
  transcript.source = {"talks/opening.mp3", 93.52, 0, 44100, 2, ""};
  transcript.model_name = "en-base";
  transcript.model_sha256 = std::string(64, 'a');
  transcript.graph_sha256 = std::string(64, 'b');
  transcript.options = {{"beam", "16"}, {"channels", "mix"}, {"precision", "f32"}};
  transcript.timing = {93.52, 0.25, 0.125, 1.5, 0.75, 2.0625};
  return transcript;
}

Transcript Talk() {
  Transcript transcript = Described();
  Segment opening =
      MakeSegment(1.2, 7.84, {"AND",  "SO",      "MY",  "FELLOW", "AMERICANS", "ASK",    "NOT", "WHAT",
                              "YOUR", "COUNTRY", "CAN", "DO",     "FOR",       "YOU",    "ASK", "WHAT",
                              "YOU",  "CAN",     "DO",  "FOR",    "YOUR",      "COUNTRY"});
  for (size_t i = 5; i < opening.words.size(); ++i) opening.words[i].start_s += 0.1;
  opening.nbest = {{opening.text, 41.25}, {"AND SO MY FELLOW AMERICAN ASK NOT", 43.5}};
  transcript.segments = {opening, MakeSegment(9.5, 9.9, {"I'M"}),
                         MakeSegment(12.0, 14.005, {"THANK", "YOU", "I", "SAID"})};
  transcript.warnings = {{33.2, "2 damaged packets skipped"}};
  return transcript;
}

Transcript Telephone() {
  Transcript transcript = Described();
  transcript.source = {"calls/line 7.wav", 12.0, 1, 8000, 2, std::string(64, 'c')};
  transcript.segments = {MakeSegment(0.5, 2.0, {"HELLO", "WHO", "IS", "THERE"}, 0),
                         MakeSegment(1.5, 3.25, {"IT'S", "ME"}, 1), MakeSegment(4.0, 5.0, {"OH", "GOOD"}, 0)};
  transcript.segments[1].words[0].alternatives = {{"ITS", 0.0625}, {"", 0.01}};
  return transcript;
}

Transcript Awkward() {
  Transcript transcript = Described();
  transcript.source.path = "odd \"names\"/new\nline & <tag>; caf\u00E9.mp4";
  transcript.options = {{"boost", "a \"quoted\" phrase"}};
  Segment tags =
      MakeSegment(0.0, 2.0, {"<b>BOLD</b>", "A&B", "-->", "{\\an8}TOP", "TWO\nLINES", "\x01", "BROKEN\xFF"});
  Segment scripts =
      MakeSegment(2.0, 6.0, {"\u4F60\u597D", "\u05E9\u05DC\u05D5\u05DD", "\U0001F600", "NA\u00CFVE"});
  Segment instant = MakeSegment(7.0, 7.0, {"ZERO", "LENGTH"});
  Segment text_only;
  text_only.start_s = 8.0, text_only.end_s = 9.0, text_only.text = "TEXT ONLY";
  Segment late = MakeSegment(360000.25, 360001.5, {std::string(200, 'W'), "END"});
  transcript.segments = {late, tags, scripts, instant, text_only};
  return transcript;
}

}  // namespace

std::vector<std::pair<std::string, Transcript>> SampleTranscripts() {
  return {{"talk", Talk()}, {"telephone", Telephone()}, {"awkward", Awkward()}, {"empty", Described()}};
}

std::vector<SubtitleCue> SubtitlesOf(const Transcript& transcript, const OutputOptions& options,
                                     bool label_in_text) {
  SubtitleStream stream(options, label_in_text);
  std::vector<SubtitleCue> cues;
  const auto add = [&cues](std::vector<SubtitleCue> more) {
    std::move(more.begin(), more.end(), std::back_inserter(cues));
  };
  for (const Segment& segment : transcript.segments) add(stream.Add(segment));
  add(stream.Finish());
  return cues;
}

}  // namespace skald::test
