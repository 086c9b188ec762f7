#include "decoder/lattice/word_lattice.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "decoder/lattice/word_segments.h"

namespace skald {
namespace {

constexpr double kNatsPerUnit = 1.0 / ReducedCost::kPerNat;
constexpr float kLargestRetryBeam = 16.0f, kLeastBeam = 0.01f;

/// Where a word string may be, and how much worse than at its best place.
struct Element {
  uint32_t node;
  ReducedCost residual;
  bool operator==(const Element&) const = default;
};

uint64_t Mixed(uint64_t x) {
  x ^= x >> 32;
  x *= 0x9E3779B97F4A7C15u;
  return x ^ x >> 29;
}

/// Sets of elements, each set once.
class SubsetTable {
 public:
  /// Number of `subset`; a new one if there is none yet.
  std::pair<uint32_t, bool> Find(std::span<const Element> subset) {
    uint64_t hash = subset.size();
    for (const Element& element : subset) {
      hash = Mixed(hash + element.node);
      hash = Mixed(hash + static_cast<uint64_t>(element.residual.total));
    }
    if (2 * (size() + 1) > slots_.size()) Grow();
    size_t slot = hash & (slots_.size() - 1);
    for (; slots_[slot] != kEmpty; slot = (slot + 1) & (slots_.size() - 1)) {
      const uint32_t number = slots_[slot];
      if (hashes_[number] == hash && std::ranges::equal((*this)[number], subset)) return {number, false};
    }
    const auto number = static_cast<uint32_t>(size());
    slots_[slot] = number;
    hashes_.push_back(hash);
    elements_.insert(elements_.end(), subset.begin(), subset.end());
    first_.push_back(elements_.size());
    return {number, true};
  }
  std::span<const Element> operator[](uint32_t number) const {
    return std::span(elements_).subspan(first_[number], first_[number + 1] - first_[number]);
  }
  size_t size() const { return hashes_.size(); }
  size_t element_count() const { return elements_.size(); }

 private:
  static constexpr uint32_t kEmpty = 0xFFFFFFFFu;
  void Grow() {
    slots_.assign(std::max<size_t>(1024, 2 * slots_.size()), kEmpty);
    for (uint32_t number = 0; number < hashes_.size(); ++number) {
      size_t slot = hashes_[number] & (slots_.size() - 1);
      while (slots_[slot] != kEmpty) slot = (slot + 1) & (slots_.size() - 1);
      slots_[slot] = number;
    }
  }
  std::vector<Element> elements_;
  std::vector<size_t> first_{0};
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> slots_;
};

class Determinizer {
 public:
  Determinizer(const RawLattice& lattice, const WordSegments& cuts, float beam, int64_t max_elements)
      : lattice_(lattice),
        cuts_(cuts),
        beam_(static_cast<int64_t>(std::min(double{beam}, ReducedCost::kMaxNats) * ReducedCost::kPerNat)),
        max_elements_(max_elements) {}

  /// False where the limit is reached.
  bool Run(WordLattice* words) {
    words_ = words;
    const Element start{0, {}};
    FindSubset({&start, 1}, 0);
    while (!waiting_.empty()) {
      const uint32_t subset = waiting_.top().second;
      waiting_.pop();
      Expand(subset);
      if (static_cast<int64_t>(subsets_.element_count() + words_->links.size()) > max_elements_) return false;
    }
    words_->first_arc.push_back(static_cast<uint32_t>(words_->arcs.size()));
    for (WordLatticeArc& arc : words_->arcs) arc.destination = number_[arc.destination];
    words_->raw_arcs = cuts_.raw_arcs;
    return true;
  }

 private:
  struct Candidate {
    uint32_t word;
    uint32_t destination;
    ReducedCost cost;
    uint32_t element;
    uint32_t segment;
    auto operator<=>(const Candidate&) const = default;
  };

  uint32_t FindSubset(std::span<const Element> subset, int64_t slack) {
    const auto [number, is_new] = subsets_.Find(subset);
    if (is_new) {
      slack_.push_back(slack);
      number_.push_back(0);
      // Elements are sorted by node, and every segment leads to a later node: the first ones order subsets
      // topologically.
      waiting_.emplace(subset[0].node, number);
    } else {
      slack_[number] = std::min(slack_[number], slack);
    }
    return number;
  }

  /// All ways to `subset` are known, so slack_ is that of the best one.
  void Expand(uint32_t subset) {
    const int64_t slack = slack_[subset];
    number_[subset] = static_cast<uint32_t>(words_->nodes.size());
    words_->first_arc.push_back(static_cast<uint32_t>(words_->arcs.size()));
    const uint32_t best_node = AddNode(subset);
    candidates_.clear();
    const std::span<const Element> elements = subsets_[subset];
    for (uint32_t e = 0; e < elements.size(); ++e) {
      const auto [node, residual] = elements[e];
      for (uint32_t s = cuts_.first_segment[node]; s < cuts_.first_segment[node + 1]; ++s) {
        const WordSegment& segment = cuts_.segments[s];
        const ReducedCost cost = residual + segment.cost;
        if (slack + cost.total > beam_) continue;
        candidates_.push_back({segment.word, segment.destination, cost, e, s});
      }
    }
    std::sort(candidates_.begin(), candidates_.end());
    const WordSegments::Node& here = cuts_.nodes[best_node];
    for (size_t begin = 0, end = 0; begin < candidates_.size(); begin = end) {
      const uint32_t word = candidates_[begin].word;
      next_.clear();
      size_t best = begin;
      const auto first_link = static_cast<uint32_t>(words_->links.size());
      for (; end < candidates_.size() && candidates_[end].word == word; ++end) {
        const Candidate& candidate = candidates_[end];
        // Of the ways to one node the cheapest comes first.
        if (!next_.empty() && next_.back().node == candidate.destination) continue;
        next_.push_back({candidate.destination, candidate.cost});
        const WordSegment& segment = cuts_.segments[candidate.segment];
        words_->links.push_back({candidate.element, segment.first_raw_arc, segment.raw_arc_count});
        if (candidate.cost < candidates_[best].cost) best = end;
      }
      const Candidate& cheapest = candidates_[best];
      for (Element& element : next_) element.residual = element.residual - cheapest.cost;
      const uint32_t destination = FindSubset(next_, slack + cheapest.cost.total);

      const WordSegment& segment = cuts_.segments[cheapest.segment];
      const WordSegments::Node& there = cuts_.nodes[cheapest.destination];
      const double total =
          static_cast<double>(cheapest.cost.total) * kNatsPerUnit + (here.cost_to_end - there.cost_to_end);
      WordLatticeArc arc;
      arc.source = number_[subset];
      arc.destination = destination;
      arc.word = word;
      arc.start_frame = segment.start_frame;
      arc.end_frame = segment.end_frame;
      arc.graph_cost = static_cast<double>(cheapest.cost.graph) * kNatsPerUnit +
                       (here.graph_cost_to_end - there.graph_cost_to_end);
      arc.acoustic_cost = total - arc.graph_cost;
      words_->arcs.push_back(arc);
      words_->first_link.push_back(first_link);
    }
  }

  /// Adds the node; returns where its best element is.
  uint32_t AddNode(uint32_t subset) {
    const std::span<const Element> elements = subsets_[subset];
    const Element& best = *std::find_if(elements.begin(), elements.end(),
                                        [](const Element& e) { return e.residual == ReducedCost{}; });
    const WordSegments::Node& cut = cuts_.nodes[best.node];
    WordLatticeNode node;
    node.frame = cut.raw_state == WordSegments::kEnd ? static_cast<int32_t>(lattice_.frames)
                                                     : lattice_.states[cut.raw_state].frame;
    WordLattice::Link link;
    bool is_final = false;
    ReducedCost final_cost;
    for (uint32_t e = 0; e < elements.size(); ++e) {
      const WordSegments::Node& end = cuts_.nodes[elements[e].node];
      const ReducedCost cost = elements[e].residual + end.final_cost;
      if (!end.is_final || slack_[subset] + cost.total > beam_ || (is_final && !(cost < final_cost)))
        continue;
      is_final = true;
      final_cost = cost;
      link = {e, end.first_raw_arc, end.raw_arc_count};
    }
    if (is_final) {
      const double total = static_cast<double>(final_cost.total) * kNatsPerUnit + cut.cost_to_end;
      node.final_graph_cost = static_cast<double>(final_cost.graph) * kNatsPerUnit + cut.graph_cost_to_end;
      node.final_acoustic_cost = total - node.final_graph_cost;
    }
    words_->nodes.push_back(node);
    words_->final_links.push_back(link);
    words_->element_count.push_back(static_cast<uint32_t>(elements.size()));
    words_->best_element.push_back(static_cast<uint32_t>(&best - elements.data()));
    return best.node;
  }

  const RawLattice& lattice_;
  const WordSegments& cuts_;
  const int64_t beam_;
  const int64_t max_elements_;
  WordLattice* words_ = nullptr;
  SubsetTable subsets_;
  std::vector<int64_t> slack_;    // of a subset: of the best path to it
  std::vector<uint32_t> number_;  // of a subset: its node
  using Waiting = std::pair<uint32_t, uint32_t>;
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
  std::vector<Candidate> candidates_;
  std::vector<Element> next_;
};

}  // namespace

WordLattice DeterminizeWords(const RawLattice& lattice, const WordLatticeOptions& options) {
  float beam = std::min(options.beam, lattice.lattice_beam);
  for (;;) {
    const WordSegments cuts = CutAtWords(lattice, beam);
    WordLattice words;
    words.frames = lattice.frames;
    words.partial = lattice.partial;
    words.effective_beam = beam;
    const int64_t limit = beam > 0 ? options.max_elements : std::numeric_limits<int64_t>::max();
    if (cuts.nodes.empty() || Determinizer(lattice, cuts, beam, limit).Run(&words)) return words;
    beam = beam > kLargestRetryBeam ? kLargestRetryBeam : beam > kLeastBeam ? 0.8f * beam : 0.0f;
  }
}

BestPathResult AlignWordPath(const RawLattice& lattice, const WordLattice& words,
                             std::span<const uint32_t> arcs) {
  const uint32_t last = arcs.empty() ? 0 : words.arcs[arcs.back()].destination;
  SKALD_CHECK(words.final_links.size() == words.nodes.size(), "a lattice read from a file has no links");
  SKALD_CHECK(words.nodes[last].is_final(), "a word path ends at a final node");
  std::vector<WordLattice::Link> links = {words.final_links[last]};
  for (size_t i = arcs.size(); i-- > 0;) {
    links.push_back(words.links[words.first_link[arcs[i]] + links.back().source_element]);
  }
  std::vector<uint32_t> raw_arcs;
  for (size_t i = links.size(); i-- > 0;) {
    const auto first = words.raw_arcs.begin() + links[i].first_raw_arc;
    raw_arcs.insert(raw_arcs.end(), first, first + links[i].raw_arc_count);
  }
  return DescribePath(lattice, std::move(raw_arcs));
}

}  // namespace skald
