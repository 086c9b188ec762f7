#include "decoder/graph/graph_builder.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/hash.h"
#include "decoder/graph/grammar.h"
#include "decoder/graph/history_tries.h"
#include "decoder/graph/openfst_graph.h"
#include "decoder/graph/pronouncer.h"

namespace skald {
namespace {

using Json = nlohmann::ordered_json;

/// Part of the cache key: raise it whenever the same sources and options would give another image.
constexpr int kBuilderVersion = 1;

constexpr int kGuessedPronunciations = 2;

const char* KindName(LexiconKind kind) {
  switch (kind) {
    case LexiconKind::kCharacters:
      return "characters";
    case LexiconKind::kPieces:
      return "pieces";
    case LexiconKind::kPronunciations:
      return "pronunciations";
  }
  return "";
}

Json OptionsJson(const GraphOptions& options) {
  return {{"language_model_weight", options.language_model_weight},
          {"word_penalty", options.word_penalty},
          {"max_order", options.max_order},
          {"segmentations", options.segmentations},
          {"method", options.method == GraphOptions::Method::kPerHistory ? "per-history" : "openfst"}};
}

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// What the graph is made of, by content.
StatusOr<Json> SourcesJson(const GraphSources& sources) {
  Json json{{"builder_version", kBuilderVersion}, {"lexicon_kind", KindName(sources.lexicon_kind)}};
  SKALD_ASSIGN_OR_RETURN(json["language_model_sha256"], Sha256HexOfFile(sources.language_model_path));
  if (sources.lexicon_kind == LexiconKind::kCharacters) {
    json["separator"] = sources.separator;
  } else {
    SKALD_ASSIGN_OR_RETURN(json["lexicon_sha256"], Sha256HexOfFile(sources.lexicon_path));
  }
  std::string units;
  for (const std::string& unit : sources.units) units += unit + '\n';
  for (const ExtraWord& extra : sources.extra_words) {
    json["extra_words"].push_back({{"word", extra.word}, {"spellings", extra.spellings}});
  }
  json["units_sha256"] = Sha256Hex(std::as_bytes(std::span(units.data(), units.size())));
  return json;
}

StatusOr<GraphImage> BuildWithRecipe(const ArpaModel& model, const Lexicon& lexicon,
                                     const GraphOptions& options, Json recipe,
                                     const GraphProgress& progress) {
  SKALD_RETURN_IF_ERROR(options.Validate());
  const auto report = [&](double fraction, std::string_view phase) {
    if (progress) progress(fraction, phase);
  };
  std::unordered_map<std::string_view, uint32_t> model_words;
  for (uint32_t word = 0; word < model.words().size(); ++word) model_words.emplace(model.words()[word], word);
  // Sentence marks and <unk> are never words of the graph, even where a lexicon spells them.
  for (const uint32_t mark : {model.sentence_start(), model.sentence_end(), model.unknown()}) {
    if (mark != ArpaModel::kNoWord) model_words.erase(model.words()[mark]);
  }
  std::vector<std::string> image_words{""};
  std::vector<SpelledWord> spelled;
  std::vector<bool> keep_word(model.words().size(), false);
  uint32_t last_word = UINT32_MAX;
  for (const Lexicon::Entry& entry : lexicon.entries()) {
    const auto found = model_words.find(lexicon.words()[entry.word]);
    if (found == model_words.end()) continue;
    if (entry.word != std::exchange(last_word, entry.word))
      image_words.push_back(lexicon.words()[entry.word]);
    keep_word[found->second] = true;
    spelled.push_back({found->second, static_cast<uint32_t>(image_words.size() - 1), &entry});
  }

  report(0.35, "language model automaton");
  SKALD_ASSIGN_OR_RETURN(const Grammar grammar, Grammar::Build(model, keep_word, options.max_order));
  recipe["options"] = OptionsJson(options);
  recipe["words"] = image_words.size() - 1;
  recipe["spellings"] = spelled.size();
  recipe["histories"] = grammar.states().size();
  recipe["ngrams"] = grammar.arc_count();
  recipe["dropped_words"] = grammar.dropped_words();
  recipe["dropped_ngrams"] = grammar.dropped_ngrams();

  GraphImageBuilder builder(lexicon.units(), std::move(image_words));
  builder.SetRecipe(Dump(recipe));
  const CostScale scale{kNatsPerLogProb * options.language_model_weight, options.word_penalty};
  const auto compose_progress = [&](double fraction) {
    report(std::min(0.45 + 0.4 * fraction, 0.85), "composition");
  };
  report(0.45, "composition");
  if (options.method == GraphOptions::Method::kPerHistory) {
    BuildHistoryTries(lexicon, std::move(spelled), grammar, scale, compose_progress, &builder);
  } else {
    SKALD_RETURN_IF_ERROR(BuildWithOpenFst(lexicon, spelled, grammar, scale, compose_progress, &builder));
  }
  report(0.85, "layout");
  auto image = std::move(builder).Build();
  report(1, "layout");
  return image;
}

/// The lexicon of the words of `model`, extra words' spellings apart.
StatusOr<Lexicon> ReadListedWords(const GraphSources& sources, const GraphOptions& options,
                                  const ArpaModel& model) {
  if (sources.lexicon_kind == LexiconKind::kPronunciations) {
    return Lexicon::FromPronunciations(sources.units, sources.lexicon_path);
  }
  std::vector<std::string> words;
  for (uint32_t word = 0; word < model.words().size(); ++word) {
    const bool is_mark =
        word == model.sentence_start() || word == model.sentence_end() || word == model.unknown();
    if (!is_mark) words.push_back(model.words()[word]);
  }
  return sources.lexicon_kind == LexiconKind::kCharacters
             ? Lexicon::FromCharacters(sources.units, words, sources.separator)
             : Lexicon::FromPieces(sources.units, words, sources.lexicon_path, options.segmentations);
}

/// Sees to it that every extra word has a spelling.
Status AddExtraWords(const std::vector<ExtraWord>& extra_words, LexiconKind kind, Lexicon* lexicon) {
  std::optional<Pronouncer> pronouncer;
  for (const ExtraWord& extra : extra_words) {
    for (const std::vector<std::string>& spelling : extra.spellings) {
      std::vector<uint16_t> units;
      for (const std::string& name : spelling) {
        const auto unit = std::find(lexicon->units().begin(), lexicon->units().end(), name);
        if (unit == lexicon->units().end()) {
          return Status::InvalidArgument("the spelling of \"" + extra.word + "\" names a unit \"" + name +
                                         "\" that the model does not have");
        }
        units.push_back(static_cast<uint16_t>(unit - lexicon->units().begin()));
      }
      SKALD_RETURN_IF_ERROR(lexicon->Add(extra.word, std::move(units)));
    }
    if (lexicon->Has(extra.word)) continue;
    if (kind != LexiconKind::kPronunciations) {
      return Status::InvalidArgument("\"" + extra.word + "\" cannot be spelled in the units of the model");
    }
    if (!pronouncer) {
      SKALD_ASSIGN_OR_RETURN(pronouncer, Pronouncer::Train(*lexicon));
    }
    SKALD_ASSIGN_OR_RETURN(auto guesses, pronouncer->Pronounce(extra.word, kGuessedPronunciations));
    for (Pronouncer::Guess& guess : guesses) {
      SKALD_RETURN_IF_ERROR(lexicon->Add(extra.word, std::move(guess.units)));
    }
  }
  return Status::Ok();
}

}  // namespace

Status GraphOptions::Validate() const {
  if (!(language_model_weight > 0 && language_model_weight <= 1000)) {
    return Status::InvalidArgument("language_model_weight must be above 0 and at most 1000");
  }
  if (!(std::abs(word_penalty) <= 1000))
    return Status::InvalidArgument("word_penalty must be within -1000 to 1000");
  if (max_order < 1 || max_order > ArpaModel::kMaxOrder)
    return Status::InvalidArgument("max_order must be 1 to 5");
  if (segmentations < 1 || segmentations > 100)
    return Status::InvalidArgument("segmentations must be 1 to 100");
  return Status::Ok();
}

StatusOr<Lexicon> ReadLexicon(const GraphSources& sources, const GraphOptions& options,
                              const ArpaModel& model) {
  SKALD_ASSIGN_OR_RETURN(Lexicon lexicon, ReadListedWords(sources, options, model));
  SKALD_RETURN_IF_ERROR(AddExtraWords(sources.extra_words, sources.lexicon_kind, &lexicon));
  return lexicon;
}

StatusOr<GraphImage> BuildGraph(const ArpaModel& model, const Lexicon& lexicon, const GraphOptions& options,
                                const GraphProgress& progress) try {
  return BuildWithRecipe(model, lexicon, options, Json::object(), progress);
} catch (const std::bad_alloc&) {
  return Status::ResourceExhausted("not enough memory to build the graph");
}

StatusOr<GraphImage> BuildGraph(const GraphSources& sources, const GraphOptions& options,
                                const GraphProgress& progress) try {
  SKALD_RETURN_IF_ERROR(options.Validate());
  if (progress) progress(0, "language model");
  SKALD_ASSIGN_OR_RETURN(Json recipe, SourcesJson(sources));
  recipe["language_model"] = std::filesystem::path(sources.language_model_path).filename().string();
  SKALD_ASSIGN_OR_RETURN(ArpaModel model, ArpaModel::Read(sources.language_model_path));
  const LogProb rarest = model.RarestWord();
  for (const ExtraWord& extra : sources.extra_words) model.AddWord(extra.word, rarest);
  if (progress) progress(0.3, "lexicon");
  SKALD_ASSIGN_OR_RETURN(const Lexicon lexicon, ReadLexicon(sources, options, model));
  return BuildWithRecipe(model, lexicon, options, std::move(recipe), progress);
} catch (const std::bad_alloc&) {
  return Status::ResourceExhausted("not enough memory to build the graph");
}

StatusOr<std::string> GraphCacheKey(const GraphSources& sources, const GraphOptions& options) {
  SKALD_ASSIGN_OR_RETURN(Json json, SourcesJson(sources));
  json["options"] = OptionsJson(options);
  const std::string text = Dump(json);
  return Sha256Hex(std::as_bytes(std::span(text.data(), text.size())));
}

}  // namespace skald
