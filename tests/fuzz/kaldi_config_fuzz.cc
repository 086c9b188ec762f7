#include "fuzz/fuzz_target.h"
#include "models/importers/kaldi_config.h"
#include "models/importers/kaldi_features.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const skald::fuzz::InputFile file({data, size});
  const auto config = skald::KaldiConfig::Read(file.path());
  if (config.ok()) (void)skald::ReadKaldiMfccConfig(*config);
  return 0;
}
