#include <cmath>
#include <fmt/format.h>

#include "base/milliseconds.h"
#include "output/plain_text.h"
#include "output/writers.h"

namespace skald {
namespace {

/// FILE-CHANNEL-START-END, times in hundredths of a second with at least 7 digits: keys sort by time.
std::string Key(const std::string& file_id, const Segment& segment, const OutputOptions& options) {
  const auto hundredths = [](double seconds) { return (ToMilliseconds(seconds) + 5) / 10; };
  return fmt::format("{}-{}-{:07}-{:07}", file_id, ChannelName(segment.channel, options.split_channels),
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

// Formats of decoder/lattice, one entry for each segment: docs/formats.md, "Lattices".
class LatticeFormatter : public TranscriptFormatter {
 public:
  LatticeFormatter(const OutputOptions& options, const Transcript::Source& source)
      : TranscriptFormatter(options), file_id_(FileId(source, options.several_tracks)) {}

  std::string Tail(const Transcript&) override { return {}; }

 protected:
  std::string Format(const Segment& segment) override {
    if (segment.lattice.type != options_.lattice_type) return {};
    return Entry(Key(file_id_, segment, options_), segment.lattice);
  }

 private:
  const std::string file_id_;
};

}  // namespace

std::unique_ptr<TranscriptFormatter> MakeLatticeFormatter(const OutputOptions& options,
                                                          const Transcript::Source& source) {
  return std::make_unique<LatticeFormatter>(options, source);
}

}  // namespace skald
