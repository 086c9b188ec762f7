#include "fuzz/fuzz_target.h"
#include "models/bundle/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const skald::fuzz::InputFile file({data, size});
  const auto tensors = skald::SafetensorsFile::Open(file.path());
  if (!tensors.ok()) return 0;
  for (const auto& [name, view] : tensors->tensors()) (void)view.ToFloat();
  return 0;
}
