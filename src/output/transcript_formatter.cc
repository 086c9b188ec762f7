#include "output/transcript_formatter.h"

#include "base/check.h"
#include "output/text_case.h"
#include "output/writers.h"

namespace skald {

std::unique_ptr<TranscriptFormatter> TranscriptFormatter::Create(OutputFormat format,
                                                                 const OutputOptions& options,
                                                                 const Transcript::Source& source) {
  SKALD_CHECK(options.subtitles.Validate().ok(), "subtitle options were not validated");
  switch (format) {
    case OutputFormat::kText:
      return MakeTextFormatter(options);
    case OutputFormat::kJson:
      return MakeJsonFormatter(options);
    case OutputFormat::kSrt:
      return MakeSrtFormatter(options);
    case OutputFormat::kVtt:
      return MakeVttFormatter(options);
    case OutputFormat::kTtml:
      return MakeTtmlFormatter(options);
    case OutputFormat::kCtm:
      return MakeCtmFormatter(options, source);
    case OutputFormat::kLattice:
      return MakeLatticeFormatter(options, source);
  }
  SKALD_CHECK(false, "unknown output format");
  return nullptr;
}

std::string TranscriptFormatter::Add(const Segment& segment) {
  if (options_.text_case == TextCase::kAsIs) return Format(segment);
  return Format(InCase(segment, options_.text_case));
}

std::string TranscriptFormatter::Head(const Transcript&) const { return {}; }

}  // namespace skald
