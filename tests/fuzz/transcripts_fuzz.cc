#include "fuzz/fuzz_target.h"
#include "scoring/text_lines.h"
#include "scoring/transcript_formats.h"
#include "scoring/twv.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const skald::fuzz::InputFile file({data, size});
  (void)skald::ReadKaldiText(file.path());
  (void)skald::ReadTrn(file.path());
  (void)skald::ReadCtm(file.path());
  (void)skald::ReadStm(file.path());
  (void)skald::ReadRttm(file.path());
  (void)skald::ReadTextLines(file.path());
  return 0;
}
