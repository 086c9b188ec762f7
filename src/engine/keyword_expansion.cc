#include "engine/keyword_expansion.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <unordered_set>
#include <utility>

#include "base/utf8.h"
#include "decoder/graph/pronouncer.h"
#include "decoder/kws/proxy_finder.h"

namespace skald {
namespace {

// The first two were chosen on the unknown words of the tuning speakers (docs/measurements.md).
/// Pronunciations that are tried.
constexpr int kPronunciations = 4;
/// Most that a proxy may cost, for each phone of the word.
constexpr double kCostPerPhone = 0.6;
/// Weight of a proxy: exp(-kWeightPerNat * cost).
constexpr double kWeightPerNat = 1.5;
/// Phrases that one phrase is replaced by at most.
constexpr size_t kMaxPhrases = 200;
/// Proxies that are named to people.
constexpr size_t kNamed = 3;

/// A phrase of which some words have been chosen.
struct Choice {
  std::vector<Query::Slot> slots;
  double cost = 0;
};

}  // namespace

struct KeywordExpansion::State {
  State(const Lexicon& lexicon, Pronouncer pronouncer_in, const std::vector<std::string>& vocabulary)
      : phones(lexicon.units()), pronouncer(std::move(pronouncer_in)), finder(lexicon, vocabulary) {
    for (const std::string& word : lexicon.words()) known.insert(ToUpper(word));
  }

  const std::vector<std::string> phones;  // names
  std::unordered_set<std::string> known;  // words, in upper case
  const Pronouncer pronouncer;
  const ProxyFinder finder;

  std::vector<ProxyPhrase> Proxies(const std::string& word, std::string* tried) const;
  Query ExpandPhrase(const Query& phrase, const std::function<bool(const std::string&)>& is_indexed,
                     ExpandedQuery* result) const;
  Query ExpandTree(const Query& query, const std::function<bool(const std::string&)>& is_indexed,
                   ExpandedQuery* result) const;
};

KeywordExpansion::KeywordExpansion(std::unique_ptr<State> state) : state_(std::move(state)) {}
KeywordExpansion::~KeywordExpansion() = default;

StatusOr<std::unique_ptr<KeywordExpansion>> KeywordExpansion::Create(
    const std::string& pronunciations_path, const std::vector<std::string>& vocabulary) {
  SKALD_ASSIGN_OR_RETURN(const Lexicon lexicon, Lexicon::FromPronunciations(pronunciations_path));
  StatusOr<Pronouncer> pronouncer = Pronouncer::Train(lexicon);
  if (!pronouncer.ok()) return Status(pronouncer.status()).InFile(pronunciations_path);
  return std::unique_ptr<KeywordExpansion>(
      new KeywordExpansion(std::make_unique<State>(lexicon, *std::move(pronouncer), vocabulary)));
}

std::vector<ProxyPhrase> KeywordExpansion::State::Proxies(const std::string& word, std::string* tried) const {
  const auto guesses = pronouncer.Pronounce(word, kPronunciations, Pronouncer::UnknownLetters::kSilent);
  if (!guesses.ok() || guesses->empty()) {
    *tried += fmt::format("{} sounds like nothing", word);
    return {};
  }
  std::vector<ProxyPhrase> all;
  for (const Pronouncer::Guess& guess : *guesses) {
    ProxyOptions options;
    options.max_cost = kCostPerPhone * static_cast<double>(guess.units.size());
    const double guess_cost = guess.cost - guesses->front().cost;
    for (ProxyPhrase& proxy : finder.Find(guess.units, options)) {
      proxy.cost += guess_cost;
      all.push_back(std::move(proxy));
    }
  }
  // Each once, at its lowest cost.
  std::stable_sort(all.begin(), all.end(), [](const ProxyPhrase& a, const ProxyPhrase& b) {
    return std::pair(a.words, a.cost) < std::pair(b.words, b.cost);
  });
  all.erase(
      std::unique(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.words == b.words; }),
      all.end());
  std::stable_sort(all.begin(), all.end(),
                   [](const ProxyPhrase& a, const ProxyPhrase& b) { return a.cost < b.cost; });
  if (all.size() > kMaxPhrases) all.resize(kMaxPhrases);

  *tried += fmt::format("{} sounds like", word);
  for (const uint16_t phone : guesses->front().units) *tried += " " + phones[phone];
  *tried += fmt::format("; looked for {} alike", all.size());
  for (size_t i = 0; i < std::min(kNamed, all.size()); ++i) {
    *tried += i == 0 ? ": " : ", ";
    for (size_t w = 0; w < all[i].words.size(); ++w) *tried += (w == 0 ? "" : " ") + all[i].words[w];
  }
  if (all.size() > kNamed) *tried += ", ...";
  return all;
}

Query KeywordExpansion::State::ExpandPhrase(const Query& phrase,
                                            const std::function<bool(const std::string&)>& is_indexed,
                                            ExpandedQuery* result) const {
  std::vector<Choice> choices(1);
  bool changed = false;
  for (const Query::Slot& slot : phrase.slots) {
    const bool literal = slot.size() == 1 && slot[0].find_first_of("*?") == std::string::npos;
    std::vector<ProxyPhrase> proxies;
    if (literal && !is_indexed(slot[0])) {
      if (!result->tried.empty()) result->tried += "; ";
      if (known.contains(slot[0])) {
        result->tried += fmt::format("{} is known to the recognizer, but was nowhere likely", slot[0]);
      } else {
        proxies = Proxies(slot[0], &result->tried);
        changed = changed || !proxies.empty();
      }
    }
    std::vector<Choice> longer;
    for (const Choice& choice : choices) {
      if (proxies.empty()) {
        longer.push_back(choice);
        longer.back().slots.push_back(slot);
      }
      for (const ProxyPhrase& proxy : proxies) {
        longer.push_back(choice);
        longer.back().cost += proxy.cost;
        for (const std::string& word : proxy.words) longer.back().slots.push_back({word});
      }
    }
    std::stable_sort(longer.begin(), longer.end(),
                     [](const Choice& a, const Choice& b) { return a.cost < b.cost; });
    if (longer.size() > kMaxPhrases) longer.resize(kMaxPhrases);
    choices = std::move(longer);
  }
  if (!changed) return phrase;
  result->changed = true;
  Query any;
  any.kind = Query::Kind::kOr;
  any.weight = phrase.weight;
  for (Choice& choice : choices) {
    Query part;
    part.slots = std::move(choice.slots);
    part.weight = std::exp(-kWeightPerNat * choice.cost);
    any.parts.push_back(std::move(part));
  }
  return any;
}

Query KeywordExpansion::State::ExpandTree(const Query& query,
                                          const std::function<bool(const std::string&)>& is_indexed,
                                          ExpandedQuery* result) const {
  if (query.kind == Query::Kind::kPhrase) return ExpandPhrase(query, is_indexed, result);
  Query expanded = query;
  for (Query& part : expanded.parts) part = ExpandTree(part, is_indexed, result);
  return expanded;
}

ExpandedQuery KeywordExpansion::Expand(const Query& query,
                                       const std::function<bool(const std::string&)>& is_indexed) const {
  ExpandedQuery result;
  result.query = state_->ExpandTree(query, is_indexed, &result);
  return result;
}

}  // namespace skald
