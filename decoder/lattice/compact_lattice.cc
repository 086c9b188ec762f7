#include "decoder/lattice/compact_lattice.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <utility>

#include "decoder/lattice/node_frames.h"

namespace skald {
namespace {

constexpr uint32_t kNone = 0xFFFFFFFFu;
constexpr int32_t kBlankId = 1;

/// Score column + 1 of each frame that the raw arcs consume, from *first on.
std::vector<int32_t> FramesOf(const RawLattice& raw, std::span<const uint32_t> raw_arcs, int32_t* first) {
  std::vector<int32_t> ids;
  for (const uint32_t a : raw_arcs) {
    const RawLatticeArc& arc = raw.arcs[a];
    if (!raw.consumes_frame(arc)) continue;
    if (ids.empty()) *first = raw.states[arc.source].frame;
    ids.push_back(arc.unit + 1);
  }
  return ids;
}

/// The ids of [begin, end), blanks where the raw arcs say nothing.
std::vector<int32_t> Alignment(const RawLattice& raw, std::span<const uint32_t> raw_arcs, int32_t begin,
                               int32_t end) {
  int32_t first = 0;
  const std::vector<int32_t> ids = FramesOf(raw, raw_arcs, &first);
  std::vector<int32_t> alignment;
  for (int32_t frame = begin; frame < end; ++frame) {
    const bool known = frame >= first && frame - first < static_cast<int32_t>(ids.size());
    alignment.push_back(known ? ids[static_cast<size_t>(frame - first)] : kBlankId);
  }
  return alignment;
}

std::span<const uint32_t> RawArcs(const WordLattice& words, const WordLattice::Link& link) {
  return std::span(words.raw_arcs).subspan(link.first_raw_arc, link.raw_arc_count);
}

}  // namespace

CompactLattice ToCompactLattice(const RawLattice& raw, const WordLattice& words, std::string key) {
  CompactLattice lattice;
  lattice.key = std::move(key);
  const std::vector<int32_t> frames = RisingNodeFrames(words);
  for (size_t a = 0; a < words.arcs.size(); ++a) {
    const WordLatticeArc& arc = words.arcs[a];
    const WordLattice::Link& link = words.links[words.first_link[a] + words.best_element[arc.destination]];
    lattice.arcs.push_back(
        {arc.source,
         arc.destination,
         static_cast<int32_t>(arc.word),
         {static_cast<float>(arc.graph_cost), static_cast<float>(arc.acoustic_cost),
          Alignment(raw, RawArcs(words, link), frames[arc.source], frames[arc.destination])}});
  }
  for (size_t n = 0; n < words.nodes.size(); ++n) {
    const WordLatticeNode& node = words.nodes[n];
    CompactLattice::State state;
    state.is_final = node.is_final();
    if (state.is_final) {
      state.final_weight = {static_cast<float>(node.final_graph_cost),
                            static_cast<float>(node.final_acoustic_cost),
                            Alignment(raw, RawArcs(words, words.final_links[n]), frames[n],
                                      static_cast<int32_t>(words.frames))};
    }
    lattice.states.push_back(std::move(state));
  }
  return lattice;
}

StatusOr<WordLattice> ToWordLattice(const CompactLattice& lattice) {
  const auto broken = [&](std::string reason) {
    return Status::Corrupt(std::move(reason)).At(fmt::format("lattice '{}'", lattice.key));
  };
  WordLattice words;
  std::vector<int64_t> frames(lattice.states.size(), -1);
  if (!frames.empty()) frames[0] = 0;
  std::optional<int64_t> length;
  size_t a = 0;
  for (uint32_t s = 0; s < lattice.states.size(); ++s) {
    const CompactLattice::State& state = lattice.states[s];
    WordLatticeNode node;
    node.frame = static_cast<int32_t>(frames[s]);
    if (state.is_final) {
      node.final_graph_cost = state.final_weight.graph_cost;
      node.final_acoustic_cost = state.final_weight.acoustic_cost;
      const int64_t end = frames[s] + static_cast<int64_t>(state.final_weight.alignment.size());
      if (length.value_or(end) != end) return broken("paths have different numbers of frames");
      length = end;
    }
    words.nodes.push_back(node);
    words.first_arc.push_back(static_cast<uint32_t>(words.arcs.size()));
    for (; a < lattice.arcs.size() && lattice.arcs[a].source == s; ++a) {
      const CompactLattice::Arc& from = lattice.arcs[a];
      const int64_t end = frames[s] + static_cast<int64_t>(from.weight.alignment.size());
      int64_t& there = frames[from.destination];
      if (there >= 0 && there != end) return broken("paths to one state have different numbers of frames");
      there = end;
      if (from.word == 0) {
        return Status::Unsupported("an arc has no word").At(fmt::format("lattice '{}'", lattice.key));
      }
      WordLatticeArc arc;
      arc.source = s;
      arc.destination = from.destination;
      arc.word = static_cast<uint32_t>(from.word);
      arc.start_frame = static_cast<int32_t>(frames[s]);
      arc.end_frame = static_cast<int32_t>(end);
      arc.graph_cost = from.weight.graph_cost;
      arc.acoustic_cost = from.weight.acoustic_cost;
      words.arcs.push_back(arc);
    }
    const auto begin = words.arcs.begin() + words.first_arc.back();
    std::sort(begin, words.arcs.end(), [](const auto& x, const auto& y) { return x.word < y.word; });
    const auto same = [](const auto& x, const auto& y) { return x.word == y.word; };
    if (std::adjacent_find(begin, words.arcs.end(), same) != words.arcs.end()) {
      return Status::Unsupported("two arcs of one state have the same word: the lattice is not deterministic")
          .At(fmt::format("lattice '{}'", lattice.key));
    }
  }
  words.first_arc.push_back(static_cast<uint32_t>(words.arcs.size()));
  words.frames = length.value_or(0);
  words.effective_beam = std::numeric_limits<float>::infinity();
  return words;
}

StatusOr<CompactLattice> SortTopologically(CompactLattice lattice) {
  const size_t count = lattice.states.size();
  if (count == 0) return Status::Corrupt(fmt::format("lattice '{}' has no states", lattice.key));
  std::stable_sort(lattice.arcs.begin(), lattice.arcs.end(),
                   [](const auto& a, const auto& b) { return a.source < b.source; });
  std::vector<size_t> next(count + 1, 0);
  for (const auto& arc : lattice.arcs) ++next[arc.source + 1];
  for (size_t s = 0; s < count; ++s) next[s + 1] += next[s];
  const std::vector<size_t> first = next;

  // Depth first from the start; states in the order in which they are left, backwards.
  enum Mark : char { kNew, kOpen, kDone };
  std::vector<char> mark(count, kNew);
  std::vector<uint32_t> stack = {0}, left;
  mark[0] = kOpen;
  while (!stack.empty()) {
    const uint32_t state = stack.back();
    if (next[state] == first[state + 1]) {
      mark[state] = kDone;
      left.push_back(state);
      stack.pop_back();
      continue;
    }
    const uint32_t to = lattice.arcs[next[state]++].destination;
    if (mark[to] == kOpen) return Status::Corrupt(fmt::format("lattice '{}' has a cycle", lattice.key));
    if (mark[to] == kDone) continue;
    mark[to] = kOpen;
    stack.push_back(to);
  }
  std::reverse(left.begin(), left.end());
  CompactLattice sorted;
  sorted.key = std::move(lattice.key);
  std::vector<uint32_t> number(count, kNone);
  for (uint32_t n = 0; n < left.size(); ++n) number[left[n]] = n;
  for (const uint32_t state : left) {
    for (size_t a = first[state]; a < first[state + 1]; ++a) {
      CompactLattice::Arc& arc = lattice.arcs[a];
      arc.source = number[state];
      arc.destination = number[arc.destination];
      sorted.arcs.push_back(std::move(arc));
    }
    sorted.states.push_back(std::move(lattice.states[state]));
  }
  return sorted;
}

}  // namespace skald
