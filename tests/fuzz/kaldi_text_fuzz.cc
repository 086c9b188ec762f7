#include "decoder/lattice/kaldi_text.h"
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto lattices = skald::ReadKaldiText(skald::fuzz::AsText(data, size));
  if (!lattices.ok()) return 0;
  // What was read is written so that it is read again.
  if (!skald::ReadKaldiText(skald::WriteKaldiText(*lattices)).ok()) __builtin_trap();
  return 0;
}
