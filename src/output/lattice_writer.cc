#include <cmath>
#include <fmt/format.h>

#include "output/plain_text.h"
#include "output/writers.h"

namespace skald {
namespace {

/// FILE-CHANNEL-START-END, times in hundredths of a second with at least 7 digits: keys sort by time.
std::string Key(const Transcript& transcript, const Segment& segment, const OutputOptions& options) {
  const auto hundredths = [](double seconds) { return (ToMilliseconds(seconds) + 5) / 10; };
  return fmt::format("{}-{}-{:07}-{:07}", FileId(transcript.source, options.several_tracks),
                     ChannelName(segment.channel, options.split_channels),
                     hundredths(segment.lattice.start_s), hundredths(segment.lattice.end_s));
}

/// The lattice under its name: an entry of an archive, or an SLF lattice that names its utterance.
std::string Entry(const std::string& key, const WrittenLattice& lattice) {
  switch (lattice.type) {
    case LatticeType::kNone:
      return "";
    case LatticeType::kKaldiText:
    case LatticeType::kOpenFst:
      return key + '\n' + lattice.body;
    case LatticeType::kKaldiBinary:
      return key + ' ' + lattice.body;
    case LatticeType::kSlf: {
      const size_t second_line = lattice.body.find('\n') + 1;  // behind VERSION
      return lattice.body.substr(0, second_line) + "UTTERANCE=" + key + '\n' +
             lattice.body.substr(second_line) + '\n';
    }
  }
  return "";
}

}  // namespace

// Formats of decoder/lattice, one entry for each segment: docs/formats.md, "Lattices".
std::string WriteLattices(const Transcript& transcript, const OutputOptions& options) {
  std::string out;
  for (const Segment& segment : transcript.segments) {
    if (segment.lattice.type != options.lattice_type) continue;
    out += Entry(Key(transcript, segment, options), segment.lattice);
  }
  return out;
}

}  // namespace skald
