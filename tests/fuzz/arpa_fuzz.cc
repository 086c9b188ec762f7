#include "decoder/graph/arpa.h"
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto model = skald::ArpaModel::Parse(skald::fuzz::AsText(data, size));
  if (!model.ok()) return 0;
  for (int order = 1; order <= model->order(); ++order) {
    for (size_t i = 0; i < model->count(order); ++i) {
      if (model->Find(model->ngram(order, i)) != i) __builtin_trap();  // what is listed is found
    }
  }
  return 0;
}
