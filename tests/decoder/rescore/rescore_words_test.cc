#include "decoder/rescore/rescore_words.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "decoder/graph/random_model.h"
#include "decoder/rescore/build_ngram_model.h"
#include "lattice_builder.h"
#include "lattice_oracle.h"
#include "search_test_support.h"
#include "slow_scorer.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

/// A random model, with numbers for words 1..words of a lattice.
struct Model {
  Model(std::mt19937_64& random, uint32_t words, const std::string& path)
      : arpa(ArpaModel::Parse(
                 RandomArpa(random, RandomWords(random, words + 3), 1 + static_cast<int>(random() % 4)))
                 .value()),
        built([&] {
          EXPECT_TRUE(BuildNgramModel(arpa, "{}", path).ok());
          return NgramModel::Open(path).value();
        }()) {
    for (uint32_t word = 0; word < arpa.words().size(); ++word) {
      if (word != arpa.sentence_start() && word != arpa.sentence_end()) numbers.push_back(word);
    }
    std::shuffle(numbers.begin(), numbers.end(), random);
    numbers.resize(words + 1);
    numbers[0] = NgramModel::kNoWord;
  }
  double Cost(const WordString& words, bool partial) const {
    std::vector<uint32_t> own;
    for (const uint32_t word : words) own.push_back(numbers[word]);
    return -kNatsPerLogProb * static_cast<double>(SlowSentenceScore(arpa, own, !partial));
  }
  ArpaModel arpa;
  NgramModel built;
  std::vector<uint32_t> numbers;
};

void ExpectSound(const WordLattice& words) {
  ASSERT_EQ(words.first_arc.size(), words.nodes.size() + 1);
  ASSERT_EQ(words.first_link.size(), words.arcs.size());
  for (uint32_t n = 0; n < words.nodes.size(); ++n) {
    uint32_t last_word = 0;
    for (const WordLatticeArc& arc : words.arcs_of(n)) {
      ASSERT_EQ(arc.source, n);
      ASSERT_GT(arc.destination, n) << "topological order";
      ASSERT_GT(arc.word, last_word) << "deterministic, sorted, no epsilon";
      last_word = arc.word;
    }
  }
}

/// Every string of `before` within `beam`, with its cost as the models' definition has it.
std::map<WordString, double> Expected(const std::vector<EnumeratedPath>& before, float beam,
                                      std::span<const Model* const> models, std::span<const double> weights,
                                      double word_penalty, bool partial) {
  double best = INFINITY;
  for (const EnumeratedPath& path : before) best = std::min(best, path.cost);
  std::map<WordString, double> expected;
  for (const EnumeratedPath& path : before) {
    if (path.cost > best + double{beam} + kPathCostAbs) continue;
    double cost = path.cost + word_penalty * static_cast<double>(path.words.size());
    for (size_t m = 0; m < models.size(); ++m) cost += weights[m] * models[m]->Cost(path.words, partial);
    expected.emplace(path.words, cost);
  }
  return expected;
}

TEST(RescoreWords, EveryStringCostsWhatTheModelsSay) {
  std::mt19937_64 random(PropertySeed());
  const TemporaryFolder folder;
  size_t strings = 0;
  for (int round = 0; round < 150; ++round) {
    const uint32_t vocabulary = 1 + static_cast<uint32_t>(random() % 5);
    const TestGraph graph = RandomWordLoop(static_cast<int>(vocabulary), 4, random() % 2 == 0, random);
    const int frames = static_cast<int>(random() % 8);
    const std::vector<float> scores = RandomScores(frames, graph.units, 0.2, 1.5, random);
    RawLattice raw = Search(graph.Image(), ScoreView(scores.data(), frames, graph.units), ExactSearch(12.0f));
    raw.partial = round % 5 == 0;
    const WordLattice before = DeterminizeWords(raw);
    const Model old_model(random, vocabulary, folder / "old"), new_model(random, vocabulary, folder / "new");
    const Model* models[] = {&old_model, &new_model};
    const double weights[] = {-0.7, round % 3 == 0 ? 1.3 : 0.7};
    const LanguageModelTerm terms[] = {{&old_model.built, old_model.numbers, weights[0]},
                                       {&new_model.built, new_model.numbers, weights[1]}};
    RescoreOptions options;
    options.word_penalty = round % 4 == 0 ? 0.5 : 0;
    options.beam = round % 2 == 0 ? INFINITY : std::uniform_real_distribution<float>(1, 10)(random);
    const WordLattice after = RescoreWords(before, terms, options);
    ExpectSound(after);
    if (HasFatalFailure()) FAIL() << "round " << round;
    EXPECT_EQ(after.effective_beam, std::min(options.beam, before.effective_beam));
    EXPECT_EQ(after.frames, raw.frames);

    const auto expected = Expected(EnumerateWordPaths(before), after.effective_beam, models, weights,
                                   options.word_penalty, raw.partial);
    double best = INFINITY;
    for (const auto& [string, cost] : expected) best = std::min(best, cost);
    std::map<WordString, EnumeratedPath> found;
    for (EnumeratedPath& path : EnumerateWordPaths(after)) {
      ASSERT_TRUE(found.emplace(path.words, path).second) << "round " << round << ": a string twice";
    }
    // Strings beyond the beam may be there too, if each of their words is on a path within it, and may win.
    for (const auto& [string, path] : found) best = std::min(best, path.cost);
    const std::map<WordString, Alignment> first_pass = EnumerateStrings(raw);
    for (const auto& [string, cost] : expected) {
      if (cost > best + double{after.effective_beam} - kPathCostAbs) continue;
      ++strings;
      ASSERT_TRUE(found.contains(string)) << "round " << round;
      const EnumeratedPath& path = found.at(string);
      ASSERT_NEAR(path.cost, cost, kPathCostAbs);
      // The way back to the raw lattice is that of the first pass.
      EXPECT_EQ(AlignWordPath(raw, after, path.arcs).arcs, first_pass.at(string).arcs);
    }
    for (const auto& [string, path] : found) {
      const auto place = expected.find(string);
      if (place != expected.end()) {
        ASSERT_NEAR(path.cost, place->second, kPathCostAbs);
      }
    }
  }
  EXPECT_GT(strings, 200u);
}

TEST(RescoreWords, TakingAModelOutAndInAgainChangesNothing) {
  std::mt19937_64 random(PropertySeed());
  size_t compared = 0;
  const TemporaryFolder folder;
  for (int round = 0; round < 30; ++round) {
    RawLattice raw = RandomLattice(6, 3, random);
    raw.lattice_beam = 8;
    const WordLattice before = DeterminizeWords(raw);
    const Model model(random, 3, folder / "model");
    const LanguageModelTerm terms[] = {{&model.built, model.numbers, -1}, {&model.built, model.numbers, 1}};
    std::map<WordString, double> costs;
    for (const EnumeratedPath& path : EnumerateWordPaths(RescoreWords(before, terms)))
      costs[path.words] = path.cost;
    const std::vector<EnumeratedPath> paths = EnumerateWordPaths(before);
    double best = std::numeric_limits<double>::infinity();
    for (const EnumeratedPath& path : paths) best = std::min(best, path.cost);
    for (const EnumeratedPath& path : paths) {
      // Strings beyond the beam may go: they are there only because they share arcs with better ones.
      if (!costs.contains(path.words)) {
        ASSERT_GT(path.cost - best, double{before.effective_beam} - kPathCostAbs) << "round " << round;
        continue;
      }
      ASSERT_NEAR(costs[path.words], path.cost, kPathCostAbs);
      ++compared;
    }
  }
  EXPECT_GT(compared, 100u);
}

TEST(RescoreWords, LimitShrinksTheBeamAndSaysSo) {
  std::mt19937_64 random(PropertySeed());
  const TemporaryFolder folder;
  RawLattice raw = RandomLattice(7, 3, random);
  raw.lattice_beam = 30;
  const WordLattice before = DeterminizeWords(raw);
  const Model model(random, 3, folder / "model");
  const LanguageModelTerm terms[] = {{&model.built, model.numbers, 1}};
  const std::vector<EnumeratedPath> paths = EnumerateWordPaths(before);
  const auto best = std::min_element(paths.begin(), paths.end(),
                                     [](const auto& a, const auto& b) { return a.cost < b.cost; });
  RescoreOptions options;
  options.max_arcs = static_cast<int64_t>(before.arcs.size()) / 4;
  const WordLattice after = RescoreWords(before, terms, options);
  EXPECT_LT(after.effective_beam, 30);
  EXPECT_LE(static_cast<int64_t>(after.arcs.size()),
            std::max(options.max_arcs, static_cast<int64_t>(best->words.size())));
  options.max_arcs = 0;
  const WordLattice least = RescoreWords(before, terms, options);
  ASSERT_EQ(EnumerateWordPaths(least).size(), 1u) << "the best string of the first pass always stays";
  EXPECT_EQ(EnumerateWordPaths(least)[0].words, best->words);
  // A best string without words needs no arcs, and fits at any beam that keeps it alone.
  if (!best->words.empty()) {
    EXPECT_EQ(least.effective_beam, 0.0f);
  }
}

TEST(RescoreWords, LatticesWithoutPathsStayEmpty) {
  EXPECT_TRUE(RescoreWords(WordLattice(), {}).nodes.empty());
  LatticeBuilder builder;
  builder.Final(builder.State(0));
  RawLattice raw = builder.Build();
  raw.lattice_beam = 5;
  const WordLattice words = DeterminizeWords(raw);
  EXPECT_EQ(RescoreWords(words, {}).nodes.size(), words.nodes.size());
}

}  // namespace
}  // namespace skald::test
