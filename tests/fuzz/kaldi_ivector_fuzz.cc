#include "fuzz/fuzz_target.h"
#include "models/importers/kaldi_ivector.h"

// The bytes as each of the extractor's binary files, beside sound ones.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const skald::fuzz::InputFile file({data, size});
  const std::string folder = SKALD_IVECTOR_FOLDER;
  const skald::KaldiIvectorFiles sound = {folder + "/final.ie",
                                          folder + "/final.dubm",
                                          folder + "/final.mat",
                                          folder + "/global_cmvn.stats",
                                          folder + "/online_cmvn.conf",
                                          folder + "/splice.conf",
                                          ""};
  for (auto member : {&skald::KaldiIvectorFiles::extractor, &skald::KaldiIvectorFiles::gaussians,
                      &skald::KaldiIvectorFiles::projection, &skald::KaldiIvectorFiles::cmvn_stats}) {
    skald::KaldiIvectorFiles files = sound;
    files.*member = file.path();
    (void)skald::ReadKaldiIvector(files, 8);
  }
  return 0;
}
