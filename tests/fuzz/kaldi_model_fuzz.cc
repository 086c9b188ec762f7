#include "fuzz/fuzz_target.h"
#include "models/importers/kaldi_network.h"
#include "models/importers/kaldi_nnet3.h"
#include "models/importers/kaldi_reader.h"
#include "models/importers/kaldi_transitions.h"

// A final.mdl: transition model and network, as kaldi_import reads it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto reader = skald::KaldiReader::FromBytes(std::string(skald::fuzz::AsText(data, size)), "final.mdl");
  const auto transitions = skald::ReadKaldiTransitionModel(&reader);
  if (!transitions.ok()) return 0;
  for (size_t id = 1; id < transitions->transitions.size(); ++id) {
    const int32_t pdf = transitions->transitions[id].pdf;
    if (pdf < 0 || pdf >= transitions->pdfs) __builtin_trap();
  }
  const auto network = skald::ReadKaldiNnet3(&reader);
  if (network.ok()) (void)skald::ConvertKaldiNetwork(*network);
  return 0;
}
