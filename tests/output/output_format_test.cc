#include "output/output_format.h"

#include <clocale>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "output/sample_transcripts.h"
#include "support/test_environment.h"

namespace skald {
namespace {

constexpr OutputFormat kAllFormats[] = {OutputFormat::kText, OutputFormat::kJson, OutputFormat::kSrt,
                                        OutputFormat::kVtt,  OutputFormat::kTtml, OutputFormat::kCtm};

/// Golden files show the options that matter: times in the text, and channels for the telephone call.
OutputOptions GoldenOptions(const std::string& name) {
  OutputOptions options;
  options.times_in_text = true;
  options.split_channels = name == "telephone";
  options.several_tracks = name == "telephone";
  options.text_case = name == "talk" ? TextCase::kSentence : TextCase::kAsIs;
  return options;
}

/// Golden files must survive a new version of Skald.
std::string WithoutVersion(const std::string& json) {
  const size_t begin = json.find("\"skald\":\"") + 9, end = json.find('"', begin);
  return json.substr(0, begin) + "VERSION" + json.substr(end);
}

/// tests/output/golden/regenerate runs this test with SKALD_REGENERATE_GOLDEN=1.
TEST(OutputFormat, EqualsTheGoldenFiles) {
  const bool regenerate = std::getenv("SKALD_REGENERATE_GOLDEN") != nullptr;
  for (const auto& [name, transcript] : test::SampleTranscripts()) {
    for (const OutputFormat format : kAllFormats) {
      const std::string path =
          test::ProjectPath("tests/output/golden/") + name + "." + FileExtension(format, {});
      std::string text = FormatTranscript(transcript, format, GoldenOptions(name));
      if (format == OutputFormat::kJson) text = WithoutVersion(text);
      if (regenerate) {
        ASSERT_TRUE(WriteFileAtomically(path, text).ok());
        continue;
      }
      const auto golden = ReadFile(path);
      ASSERT_TRUE(golden.ok()) << golden.status().ToString();
      EXPECT_EQ(text, *golden) << path;
    }
  }
}

TEST(OutputFormat, DoesNotDependOnTheLocale) {
  const Transcript transcript = test::SampleTranscripts()[0].second;
  std::vector<std::string> before;
  for (const OutputFormat format : kAllFormats) before.push_back(FormatTranscript(transcript, format, {}));
  const char* found = nullptr;
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"}) {
    if ((found = std::setlocale(LC_ALL, name)) != nullptr) break;
  }
  ASSERT_NE(found, nullptr);
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(FormatTranscript(transcript, kAllFormats[i], {}), before[i]);
  }
  std::setlocale(LC_ALL, "C");
}

TEST(OutputFormat, NamesAndExtensionsRoundTrip) {
  for (const OutputFormat format : kAllFormats)
    EXPECT_EQ(ParseOutputFormat(FileExtension(format, {})).value(), format);
  EXPECT_THAT(ParseOutputFormats("srt,json,srt").value(),
              ::testing::ElementsAre(OutputFormat::kSrt, OutputFormat::kJson));
  for (const char* bad : {"", "SRT", "srt,", ",srt", "srt json"}) {
    const auto formats = ParseOutputFormats(bad);
    ASSERT_FALSE(formats.ok()) << bad;
    EXPECT_EQ(formats.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(formats.status().reason(), ::testing::HasSubstr("txt, json, srt, vtt, ttml, ctm"));
  }
  EXPECT_EQ(ParseTextCase("sentence").value(), TextCase::kSentence);
  EXPECT_FALSE(ParseTextCase("title").ok());
}

TEST(OutputFormat, TextCases) {
  Transcript transcript;
  transcript.segments = {test::MakeSegment(0, 1, {"\u00C9T\u00C9", "I", "THINK", "I'M", "IN", "IT'S"})};
  OutputOptions options;
  EXPECT_EQ(FormatTranscript(transcript, OutputFormat::kText, options),
            "\u00C9T\u00C9 I THINK I'M IN IT'S\n");
  options.text_case = TextCase::kLower;
  EXPECT_EQ(FormatTranscript(transcript, OutputFormat::kText, options),
            "\u00E9t\u00E9 i think i'm in it's\n");
  options.text_case = TextCase::kSentence;
  EXPECT_EQ(FormatTranscript(transcript, OutputFormat::kText, options),
            "\u00C9t\u00E9 I think I'm in it's\n");
  options.times_in_text = false;
  EXPECT_THAT(FormatTranscript(transcript, OutputFormat::kSrt, options),
              ::testing::HasSubstr("\n\u00C9t\u00E9 I think I'm in it's\n"));
}

TEST(OutputFormat, SegmentsAreOrderedByTimeThenChannel) {
  Transcript transcript;
  transcript.segments = {test::MakeSegment(5, 6, {"LAST"}), test::MakeSegment(1, 2, {"SECOND"}, 1),
                         test::MakeSegment(1, 3, {"FIRST"}, 0)};
  EXPECT_EQ(FormatTranscript(transcript, OutputFormat::kText, {}), "FIRST\nSECOND\nLAST\n");
}

TEST(OutputFormat, JsonListsWhatWasLeftOutWhereSomethingWas) {
  Transcript transcript;
  transcript.skipped = {{0, 1.5, 62.25}, {1, 0, 70}};
  transcript.timing.vad_s = 0.25;
  const auto json = nlohmann::json::parse(FormatTranscript(transcript, OutputFormat::kJson, {}));
  EXPECT_EQ(json["skipped"], nlohmann::json::parse(R"([{"channel": 0, "start": 1.5, "end": 62.25},
                                                       {"channel": 1, "start": 0, "end": 70}])"));
  EXPECT_EQ(json["timing"]["vad_s"], 0.25);
}

TEST(OutputFormat, JsonHasTheSchemaAndItsValues) {
  for (const auto& [name, transcript] : test::SampleTranscripts()) {
    const std::string text = FormatTranscript(transcript, OutputFormat::kJson, {});
    const auto json = nlohmann::ordered_json::parse(text);
    std::vector<std::string> keys;
    for (const auto& [key, value] : json.items()) keys.push_back(key);
    EXPECT_THAT(keys, ::testing::ElementsAre("skald", "source", "model", "graph", "options", "segments",
                                             "warnings", "timing"));
    ASSERT_EQ(json["segments"].size(), transcript.segments.size());
    EXPECT_EQ(json["source"].contains("sha256"), !transcript.source.sha256.empty());
    if (name == "awkward") {
      EXPECT_EQ(json["source"]["path"], transcript.source.path);
      EXPECT_EQ(json["segments"][0]["words"][6]["word"], "BROKEN\uFFFD");
    }
    for (const auto& segment : json["segments"]) {
      for (const char* key : {"start", "end", "text", "confidence", "channel", "words", "nbest"}) {
        EXPECT_TRUE(segment.contains(key)) << key;
      }
    }
  }
}

TEST(OutputFormat, JsonDiffersInTheTimingLineOnly) {
  Transcript one = test::SampleTranscripts()[0].second, other = one;
  other.timing = {1, 2, 3, 4, 5, 6};
  const std::string a = FormatTranscript(one, OutputFormat::kJson, {});
  const std::string b = FormatTranscript(other, OutputFormat::kJson, {});
  EXPECT_NE(a, b);
  EXPECT_EQ(a.substr(0, a.find("\"timing\"")), b.substr(0, b.find("\"timing\"")));
}

TEST(OutputFormat, LastBitsDoNotShowInJson) {
  Transcript one;
  one.segments = {test::MakeSegment(0.1 + 0.2, 1.0 / 3, {"A"})};
  Transcript other = one;
  other.segments[0].start_s = std::nextafter(other.segments[0].start_s, 1.0);
  other.segments[0].end_s = std::nextafter(other.segments[0].end_s, 0.0);
  EXPECT_EQ(FormatTranscript(one, OutputFormat::kJson, {}), FormatTranscript(other, OutputFormat::kJson, {}));
}

TEST(OutputFormat, NonFiniteAndNegativeTimesBecomeZero) {
  Transcript transcript;
  transcript.segments = {test::MakeSegment(-3.0, std::numeric_limits<double>::infinity(), {"A", "B"})};
  transcript.segments[0].words[1].confidence = std::nan("");
  for (const OutputFormat format : kAllFormats) {
    const std::string text = FormatTranscript(transcript, format, {});
    EXPECT_EQ(text.find("nan"), std::string::npos) << text;
    EXPECT_EQ(text.find("inf"), std::string::npos) << text;
    EXPECT_EQ(text.find("null"), std::string::npos) << text;
  }
  OutputOptions timed;
  timed.times_in_text = true;
  EXPECT_EQ(FormatTranscript(transcript, OutputFormat::kText, timed), "[00:00:00.00 - 00:00:00.00] A B\n");
}

TEST(OutputFormat, CtmFieldsNeverHoldSpaces) {
  Transcript transcript;
  transcript.source.path = "/a b/;; odd name.x.mp3";
  transcript.segments = {test::MakeSegment(1, 2, {"TWO WORDS", ""})};
  EXPECT_EQ(FormatTranscript(transcript, OutputFormat::kCtm, {}),
            "_;_odd_name.x 1 1.000 0.500 TWO_WORDS 0.900\n");
}

}  // namespace
}  // namespace skald
