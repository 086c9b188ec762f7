#include "frontend/media/media_test_files.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <numbers>

namespace skald::test {

void WriteWav(const std::string& path, int sample_rate_hz, int channels,
              const std::vector<int16_t>& samples) {
  std::ofstream file(path, std::ios::binary);
  const auto put = [&file](uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) file.put(static_cast<char>(value >> (8 * i)));
  };
  const auto data_bytes = static_cast<uint32_t>(samples.size() * 2);
  const auto rate = static_cast<uint32_t>(sample_rate_hz);
  const auto width = static_cast<uint32_t>(channels);
  file << "RIFF";
  put(36 + data_bytes, 4);
  file << "WAVEfmt ";
  put(16, 4);
  put(1, 2);
  put(width, 2);
  put(rate, 4);
  put(rate * width * 2, 4);
  put(width * 2, 2);
  put(16, 2);
  file << "data";
  put(data_bytes, 4);
  for (const int16_t sample : samples) put(static_cast<uint16_t>(sample), 2);
}

std::vector<int16_t> Click(int sample_rate_hz, double seconds, double click_s) {
  std::vector<int16_t> samples(static_cast<size_t>(std::lround(seconds * sample_rate_hz)));
  for (size_t i = 0; i < samples.size(); ++i) {
    const double t = static_cast<double>(i) / sample_rate_hz - click_s;
    if (std::abs(t) > 0.002) continue;
    const double window = std::cos(std::numbers::pi * t / 0.004);
    samples[i] = static_cast<int16_t>(20000 * window * std::cos(2 * std::numbers::pi * 1500 * t));
  }
  return samples;
}

bool HaveFfmpeg() {
  static const bool have = std::system("command -v ffmpeg >/dev/null 2>&1") == 0;
  return have;
}

bool RunFfmpeg(const std::string& arguments) {
  return std::system(
             ("timeout -s KILL 30 ffmpeg -nostdin -v error -y " + arguments + " >/dev/null 2>&1").c_str()) ==
         0;
}

DecodedMedia DecodeAll(const std::string& path, const MediaOptions& options) {
  DecodedMedia media;
  auto reader = MediaReader::Open(path, options);
  if (!reader.ok()) {
    media.status = reader.status();
    return media;
  }
  media.info = (*reader)->info();
  while (true) {
    auto block = (*reader)->Read();
    if (!block.ok()) {
      media.status = block.status();
      break;
    }
    if (!block->has_value()) break;
    const PcmBlock& pcm = **block;
    EXPECT_GT(pcm.samples.size(), 0u);
    EXPECT_LE(pcm.samples.size(), static_cast<size_t>(kSampleRateHz));
    const std::pair<int, int> key(pcm.track, pcm.channel);
    std::vector<float>& stream = media.streams[key];
    media.first_sample.emplace(key, pcm.first_sample);
    EXPECT_GE(pcm.first_sample, static_cast<int64_t>(stream.size())) << path << ": blocks overlap";
    if (!stream.empty()) media.hole_samples += pcm.first_sample - static_cast<int64_t>(stream.size());
    media.sample_count += static_cast<int64_t>(pcm.samples.size());
    // Damaged files may claim to start years late: the tests that look at samples do not.
    if (pcm.first_sample > int64_t{3600} * kSampleRateHz) continue;
    stream.resize(static_cast<size_t>(pcm.first_sample), 0.0f);
    stream.insert(stream.end(), pcm.samples.begin(), pcm.samples.end());
  }
  media.warnings = (*reader)->warnings();
  return media;
}

double PeakTime(const std::vector<float>& samples) {
  const auto peak = std::max_element(samples.begin(), samples.end(),
                                     [](float a, float b) { return std::abs(a) < std::abs(b); });
  return static_cast<double>(peak - samples.begin()) / kSampleRateHz;
}

}  // namespace skald::test
