#include "decoder/graph/pronouncer.h"

#include <algorithm>
#include <cmath>
#include <queue>
#include <set>
#include <string>
#include <utility>

#include "base/utf8.h"

namespace skald {
namespace {

constexpr int kRounds = 6;     // of expectation maximisation; more change nothing that matters
constexpr int kMostUnits = 2;  // for one letter
constexpr size_t kChunks = 1 << 16;

/// A word as letters and units, both by small numbers.
struct Pair {
  std::vector<uint8_t> letters;
  std::vector<uint8_t> units;
};

uint16_t MakeChunk(const std::vector<uint8_t>& units, size_t first, size_t count) {
  uint16_t chunk = 0;
  for (size_t i = first; i < first + count; ++i) chunk = static_cast<uint16_t>(chunk << 8 | units[i]);
  return chunk;
}

/// Which units each letter of a word stands for, as a model of letters that learns from its own alignments.
class Aligner {
 public:
  explicit Aligner(size_t letters) : share_(letters, std::vector<double>()) {
    for (auto& shares : share_) shares.assign(kChunks, 1.0);
  }

  void Learn(const std::vector<Pair>& pairs) {
    std::vector<std::vector<double>> counts(share_.size(), std::vector<double>(kChunks, 0.0));
    std::vector<double> forward, backward;
    for (const Pair& pair : pairs) {
      const size_t letters = pair.letters.size(), units = pair.units.size(), width = units + 1;
      forward.assign((letters + 1) * width, 0.0);
      backward.assign((letters + 1) * width, 0.0);
      forward[0] = backward[letters * width + units] = 1.0;
      ForEachStep(pair, [&](size_t l, size_t u, size_t count, double share) {
        forward[(l + 1) * width + u + count] += forward[l * width + u] * share;
      });
      ForEachStepBack(pair, [&](size_t l, size_t u, size_t count, double share) {
        backward[l * width + u] += share * backward[(l + 1) * width + u + count];
      });
      const double total = forward[letters * width + units];
      if (!(total > 0)) continue;
      ForEachStep(pair, [&](size_t l, size_t u, size_t count, double share) {
        counts[pair.letters[l]][MakeChunk(pair.units, u, count)] +=
            forward[l * width + u] * share * backward[(l + 1) * width + u + count] / total;
      });
    }
    for (size_t letter = 0; letter < counts.size(); ++letter) {
      double sum = 0;
      for (const double count : counts[letter]) sum += count;
      for (size_t chunk = 0; chunk < kChunks && sum > 0; ++chunk) {
        share_[letter][chunk] = counts[letter][chunk] / sum;
      }
    }
  }

  /// Units for each letter of the likeliest alignment; false where there is none.
  bool Align(const Pair& pair, std::vector<size_t>* counts) const {
    const size_t letters = pair.letters.size(), units = pair.units.size(), width = units + 1;
    std::vector<double> best((letters + 1) * width, 0.0);
    std::vector<uint8_t> taken((letters + 1) * width, 0);
    best[0] = 1.0;
    ForEachStep(pair, [&](size_t l, size_t u, size_t count, double share) {
      const double probability = best[l * width + u] * share;
      double& place = best[(l + 1) * width + u + count];
      if (probability > place) {
        place = probability;
        taken[(l + 1) * width + u + count] = static_cast<uint8_t>(count);
      }
    });
    if (!(best[letters * width + units] > 0)) return false;
    counts->resize(letters);
    for (size_t l = letters, u = units; l > 0; --l) {
      (*counts)[l - 1] = taken[l * width + u];
      u -= (*counts)[l - 1];
    }
    return true;
  }

 private:
  /// Calls visit(letter, unit, count, share) for every way of a letter from every place, letters ascending.
  template <typename Visit>
  void ForEachStep(const Pair& pair, Visit visit) const {
    for (size_t l = 0; l < pair.letters.size(); ++l) VisitLetter(pair, l, visit);
  }
  template <typename Visit>
  void ForEachStepBack(const Pair& pair, Visit visit) const {
    for (size_t l = pair.letters.size(); l-- > 0;) VisitLetter(pair, l, visit);
  }
  template <typename Visit>
  void VisitLetter(const Pair& pair, size_t l, Visit& visit) const {
    const std::vector<double>& shares = share_[pair.letters[l]];
    for (size_t u = 0; u <= pair.units.size(); ++u) {
      for (size_t count = 0; count <= kMostUnits && u + count <= pair.units.size(); ++count) {
        visit(l, u, count, shares[MakeChunk(pair.units, u, count)]);
      }
    }
  }

  std::vector<std::vector<double>> share_;  ///< [letter][chunk]
};

}  // namespace

std::vector<Pronouncer::Context> Pronouncer::Contexts(const std::vector<uint8_t>& letters) const {
  std::vector<Context> contexts(letters.size(), 0);
  for (size_t i = 0; i < letters.size(); ++i) {
    for (int offset = -kContext; offset <= kContext; ++offset) {
      const auto place = static_cast<int64_t>(i) + offset;
      if (place < 0 || place >= static_cast<int64_t>(letters.size())) continue;
      contexts[i] |= Context{letters[static_cast<size_t>(place)]} << (8 * (offset + kContext));
    }
  }
  return contexts;
}

StatusOr<Pronouncer> Pronouncer::Train(const Lexicon& lexicon) {
  Pronouncer pronouncer;
  if (lexicon.units().size() > 256) return Status::InvalidArgument("too many units to learn pronunciations");
  std::vector<Pair> pairs;
  for (const Lexicon::Entry& entry : lexicon.entries()) {
    Pair pair;
    const std::string& word = lexicon.words()[entry.word];
    for (size_t at = 0; at < word.size();) {
      const char32_t letter = ToUpper(NextCodePoint(word, at));
      const auto [found, fresh] =
          pronouncer.letters_.emplace(letter, static_cast<uint8_t>(pronouncer.letters_.size() + 1));
      if (fresh && pronouncer.letters_.size() > 255) {
        return Status::InvalidArgument("too many different letters to learn pronunciations");
      }
      pair.letters.push_back(found->second);
    }
    for (const uint16_t unit : entry.units) pair.units.push_back(static_cast<uint8_t>(unit));
    if (pair.units.size() <= kMostUnits * pair.letters.size()) pairs.push_back(std::move(pair));
  }
  Aligner aligner(pronouncer.letters_.size() + 1);
  for (int round = 0; round < kRounds; ++round) aligner.Learn(pairs);
  bool any = false;
  std::vector<size_t> counts;
  for (const Pair& pair : pairs) {
    if (!aligner.Align(pair, &counts)) continue;
    const std::vector<Context> contexts = pronouncer.Contexts(pair.letters);
    size_t unit = 0;
    for (size_t i = 0; i < pair.letters.size(); ++i) {
      pronouncer.examples_[pair.letters[i]].push_back({contexts[i], MakeChunk(pair.units, unit, counts[i])});
      unit += counts[i];
    }
    any = true;
  }
  if (!any) return Status::InvalidArgument("no word to learn pronunciations from");
  return pronouncer;
}

std::map<Pronouncer::Chunk, double> Pronouncer::Predict(Context context) const {
  std::map<Chunk, double> share;
  for (int reach = 0; reach <= kContext; ++reach) {
    Context mask = 0;
    for (int offset = -reach; offset <= reach; ++offset) mask |= Context{0xFF} << (8 * (offset + kContext));
    std::map<Chunk, double> count;
    double total = 0;
    for (const Example& example : examples_[(context >> (8 * kContext)) & 0xFF]) {
      if (((example.context ^ context) & mask) != 0) continue;
      count[example.chunk] += 1;
      total += 1;
    }
    if (total == 0) break;
    const double kinds = reach == 0 ? 0.0 : static_cast<double>(count.size());
    for (auto& [chunk, probability] : share) probability *= kinds / (kinds + total);
    for (const auto& [chunk, n] : count) share[chunk] += n / (kinds + total);
  }
  return share;
}

StatusOr<std::vector<Pronouncer::Guess>> Pronouncer::Pronounce(std::string_view word, int count,
                                                               UnknownLetters unknown_letters) const {
  std::vector<uint8_t> letters;
  for (size_t at = 0; at < word.size();) {
    const auto found = letters_.find(ToUpper(NextCodePoint(word, at)));
    if (found == letters_.end()) {
      if (unknown_letters == UnknownLetters::kSilent) continue;
      return Status::InvalidArgument("\"" + std::string(word) +
                                     "\" has a letter that no word of the lexicon has");
    }
    letters.push_back(found->second);
  }
  if (letters.empty()) return Status::InvalidArgument("a word without letters has no pronunciation");

  // Letters are independent given their neighbours: the best combinations, best first.
  std::vector<std::vector<std::pair<double, Chunk>>> choices;
  for (const Context context : Contexts(letters)) {
    std::vector<std::pair<double, Chunk>>& ranked = choices.emplace_back();
    for (const auto& [chunk, share] : Predict(context)) ranked.emplace_back(-std::log(share), chunk);
    std::sort(ranked.begin(), ranked.end());
  }
  using Combination = std::pair<double, std::vector<uint16_t>>;  // cost, rank of each letter's choice
  std::priority_queue<Combination, std::vector<Combination>, std::greater<>> open;
  std::set<std::vector<uint16_t>> seen;
  const auto offer = [&](std::vector<uint16_t> ranks) {
    double cost = 0;
    for (size_t i = 0; i < ranks.size(); ++i) {
      if (ranks[i] >= choices[i].size()) return;
      cost += choices[i][ranks[i]].first;
    }
    if (seen.insert(ranks).second) open.emplace(cost, std::move(ranks));
  };
  offer(std::vector<uint16_t>(letters.size(), 0));
  std::vector<Guess> found;
  constexpr size_t kMostCombinations = 10000;
  while (!open.empty() && static_cast<int>(found.size()) < count && seen.size() < kMostCombinations) {
    const auto [cost, ranks] = open.top();
    open.pop();
    std::vector<uint16_t> units;
    for (size_t i = 0; i < ranks.size(); ++i) {
      const Chunk chunk = choices[i][ranks[i]].second;
      if (chunk >> 8 != 0) units.push_back(static_cast<uint16_t>(chunk >> 8));
      if ((chunk & 0xFF) != 0) units.push_back(chunk & 0xFF);
    }
    const auto is_same = [&](const Guess& guess) { return guess.units == units; };
    if (!units.empty() && std::none_of(found.begin(), found.end(), is_same)) {
      found.push_back({std::move(units), cost});
    }
    for (size_t i = 0; i < ranks.size(); ++i) {
      std::vector<uint16_t> next = ranks;
      ++next[i];
      offer(std::move(next));
    }
  }
  return found;
}

}  // namespace skald
