#include "engine/combiner.h"

#include <cmath>
#include <gtest/gtest.h>

#include "decoder/combine/lattice_union.h"

namespace skald::test {
namespace {

/// Words of a system in `file`, one letter each, 0.3 s long; a blank is a pause of that length.
SystemSegment Spoken(const std::string& file, const std::string& letters, double start_s = 0,
                     double confidence = 1) {
  SystemSegment segment;
  segment.file = file;
  for (size_t i = 0; i < letters.size(); ++i) {
    if (letters[i] == ' ') continue;
    const double word_start_s = start_s + 0.3 * static_cast<double>(i);
    segment.words.push_back({std::string(1, letters[i]), word_start_s, word_start_s + 0.3, confidence});
  }
  return segment;
}

CombinedSystem System(std::vector<SystemSegment> segments) { return {"system", {}, std::move(segments)}; }

/// The same as a lattice of 10 ms frames from `start_s` on, with a word table of its own.
CombinedSystem LatticeSystem(const std::vector<std::string>& table, const std::vector<uint32_t>& numbers,
                             double start_s) {
  SystemSegment segment;
  segment.file = "talk";
  segment.start_s = start_s;
  segment.frame_shift_s = 0.01;
  std::vector<SystemWord> words;
  for (size_t i = 0; i < numbers.size(); ++i) {
    // Frames of the lattice are read as frames of its own clock: 30 of them a word.
    words.push_back({numbers[i], 0.030 * static_cast<double>(i), 0.030 * static_cast<double>(i + 1), 1});
  }
  segment.lattice = LatticeOfWords(words);
  return {"lattices", table, {segment}};
}

std::string TextOf(const Transcript& transcript) {
  std::string text;
  for (const Segment& segment : transcript.segments) text += (text.empty() ? "" : " / ") + segment.text;
  return text;
}

std::string Combined(const std::vector<CombinedSystem>& systems, const CombinerOptions& options) {
  const auto combination = CombineSystems(systems, options);
  EXPECT_TRUE(combination.ok()) << combination.status().ToString();
  if (!combination.ok() || combination->transcripts.empty()) return "";
  return TextOf(combination->transcripts[0]);
}

constexpr CombinationMethod kMethods[] = {CombinationMethod::kMbr, CombinationMethod::kRover,
                                          CombinationMethod::kCnc};

TEST(Combiner, MajorityOfEveryMethodAcrossLetterCaseAndPauses) {
  const std::vector<CombinedSystem> systems = {System({Spoken("talk", "aXd"), Spoken("talk", "ef", 5)}),
                                               System({Spoken("talk", "ABE"), Spoken("talk", "eg", 5)}),
                                               System({Spoken("talk", "cbd"), Spoken("talk", "eg", 5)})};
  for (const CombinationMethod method : kMethods) {
    CombinerOptions options;
    options.method = method;
    EXPECT_EQ(Combined(systems, options), "a B d / e g") << static_cast<int>(method);
    options.weights = {0, 1, 0};
    EXPECT_EQ(Combined(systems, options), "a B e / e g") << "spelled as the first system that has the word";
    options.weights = {4, 1, 1};
    EXPECT_EQ(Combined(systems, options), "a X d / e f");
  }
}

TEST(Combiner, LatticesWithOtherWordTablesAndClocks) {
  // "hot dog" twice with different numbers and starts of the recording's clock, "hat dog" once.
  const std::vector<CombinedSystem> systems = {LatticeSystem({"", "dog", "hot"}, {2, 1}, 1.0),
                                               LatticeSystem({"", "hat", "dog"}, {1, 2}, 1.2),
                                               LatticeSystem({"", "hot", "x", "dog"}, {1, 3}, 1.1)};
  for (const CombinationMethod method : kMethods) {
    CombinerOptions options;
    options.method = method;
    const auto combination = CombineSystems(systems, options);
    ASSERT_TRUE(combination.ok());
    ASSERT_EQ(combination->transcripts.size(), 1u);
    EXPECT_EQ(TextOf(combination->transcripts[0]), "hot dog");
    EXPECT_NEAR(combination->offsets_s[1], 0.2, 1e-9);
    EXPECT_NEAR(combination->offsets_s[2], 0.1, 1e-9);
    const Word& dog = combination->transcripts[0].segments[0].words[1];
    EXPECT_NEAR(dog.start_s, 1.3, 1e-9);
    EXPECT_NEAR(dog.end_s, 1.6, 1e-9);
    options.move_times = false;
    EXPECT_EQ(CombineSystems(systems, options)->offsets_s, (std::vector<double>{0, 0, 0}));
  }
}

TEST(Combiner, SystemsThatLackARecordingAreLeftOutThere) {
  const std::vector<CombinedSystem> systems = {System({Spoken("one", "ab")}),
                                               System({Spoken("one", "ab"), Spoken("two", "cd")})};
  for (const CombinationMethod method : kMethods) {
    CombinerOptions options;
    options.method = method;
    options.weights = {3, 1};
    const auto combination = CombineSystems(systems, options);
    ASSERT_TRUE(combination.ok());
    ASSERT_EQ(combination->transcripts.size(), 2u);
    EXPECT_EQ(combination->transcripts[0].source.path, "one");
    EXPECT_EQ(TextOf(combination->transcripts[1]), "c d");
    ASSERT_EQ(combination->notes.size(), 1u);
    EXPECT_NE(combination->notes[0].find("two"), std::string::npos);
  }
}

TEST(Combiner, SilenceOfASystemInAStretchVotesThere) {
  // "zz" in the pause of the two others is made up.
  const std::vector<CombinedSystem> systems = {System({Spoken("talk", "ab"), Spoken("talk", "zz", 5)}),
                                               System({Spoken("talk", "ab")}),
                                               System({Spoken("talk", "ab")})};
  for (const CombinationMethod method : kMethods) {
    CombinerOptions options;
    options.method = method;
    EXPECT_EQ(Combined(systems, options), "a b");
  }
}

TEST(Combiner, ChannelsAreCombinedByThemselves) {
  SystemSegment other = Spoken("talk", "zz");
  other.channel = 1;
  const std::vector<CombinedSystem> systems = {System({Spoken("talk", "ab"), other}),
                                               System({Spoken("talk", "ab"), other})};
  for (const CombinationMethod method : kMethods) {
    CombinerOptions options;
    options.method = method;
    const auto combination = CombineSystems(systems, options);
    ASSERT_TRUE(combination.ok());
    ASSERT_EQ(combination->transcripts.size(), 1u);
    ASSERT_EQ(combination->transcripts[0].segments.size(), 2u);
    EXPECT_EQ(combination->transcripts[0].segments[0].text, "a b");
    EXPECT_EQ(combination->transcripts[0].segments[1].text, "z z");
    EXPECT_EQ(combination->transcripts[0].segments[1].channel, 1);
  }
}

TEST(Combiner, WhatIsTooLongForMbrGoesThroughConfusionNetworks) {
  const std::vector<CombinedSystem> systems = {
      System({Spoken("talk", "abc")}), System({Spoken("talk", "abd")}), System({Spoken("talk", "abd")})};
  CombinerOptions options;
  options.max_mbr_cells = 10;
  const auto combination = CombineSystems(systems, options);
  ASSERT_TRUE(combination.ok());
  EXPECT_EQ(TextOf(combination->transcripts[0]), "a b d");
  EXPECT_EQ(combination->notes.size(), 1u);
}

TEST(Combiner, RefusesWhatDoesNotFit) {
  const std::vector<CombinedSystem> systems = {System({Spoken("talk", "ab")}),
                                               System({Spoken("talk", "ab")})};
  const auto code = [&](const CombinerOptions& options) {
    return CombineSystems(systems, options).status().code();
  };
  CombinerOptions options;
  options.weights = {1};
  EXPECT_EQ(code(options), StatusCode::kInvalidArgument);
  options.weights = {0, 0};
  EXPECT_EQ(code(options), StatusCode::kInvalidArgument);
  options.weights = {1, NAN};
  EXPECT_EQ(code(options), StatusCode::kInvalidArgument);
  options = {};
  options.lattice_scales = {1, 0};
  EXPECT_EQ(code(options), StatusCode::kInvalidArgument);
  options = {};
  options.rover.alpha = 2;
  EXPECT_EQ(code(options), StatusCode::kInvalidArgument);
  EXPECT_EQ(CombineSystems({}, {}).status().code(), StatusCode::kInvalidArgument);
  const Status status = CombineSystems({LatticeSystem({"", "a"}, {5}, 0)}, {}).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.ToString().find("lattices"), std::string::npos) << status.ToString();
}

}  // namespace
}  // namespace skald::test
