// Skald inside a program: one recognizer, any number of media files, their text on standard output.
#include <cstdio>
#include <skald/recognizer.h>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  skald::StatusOr<std::unique_ptr<skald::Recognizer>> recognizer =
      skald::Recognizer::Create(skald::RecognizerOptions());
  if (!recognizer.ok()) {
    std::fprintf(stderr, "%s\n", recognizer.status().ToString().c_str());
    return 1;
  }
  bool all_well = true;
  const auto print = [&](const skald::FileResult& result) {
    if (!result.status.ok()) {
      std::fprintf(stderr, "%s\n", result.status.ToString().c_str());
      all_well = false;
    }
    for (const skald::Transcript& track : result.transcripts) {
      for (const skald::Segment& segment : track.segments) std::printf("%s\n", segment.text.c_str());
    }
  };
  (*recognizer)->TranscribeFiles(std::vector<std::string>(argv + 1, argv + argc), {}, print);
  return all_well ? 0 : 1;
}
