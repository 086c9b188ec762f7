#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "frontend/media/media_reader.h"

namespace skald::test {

/// Writes 16-bit PCM, [frames][channels] interleaved, as a .wav file.
void WriteWav(const std::string& path, int sample_rate_hz, int channels, const std::vector<int16_t>& samples);

/// `seconds` of silence with a click of 4 ms, whose middle and peak is at `click_s`.
std::vector<int16_t> Click(int sample_rate_hz, double seconds, double click_s);

bool HaveFfmpeg();
/// Runs ffmpeg with `arguments` for a shell; true on success. FFmpeg's command line is the independent writer
/// and reader.
bool RunFfmpeg(const std::string& arguments);

/// Everything a file holds.
struct DecodedMedia {
  Status status;  ///< of Open, or of the Read that failed
  MediaInfo info;
  /// By (track, channel): time 0 is sample 0, holes are zeros.
  std::map<std::pair<int, int>, std::vector<float>> streams;
  std::map<std::pair<int, int>, int64_t> first_sample;
  int64_t sample_count = 0;
  int64_t hole_samples = 0;  ///< between blocks of a stream
  std::vector<Warning> warnings;

  const std::vector<float>& only() const { return streams.at({0, 0}); }
};

/// Reads all of `path`; checks that blocks are at most a second long, in order and without overlap.
DecodedMedia DecodeAll(const std::string& path, const MediaOptions& options = {});

/// Time of the sample of largest magnitude.
double PeakTime(const std::vector<float>& samples);

}  // namespace skald::test
