#include "boosted_graph.h"

#include <utility>

namespace skald::test {

std::vector<BoostPhrase> RandomPhrases(size_t count, uint32_t words, std::mt19937_64& random) {
  std::vector<BoostPhrase> phrases(count);
  for (BoostPhrase& phrase : phrases) {
    phrase.words.resize(1 + random() % 4);
    for (uint32_t& word : phrase.words) word = 1 + static_cast<uint32_t>(random() % words);
    phrase.weight = std::uniform_real_distribution<float>(-1.0f, 4.0f)(random);
  }
  return phrases;
}

BoostedCase::BoostedCase(std::mt19937_64& random) {
  RandomGraphShape shape;
  shape.states = 20 + static_cast<int>(random() % 60);
  shape.units = 3 + static_cast<int>(random() % 20);
  shape.words = 6;
  shape.emitting_arcs = 4;
  graph = RandomGraph(shape, random);
  frames = 10 + static_cast<int>(random() % 60);
  scores = RandomScores(frames, shape.units, 0.5, 2.0, random);
  options.beam = std::uniform_real_distribution<float>(3.0f, 10.0f)(random);
  options.lattice_beam = std::uniform_real_distribution<float>(1.0f, 8.0f)(random);
  options.max_active = 5 + static_cast<int>(random() % 60);
  options.max_arcs_per_frame = 10 + static_cast<int>(random() % 90);
  options.prune_interval_frames = 1 + static_cast<int>(random() % 40);
  automaton = BoostAutomaton::Build(RandomPhrases(1 + random() % 6, 5, random)).value();
}

TestGraph BoostedCase::ComposedGraph() const {
  const uint32_t boosts = static_cast<uint32_t>(automaton.states().size());
  TestGraph composed;
  composed.units = graph.units;
  composed.words = graph.words;
  composed.start = graph.start * boosts;
  for (const TestGraph::State& state : graph.states) {
    for (uint32_t boost = 0; boost < boosts; ++boost) {
      TestGraph::State both;
      both.final_cost = state.final_cost + automaton.states()[boost].held;
      for (GraphImageBuilder::Arc arc : state.arcs) {
        uint32_t next_boost = boost;
        if (arc.word != 0) {
          const BoostStep step = StepBoost(automaton.table(), boost, arc.word);
          arc.cost += step.cost;
          next_boost = step.state;
        }
        arc.next_state = arc.next_state * boosts + next_boost;
        both.arcs.push_back(arc);
      }
      composed.states.push_back(std::move(both));
    }
  }
  return composed;
}

RawLattice BoostedCase::WithComposedStates(RawLattice lattice) const {
  const uint32_t boosts = static_cast<uint32_t>(automaton.states().size());
  for (RawLatticeState& state : lattice.states) {
    state.orig_state = state.orig_state * boosts + state.boost;
    state.boost = 0;
  }
  return lattice;
}

}  // namespace skald::test
