#include "base/token_list.h"
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const skald::fuzz::InputFile file({data, size});
  (void)skald::ReadTokenList(file.path());
  return 0;
}
