// Live words from raw audio on standard input (16-bit little-endian mono samples at 16 kHz), e.g. of
//     arecord -t raw -f S16_LE -r 16000 | feed_pcm
#include <array>
#include <cstdint>
#include <cstdio>
#include <skald/live_session.h>
#include <vector>

namespace {

int Fail(const skald::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

void Print(const skald::LiveUpdate& update) {
  for (const skald::Word& word : update.words) std::printf("%8.2f %s\n", word.start_s, word.text.c_str());
  if (update.line_ended) std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

int main() {
  auto session = skald::LiveSession::Create(skald::RecognizerOptions(), skald::LiveOptions(), Print);
  if (!session.ok()) return Fail(session.status());

  std::array<uint8_t, 3200> bytes;  // a tenth of a second
  int64_t first_sample = 0;
  while (const size_t count = std::fread(bytes.data(), 2, bytes.size() / 2, stdin)) {
    std::vector<float> samples(count);
    for (size_t i = 0; i < count; ++i) {
      samples[i] = static_cast<float>(static_cast<int16_t>(bytes[2 * i] | bytes[2 * i + 1] << 8)) / 32768.0f;
    }
    if (const skald::Status status = (*session)->Push(first_sample, samples); !status.ok())
      return Fail(status);
    first_sample += static_cast<int64_t>(count);
  }
  const skald::Status status = (*session)->Finish();
  return status.ok() ? 0 : Fail(status);
}
