#include "decoder/graph/openfst_lookahead.h"

#include <algorithm>
#include <exception>
#include <fst/extensions/ngram/ngram-fst.h>
#include <fst/fstlib.h>
#include <fst/matcher-fst.h>
#include <limits>
#include <memory>
#include <unordered_set>
#include <utility>

namespace fst {
namespace {

const FstRegisterer<StdOLabelLookAheadFst> kLookAheadReader;
const FstRegisterer<NGramFst<StdArc>> kNgramReader;

}  // namespace
}  // namespace fst

namespace skald {
namespace {

/// Bytes of states that the composition keeps; the walk needs each of them once.
constexpr size_t kCacheBytes = size_t{256} << 20;

StatusOr<std::unique_ptr<fst::StdFst>> ReadStdFst(const std::string& path) {
  std::unique_ptr<fst::StdFst> read(fst::StdFst::Read(path));
  if (read == nullptr)
    return Status::Corrupt("OpenFst cannot read it as an FST of standard arcs").InFile(path);
  return read;
}

/// Arcs in the order in which states were taken up.
struct Walk {
  std::vector<FstArc> arcs;
  std::vector<uint64_t> first_arc;  ///< by state
  std::vector<uint32_t> arc_count;
  std::vector<float> final_costs;
};

StatusOr<Walk> WalkAll(const fst::StdFst& composed, const std::vector<int32_t>& dropped, int64_t max_states) {
  const std::unordered_set<int32_t> is_dropped(dropped.begin(), dropped.end());
  Walk walk;
  std::vector<uint8_t> found;
  std::vector<int32_t> open;
  const auto find = [&](int32_t state) {
    const auto s = static_cast<size_t>(state);
    if (s >= found.size()) {
      found.resize(s + 1);
      walk.first_arc.resize(s + 1);
      walk.arc_count.resize(s + 1);
      walk.final_costs.resize(s + 1, std::numeric_limits<float>::infinity());
    }
    if (found[s] == 0) open.push_back(state);
    found[s] = 1;
  };
  find(composed.Start());
  while (!open.empty()) {
    const int32_t state = open.back();
    open.pop_back();
    if (static_cast<int64_t>(found.size()) > max_states) {
      return Status::ResourceExhausted("the composition has more than " + std::to_string(max_states) +
                                       " states");
    }
    walk.first_arc[static_cast<size_t>(state)] = walk.arcs.size();
    for (fst::ArcIterator<fst::StdFst> iterator(composed, state); !iterator.Done(); iterator.Next()) {
      const fst::StdArc& arc = iterator.Value();
      walk.arcs.push_back({is_dropped.count(arc.ilabel) != 0 ? 0 : arc.ilabel, arc.olabel, arc.weight.Value(),
                           arc.nextstate});
    }
    const size_t first = walk.first_arc[static_cast<size_t>(state)];
    walk.arc_count[static_cast<size_t>(state)] = static_cast<uint32_t>(walk.arcs.size() - first);
    // The next states must be found in the order of arcs reversed: the first is gone into first.
    for (size_t a = walk.arcs.size(); a-- > first;) find(walk.arcs[a].next_state);
    walk.final_costs[static_cast<size_t>(state)] = composed.Final(state).Value();
  }
  return walk;
}

FstGraph InOrderOfStates(Walk walk, int32_t start) {
  FstGraph graph;
  graph.start = start;
  graph.final_costs = std::move(walk.final_costs);
  graph.arcs.reserve(walk.arcs.size());
  for (size_t state = 0; state < graph.final_costs.size(); ++state) {
    const auto first = walk.arcs.begin() + static_cast<ptrdiff_t>(walk.first_arc[state]);
    graph.arcs.insert(graph.arcs.end(), first, first + static_cast<ptrdiff_t>(walk.arc_count[state]));
    graph.first_arc.push_back(graph.arcs.size());
  }
  return graph;
}

}  // namespace

StatusOr<FstGraph> ComposeLookahead(const std::string& lexicon_path, const std::string& grammar_path,
                                    const std::vector<int32_t>& dropped, int64_t max_states) {
  try {
    SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<fst::StdFst> lexicon, ReadStdFst(lexicon_path));
    SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<fst::StdFst> grammar, ReadStdFst(grammar_path));
    const fst::ComposeFst<fst::StdArc> composed(*lexicon, *grammar, fst::CacheOptions(true, kCacheBytes));
    if (composed.Start() < 0 || composed.Properties(fst::kError, false) != 0) {
      return Status::Corrupt("composes with the grammar to nothing").InFile(lexicon_path);
    }
    const int32_t start = composed.Start();
    SKALD_ASSIGN_OR_RETURN(Walk walk, WalkAll(composed, dropped, max_states));
    return InOrderOfStates(std::move(walk), start);
  } catch (const std::bad_alloc&) {
    return Status::ResourceExhausted("no memory for the composition").InFile(lexicon_path);
  } catch (const std::exception& error) {
    return Status::Corrupt(std::string("OpenFst: ") + error.what()).InFile(lexicon_path);
  }
}

}  // namespace skald
