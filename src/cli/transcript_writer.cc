#include "cli/transcript_writer.h"

#include <cstdio>
#include <filesystem>
#include <fmt/format.h>

#include "base/file.h"

namespace skald::cli {

namespace fs = std::filesystem;

OpenTranscript::OpenTranscript(std::string folder, std::vector<OutputFormat> formats, OutputOptions options,
                               std::string output_stem, std::span<const Transcript::Source> sources)
    : folder_(std::move(folder)),
      formats_(std::move(formats)),
      options_([&] {
        options.several_tracks = sources.size() > 1;
        return options;
      }()),
      output_stem_(std::move(output_stem)) {
  const fs::path below = (fs::path(folder_) / output_stem_).parent_path();
  std::error_code error;
  fs::create_directories(below, error);
  if (error) status_ = Status::Io(error.message()).InFile(below.string());
  for (const Transcript::Source& source : sources) {
    std::vector<Output>& outputs = outputs_[source.track];
    for (const OutputFormat format : formats_) {
      outputs.push_back(
          {format, TranscriptFormatter::Create(format, options_, source), SpooledText(below.string())});
    }
  }
}

void OpenTranscript::Add(int track, const Segment& segment) {
  ++segments_;
  for (Output& output : outputs_.at(track)) {
    if (status_.ok()) status_ = output.body.Append(output.formatter->Add(segment));
  }
}

StatusOr<std::vector<std::string>> OpenTranscript::Commit(const std::vector<Transcript>& transcripts) {
  SKALD_RETURN_IF_ERROR(status_);
  std::vector<std::string> written;
  for (const Transcript& transcript : transcripts) {
    for (Output& output : outputs_.at(transcript.source.track)) {
      std::string name = output_stem_;
      if (options_.several_tracks) name += fmt::format(".track{}", transcript.source.track);
      name += std::string(".") + FileExtension(output.format, options_);
      SKALD_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create((fs::path(folder_) / name).string()));
      const std::string tail = output.formatter->Tail(transcript);
      SKALD_RETURN_IF_ERROR(file.Write(output.formatter->Head(transcript)));
      SKALD_RETURN_IF_ERROR(output.body.CopyTo(&file));
      SKALD_RETURN_IF_ERROR(file.Write(tail));
      SKALD_RETURN_IF_ERROR(file.Commit());
      written.push_back(std::move(name));
    }
  }
  return written;
}

StatusOr<std::vector<std::string>> TranscriptWriter::Write(const std::string& output_stem,
                                                           const std::vector<Transcript>& transcripts) const {
  if (folder_.empty()) return Print(transcripts);
  std::vector<Transcript::Source> sources;
  for (const Transcript& transcript : transcripts) sources.push_back(transcript.source);
  OpenTranscript open(folder_, formats_, options_, output_stem, sources);
  for (const Transcript& transcript : transcripts) {
    for (const Segment* segment : InOutputOrder(transcript.segments))
      open.Add(transcript.source.track, *segment);
  }
  return open.Commit(transcripts);
}

std::vector<std::string> TranscriptWriter::Print(const std::vector<Transcript>& transcripts) const {
  OutputOptions options = options_;
  options.several_tracks = transcripts.size() > 1;
  for (const Transcript& transcript : transcripts) {
    for (const OutputFormat format : formats_) {
      const std::string text = FormatTranscript(transcript, format, options);
      if (several_inputs_ && format != OutputFormat::kLattice) {
        std::printf("== %s\n", transcript.source.path.c_str());
      }
      std::fwrite(text.data(), 1, text.size(), stdout);
      std::fflush(stdout);
    }
  }
  return {};
}

}  // namespace skald::cli
