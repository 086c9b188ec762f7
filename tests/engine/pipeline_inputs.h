#pragma once

#include <cmath>
#include <cstdint>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "base/audio.h"
#include "base/file.h"
#include "decoder/graph/graph_image.h"
#include "engine/pipeline.h"

namespace skald::test {

/// A loop over two words, "ALPHA" of unit 1 and "BETA" of unit 2.
inline GraphImage TwoWords() {
  GraphImageBuilder builder({"<blk>", "a", "b"}, {"", "ALPHA", "BETA"});
  const GraphImageBuilder::Arc arcs[] = {{0, 0.5f, 1, kArcWordStart, 1}, {0, 0.5f, 2, kArcWordStart, 2}};
  builder.AddState(0.0f, arcs);
  builder.SetStart(0);
  return std::move(builder).Build().value();
}

/// A pulse of 60 ms: a word for FakeScorer.
struct Pulse {
  double time_s;
  bool alpha;
};

inline void WriteWav(const std::string& path, double seconds, const std::vector<Pulse>& pulses) {
  std::vector<int16_t> samples(static_cast<size_t>(seconds * kSampleRateHz), 0);
  for (const Pulse& pulse : pulses) {
    const size_t first = static_cast<size_t>(std::llround(pulse.time_s * kSampleRateHz));
    for (size_t i = first; i < std::min(samples.size(), first + 960); ++i)
      samples[i] = pulse.alpha ? 20000 : -20000;
  }
  const uint32_t bytes = static_cast<uint32_t>(samples.size() * 2);
  std::string file = "RIFF";
  const auto add32 = [&](uint32_t value) { file.append(reinterpret_cast<const char*>(&value), 4); };
  const auto add16 = [&](uint16_t value) { file.append(reinterpret_cast<const char*>(&value), 2); };
  add32(36 + bytes);
  file += "WAVEfmt ";
  add32(16), add16(1), add16(1), add32(kSampleRateHz), add32(2 * kSampleRateHz), add16(2), add16(16);
  file += "data";
  add32(bytes);
  file.append(reinterpret_cast<const char*>(samples.data()), bytes);
  ASSERT_TRUE(WriteFileAtomically(path, file).ok());
}

inline std::string Words(const FileResult& result) {
  std::string text;
  for (const Transcript& transcript : result.transcripts) {
    for (const Segment& segment : transcript.segments) {
      for (const Word& word : segment.words) text += (text.empty() ? "" : " ") + word.text;
    }
  }
  return text;
}

}  // namespace skald::test
