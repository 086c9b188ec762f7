#include "base/file.h"
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const skald::fuzz::InputFile file({data, size});
  (void)skald::ReadMaybeGzippedFile(file.path(), size_t{16} << 20);
  return 0;
}
