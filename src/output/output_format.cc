#include "output/output_format.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/milliseconds.h"
#include "output/plain_text.h"
#include "output/transcript_formatter.h"
#include "output/writers.h"

namespace skald {
namespace {

struct NamedFormat {
  OutputFormat format;
  const char* name;
};
struct NamedLatticeType {
  LatticeType type;
  const char* name;
  const char* extension;
};
constexpr std::array kLatticeTypes = {
    NamedLatticeType{LatticeType::kKaldiText, "text", "lattice.txt"},
    NamedLatticeType{LatticeType::kKaldiBinary, "binary", "lattice.ark"},
    NamedLatticeType{LatticeType::kOpenFst, "openfst", "fst.txt"},
    NamedLatticeType{LatticeType::kSlf, "slf", "slf"},
};
constexpr std::array kFormats = {
    NamedFormat{OutputFormat::kText, "txt"},        NamedFormat{OutputFormat::kJson, "json"},
    NamedFormat{OutputFormat::kSrt, "srt"},         NamedFormat{OutputFormat::kVtt, "vtt"},
    NamedFormat{OutputFormat::kTtml, "ttml"},       NamedFormat{OutputFormat::kCtm, "ctm"},
    NamedFormat{OutputFormat::kLattice, "lattice"},
};

}  // namespace

StatusOr<OutputFormat> ParseOutputFormat(std::string_view name) {
  std::string names;
  for (const NamedFormat& known : kFormats) {
    if (name == known.name) return known.format;
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  return Status::InvalidArgument(
      fmt::format("unknown output format '{}'; known are {}", SingleLine(name), names));
}

StatusOr<std::vector<OutputFormat>> ParseOutputFormats(std::string_view names) {
  std::vector<OutputFormat> formats;
  for (size_t begin = 0; begin <= names.size();) {
    const size_t end = std::min(names.find(',', begin), names.size());
    SKALD_ASSIGN_OR_RETURN(const OutputFormat format, ParseOutputFormat(names.substr(begin, end - begin)));
    if (std::find(formats.begin(), formats.end(), format) == formats.end()) formats.push_back(format);
    begin = end + 1;
  }
  return formats;
}

StatusOr<TextCase> ParseTextCase(std::string_view name) {
  if (name == "as-is") return TextCase::kAsIs;
  if (name == "lower") return TextCase::kLower;
  if (name == "sentence") return TextCase::kSentence;
  return Status::InvalidArgument(
      fmt::format("unknown letter case '{}'; known are as-is, lower, sentence", SingleLine(name)));
}

StatusOr<LatticeType> ParseLatticeType(std::string_view name) {
  for (const NamedLatticeType& known : kLatticeTypes) {
    if (name == known.name) return known.type;
  }
  return Status::InvalidArgument(
      fmt::format("unknown lattice type '{}'; known are text, binary, openfst, slf", SingleLine(name)));
}

const char* FileExtension(OutputFormat format, const OutputOptions& options) {
  for (const NamedLatticeType& known : kLatticeTypes) {
    if (format == OutputFormat::kLattice && known.type == options.lattice_type) return known.extension;
  }
  for (const NamedFormat& known : kFormats) {
    if (known.format == format) return known.name;
  }
  SKALD_CHECK(false, "output format without a name");
  return "";
}

std::vector<const Segment*> InOutputOrder(std::span<const Segment> segments) {
  std::vector<const Segment*> ordered;
  for (const Segment& segment : segments) ordered.push_back(&segment);
  std::stable_sort(ordered.begin(), ordered.end(), [](const Segment* a, const Segment* b) {
    const int64_t start_a = ToMilliseconds(a->start_s), start_b = ToMilliseconds(b->start_s);
    return start_a != start_b ? start_a < start_b : a->channel < b->channel;
  });
  return ordered;
}

std::string FormatTranscript(const Transcript& transcript, OutputFormat format,
                             const OutputOptions& options) {
  const auto formatter = TranscriptFormatter::Create(format, options, transcript.source);
  std::string body;
  for (const Segment* segment : InOutputOrder(transcript.segments)) body += formatter->Add(*segment);
  const std::string tail = formatter->Tail(transcript);
  return formatter->Head(transcript) + body + tail;
}

std::string ChannelLabel(int channel, const OutputOptions& options) {
  return options.split_channels ? fmt::format("Channel {}", channel + 1) : std::string();
}

}  // namespace skald
