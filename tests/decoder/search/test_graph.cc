#include "test_graph.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace skald::test {
namespace {

std::string Name(char kind, int number) {
  std::string name(1, kind);
  return name.append(std::to_string(number));
}

}  // namespace

GraphImage TestGraph::Image() const {
  std::vector<std::string> unit_names, word_names;
  for (int u = 0; u < units; ++u) unit_names.push_back(Name('u', u));
  for (int w = 0; w < words; ++w) word_names.push_back(w == 0 ? "" : Name('w', w));
  GraphImageBuilder builder(unit_names, word_names);
  for (const State& state : states) builder.AddState(state.final_cost, state.arcs);
  builder.SetStart(start);
  StatusOr<GraphImage> image = std::move(builder).Build();
  SKALD_CHECK(image.ok(), image.status().ToString().c_str());
  return std::move(image).value();
}

TestGraph RandomGraph(const RandomGraphShape& shape, std::mt19937_64& random) {
  TestGraph graph;
  graph.units = shape.units;
  graph.words = shape.words;
  graph.states.resize(static_cast<size_t>(shape.states));
  std::uniform_real_distribution<float> cost(shape.least_cost, 3.0f);
  std::uniform_int_distribution<uint32_t> any_state(0, static_cast<uint32_t>(shape.states - 1));
  std::uniform_int_distribution<int> any_unit(1, shape.units - 1), any_word(1 - shape.words, shape.words - 1);
  std::poisson_distribution<int> emitting(shape.emitting_arcs), epsilon(shape.epsilon_arcs);
  std::bernoulli_distribution is_final(shape.final_share);
  const auto word = [&] { return static_cast<uint32_t>(std::max(0, any_word(random))); };
  for (uint32_t s = 0; s < graph.states.size(); ++s) {
    TestGraph::State& state = graph.states[s];
    if (is_final(random)) state.final_cost = cost(random);
    for (int a = emitting(random); a > 0; --a) {
      state.arcs.push_back(
          {any_state(random), cost(random), static_cast<uint16_t>(any_unit(random)), 0, word()});
    }
    for (int a = s + 1 < graph.states.size() ? epsilon(random) : 0; a > 0; --a) {
      std::uniform_int_distribution<uint32_t> later(s + 1, static_cast<uint32_t>(graph.states.size() - 1));
      state.arcs.push_back({later(random), cost(random), 0, 0, word()});
    }
  }
  return graph;
}

TestGraph Permuted(const TestGraph& graph, const std::vector<uint32_t>& new_number, std::mt19937_64& random) {
  TestGraph result = graph;
  result.start = new_number[graph.start];
  for (size_t s = 0; s < graph.states.size(); ++s) {
    TestGraph::State state = graph.states[s];
    for (auto& arc : state.arcs) arc.next_state = new_number[arc.next_state];
    std::shuffle(state.arcs.begin(), state.arcs.end(), random);
    result.states[new_number[s]] = std::move(state);
  }
  return result;
}

std::vector<float> RandomScores(int frames, int units, double blank_share, double sharpness,
                                std::mt19937_64& random) {
  std::normal_distribution<double> logit(0, sharpness);
  std::bernoulli_distribution blank(blank_share);
  std::vector<float> scores;
  bool in_run = false;
  for (int t = 0; t < frames; ++t) {
    std::vector<double> logits;
    for (int u = 0; u < units; ++u) logits.push_back(logit(random));
    // Blanks come in runs, as in real scores.
    in_run = blank(random) ? true : in_run && blank(random);
    if (in_run) logits[0] += 20 + 3 * sharpness;
    double sum = 0;
    for (const double value : logits) sum += std::exp(value);
    for (const double value : logits) scores.push_back(static_cast<float>(std::log(sum) - value));
  }
  return scores;
}

}  // namespace skald::test
