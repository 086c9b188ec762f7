#include "decoder/rescore/ngram_model.h"
#include "decoder/rescore/ngram_model_format.h"
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<uint8_t> bytes = skald::fuzz::WithRightChecksums<skald::ngram_format::Header>(data, size);
  const skald::fuzz::InputFile file(bytes);
  const auto model = skald::NgramModel::Open(file.path());
  if (!model.ok()) return 0;
  skald::NgramModel::State state = model->start();
  for (uint32_t word = 0; word < model->info().word_count && word < 1000; ++word) {
    (void)model->word(word).size();
    (void)model->Score(word, &state);
  }
  return 0;
}
