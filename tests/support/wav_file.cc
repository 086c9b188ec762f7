#include "support/wav_file.h"

#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "base/file.h"

namespace skald::test {

std::vector<float> ReadWavFile(const std::string& path) {
  const auto bytes = ReadFile(path);
  if (!bytes.ok()) throw std::runtime_error(bytes.status().ToString());
  constexpr size_t kHeaderBytes = 44;
  if (bytes->size() < kHeaderBytes || bytes->compare(36, 4, "data") != 0)
    throw std::runtime_error(path + ": header");
  std::vector<float> samples((bytes->size() - kHeaderBytes) / 2);
  for (size_t i = 0; i < samples.size(); ++i) {
    int16_t value;
    std::memcpy(&value, bytes->data() + kHeaderBytes + 2 * i, 2);
    samples[i] = static_cast<float>(value) / 32768.0f;
  }
  return samples;
}

}  // namespace skald::test
