#include "models/importers/checkpoint_units.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "base/file.h"
#include "models/importers/sentencepiece_model.h"

namespace skald {
namespace {

using nlohmann::json;

constexpr char kMarker[] = "\xE2\x96\x81";  // "▁"
constexpr char kTokenizer[] = "tokenizer.json";
constexpr char kSentencePiece[] = "tokenizer.model";
constexpr char kVocabulary[] = "vocab.json";

/// Puts `symbol` at `id` of `symbols`, which has the size of the head.
Status Place(const std::string& symbol, int64_t id, std::vector<std::string>* symbols) {
  if (id < 0 || id >= static_cast<int64_t>(symbols->size())) {
    return Status::Corrupt("token \"" + symbol + "\" has ID " + std::to_string(id) + ", the head has " +
                           std::to_string(symbols->size()) + " outputs");
  }
  std::string& place = (*symbols)[static_cast<size_t>(id)];
  if (symbol.empty() || symbol.find_first_of("\n\r") != std::string::npos || symbol.size() > 1000) {
    return Status::Unsupported("token " + std::to_string(id) +
                               " is empty, has a line break or is longer than 1000 bytes");
  }
  if (!place.empty() && place != symbol) {
    return Status::Corrupt("tokens \"" + place + "\" and \"" + symbol + "\" both have ID " +
                           std::to_string(id));
  }
  place = symbol;
  return Status::Ok();
}

/// {"symbol": id, ...}
Status PlaceAll(const json& vocabulary, std::vector<std::string>* symbols) {
  if (!vocabulary.is_object()) return Status::Corrupt("the vocabulary is not a JSON object");
  for (const auto& [symbol, id] : vocabulary.items()) {
    if (id.is_object()) {
      return Status::Unsupported("\"" + symbol +
                                 "\" is a vocabulary of its own; save the tokenizer of one language");
    }
    if (!id.is_number_integer()) return Status::Corrupt("the ID of \"" + symbol + "\" is not an integer");
    SKALD_RETURN_IF_ERROR(Place(symbol, id.get<int64_t>(), symbols));
  }
  return Status::Ok();
}

/// Scores of a BPE model's pieces: what is merged first has the largest, single characters come last.
StatusOr<std::map<std::string, float>> MergeScores(const json& model) {
  std::map<std::string, float> scores;
  if (!model.contains("merges") || !model["merges"].is_array())
    return Status::Corrupt("\"model.merges\" is not a list");
  float rank = 0;
  for (const json& merge : model["merges"]) {
    std::string merged;
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      merged = merge[0].get<std::string>() + merge[1].get<std::string>();
    } else if (merge.is_string()) {
      merged = merge.get<std::string>();
      const size_t space = merged.find(' ');
      if (space == std::string::npos) return Status::Corrupt("a merge is not a pair of pieces");
      merged.erase(space, 1);
    } else {
      return Status::Corrupt("a merge is not a pair of pieces");
    }
    scores.emplace(std::move(merged), -rank);
    ++rank;
  }
  return scores;
}

/// Pieces of tokenizer.json's model to `model` and `symbols`.
Status ReadPieces(const json& source, SentencePieceModel* model, std::vector<std::string>* symbols) {
  if (!source.is_object() || !source.contains("type") || !source["type"].is_string() ||
      !source.contains("vocab")) {
    return Status::Corrupt("\"model\" needs type and vocab");
  }
  const std::string type = source["type"].get<std::string>();
  const json& vocabulary = source["vocab"];
  std::vector<float> scores(symbols->size(), 0.0f);
  if (type == "Unigram") {
    model->kind = SentencePieceModel::Kind::kUnigram;
    if (!vocabulary.is_array()) return Status::Corrupt("\"model.vocab\" is not a list");
    for (size_t id = 0; id < vocabulary.size(); ++id) {
      const json& item = vocabulary[id];
      if (!item.is_array() || item.size() != 2 || !item[0].is_string() || !item[1].is_number()) {
        return Status::Corrupt("\"model.vocab\": item " + std::to_string(id) + " is not [piece, score]");
      }
      SKALD_RETURN_IF_ERROR(Place(item[0].get<std::string>(), static_cast<int64_t>(id), symbols));
      scores[id] = item[1].get<float>();
    }
  } else if (type == "BPE") {
    model->kind = SentencePieceModel::Kind::kBpe;
    SKALD_RETURN_IF_ERROR(PlaceAll(vocabulary, symbols));
    SKALD_ASSIGN_OR_RETURN(const auto merges, MergeScores(source));
    for (size_t id = 0; id < symbols->size(); ++id) {
      const auto merge = merges.find((*symbols)[id]);
      scores[id] = merge != merges.end() ? merge->second : -static_cast<float>(merges.size() + id);
    }
  } else {
    return Status::Unsupported("\"model.type\" " + type + "; BPE and Unigram are read");
  }
  for (size_t id = 0; id < symbols->size(); ++id) {
    const std::string& symbol = (*symbols)[id];
    model->pieces.push_back(
        {symbol.empty() ? "<unused:" + std::to_string(id) + ">" : symbol, scores[id], !symbol.empty()});
  }
  return Status::Ok();
}

Status ReadTokenizerJson(const json& tokenizer, CheckpointUnits* units, SentencePieceModel* model) {
  if (!tokenizer.is_object() || !tokenizer.contains("model")) return Status::Corrupt("\"model\" is missing");
  SKALD_RETURN_IF_ERROR(ReadPieces(tokenizer["model"], model, &units->symbols));
  if (tokenizer.contains("added_tokens") && tokenizer["added_tokens"].is_array()) {
    for (const json& token : tokenizer["added_tokens"]) {
      if (!token.is_object() || !token.contains("id") || !token["id"].is_number_integer() ||
          !token.contains("content") || !token["content"].is_string()) {
        return Status::Corrupt("an added token has no id or content");
      }
      const auto id = token["id"].get<int64_t>();
      if (id >= static_cast<int64_t>(units->symbols.size())) continue;  // never an output
      SKALD_RETURN_IF_ERROR(Place(token["content"].get<std::string>(), id, &units->symbols));
      SentencePieceModel::Piece& piece = model->pieces[static_cast<size_t>(id)];
      piece = {token["content"].get<std::string>(), 0.0f, false};
    }
  }
  const bool has_marker = std::any_of(units->symbols.begin(), units->symbols.end(),
                                      [](const std::string& symbol) { return symbol.starts_with(kMarker); });
  if (!has_marker) {
    return Status::Unsupported(std::string("no piece starts with \"") + kMarker +
                               "\": byte-level tokenizers and tokenizers without word starts are not read");
  }
  units->word_start_marker = kMarker;
  return Status::Ok();
}

Status ReadVocabulary(const Checkpoint& checkpoint, CheckpointUnits* units) {
  SKALD_ASSIGN_OR_RETURN(const json vocabulary, checkpoint.ReadJson(kVocabulary));
  if (Status status = PlaceAll(vocabulary, &units->symbols); !status.ok()) {
    return std::move(status).InFile(checkpoint.PathOf(kVocabulary));
  }
  if (checkpoint.HasFile("added_tokens.json")) {
    SKALD_ASSIGN_OR_RETURN(const json added, checkpoint.ReadJson("added_tokens.json"));
    for (const auto& [symbol, id] : added.items()) {
      if (id.is_number_integer() && id.get<int64_t>() < static_cast<int64_t>(units->symbols.size())) {
        SKALD_RETURN_IF_ERROR(Place(symbol, id.get<int64_t>(), &units->symbols));
      }
    }
  }
  units->word_separator = "|";
  if (checkpoint.HasFile("tokenizer_config.json")) {
    SKALD_ASSIGN_OR_RETURN(const json config, checkpoint.ReadJson("tokenizer_config.json"));
    if (config.is_object() && config.contains("word_delimiter_token") &&
        config["word_delimiter_token"].is_string()) {
      units->word_separator = config["word_delimiter_token"].get<std::string>();
    }
  }
  if (std::find(units->symbols.begin(), units->symbols.end(), units->word_separator) ==
      units->symbols.end()) {
    return Status::Unsupported("the word delimiter \"" + units->word_separator + "\" is no token")
        .InFile(checkpoint.PathOf(kVocabulary));
  }
  return Status::Ok();
}

Status ReadSentencePieceFile(const Checkpoint& checkpoint, CheckpointUnits* units) {
  const std::string path = checkpoint.PathOf(kSentencePiece);
  SKALD_ASSIGN_OR_RETURN(const std::vector<std::string> pieces, ReadSentencePieces(path));
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (Status status = Place(pieces[id], static_cast<int64_t>(id), &units->symbols); !status.ok()) {
      return std::move(status).InFile(path);
    }
  }
  SKALD_ASSIGN_OR_RETURN(units->sentencepiece, ReadFile(path));
  units->word_start_marker = kMarker;
  return Status::Ok();
}

std::string InCase(std::string text, UnitCase unit_case) {
  for (char& c : text) {
    if (unit_case == UnitCase::kLower && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (unit_case == UnitCase::kUpper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

/// "<s>", "[PAD]": not part of a word.
bool IsSpecial(const std::string& symbol) {
  return symbol.size() > 2 &&
         ((symbol.front() == '<' && symbol.back() == '>') || (symbol.front() == '[' && symbol.back() == ']'));
}

/// Gives every output a name of its own.
Status FinishSymbols(UnitCase unit_case, CheckpointUnits* units) {
  std::set<std::string> seen;
  for (size_t id = 0; id < units->symbols.size(); ++id) {
    std::string& symbol = units->symbols[id];
    if (symbol.empty()) {
      symbol = static_cast<int>(id) == units->blank ? "<blank>" : "<unused:" + std::to_string(id) + ">";
    } else if (!IsSpecial(symbol)) {
      symbol = InCase(std::move(symbol), unit_case);
    }
    if (!seen.insert(symbol).second) return Status::Unsupported("two tokens are written \"" + symbol + "\"");
  }
  return Status::Ok();
}

}  // namespace

std::vector<int> CheckpointUnits::BundleOrder() const {
  std::vector<int> order(symbols.size());
  std::iota(order.begin(), order.end(), 0);
  std::rotate(order.begin(), order.begin() + blank, order.begin() + blank + 1);
  return order;
}

StatusOr<CheckpointUnits> ReadCheckpointUnits(const Checkpoint& checkpoint, int outputs, int blank,
                                              UnitCase unit_case) {
  CheckpointUnits units;
  units.symbols.resize(static_cast<size_t>(outputs));
  units.blank = blank;
  if (blank < 0 || blank >= outputs) {
    return Status::Corrupt("\"pad_token_id\" " + std::to_string(blank) + " is not one of the " +
                           std::to_string(outputs) + " outputs")
        .InFile(checkpoint.PathOf("config.json"));
  }
  // A character tokenizer may have a tokenizer.json beside its vocab.json; the latter says more.
  if (checkpoint.HasFile(kVocabulary)) {
    SKALD_RETURN_IF_ERROR(ReadVocabulary(checkpoint, &units));
  } else if (checkpoint.HasFile(kTokenizer)) {
    SKALD_ASSIGN_OR_RETURN(const json tokenizer, checkpoint.ReadJson(kTokenizer));
    SentencePieceModel model;
    Status status = ReadTokenizerJson(tokenizer, &units, &model);
    if (!status.ok()) return std::move(status).InFile(checkpoint.PathOf(kTokenizer));
    for (SentencePieceModel::Piece& piece : model.pieces) {
      if (piece.is_normal) piece.text = InCase(std::move(piece.text), unit_case);
    }
    units.sentencepiece = SerializeSentencePieceModel(model);
  } else if (checkpoint.HasFile(kSentencePiece)) {
    if (unit_case != UnitCase::kKeep) {
      return Status::Unsupported("the case of a sentencepiece model cannot be changed")
          .InFile(checkpoint.PathOf(kSentencePiece));
    }
    SKALD_RETURN_IF_ERROR(ReadSentencePieceFile(checkpoint, &units));
  } else {
    return Status::NotFound("has no tokenizer: vocab.json, tokenizer.json or tokenizer.model")
        .InFile(checkpoint.folder());
  }
  if (Status status = FinishSymbols(unit_case, &units); !status.ok())
    return std::move(status).InFile(checkpoint.folder());
  return units;
}

}  // namespace skald
