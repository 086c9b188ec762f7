#include "decoder/graph/openfst_compose.h"

#include <algorithm>
#include <exception>
#include <fst/fstlib.h>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace skald {
namespace {

using Fst = fst::StdVectorFst;
using FstArc = fst::StdArc;
using Weight = fst::TropicalWeight;

/// Costs closer than this are taken as equal; OpenFst's own 1/1024 would add up along a sentence.
constexpr float kDelta = 1.0f / (1 << 18);

/// L as label look-ahead takes it. OpenFst's own type of this kind also pushes weights, rounding them to
/// 1/1024 at every step; Push does that better afterwards.
constexpr auto kLookAheadFlags = fst::kOutputLookAheadMatcher | fst::kLookAheadPrefix |
                                 fst::kLookAheadEpsilons | fst::kLookAheadNonEpsilonPrefix;
constexpr char kLookAheadName[] = "olabel_lookahead_unweighted";
using LookAheadFst =
    fst::MatcherFst<fst::ConstFst<FstArc>,
                    fst::LabelLookAheadMatcher<fst::SortedMatcher<fst::ConstFst<FstArc>>, kLookAheadFlags>,
                    kLookAheadName, fst::LabelLookAheadRelabeler<FstArc>>;

/// Input labels. A unit that begins a word is another symbol than the same unit within one, so that no
/// operation merges "AN" with "A" followed by a word in N; disambiguation symbols come last.
class Labels {
 public:
  explicit Labels(const FstSources& sources)
      : unit_count_(sources.unit_count), word_count_(sources.word_count) {}

  int First(uint16_t unit) const { return unit_count_ + unit; }
  int backoff() const { return 2 * unit_count_; }
  int Homophone(int k) const { return 2 * unit_count_ + 1 + k; }
  bool IsHomophone(int label) const { return label > backoff(); }
  int backoff_word() const { return word_count_; }  ///< between L and G

  uint16_t Unit(int label) const {
    return static_cast<uint16_t>(IsFirst(label) ? label - unit_count_ : label);
  }
  bool IsFirst(int label) const { return label >= unit_count_; }

 private:
  const int unit_count_;
  const int word_count_;
};

/// L: any number of words, with the separator between them where there is one; back-off symbols before a
/// word.
Fst LexiconFst(const FstSources& sources, const Labels& labels) {
  Fst l;
  const int between = l.AddState();  // a word may begin
  const int after = sources.separator != 0 ? l.AddState() : between;
  const int start = sources.separator != 0 ? l.AddState() : between;
  l.SetStart(start);
  l.SetFinal(start, Weight::One());
  l.SetFinal(after, Weight::One());
  if (sources.separator != 0) {
    l.AddArc(start, FstArc(0, 0, Weight::One(), between));
    l.AddArc(after, FstArc(sources.separator, 0, Weight::One(), between));
  }
  l.AddArc(between, FstArc(labels.backoff(), labels.backoff_word(), Weight::One(), between));
  std::map<std::vector<uint16_t>, int> homophones, used;
  for (const FstSources::Spelling& spelling : sources.spellings) ++homophones[spelling.units];
  for (const FstSources::Spelling& spelling : sources.spellings) {
    const auto& units = spelling.units;
    const bool is_shared = homophones[units] > 1;
    int state = between;
    for (size_t i = 0; i < units.size(); ++i) {
      const int next = i + 1 == units.size() && !is_shared ? after : l.AddState();
      l.AddArc(state, FstArc(i == 0 ? labels.First(units[0]) : units[i], i == 0 ? spelling.word : 0,
                             Weight::One(), next));
      state = next;
    }
    if (is_shared) l.AddArc(state, FstArc(labels.Homophone(used[units]++), 0, Weight::One(), after));
  }
  fst::RmEpsilon(&l);
  return l;
}

Fst GrammarFst(const FstSources& sources, const Labels& labels) {
  Fst g;
  for (size_t state = 0; state < sources.grammar.size(); ++state) g.AddState();
  g.SetStart(0);
  for (int state = 0; state < g.NumStates(); ++state) {
    const FstSources::GrammarState& source = sources.grammar[state];
    for (const FstSources::GrammarArc& arc : source.arcs) {
      const int input = arc.word == 0 ? labels.backoff_word() : arc.word;
      g.AddArc(state, FstArc(input, arc.word, arc.cost, arc.next_state));
    }
    g.SetFinal(state, source.final_cost);
  }
  return g;
}

Status CheckFst(const Fst& machine, const char* step) {
  if (machine.Properties(fst::kError, false) != 0) {
    return Status::InvalidArgument(std::string("OpenFst failed to ") + step);
  }
  if (machine.Start() == fst::kNoStateId)
    return Status::InvalidArgument(std::string("nothing is left after: ") + step);
  return Status::Ok();
}

StatusOr<Fst> ComposeAndOptimise(const FstSources& sources, const Labels& labels,
                                 const std::function<void(double)>& progress) {
  const auto report = [&](double fraction) {
    if (progress) progress(fraction);
  };
  Fst determinised_l, composed, graph;
  fst::Determinize(LexiconFst(sources, labels), &determinised_l);
  SKALD_RETURN_IF_ERROR(CheckFst(determinised_l, "determinise the lexicon"));
  report(0.1);
  // Label look-ahead: a state of L is composed with a history only where a word after it is listed there.
  Fst g = GrammarFst(sources, labels);
  const LookAheadFst looking_ahead(determinised_l);
  fst::LabelLookAheadRelabeler<FstArc>::Relabel(&g, looking_ahead, true);
  fst::ArcSort(&g, fst::ILabelCompare<FstArc>());
  fst::Compose(looking_ahead, g, &composed);
  SKALD_RETURN_IF_ERROR(CheckFst(composed, "compose lexicon and grammar"));
  report(0.4);
  fst::Determinize(composed, &graph, fst::DeterminizeOptions<FstArc>(kDelta));
  SKALD_RETURN_IF_ERROR(CheckFst(graph, "determinise the composition"));
  report(0.6);
  fst::Push(&graph, fst::REWEIGHT_TO_INITIAL, kDelta);
  SKALD_RETURN_IF_ERROR(CheckFst(graph, "push weights"));
  fst::ArcMap(&graph, fst::QuantizeMapper<FstArc>(kDelta));
  fst::EncodeMapper<FstArc> encoder(fst::kEncodeLabels | fst::kEncodeWeights, fst::ENCODE);
  fst::Encode(&graph, &encoder);
  fst::Minimize(&graph);
  fst::Decode(&graph, encoder);
  SKALD_RETURN_IF_ERROR(CheckFst(graph, "minimise"));
  report(0.9);
  // Homophone symbols go first and their arcs with them; back-off arcs must stay, so they become epsilons
  // after that.
  for (const bool backoff : {false, true}) {
    for (fst::StateIterator<Fst> states(graph); !states.Done(); states.Next()) {
      for (fst::MutableArcIterator<Fst> arcs(&graph, states.Value()); !arcs.Done(); arcs.Next()) {
        FstArc arc = arcs.Value();
        if (backoff ? arc.ilabel != labels.backoff() : !labels.IsHomophone(arc.ilabel)) continue;
        arc.ilabel = 0;
        arcs.SetValue(arc);
      }
    }
    if (!backoff) fst::RmEpsilon(&graph);
  }
  fst::Connect(&graph);
  SKALD_RETURN_IF_ERROR(CheckFst(graph, "remove disambiguation symbols"));
  return graph;
}

/// Depth first from the start, cheapest arc first.
std::vector<int> DepthFirstOrder(const Fst& graph) {
  std::vector<int> order, open = {graph.Start()};
  std::vector<bool> seen(graph.NumStates(), false);
  while (!open.empty()) {
    const int state = open.back();
    open.pop_back();
    if (seen[state]) continue;
    seen[state] = true;
    order.push_back(state);
    std::vector<std::pair<float, int>> next;
    for (fst::ArcIterator<Fst> arcs(graph, state); !arcs.Done(); arcs.Next()) {
      next.emplace_back(-arcs.Value().weight.Value(), arcs.Value().nextstate);
    }
    std::stable_sort(next.begin(), next.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [cost, target] : next) open.push_back(target);
  }
  return order;
}

ComposedGraph Convert(const Fst& graph, const Labels& labels) {
  const std::vector<int> order = DepthFirstOrder(graph);
  std::vector<uint32_t> number(graph.NumStates(), 0);
  for (size_t i = 0; i < order.size(); ++i) number[order[i]] = static_cast<uint32_t>(i);
  ComposedGraph composed;
  for (const int state : order) {
    ComposedGraph::State& to = composed.states.emplace_back();
    to.final_cost = graph.Final(state).Value();
    for (fst::ArcIterator<Fst> arcs(graph, state); !arcs.Done(); arcs.Next()) {
      const FstArc& arc = arcs.Value();
      const bool begins_word = arc.ilabel != 0 && labels.IsFirst(arc.ilabel);
      to.arcs.push_back({number[arc.nextstate], arc.weight.Value(), labels.Unit(arc.ilabel), begins_word,
                         static_cast<uint32_t>(arc.olabel)});
    }
  }
  return composed;
}

}  // namespace

StatusOr<ComposedGraph> ComposeWithOpenFst(const FstSources& sources,
                                           const std::function<void(double)>& progress) {
  FLAGS_fst_error_fatal = false;  // by default OpenFst ends the process on errors
  const Labels labels(sources);
  try {
    SKALD_ASSIGN_OR_RETURN(const Fst graph, ComposeAndOptimise(sources, labels, progress));
    return Convert(graph, labels);
  } catch (const std::bad_alloc&) {
    return Status::ResourceExhausted("not enough memory to compose with OpenFst");
  } catch (const std::exception& error) {
    return Status::InvalidArgument(std::string("OpenFst: ") + error.what());
  }
}

}  // namespace skald
