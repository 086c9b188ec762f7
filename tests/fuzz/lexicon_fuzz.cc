#include "decoder/graph/lexicon.h"
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const skald::fuzz::InputFile file({data, size});
  (void)skald::Lexicon::FromPronunciations(file.path());
  (void)skald::Lexicon::FromPronunciations({"<blk>", "AH", "B", "K", "T"}, file.path());
  return 0;
}
