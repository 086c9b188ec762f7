#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace skald {

/// A sub-word model as sentencepiece knows it.
struct SentencePieceModel {
  enum class Kind { kUnigram, kBpe };
  struct Piece {
    std::string text;
    float score = 0;        ///< unigram: log probability; BPE: larger is merged earlier
    bool is_normal = true;  ///< false: never part of a word (<unk>, <pad>, ...)
  };
  Kind kind = Kind::kUnigram;
  std::vector<Piece> pieces;  ///< by ID
};

/// The model as sentencepiece's protocol buffer (sentencepiece_model.proto), which splits words just as the
/// tokenizer that it came from does. Text is not normalised. "<unk>" is its unknown piece, added where it is
/// missing.
std::string SerializeSentencePieceModel(const SentencePieceModel& model);

/// Pieces of a sentencepiece model file, by ID. kCorrupt where it is none.
StatusOr<std::vector<std::string>> ReadSentencePieces(const std::string& path);

}  // namespace skald
