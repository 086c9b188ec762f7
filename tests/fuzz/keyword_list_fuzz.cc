#include "fuzz/fuzz_target.h"
#include "scoring/keyword_list.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const skald::fuzz::InputFile file({data, size});
  (void)skald::ReadKeywordList(file.path());
  const skald::fuzz::InputFile xml({data, size}, ".xml");
  (void)skald::ReadKeywordList(xml.path());
  (void)skald::ReadKwslist(xml.path());
  return 0;
}
