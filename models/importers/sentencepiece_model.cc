#include "models/importers/sentencepiece_model.h"

#include <sentencepiece_processor.h>

#include <cstdint>
#include <cstring>
#include <exception>

#include "base/file.h"

namespace skald {
namespace {

// The wire format of protocol buffers: a key (field number and wire type), then the value.
constexpr uint32_t kVarint = 0, kBytes = 2, kFixed32 = 5;

void PutVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

void PutNumber(uint32_t field, uint64_t value, std::string* out) {
  PutVarint(field << 3 | kVarint, out);
  PutVarint(value, out);
}

void PutBytes(uint32_t field, const std::string& bytes, std::string* out) {
  PutVarint(field << 3 | kBytes, out);
  PutVarint(bytes.size(), out);
  out->append(bytes);
}

void PutFloat(uint32_t field, float value, std::string* out) {
  PutVarint(field << 3 | kFixed32, out);
  char bytes[4];
  std::memcpy(bytes, &value, 4);
  out->append(bytes, 4);
}

constexpr uint64_t kNormal = 1, kUnknown = 2, kControl = 3;
constexpr char kUnknownPiece[] = "<unk>";

}  // namespace

std::string SerializeSentencePieceModel(const SentencePieceModel& model) {
  std::string out;
  const auto put_piece = [&out](const std::string& text, float score, uint64_t type) {
    std::string piece;
    PutBytes(1, text, &piece);
    PutFloat(2, score, &piece);
    PutNumber(3, type, &piece);
    PutBytes(1, piece, &out);
  };
  bool has_unknown = false;
  for (const SentencePieceModel::Piece& piece : model.pieces) {
    const bool is_unknown = piece.text == kUnknownPiece;
    has_unknown = has_unknown || is_unknown;
    put_piece(piece.text, piece.score, is_unknown ? kUnknown : piece.is_normal ? kNormal : kControl);
  }
  if (!has_unknown) put_piece(kUnknownPiece, 0, kUnknown);
  std::string trainer, normalizer;
  PutNumber(3, model.kind == SentencePieceModel::Kind::kUnigram ? 1 : 2, &trainer);
  PutBytes(2, trainer, &out);
  PutBytes(1, "identity", &normalizer);
  PutNumber(3, 1, &normalizer);  // words begin with a space
  PutNumber(4, 1, &normalizer);  // runs of spaces are one
  PutNumber(5, 1, &normalizer);  // spaces become the marker
  PutBytes(3, normalizer, &out);
  return out;
}

StatusOr<std::vector<std::string>> ReadSentencePieces(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::string model, ReadFile(path, size_t{256} << 20));
  try {
    sentencepiece::SentencePieceProcessor processor;
    if (const auto loaded = processor.LoadFromSerializedProto(model); !loaded.ok()) {
      return Status::Corrupt("not a sentencepiece model").InFile(path);
    }
    std::vector<std::string> pieces;
    for (int id = 0; id < processor.GetPieceSize(); ++id) pieces.push_back(processor.IdToPiece(id));
    return pieces;
  } catch (const std::exception& error) {
    return Status::Corrupt(std::string("sentencepiece: ") + error.what()).InFile(path);
  }
}

}  // namespace skald
