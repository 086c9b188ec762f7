// A sink of one's own: subtitles beside every file as soon as it is done, and what was said least surely.
//     own_sink OUTPUT_FOLDER MEDIA...
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <skald/output_format.h>
#include <skald/recognizer.h>
#include <string>
#include <vector>

namespace {

/// Takes the results of a run. The recognizer calls it with one result at a time.
class SubtitleSink {
 public:
  explicit SubtitleSink(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void Take(const skald::FileResult& result) {
    if (!result.status.ok()) {
      ++failed_;
      std::fprintf(stderr, "%s\n", result.status.ToString().c_str());
      return;
    }
    const skald::Transcript& transcript = result.transcripts.front();
    const std::string name = std::filesystem::path(result.path).stem().string() + ".srt";
    std::ofstream(folder_ / name) << skald::FormatTranscript(transcript, skald::OutputFormat::kSrt, {});
    std::printf("%s: %zu segments", name.c_str(), transcript.segments.size());
    if (const skald::Word* word = LeastSure(transcript)) {
      std::printf(", least sure of %s at %.2f s (%.2f)", word->text.c_str(), word->start_s, word->confidence);
    }
    std::printf("\n");
  }

  int failed() const { return failed_; }

 private:
  static const skald::Word* LeastSure(const skald::Transcript& transcript) {
    const skald::Word* least = nullptr;
    for (const skald::Segment& segment : transcript.segments) {
      for (const skald::Word& word : segment.words) {
        if (least == nullptr || word.confidence < least->confidence) least = &word;
      }
    }
    return least;
  }

  const std::filesystem::path folder_;
  int failed_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: own_sink OUTPUT_FOLDER MEDIA...\n");
    return 1;
  }
  skald::RecognizerOptions options;
  options.beam = 12.0f;  // a little faster than the default, a little less accurate
  auto recognizer = skald::Recognizer::Create(options);
  if (!recognizer.ok()) {
    std::fprintf(stderr, "%s\n", recognizer.status().ToString().c_str());
    return 1;
  }
  SubtitleSink sink(argv[1]);
  const auto progress = [](const skald::PipelineProgress& now) {
    std::fprintf(stderr, "%lld of %lld files, %.0f s of audio\n", static_cast<long long>(now.files_done),
                 static_cast<long long>(now.files), now.audio_s);
  };
  (*recognizer)
      ->TranscribeFiles(
          std::vector<std::string>(argv + 2, argv + argc), skald::MediaOptions(),
          [&](const skald::FileResult& result) { sink.Take(result); }, progress);
  return sink.failed() == 0 ? 0 : 1;
}
