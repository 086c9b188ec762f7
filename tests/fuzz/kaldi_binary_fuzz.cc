#include "decoder/lattice/kaldi_binary.h"
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto lattices = skald::ReadKaldiBinary(skald::fuzz::AsText(data, size));
  if (!lattices.ok()) return 0;
  if (!skald::ReadKaldiBinary(skald::WriteKaldiBinary(*lattices)).ok()) __builtin_trap();
  return 0;
}
