#include "cli/transcript_writer.h"

#include <cstdio>
#include <filesystem>
#include <fmt/format.h>

#include "base/file.h"

namespace skald::cli {

namespace fs = std::filesystem;

StatusOr<std::vector<std::string>> TranscriptWriter::Write(const std::string& output_stem,
                                                           const std::vector<Transcript>& transcripts) const {
  OutputOptions options = options_;
  options.several_tracks = transcripts.size() > 1;
  std::vector<std::string> written;
  for (const Transcript& transcript : transcripts) {
    for (const OutputFormat format : formats_) {
      const std::string text = FormatTranscript(transcript, format, options);
      if (folder_.empty()) {
        if (several_inputs_ && format != OutputFormat::kLattice) {
          std::printf("== %s\n", transcript.source.path.c_str());
        }
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fflush(stdout);
        continue;
      }
      std::string name = output_stem;
      if (options.several_tracks) name += fmt::format(".track{}", transcript.source.track);
      name += std::string(".") + FileExtension(format, options);
      const fs::path path = fs::path(folder_) / name;
      std::error_code error;
      fs::create_directories(path.parent_path(), error);
      if (error) return Status::Io(error.message()).InFile(path.parent_path().string());
      SKALD_RETURN_IF_ERROR(WriteFileAtomically(path.string(), text));
      written.push_back(std::move(name));
    }
  }
  return written;
}

}  // namespace skald::cli
