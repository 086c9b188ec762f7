#include "fuzz/fuzz_target.h"
#include "models/bundle/manifest_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)skald::ReadBundleManifest(skald::fuzz::AsText(data, size));
  return 0;
}
