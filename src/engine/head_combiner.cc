#include "engine/head_combiner.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "base/check.h"
#include "decoder/lattice/confusion_network.h"
#include "decoder/lattice/nbest.h"

namespace skald {
namespace {

double Seconds(int32_t common_frame) { return common_frame / kCommonFramesPerSecond; }

DescriptionOptions OptionsOfHead(DescriptionOptions options, const CombinedHead& head) {
  options.confidence_map = head.confidence_map;
  return options;
}

}  // namespace

HeadCombiner::HeadCombiner(std::span<const CombinedHead> heads, const DescriptionOptions& options)
    : heads_(heads.begin(), heads.end()),
      options_(options),
      first_head_(heads[0].graph, OptionsOfHead(options, heads[0]), heads[0].rescorer) {
  for (const CombinedHead& head : heads_) {
    std::vector<uint32_t>& numbers = words_.emplace_back();
    for (uint32_t w = 0; w < head.graph.word_count(); ++w)
      numbers.push_back(numbers_.Number(head.graph.word(w)));
  }
}

Segment HeadCombiner::Describe(std::span<const RawLattice> lattices, int64_t first_frame,
                               const FrameClock& clock) const {
  SKALD_CHECK(lattices.size() == heads_.size(), "one lattice of each head");
  Segment result;
  result.effective_beam = lattices[0].smallest_beam;
  result.effective_lattice_beam = lattices[0].lattice_beam;
  std::vector<WordLattice> words;
  for (size_t k = 0; k < heads_.size(); ++k) {
    WordLattice of_head = DeterminizeWords(lattices[k]);
    result.effective_beam = std::min<double>(result.effective_beam, lattices[k].smallest_beam);
    result.effective_lattice_beam = std::min<double>(result.effective_lattice_beam, of_head.effective_beam);
    if (heads_[k].rescorer != nullptr) of_head = heads_[k].rescorer->Rescore(lattices[k], std::move(of_head));
    words.push_back(
        OnCommonClock(of_head, clock.Seconds(first_frame), clock.frame_shift_s, words_[k]).value());
  }
  std::vector<WeightedLattice> systems;
  for (size_t k = 0; k < heads_.size(); ++k)
    systems.push_back({&words[k], heads_[k].weight, options_.mbr_scale});
  if (MbrCells(systems) > options_.max_mbr_cells)
    return first_head_.Describe(lattices[0], first_frame, clock);

  const ConfusionNetwork network = NetworkOfUnion(systems);
  for (const ConfidentWord& chosen : network.words) {
    Word word{numbers_.Spelling(chosen.word), Seconds(chosen.start_frame), Seconds(chosen.end_frame),
              options_.confidence_map(chosen.confidence)};
    if (!result.words.empty()) word.start_s = std::max(word.start_s, result.words.back().start_s);
    word.end_s = std::max(word.end_s, word.start_s);
    word.alternatives = OtherWords(network.bins[chosen.bin], chosen.word, options_.alternatives,
                                   [this](uint32_t other) { return numbers_.Spelling(other); });
    result.text += (result.text.empty() ? "" : " ") + word.text;
    result.confidence += word.confidence / static_cast<double>(network.words.size());
    result.words.push_back(std::move(word));
  }
  if (!result.words.empty()) {
    result.start_s = result.words.front().start_s;
    result.end_s = result.words.back().end_s;
  }
  if (options_.nbest > 0) result.nbest = Strings(systems);
  return result;
}

std::vector<Alternative> HeadCombiner::Strings(std::span<const WeightedLattice> systems) const {
  const WordLattice all = UnionOfLattices(systems);
  const size_t wanted = static_cast<size_t>(options_.nbest);
  std::map<std::string, double> shares;  // a string has a path for each head that has it
  for (const WordPath& path : NBest(all, wanted * systems.size())) {
    std::string text;
    for (const uint32_t a : path.arcs)
      text += (text.empty() ? "" : " ") + numbers_.Spelling(all.arcs[a].word);
    shares[text] += std::exp(-path.cost);
  }
  std::vector<Alternative> strings;
  for (const auto& [text, share] : shares) strings.push_back({text, -std::log(share)});
  std::stable_sort(strings.begin(), strings.end(),
                   [](const auto& a, const auto& b) { return a.cost < b.cost; });
  strings.resize(std::min(strings.size(), wanted));
  return strings;
}

}  // namespace skald
