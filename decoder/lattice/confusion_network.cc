#include "decoder/lattice/confusion_network.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "base/check.h"
#include "decoder/lattice/nbest.h"

namespace skald {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// A word beside every place of the hypothesis costs this much more than one at an empty place, so that
/// alternatives show up in a bin.
constexpr double kInsertionPenalty = 1e-5;
/// Gains below this are rounding.
constexpr double kLeastGain = 1e-9;

double LogAdd(double a, double b) {
  if (a > b) std::swap(a, b);
  return b == kInfinity ? a : a - std::log1p(std::exp(a - b));
}

class MbrDecoder {
 public:
  /// Words of the hypothesis with an empty place (0) before, between and behind them.
  using Hypothesis = std::vector<uint32_t>;

  MbrDecoder(const WordLattice& lattice, double scale) : lattice_(lattice) {
    const size_t nodes = lattice.nodes.size();
    std::vector<double> forward(nodes, kInfinity);
    forward[0] = 0;
    double total = kInfinity;
    for (uint32_t n = 0; n < nodes; ++n) {
      for (const WordLatticeArc& arc : lattice.arcs_of(n)) {
        double& sum = forward[arc.destination];
        sum = LogAdd(sum, forward[n] + scale * arc.cost());
      }
      total = LogAdd(total, forward[n] + scale * lattice.nodes[n].final_cost());
    }
    for (const WordLatticeArc& arc : lattice.arcs) {
      arc_share_.push_back(std::exp(forward[arc.destination] - (forward[arc.source] + scale * arc.cost())));
    }
    for (uint32_t n = 0; n < nodes; ++n) {
      final_share_.push_back(std::exp(total - (forward[n] + scale * lattice.nodes[n].final_cost())));
    }
  }

  /// Expected errors of the hypothesis; fills what Bins reads.
  double Measure(const Hypothesis& hypothesis) {
    hypothesis_ = hypothesis;
    places_ = hypothesis.size();
    const size_t width = places_ + 1;
    distance_.assign(lattice_.nodes.size() * width, 0.0);
    row_.resize(width);
    for (size_t q = 1; q < width; ++q) distance_[q] = distance_[q - 1] + DeletionCost(q);
    double expected = 0;
    for (uint32_t n = 0; n < lattice_.nodes.size(); ++n) {
      const double* here = &distance_[n * width];
      expected += final_share_[n] * here[places_];
      for (uint32_t a = lattice_.first_arc[n]; a < lattice_.first_arc[n + 1]; ++a) {
        AlignArc(lattice_.arcs[a], here);
        double* there = &distance_[lattice_.arcs[a].destination * width];
        for (size_t q = 0; q < width; ++q) there[q] += arc_share_[a] * row_[q];
      }
    }
    return expected;
  }

  /// Shares of the words at each place, in the alignment that Measure found best.
  std::vector<std::map<uint32_t, ConfusionEntry>> Bins() {
    const size_t width = places_ + 1;
    bins_.assign(places_, {});
    heaviest_.assign(places_, {});
    share_.assign(lattice_.nodes.size() * width, 0.0);
    for (uint32_t n = 0; n < lattice_.nodes.size(); ++n) share_[n * width + places_] = final_share_[n];
    // Shares of the paths from a node to the end are relative to all paths, so finals add at their node.
    for (size_t a = lattice_.arcs.size(); a-- > 0;) {
      const WordLatticeArc& arc = lattice_.arcs[a];
      const double* here = &distance_[arc.source * width];
      double* before = &share_[arc.source * width];
      AlignArc(arc, here);
      const double* there = &share_[arc.destination * width];
      carried_.assign(width, 0.0);
      for (size_t q = width; q-- > 0;) {
        const double share = carried_[q] + arc_share_[a] * there[q];
        if (share == 0) continue;
        // Alignments of equal cost are told apart by their order here, not by rounding.
        const double least = row_[q] + kLeastGain;
        if (q > 0 && here[q - 1] + MatchCost(arc.word, q) <= least) {
          before[q - 1] += share;
          Add(q, static_cast<uint32_t>(a), share);
        } else if (q == 0 || here[q] + 1 + kInsertionPenalty <= least) {
          before[q] += share;
        } else {
          carried_[q - 1] += share;
          AddNothing(q, share);
        }
      }
    }
    double carried = 0;
    for (size_t q = places_; q > 0; --q) {
      carried += share_[q];
      AddNothing(q, carried);
    }
    return std::move(bins_);
  }

 private:
  double DeletionCost(size_t q) const { return hypothesis_[q - 1] == 0 ? 0.0 : 1.0; }
  double MatchCost(uint32_t word, size_t q) const { return hypothesis_[q - 1] == word ? 0.0 : 1.0; }

  /// row_[q]: expected distance between the paths up to and with `arc` and the first q places.
  void AlignArc(const WordLatticeArc& arc, const double* here) {
    row_[0] = here[0] + 1 + kInsertionPenalty;
    for (size_t q = 1; q <= places_; ++q) {
      row_[q] = std::min({here[q - 1] + MatchCost(arc.word, q), here[q] + 1 + kInsertionPenalty,
                          row_[q - 1] + DeletionCost(q)});
    }
  }

  void Add(size_t q, uint32_t arc_index, double share) {
    const WordLatticeArc& arc = lattice_.arcs[arc_index];
    ConfusionEntry& entry = bins_[q - 1][arc.word];
    entry.word = arc.word;
    entry.posterior += share;
    double& heaviest = heaviest_[q - 1][arc.word];
    if (share <= heaviest) return;
    heaviest = share;
    entry.start_frame = arc.start_frame;
    entry.end_frame = arc.end_frame;
    entry.arc = arc_index;
  }
  void AddNothing(size_t q, double share) {
    if (share > 0) bins_[q - 1][0].posterior += share;
  }

  const WordLattice& lattice_;
  std::vector<double> arc_share_;    // of the paths to the arc's destination, those that come by the arc
  std::vector<double> final_share_;  // of all paths, those that end at the node
  Hypothesis hypothesis_;
  size_t places_ = 0;
  std::vector<double> distance_;  // [nodes][places + 1]
  std::vector<double> share_;     // [nodes][places + 1]
  std::vector<double> row_, carried_;
  std::vector<std::map<uint32_t, ConfusionEntry>> bins_;
  std::vector<std::map<uint32_t, double>> heaviest_;
};

/// The words of `entries` that are words, with an empty place before, between and behind them.
std::vector<ConfusionEntry> WithEmptyPlaces(const std::vector<ConfusionEntry>& entries) {
  std::vector<ConfusionEntry> places(1);
  for (const ConfusionEntry& entry : entries) {
    if (entry.word == 0) continue;
    places.push_back(entry);
    places.emplace_back();
  }
  return places;
}

MbrDecoder::Hypothesis WordsOf(const std::vector<ConfusionEntry>& places) {
  MbrDecoder::Hypothesis words;
  for (const ConfusionEntry& place : places) words.push_back(place.word);
  return words;
}

}  // namespace

ConfusionNetwork BuildConfusionNetwork(const WordLattice& lattice, const MbrOptions& options) {
  SKALD_CHECK(options.scale > 0, "the scale of posteriors is positive");
  ConfusionNetwork network;
  const std::vector<WordPath> best = NBest(lattice, 1);
  if (best.empty()) return network;
  std::vector<ConfusionEntry> words;
  for (const uint32_t a : options.start_path.value_or(best[0].arcs)) {
    words.push_back({lattice.arcs[a].word, 0.0, lattice.arcs[a].start_frame, lattice.arcs[a].end_frame, a});
  }

  MbrDecoder decoder(lattice, options.scale);
  std::vector<ConfusionEntry> places = WithEmptyPlaces(words);
  MbrDecoder::Hypothesis hypothesis = WordsOf(places);
  network.expected_errors = decoder.Measure(hypothesis);
  auto bins = decoder.Bins();
  while (options.change_words && network.iterations < options.max_iterations) {
    std::vector<ConfusionEntry> likeliest;
    for (const auto& bin : bins) {
      const auto heavier = [](const auto& a, const auto& b) {
        return a.second.posterior < b.second.posterior - kLeastGain;
      };
      likeliest.push_back(std::max_element(bin.begin(), bin.end(), heavier)->second);
    }
    std::vector<ConfusionEntry> next_places = WithEmptyPlaces(likeliest);
    MbrDecoder::Hypothesis next = WordsOf(next_places);
    if (next == hypothesis) break;
    const double expected_errors = decoder.Measure(next);
    if (!(expected_errors < network.expected_errors - kLeastGain)) break;
    ++network.iterations;
    network.expected_errors = expected_errors;
    hypothesis.swap(next);
    places.swap(next_places);
    bins = decoder.Bins();
  }

  for (size_t q = 0; q < places.size(); ++q) {
    if (places[q].word == 0 && bins[q].size() == 1 && bins[q].begin()->first == 0) continue;
    ConfusionBin bin;
    double confidence = 0;
    for (const auto& [word, entry] : bins[q]) {
      if (word == places[q].word) confidence = std::min(1.0, entry.posterior);
      bin.push_back(entry);
    }
    std::stable_sort(bin.begin(), bin.end(),
                     [](const auto& a, const auto& b) { return a.posterior > b.posterior; });
    if (places[q].word != 0) {
      ConfidentWord word{places[q].word,
                         confidence,
                         places[q].start_frame,
                         places[q].end_frame,
                         static_cast<uint32_t>(network.bins.size()),
                         places[q].arc};
      if (!network.words.empty()) {
        word.start_frame = std::max(word.start_frame, network.words.back().start_frame);
        word.end_frame = std::max(word.end_frame, word.start_frame);
      }
      network.words.push_back(word);
    }
    network.bins.push_back(std::move(bin));
  }
  return network;
}

}  // namespace skald
