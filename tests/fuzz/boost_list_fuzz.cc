#include "engine/boost_list.h"
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)skald::ParseBoostList(skald::fuzz::AsText(data, size));
  return 0;
}
