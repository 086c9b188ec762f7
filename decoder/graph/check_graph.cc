#include "decoder/graph/check_graph.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <tuple>
#include <vector>

namespace skald {
namespace {

class ImageChecker {
 public:
  explicit ImageChecker(const GraphImage& image) : image_(image), info_(image.info()) {}

  StatusOr<GraphReport> Check() {
    SKALD_RETURN_IF_ERROR(FindBlocks());
    report_.min_cost = std::numeric_limits<float>::infinity();
    report_.max_cost = -std::numeric_limits<float>::infinity();
    for (const uint32_t block : blocks_) {
      if (Status status = CheckState(block); !status.ok()) return Named(std::move(status), block);
    }
    if (info_.emitting_arc_count + info_.epsilon_arc_count == 0) report_.min_cost = report_.max_cost = 0;
    if (report_.min_cost != info_.min_arc_cost)
      return Status::Corrupt("smallest arc cost is not as recorded");
    SKALD_RETURN_IF_ERROR(CheckRanks());
    SKALD_RETURN_IF_ERROR(CheckReachable());
    return report_;
  }

 private:
  Status Named(Status status, uint32_t block) const {
    return std::move(status).At("state " + std::to_string(image_.header(block).orig_state));
  }

  uint64_t ArcCount(uint32_t block) const {
    return uint64_t{image_.header(block).emitting_arcs()} + image_.header(block).epsilon_arcs();
  }

  /// All arcs of a block, emitting ones first.
  std::span<const GraphArc> Arcs(uint32_t block) const {
    return {&image_.arc(block) + 1, static_cast<size_t>(ArcCount(block))};
  }

  Status FindBlocks() {
    const uint64_t cell_count = image_.cells().size();
    is_block_.assign(cell_count, false);
    uint64_t emitting = 0, epsilons = 0;
    for (uint64_t at = 0; at < cell_count;) {
      const auto block = static_cast<uint32_t>(at);
      if (image_.header(block).orig_state != blocks_.size()) {
        return Status::Corrupt("state number is not the next one").At("cell " + std::to_string(at));
      }
      const uint64_t end = at + 1 + ArcCount(block);
      if (end > cell_count) return Named(Status::Corrupt("arcs lie behind the last cell"), block);
      is_block_[at] = true;
      blocks_.push_back(block);
      emitting += image_.header(block).emitting_arcs();
      epsilons += image_.header(block).epsilon_arcs();
      at = end + end % 2;
      if (end % 2 == 1 && end < cell_count) {
        for (const std::byte byte : image_.cells()[end].bytes) {
          if (byte != std::byte{0}) return Named(Status::Corrupt("cell behind the arcs is not zero"), block);
        }
      }
    }
    if (blocks_.size() != info_.state_count || emitting != info_.emitting_arc_count ||
        epsilons != info_.epsilon_arc_count) {
      return Status::Corrupt("numbers of states and arcs are not as recorded");
    }
    if (info_.start_block >= cell_count || !is_block_[info_.start_block]) {
      return Status::Corrupt("start is not a state");
    }
    return Status::Ok();
  }

  Status CheckState(uint32_t block) {
    const StateHeader& header = image_.header(block);
    const bool is_final = header.final_cost != std::numeric_limits<float>::infinity();
    if (std::isnan(header.final_cost) || header.final_cost == -std::numeric_limits<float>::infinity()) {
      return Status::Corrupt("final cost is not a number or -infinity");
    }
    const int flags = (is_final ? kStateFinal : 0) | (header.epsilon_arcs() > 0 ? kStateHasEpsilonArcs : 0);
    if (header.flags != flags) return Status::Corrupt("flags do not fit the state");
    report_.final_states += is_final;
    report_.max_emitting_arcs = std::max<uint64_t>(report_.max_emitting_arcs, header.emitting_arcs());
    report_.max_epsilon_arcs = std::max<uint64_t>(report_.max_epsilon_arcs, header.epsilon_arcs());
    ++report_.degree_histogram[std::bit_width(header.emitting_arcs())];
    const GraphArc* previous = nullptr;
    for (const GraphArc& arc : Arcs(block)) {
      const bool is_epsilon = &arc - &image_.arc(block) > static_cast<std::ptrdiff_t>(header.emitting_arcs());
      if (arc.next_block >= is_block_.size() || !is_block_[arc.next_block]) {
        return Status::Corrupt("arc leads to cell " + std::to_string(arc.next_block) + ", which is no state");
      }
      if (!std::isfinite(arc.cost)) return Status::Corrupt("arc cost is not finite");
      if (arc.unit >= info_.unit_count) return Status::Corrupt("arc has unit " + std::to_string(arc.unit));
      if (arc.word >= image_.word_count()) return Status::Corrupt("arc has word " + std::to_string(arc.word));
      if ((arc.unit == 0) != is_epsilon) return Status::Corrupt("epsilon arcs do not come last");
      if (arc.flags > (is_epsilon ? 0 : kArcWordSeparator))
        return Status::Corrupt("flags do not fit the arc");
      const auto key = [](const GraphArc& a) { return std::make_tuple(a.unit, a.next_block, a.word); };
      if (previous != nullptr && previous->unit != 0 && !is_epsilon && key(arc) < key(*previous)) {
        return Status::Corrupt("arcs are not in order");
      }
      previous = &arc;
      report_.word_arcs += arc.word != 0;
      report_.word_start_arcs += arc.flags == kArcWordStart;
      report_.min_cost = std::min(report_.min_cost, arc.cost);
      report_.max_cost = std::max(report_.max_cost, arc.cost);
    }
    return Status::Ok();
  }

  /// Ranks are 1 + the largest of a predecessor. That alone rules out cycles: a rank rises along every
  /// epsilon arc.
  Status CheckRanks() {
    std::vector<uint32_t> expected(blocks_.size(), 0);
    for (const uint32_t block : blocks_) {
      for (const GraphArc& arc : image_.epsilon_arcs(block)) {
        uint32_t& rank = expected[image_.header(arc.next_block).orig_state];
        rank = std::max(rank, 1u + image_.header(block).epsilon_rank);
      }
    }
    for (const uint32_t block : blocks_) {
      const uint32_t rank = image_.header(block).epsilon_rank;
      if (rank != expected[image_.header(block).orig_state]) {
        return Named(Status::Corrupt("epsilon rank is wrong, or there is an epsilon cycle"), block);
      }
      report_.longest_epsilon_chain = std::max(report_.longest_epsilon_chain, rank);
    }
    if (report_.longest_epsilon_chain != info_.max_epsilon_rank) {
      return Status::Corrupt("largest epsilon rank is not as recorded");
    }
    return Status::Ok();
  }

  Status CheckReachable() {
    std::vector<bool> reached(blocks_.size(), false);
    std::vector<uint32_t> open;
    const auto visit = [&](uint32_t state) {
      if (!reached[state]) open.push_back(state);
      reached[state] = true;
    };
    visit(image_.header(info_.start_block).orig_state);
    while (!open.empty()) {
      const uint32_t block = blocks_[open.back()];
      open.pop_back();
      for (const GraphArc& arc : Arcs(block)) visit(image_.header(arc.next_block).orig_state);
    }
    SKALD_RETURN_IF_ERROR(AllSet(reached, "cannot be reached from the start"));

    // Arcs by target, to walk backwards from the final states.
    std::vector<uint64_t> first(blocks_.size() + 1, 0);
    for (const uint32_t block : blocks_) {
      for (const GraphArc& arc : Arcs(block)) ++first[image_.header(arc.next_block).orig_state + 1];
    }
    for (size_t state = 0; state < blocks_.size(); ++state) first[state + 1] += first[state];
    std::vector<uint32_t> sources(first.back());
    for (const uint32_t block : blocks_) {
      for (const GraphArc& arc : Arcs(block)) {
        sources[first[image_.header(arc.next_block).orig_state]++] = image_.header(block).orig_state;
      }
    }
    reached.assign(blocks_.size(), false);
    for (const uint32_t block : blocks_) {
      if (image_.header(block).flags & kStateFinal) visit(image_.header(block).orig_state);
    }
    while (!open.empty()) {
      const uint32_t state = open.back();
      open.pop_back();
      // Filling moved first[state] to the end of the state's own sources, where the next state's begin.
      for (uint64_t i = state == 0 ? 0 : first[state - 1]; i < first[state]; ++i) visit(sources[i]);
    }
    return AllSet(reached, "leads to no final state");
  }

  Status AllSet(const std::vector<bool>& flags, const char* otherwise) const {
    const auto found = std::find(flags.begin(), flags.end(), false);
    if (found == flags.end()) return Status::Ok();
    return Status::Corrupt(otherwise).At("state " + std::to_string(found - flags.begin()));
  }

  const GraphImage& image_;
  const GraphInfo& info_;
  std::vector<bool> is_block_;
  std::vector<uint32_t> blocks_;
  GraphReport report_;
};

}  // namespace

StatusOr<GraphReport> CheckGraph(const GraphImage& image) { return ImageChecker(image).Check(); }

std::string GraphReport::ToString() const {
  char line[160];
  std::snprintf(line, sizeof line,
                "final states %llu\narcs with a word %llu, first of a word %llu\narc costs %g to %g nats\n",
                static_cast<unsigned long long>(final_states), static_cast<unsigned long long>(word_arcs),
                static_cast<unsigned long long>(word_start_arcs), min_cost, max_cost);
  std::string text = line;
  std::snprintf(line, sizeof line, "longest epsilon chain %u, epsilon arcs of a state up to %llu\n",
                longest_epsilon_chain, static_cast<unsigned long long>(max_epsilon_arcs));
  text += line;
  text += "states by emitting arcs:";
  for (size_t i = 0; i < degree_histogram.size(); ++i) {
    if (degree_histogram[i] == 0) continue;
    const unsigned low = i == 0 ? 0 : 1u << (i - 1), high = i == 0 ? 0 : (1u << i) - 1;
    const std::string range =
        low == high ? std::to_string(low) : std::to_string(low) + "-" + std::to_string(high);
    text += " " + range + ": " + std::to_string(degree_histogram[i]) + ";";
  }
  text += " largest " + std::to_string(max_emitting_arcs) + "\n";
  return text;
}

}  // namespace skald
