#include <gtest/gtest.h>

#include "output/output_format.h"
#include "output/sample_transcripts.h"

namespace skald::test {
namespace {

Transcript WithLattices(LatticeType type, const std::string& body) {
  Transcript transcript;
  transcript.source.path = "calls/line 7.wav";
  for (const double start_s : {62.5, 1.2}) {
    Segment segment = MakeSegment(start_s + 0.1, start_s + 1, {"YES"}, start_s > 10 ? 1 : 0);
    segment.lattice = {type, start_s, start_s + 1.25, body};
    transcript.segments.push_back(segment);
  }
  transcript.segments.push_back(MakeSegment(100, 101, {"NO", "LATTICE"}));
  return transcript;
}

std::string Write(LatticeType type, const std::string& body, bool split_channels = false) {
  OutputOptions options;
  options.lattice_type = type;
  options.split_channels = split_channels;
  return FormatTranscript(WithLattices(type, body), OutputFormat::kLattice, options);
}

TEST(LatticeWriter, EntriesAreNamedByFileChannelAndTime) {
  EXPECT_EQ(Write(LatticeType::kKaldiText, "0\t1\t5\t1,2,3\n1\n\n"),
            "line_7-1-0000120-0000245\n0\t1\t5\t1,2,3\n1\n\nline_7-1-0006250-0006375\n0\t1\t5\t1,2,3\n1\n\n");
  EXPECT_EQ(Write(LatticeType::kOpenFst, "0\t1\t5\t5\t1\n1\n\n", true),
            "line_7-A-0000120-0000245\n0\t1\t5\t5\t1\n1\n\nline_7-B-0006250-0006375\n0\t1\t5\t5\t1\n1\n\n");
}

TEST(LatticeWriter, BinaryBodiesStayAsTheyAre) {
  const std::string body("\xd6\xfd\0\xff\n", 5);
  EXPECT_EQ(Write(LatticeType::kKaldiBinary, body),
            "line_7-1-0000120-0000245 " + body + "line_7-1-0006250-0006375 " + body);
}

TEST(LatticeWriter, SlfLatticesNameTheirUtterance) {
  EXPECT_EQ(Write(LatticeType::kSlf, "VERSION=1.0\nN=1 L=0\n"),
            "VERSION=1.0\nUTTERANCE=line_7-1-0000120-0000245\nN=1 L=0\n\n"
            "VERSION=1.0\nUTTERANCE=line_7-1-0006250-0006375\nN=1 L=0\n\n");
}

TEST(LatticeWriter, LatticesOfAnotherTypeAreLeftOut) {
  const Transcript transcript = WithLattices(LatticeType::kSlf, "VERSION=1.0\n");
  EXPECT_EQ(FormatTranscript(transcript, OutputFormat::kLattice, {}), "");
}

TEST(LatticeWriter, TypesHaveNamesAndExtensions) {
  OutputOptions options;
  const std::pair<const char*, const char*> types[] = {
      {"text", "lattice.txt"}, {"binary", "lattice.ark"}, {"openfst", "fst.txt"}, {"slf", "slf"}};
  for (const auto& [name, extension] : types) {
    options.lattice_type = ParseLatticeType(name).value();
    EXPECT_STREQ(FileExtension(OutputFormat::kLattice, options), extension);
  }
  EXPECT_FALSE(ParseLatticeType("ark").ok());
}

}  // namespace
}  // namespace skald::test
