#include "openfst_reference.h"

#include <fst/fstlib.h>

namespace skald::test {
namespace {

using fst::StdArc;
using fst::StdVectorFst;

// Labels are unit + 1, because OpenFst keeps 0 for epsilon.
int Label(int unit) { return unit + 1; }

StdVectorFst DenseScores(const std::vector<float>& scores, int units) {
  StdVectorFst dense;
  const int frames = static_cast<int>(scores.size()) / units;
  for (int t = 0; t <= frames; ++t) dense.AddState();
  dense.SetStart(0);
  dense.SetFinal(frames, 0.0f);
  for (int t = 0; t < frames; ++t) {
    for (int u = 0; u < units; ++u) dense.AddArc(t, StdArc(Label(u), Label(u), scores[t * units + u], t + 1));
  }
  return dense;
}

/// State 0: after a blank; state u: after unit u.
StdVectorFst CtcTopology(int units) {
  StdVectorFst topology;
  for (int u = 0; u < units; ++u) {
    topology.AddState();
    topology.SetFinal(u, 0.0f);
  }
  topology.SetStart(0);
  for (int from = 0; from < units; ++from) {
    topology.AddArc(from, StdArc(Label(0), 0, 0.0f, 0));
    for (int to = 1; to < units; ++to) {
      topology.AddArc(from, StdArc(Label(to), to == from ? 0 : Label(to), 0.0f, to));
    }
  }
  return topology;
}

}  // namespace

OpenFstResult ShortestPathOfTlg(const std::vector<OpenFstArc>& arcs, const std::vector<float>& final_costs,
                                uint32_t start, const std::vector<float>& scores, int units) {
  StdVectorFst lg;
  for (size_t s = 0; s < final_costs.size(); ++s) {
    lg.AddState();
    if (final_costs[s] < std::numeric_limits<float>::infinity())
      lg.SetFinal(static_cast<int>(s), final_costs[s]);
  }
  lg.SetStart(static_cast<int>(start));
  for (const OpenFstArc& arc : arcs) {
    lg.AddArc(static_cast<int>(arc.source),
              StdArc(arc.unit == 0 ? 0 : Label(arc.unit), static_cast<int>(arc.word), arc.cost,
                     static_cast<int>(arc.destination)));
  }
  // LG reads units, T writes Label(unit): both sides of the composition use the same labels.
  fst::ArcSort(&lg, fst::ILabelCompare<StdArc>());
  StdVectorFst tlg, all, best;
  fst::Compose(CtcTopology(units), lg, &tlg);
  fst::ArcSort(&tlg, fst::ILabelCompare<StdArc>());
  fst::Compose(DenseScores(scores, units), tlg, &all);
  fst::ShortestPath(all, &best);

  OpenFstResult result;
  if (best.Start() == fst::kNoStateId) return result;
  result.cost = 0;
  int state = best.Start();
  while (best.NumArcs(state) > 0) {
    const StdArc arc = fst::ArcIterator<StdVectorFst>(best, state).Value();
    result.cost += arc.weight.Value();
    if (arc.olabel != 0) result.words.push_back(static_cast<uint32_t>(arc.olabel));
    state = arc.nextstate;
  }
  result.cost += best.Final(state).Value();
  return result;
}

}  // namespace skald::test
