#include <cstdlib>
#include <gtest/gtest.h>

#include "base/file.h"
#include "output/output_format.h"
#include "output/sample_transcripts.h"
#include "support/sclite.h"
#include "support/test_environment.h"

namespace skald {
namespace {

TEST(ScliteScoresCtm, WithTheErrorsThatWereMade) {
  SKALD_SCLITE_OR_SKIP(sclite);
  test::TemporaryFolder folder;
  Transcript transcript = test::SampleTranscripts()[0].second;
  const std::string ctm = FormatTranscript(transcript, OutputFormat::kCtm, {});
  ASSERT_TRUE(WriteFileAtomically(folder / "hyp.ctm", ctm).ok());
  // Against the transcript: AMERICANS/AMERICAN substituted, VERY inserted in the reference, SAID missing
  // there.
  ASSERT_TRUE(WriteFileAtomically(
                  folder / "ref.stm",
                  "opening 1 spk 1.000 8.500 AND SO MY FELLOW AMERICAN ASK NOT WHAT YOUR COUNTRY CAN DO "
                  "FOR YOU ASK WHAT YOU CAN DO FOR YOUR COUNTRY\n"
                  "opening 1 spk 9.000 11.000 I'M\n"
                  "opening 1 spk 11.500 15.000 THANK YOU VERY I\n")
                  .ok());
  const auto counts = test::RunSclite(sclite, folder / "ref.stm", "stm", folder / "hyp.ctm", "ctm");
  ASSERT_EQ(counts.size(), 3u);
  EXPECT_EQ(counts[0].counts, (std::array<int, 4>{21, 1, 0, 0}));
  EXPECT_EQ(counts[1].counts, (std::array<int, 4>{1, 0, 0, 0}));
  EXPECT_EQ(counts[2].counts[0] + counts[2].counts[1] + counts[2].counts[2], 4);
  EXPECT_EQ(counts[2].counts, (std::array<int, 4>{3, 0, 1, 1}));
}

TEST(ScliteScoresCtm, OfTwoChannels) {
  SKALD_SCLITE_OR_SKIP(sclite);
  test::TemporaryFolder folder;
  OutputOptions options;
  options.split_channels = true;
  options.several_tracks = true;
  const Transcript transcript = test::SampleTranscripts()[1].second;
  ASSERT_TRUE(
      WriteFileAtomically(folder / "hyp.ctm", FormatTranscript(transcript, OutputFormat::kCtm, options))
          .ok());
  ASSERT_TRUE(WriteFileAtomically(folder / "ref.stm",
                                  "line_7-track2 A caller 0.400 2.100 HELLO WHO IS THERE\n"
                                  "line_7-track2 A caller 3.900 5.100 OH GOOD\n"
                                  "line_7-track2 B friend 1.400 3.300 IT'S ME\n")
                  .ok());
  int correct = 0, errors = 0;
  for (const auto& utterance :
       test::RunSclite(sclite, folder / "ref.stm", "stm", folder / "hyp.ctm", "ctm")) {
    correct += utterance.counts[0];
    errors += utterance.counts[1] + utterance.counts[2] + utterance.counts[3];
  }
  EXPECT_EQ(correct, 8);
  EXPECT_EQ(errors, 0);
}

}  // namespace
}  // namespace skald
