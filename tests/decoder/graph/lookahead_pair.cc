#include "lookahead_pair.h"

#include <algorithm>
#include <fst/fstlib.h>
#include <fst/matcher-fst.h>
#include <memory>
#include <random>

namespace skald::test {
namespace {

using fst::StdArc;
using Fst = fst::StdVectorFst;

/// A loop of words, each a random string of 1 to 3 inputs with a self-loop at every one, and a label of its
/// own at the end.
Fst Lexicon(int words, int inputs, std::mt19937_64& random, std::vector<int32_t>* disambiguation) {
  Fst lexicon;
  lexicon.SetStart(lexicon.AddState());
  lexicon.SetFinal(0, 0.25f);
  for (int word = 1; word <= words; ++word) {
    int at = 0;
    for (int i = 0, length = 1 + static_cast<int>(random() % 3); i < length; ++i) {
      const int label = 1 + static_cast<int>(random() % static_cast<uint64_t>(inputs));
      const int next = lexicon.AddState();
      lexicon.AddArc(at, StdArc(label, i == 0 ? word : 0, 0.1f * static_cast<float>(random() % 10), next));
      lexicon.AddArc(next, StdArc(label, 0, 0.5f, next));
      at = next;
    }
    disambiguation->push_back(inputs + word);
    lexicon.AddArc(at, StdArc(inputs + word, 0, 0, 0));
  }
  return lexicon;
}

/// A bigram model with a back-off state: not every pair is there.
Fst Grammar(int words, std::mt19937_64& random) {
  Fst grammar;
  for (int state = 0; state <= words; ++state) grammar.AddState();  // 0: no history
  grammar.SetStart(0);
  const auto cost = [&] { return 0.125f * static_cast<float>(1 + random() % 20); };
  for (int word = 1; word <= words; ++word) grammar.AddArc(0, StdArc(word, word, cost(), word));
  for (int state = 1; state <= words; ++state) {
    grammar.AddArc(state, StdArc(0, 0, cost(), 0));
    for (int word = 1; word <= words; ++word) {
      if (random() % 3 == 0) grammar.AddArc(state, StdArc(word, word, cost(), word));
    }
  }
  for (int state = 0; state <= words; ++state) grammar.SetFinal(state, cost());
  fst::ArcSort(&grammar, fst::ILabelCompare<StdArc>());
  return grammar;
}

Fst Linear(const std::vector<int32_t>& labels) {
  Fst linear;
  linear.SetStart(linear.AddState());
  for (const int32_t label : labels) {
    const int next = linear.AddState();
    linear.AddArc(next - 1, StdArc(label, label, 0, next));
  }
  linear.SetFinal(linear.NumStates() - 1, 0);
  return linear;
}

}  // namespace

LookaheadPair WriteLookaheadPair(uint64_t seed, const std::string& lexicon_path,
                                 const std::string& grammar_path) {
  std::mt19937_64 random(seed);
  LookaheadPair pair;
  pair.inputs = 3 + static_cast<int>(random() % 3);
  pair.words = 3 + static_cast<int>(random() % 5);
  const Fst lexicon = Lexicon(pair.words, pair.inputs, random, &pair.disambiguation);
  const Fst grammar = Grammar(pair.words, random);

  // Plain composition, its disambiguation labels taken out.
  Fst sorted = lexicon, composed;
  fst::ArcSort(&sorted, fst::OLabelCompare<StdArc>());
  fst::Compose(sorted, grammar, &composed);
  std::vector<std::pair<int, int>> out;
  for (const int32_t label : pair.disambiguation) out.emplace_back(label, 0);
  fst::Relabel(&composed, out, {});
  for (int i = 0; i < 20; ++i) {
    Fst path;
    fst::RandGen(
        composed, &path,
        fst::RandGenOptions<fst::UniformArcSelector<StdArc>>(fst::UniformArcSelector<StdArc>(random()), 40));
    if (path.NumStates() == 0) continue;
    LookaheadPair::Path drawn;
    bool whole = false;
    for (int state = path.Start();;) {
      if (path.NumArcs(state) == 0) {
        whole = path.Final(state) != StdArc::Weight::Zero();
        break;
      }
      const StdArc arc = fst::ArcIterator<Fst>(path, state).Value();
      if (arc.ilabel != 0) drawn.inputs.push_back(arc.ilabel);
      if (arc.olabel != 0) drawn.words.push_back(arc.olabel);
      state = arc.nextstate;
    }
    if (!whole) continue;
    Fst with_inputs, with_words;
    fst::ArcSort(&composed, fst::ILabelCompare<StdArc>());
    fst::Compose(Linear(drawn.inputs), composed, &with_inputs);
    fst::ArcSort(&with_inputs, fst::OLabelCompare<StdArc>());
    fst::Compose(with_inputs, Linear(drawn.words), &with_words);
    std::vector<StdArc::Weight> distances;
    fst::ShortestDistance(with_words, &distances, true);
    drawn.cost = distances[static_cast<size_t>(with_words.Start())].Value();
    pair.paths.push_back(std::move(drawn));
  }

  fst::StdOLabelLookAheadFst lookahead(lexicon);
  Fst relabelled = grammar;
  fst::LabelLookAheadRelabeler<StdArc>::Relabel(&relabelled, lookahead, true);
  lookahead.Write(lexicon_path);
  relabelled.Write(grammar_path);
  return pair;
}

}  // namespace skald::test
