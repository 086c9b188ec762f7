#include "engine/segment_describer.h"

#include <algorithm>
#include <utility>

#include "decoder/lattice/forward_backward.h"
#include "decoder/lattice/htk_slf.h"
#include "decoder/lattice/kaldi_binary.h"
#include "decoder/lattice/kaldi_text.h"
#include "decoder/lattice/nbest.h"
#include "decoder/lattice/openfst_text.h"
#include "decoder/lattice/word_aligner.h"
#include "decoder/lattice/word_confidence.h"

namespace skald {
namespace {

/// Alternatives below this are not listed: outputs have three decimals.
constexpr double kSmallestPosterior = 0.001;

void ScaleGraphCosts(double scale, WordLattice* words) {
  for (WordLatticeArc& arc : words->arcs) arc.graph_cost *= scale;
  for (WordLatticeNode& node : words->nodes) node.final_graph_cost *= scale;
}

}  // namespace

std::vector<WordAlternative> OtherWords(const ConfusionBin& bin, uint32_t chosen, int count,
                                        const std::function<std::string(uint32_t)>& spelling) {
  std::vector<WordAlternative> others;
  for (const ConfusionEntry& entry : bin) {
    if (others.size() == static_cast<size_t>(count) || entry.posterior < kSmallestPosterior) break;
    if (entry.word == chosen) continue;
    others.push_back({entry.word == 0 ? "" : spelling(entry.word), entry.posterior});
  }
  return others;
}

Status DescriptionOptions::Validate() const {
  if (!(mbr_scale > 0 && mbr_scale <= 100)) {
    return Status::InvalidArgument("mbr_scale must be greater than 0, at most 100");
  }
  if (!(confidence_scale > 0 && confidence_scale <= 100)) {
    return Status::InvalidArgument("confidence_scale must be greater than 0, at most 100");
  }
  if (!(graph_scale > 0 && graph_scale <= 100)) {
    return Status::InvalidArgument("graph_scale must be greater than 0, at most 100");
  }
  if (nbest < 0 || nbest > 10000) return Status::InvalidArgument("nbest must be within 0 to 10000");
  if (alternatives < 0 || alternatives > 1000) {
    return Status::InvalidArgument("alternatives must be within 0 to 1000");
  }
  return Status::Ok();
}

Segment SegmentDescriber::Describe(const RawLattice& raw, int64_t first_frame,
                                   const FrameClock& clock) const {
  std::optional<WordLattice> words;
  double effective_lattice_beam = raw.lattice_beam;
  if (NeedsNetwork() || options_.word_rule == WordRule::kMbr || options_.nbest > 0 ||
      options_.alternatives > 0 || options_.lattice_type != LatticeType::kNone) {
    words = DeterminizeWords(raw);
    effective_lattice_beam = words->effective_beam;  // rescoring narrows it without losing what was asked for
    if (rescorer_ != nullptr) words = rescorer_->Rescore(raw, *std::move(words));
  }
  Segment result;
  if (options_.lattice_type != LatticeType::kNone) {
    result.lattice = {options_.lattice_type, clock.Seconds(first_frame),
                      clock.Seconds(first_frame + raw.frames), LatticeBody(raw, *words, clock)};
  }
  if (options_.graph_scale != 1) ScaleGraphCosts(options_.graph_scale, &*words);
  const Choice choice = BestWords(raw, words);

  double confidence_sum = 0;
  std::vector<uint32_t> numbers;
  for (size_t i = 0; i < choice.words.size(); ++i) {
    const PathWord& chosen = choice.words[i];
    Word word;
    word.text = std::string(graph_.word(chosen.word));
    word.start_s = clock.Seconds(first_frame + chosen.start_frame);
    word.end_s = clock.Seconds(first_frame + chosen.end_frame);
    word.confidence = options_.confidence_map(choice.confidences[i]);
    if (!choice.alternatives.empty()) word.alternatives = choice.alternatives[i];
    confidence_sum += word.confidence;
    numbers.push_back(chosen.word);
    result.words.push_back(std::move(word));
  }
  result.text = Spell(numbers);
  if (!result.words.empty()) {
    result.start_s = result.words.front().start_s;
    result.end_s = result.words.back().end_s;
    result.confidence = confidence_sum / static_cast<double>(result.words.size());
  }
  result.effective_beam = raw.smallest_beam;
  result.effective_lattice_beam = effective_lattice_beam;
  if (options_.nbest > 0) result.nbest = Strings(*words);
  return result;
}

SegmentDescriber::Choice SegmentDescriber::BestWords(const RawLattice& raw,
                                                     const std::optional<WordLattice>& words) const {
  Choice choice;
  if (options_.word_rule == WordRule::kViterbi && !NeedsNetwork() && options_.alternatives == 0) {
    choice.words = BestPath(raw).words;
    choice.confidences = WordConfidences(raw, ForwardBackward(raw, options_.confidence_scale), choice.words);
    return choice;
  }
  const std::vector<WordPath> best = NBest(*words, 1);
  if (best.empty()) return choice;
  if (words->nodes.size() * (2 * best[0].arcs.size() + 2) > options_.max_mbr_cells) {
    choice.words = AlignWordPath(raw, *words, best[0].arcs).words;
    choice.confidences = WordConfidences(raw, ForwardBackward(raw, options_.confidence_scale), choice.words);
    return choice;
  }
  MbrOptions mbr;
  mbr.scale = options_.mbr_scale;
  mbr.change_words = options_.word_rule == WordRule::kMbr;
  const ConfusionNetwork network = BuildConfusionNetwork(*words, mbr);
  WordAligner aligner(raw, *words);
  for (const ConfidentWord& chosen : network.words) {
    PathWord word = aligner.Align(chosen.arc);
    if (!choice.words.empty()) {
      // Words of different paths may overlap.
      const PathWord& before = choice.words.back();
      word.start_frame = std::max(word.start_frame, before.start_frame);
      word.end_frame = std::max(word.end_frame, word.start_frame);
    }
    choice.words.push_back(word);
    choice.confidences.push_back(chosen.confidence);
    choice.alternatives.push_back(
        OtherWords(network.bins[chosen.bin], chosen.word, options_.alternatives,
                   [this](uint32_t word) { return std::string(graph_.word(word)); }));
  }
  // Posteriors of the raw lattice predict better than those of the network, but know nothing of new costs.
  if (!NeedsNetwork())
    choice.confidences = WordConfidences(raw, ForwardBackward(raw, options_.confidence_scale), choice.words);
  return choice;
}

std::vector<Alternative> SegmentDescriber::Strings(const WordLattice& words) const {
  std::vector<Alternative> alternatives;
  for (const WordPath& path : NBest(words, static_cast<size_t>(options_.nbest))) {
    std::vector<uint32_t> numbers;
    for (const uint32_t a : path.arcs) numbers.push_back(words.arcs[a].word);
    alternatives.push_back({Spell(numbers), path.cost});
  }
  return alternatives;
}

std::string SegmentDescriber::LatticeBody(const RawLattice& raw, const WordLattice& words,
                                          const FrameClock& clock) const {
  switch (options_.lattice_type) {
    case LatticeType::kNone:
      return "";
    case LatticeType::kKaldiText:
      return WriteKaldiText(ToCompactLattice(raw, words, ""));
    case LatticeType::kKaldiBinary:
      return WriteKaldiBinary(ToCompactLattice(raw, words, ""));
    case LatticeType::kOpenFst:
      return WriteOpenFstText(words) + '\n';
    case LatticeType::kSlf:
      return WriteHtkSlf(
          words, "", [this](uint32_t word) { return graph_.word(word); }, clock.frame_shift_s);
  }
  return "";
}

std::string SegmentDescriber::Spell(std::span<const uint32_t> words) const {
  std::string text;
  for (const uint32_t word : words) {
    if (!text.empty()) text += ' ';
    text += graph_.word(word);
  }
  return text;
}

}  // namespace skald
