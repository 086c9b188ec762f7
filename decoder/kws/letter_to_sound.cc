#include "decoder/kws/letter_to_sound.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <unordered_map>

#include "base/utf8.h"

namespace skald {
namespace {

constexpr size_t kMaxWords = 25'000;
constexpr size_t kMaxLetters = 40;
constexpr int kAlignmentRounds = 4;
/// What one letter sounds like: no phone, one, or two.
constexpr size_t kMaxPhonesOfLetter = 2;
/// Letters before and after that are looked at, widest window last.
constexpr struct Window { int before, after; } kWindows[] = {{0, 0}, {0, 1}, {1, 1}, {1, 2}, {2, 2}, {3, 3}};
/// How much a window counts for each word seen in it, against what narrower ones say.
constexpr double kNarrowerWeight = 1.0;
constexpr double kUnseen = 1e-6;

using Chunk = Phones;  // phones of one letter

/// One way to cut a pronunciation into the letters of a word: log of probability sums.
struct Aligner {
  std::map<std::pair<char, Chunk>, double> probability;

  double Of(char letter, const Chunk& chunk) const {
    const auto place = probability.find({letter, chunk});
    return place == probability.end() ? kUnseen : place->second;
  }
};

/// forward[i][j]: i letters and j phones are aligned.
using Table = std::vector<std::vector<double>>;

Chunk ChunkAt(const Phones& phones, size_t from, size_t length) {
  return Chunk(phones.begin() + static_cast<std::ptrdiff_t>(from),
               phones.begin() + static_cast<std::ptrdiff_t>(from + length));
}

/// Adds the expected counts of one word.
void Count(const Aligner& aligner, const std::string& word, const Phones& phones,
           std::map<std::pair<char, Chunk>, double>* counts) {
  const size_t n = word.size(), m = phones.size();
  Table forward(n + 1, std::vector<double>(m + 1)), backward = forward;
  forward[0][0] = 1;
  backward[n][m] = 1;
  const auto each = [&](size_t i, size_t j, const auto& visit) {
    for (size_t k = 0; k <= kMaxPhonesOfLetter && j + k <= m; ++k) {
      const Chunk chunk = ChunkAt(phones, j, k);
      visit(k, chunk, aligner.Of(word[i], chunk));
    }
  };
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= m; ++j) {
      if (forward[i][j] == 0) continue;
      each(i, j, [&](size_t k, const Chunk&, double p) { forward[i + 1][j + k] += forward[i][j] * p; });
    }
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t j = 0; j <= m; ++j) {
      each(i, j, [&](size_t k, const Chunk&, double p) { backward[i][j] += backward[i + 1][j + k] * p; });
    }
  }
  const double total = forward[n][m];
  if (!(total > 0)) return;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= m; ++j) {
      if (forward[i][j] == 0) continue;
      each(i, j, [&](size_t k, const Chunk& chunk, double p) {
        const double share = forward[i][j] * p * backward[i + 1][j + k] / total;
        if (share > 1e-4) (*counts)[{word[i], chunk}] += share;
      });
    }
  }
}

/// The likeliest chunk of every letter; empty where the word cannot be aligned.
std::vector<Chunk> BestAlignment(const Aligner& aligner, const std::string& word, const Phones& phones) {
  const size_t n = word.size(), m = phones.size();
  Table best(n + 1, std::vector<double>(m + 1));
  std::vector<std::vector<size_t>> from(n + 1, std::vector<size_t>(m + 1));
  best[0][0] = 1;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= m; ++j) {
      for (size_t k = 0; k <= kMaxPhonesOfLetter && j + k <= m && best[i][j] > 0; ++k) {
        const double p = best[i][j] * aligner.Of(word[i], ChunkAt(phones, j, k));
        if (p <= best[i + 1][j + k]) continue;
        best[i + 1][j + k] = p;
        from[i + 1][j + k] = k;
      }
    }
  }
  std::vector<Chunk> chunks;
  if (!(best[n][m] > 0)) return chunks;
  for (size_t i = n, j = m; i > 0; --i) {
    const size_t k = from[i][j];
    chunks.push_back(ChunkAt(phones, j - k, k));
    j -= k;
  }
  std::reverse(chunks.begin(), chunks.end());
  return chunks;
}

std::string Context(const std::string& word, size_t at, const Window& window) {
  std::string key(1, static_cast<char>('0' + (&window - kWindows)));
  for (int i = -window.before; i <= window.after; ++i) {
    const auto place = static_cast<std::ptrdiff_t>(at) + i;
    key += place < 0 || place >= static_cast<std::ptrdiff_t>(word.size()) ? '#'
                                                                          : word[static_cast<size_t>(place)];
  }
  return key;
}

}  // namespace

struct LetterToSound::State {
  std::unordered_map<std::string, std::map<Chunk, uint32_t>> counts;  // by context

  /// Probabilities of what letter `at` sounds like.
  std::map<Chunk, double> Chunks(const std::string& word, size_t at) const {
    std::map<Chunk, double> result;
    for (const Window& window : kWindows) {
      const auto place = counts.find(Context(word, at, window));
      if (place == counts.end()) continue;
      double total = 0;
      for (const auto& [chunk, count] : place->second) total += count;
      const double narrower = kNarrowerWeight * static_cast<double>(place->second.size());
      for (auto& [chunk, probability] : result) probability *= narrower / (total + narrower);
      const double norm = result.empty() ? total : total + narrower;
      for (const auto& [chunk, count] : place->second) result[chunk] += count / norm;
    }
    return result;
  }
};

LetterToSound::LetterToSound(const PronunciationLexicon& lexicon) : state_(std::make_unique<State>()) {
  std::vector<std::pair<const std::string*, const Phones*>> words;
  const size_t step = 1 + lexicon.words.size() / kMaxWords;
  size_t number = 0;
  for (const auto& [word, pronunciations] : lexicon.words) {
    const Phones& phones = pronunciations.front();
    if (number++ % step != 0 || word.size() > kMaxLetters || phones.size() > kMaxPhonesOfLetter * word.size())
      continue;
    words.emplace_back(&word, &phones);
  }
  Aligner aligner;
  for (int round = 0; round < kAlignmentRounds; ++round) {
    std::map<std::pair<char, Chunk>, double> counts;
    // The first rounds need not see everything.
    const size_t stride = round + 1 < kAlignmentRounds ? 8 : 2;
    for (size_t i = 0; i < words.size(); i += stride)
      Count(aligner, *words[i].first, *words[i].second, &counts);
    std::map<char, double> totals;
    for (const auto& [key, count] : counts) totals[key.first] += count;
    for (auto& [key, count] : counts) count /= totals[key.first];
    aligner.probability = std::move(counts);
  }
  for (const auto& [word, phones] : words) {
    const std::vector<Chunk> chunks = BestAlignment(aligner, *word, *phones);
    for (size_t i = 0; i < chunks.size(); ++i) {
      for (const Window& window : kWindows) ++state_->counts[Context(*word, i, window)][chunks[i]];
    }
  }
}

LetterToSound::LetterToSound(LetterToSound&&) noexcept = default;
LetterToSound& LetterToSound::operator=(LetterToSound&&) noexcept = default;
LetterToSound::~LetterToSound() = default;

std::vector<GuessedPronunciation> LetterToSound::Guess(const std::string& text, size_t count) const {
  const std::string word = ToUpper(text);
  std::map<Phones, double> best = {{{}, 0.0}};  // cost of every beginning that is kept
  for (size_t i = 0; i < word.size(); ++i) {
    const std::map<Chunk, double> chunks = state_->Chunks(word, i);
    if (chunks.empty()) continue;
    std::map<Phones, double> longer;
    for (const auto& [phones, cost] : best) {
      for (const auto& [chunk, probability] : chunks) {
        Phones both = phones;
        both.insert(both.end(), chunk.begin(), chunk.end());
        const auto [place, is_new] = longer.try_emplace(std::move(both), cost - std::log(probability));
        if (!is_new) place->second = std::min(place->second, cost - std::log(probability));
      }
    }
    std::vector<std::pair<double, Phones>> order;
    for (auto& [phones, cost] : longer) order.emplace_back(cost, phones);
    std::sort(order.begin(), order.end());
    if (order.size() > 4 * count) order.resize(4 * count);
    best.clear();
    for (auto& [cost, phones] : order) best.emplace(std::move(phones), cost);
  }
  std::vector<GuessedPronunciation> guesses;
  for (const auto& [phones, cost] : best) {
    if (!phones.empty()) guesses.push_back({phones, cost});
  }
  std::stable_sort(guesses.begin(), guesses.end(),
                   [](const auto& a, const auto& b) { return a.cost < b.cost; });
  if (guesses.size() > count) guesses.resize(count);
  return guesses;
}

}  // namespace skald
