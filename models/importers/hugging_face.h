#pragma once

#include <string>

#include "base/status.h"
#include "models/importers/checkpoint_units.h"

namespace skald {

/// What a checkpoint does not say, or what the user wants otherwise.
struct HuggingFaceImportOptions {
  std::string name;      ///< empty: the folder's name
  std::string licence;   ///< empty: as the checkpoint's README.md says, else "unknown"
  std::string language;  ///< BCP 47; empty: as the README.md says, else "und"
  std::string lm_path;   ///< ARPA, plain or gzip, that goes into the bundle; empty: none
  double lm_scale = 1.0;
  UnitCase unit_case = UnitCase::kKeep;
};

/// Makes a bundle at `bundle_folder`, which must not exist, of a checkpoint that Hugging Face's transformers
/// wrote: Wav2Vec2ForCTC, HubertForCTC, ParakeetForCTC, or a Whisper encoder with a CTC head (lm_head or
/// ctc_head). The head becomes "ctc", its outputs in the tokenizer's order but for the blank, which comes
/// first. Tensors keep their type; weight norms and batch norms are folded into the weights before them. The
/// checkpoint's README.md becomes the bundle's model card. Failures name file and key or tensor, and leave
/// nothing behind; kUnsupported for options that Skald does not run, and for pickles.
Status ImportHuggingFace(const std::string& checkpoint_folder, const std::string& bundle_folder,
                         const HuggingFaceImportOptions& options);

}  // namespace skald
