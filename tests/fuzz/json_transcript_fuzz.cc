#include "fuzz/fuzz_target.h"
#include "scoring/transcript_formats.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const skald::fuzz::InputFile file({data, size});
  (void)skald::ReadJsonWords(file.path());
  (void)skald::ReadJsonTexts(file.path());
  (void)skald::ReadJsonAlternatives(file.path());
  return 0;
}
