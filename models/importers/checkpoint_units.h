#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "models/importers/checkpoint.h"

namespace skald {

/// The output units of a CTC checkpoint, read from its tokenizer files.
struct CheckpointUnits {
  std::vector<std::string> symbols;  ///< by output of the head; "<unused:N>" where the tokenizer has none
  int blank = 0;
  std::string word_separator;     ///< character tokenizers: the unit between words
  std::string word_start_marker;  ///< sub-word tokenizers: "▁"
  std::string sentencepiece;      ///< sub-word tokenizers: a sentencepiece model that splits words as they do

  /// Outputs in the order of a bundle, whose column 0 is the blank.
  std::vector<int> BundleOrder() const;
};

/// How units are written in the bundle.
enum class UnitCase { kKeep, kLower, kUpper };

/// Reads tokenizer.json (BPE or Unigram with "▁" before words), else tokenizer.model (sentencepiece), else
/// vocab.json (characters). `outputs` is the head's number of outputs, `blank` the CTC blank among them.
/// `unit_case` changes ASCII letters, and fails where two units become one. Failures name the file;
/// kUnsupported for tokenizers of other kinds.
StatusOr<CheckpointUnits> ReadCheckpointUnits(const Checkpoint& checkpoint, int outputs, int blank,
                                              UnitCase unit_case);

}  // namespace skald
