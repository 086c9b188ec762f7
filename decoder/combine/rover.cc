#include "decoder/combine/rover.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"

namespace skald {
namespace {

constexpr double kEndOfTime = 9999999.9;  // as SCTK has it
constexpr size_t kMaxSystems = 50;        // a step back fits into a byte
constexpr uint64_t kMaxCells = uint64_t{1} << 32;

/// The gap behind word `i` of a range that ends at `end`.
std::pair<double, double> GapBehind(const std::vector<SystemWord>& words, size_t i, size_t end) {
  return {words[i].end_s, i + 1 < end ? words[i + 1].start_s : kEndOfTime};
}

enum Step : uint8_t { kBoth = 0, kSlotAlone = 1, kWordAlone = 2 };

/// Costs and comparisons are in f32, so that equal costs are equal where SCTK finds them so.
class SlotAligner {
 public:
  explicit SlotAligner(bool by_time) : by_time_(by_time) {}

  void Align(std::vector<RoverSlot>* slots, const std::vector<SystemWord>& words, uint32_t system,
             double null_confidence) {
    FillTable(*slots, words);
    Merge(slots, words, system, null_confidence);
  }

 private:
  float CostOfSlotAlone(const SystemWord& entry) const {
    if (entry.word == 0) return 0.001f;
    return by_time_ ? static_cast<float>(entry.end_s - entry.start_s) : 3.0f;
  }
  float CostOfWordAlone(const SystemWord& word) const {
    return by_time_ ? static_cast<float>(word.end_s - word.start_s) : 3.0f;
  }
  float CostOfBoth(const SystemWord& entry, const SystemWord& word) const {
    const bool same = entry.word == word.word;
    if (by_time_) {
      return static_cast<float>(std::fabs(entry.start_s - word.start_s) +
                                std::fabs(entry.end_s - word.end_s) + (same ? 0.0 : 0.001));
    }
    if (same) return 0.0f;
    return entry.word == 0 ? 1.0f : 4.0f;
  }

  /// Every entry of a slot has a row: of the costs of ending with it and the first j words. Which entry leads
  /// decides between steps of equal cost.
  void FillTable(const std::vector<RoverSlot>& slots, const std::vector<SystemWord>& words) {
    width_ = words.size() + 1;
    first_row_.assign(1, 1);
    for (const RoverSlot& slot : slots) first_row_.push_back(first_row_.back() + slot.size());
    steps_.assign(first_row_.back() * width_, 0);
    std::vector<float> before(width_, 0.0f), here;  // [entries of a slot][width]
    for (size_t j = 1; j < width_; ++j) {
      before[j] = before[j - 1] + CostOfWordAlone(words[j - 1]);
      steps_[j] = kWordAlone;
    }
    for (size_t i = 0; i < slots.size(); ++i) {
      here.assign(slots[i].size() * width_, 0.0f);
      for (size_t e = 0; e < slots[i].size(); ++e) {
        float* row = &here[e * width_];
        uint8_t* steps = &steps_[(first_row_[i] + e) * width_];
        const SystemWord& entry = slots[i][e].word;
        for (size_t j = 0; j < width_; ++j) {
          const size_t from = Cheapest(before, j);
          const float slot_alone = before[from * width_ + j] + CostOfSlotAlone(entry);
          row[j] = slot_alone;
          steps[j] = Pack(kSlotAlone, from);
          if (j == 0) continue;
          const size_t from_both = Cheapest(before, j - 1);
          const float both = before[from_both * width_ + j - 1] + CostOfBoth(entry, words[j - 1]);
          const float word_alone = row[j - 1] + CostOfWordAlone(words[j - 1]);
          if (both <= slot_alone && both <= word_alone) {
            row[j] = both;
            steps[j] = Pack(kBoth, from_both);
          } else if (!(slot_alone < word_alone)) {
            row[j] = word_alone;
            steps[j] = Pack(kWordAlone, 0);
          }
        }
      }
      before.swap(here);
    }
    last_entry_ = Cheapest(before, width_ - 1);
  }

  /// The first of the rows whose cost at column j is least.
  size_t Cheapest(const std::vector<float>& rows, size_t j) const {
    size_t best = 0;
    for (size_t e = 1; e * width_ < rows.size(); ++e) {
      if (rows[e * width_ + j] < rows[best * width_ + j]) best = e;
    }
    return best;
  }

  void Merge(std::vector<RoverSlot>* slots, const std::vector<SystemWord>& words, uint32_t system,
             double null_confidence) const {
    const SystemWord none{0, 0, 0, null_confidence};
    std::vector<RoverSlot> merged;  // backwards
    size_t i = slots->size(), j = words.size(), entry = last_entry_;
    while (i > 0 || j > 0) {
      const size_t row = i == 0 ? 0 : first_row_[i - 1] + entry;
      const uint8_t packed = steps_[row * width_ + j];
      switch (static_cast<Step>(packed & 3)) {
        case kBoth:
          merged.push_back(std::move((*slots)[--i]));
          merged.back().push_back({words[--j], system});
          entry = packed >> 2;
          break;
        case kSlotAlone:
          merged.push_back(std::move((*slots)[--i]));
          merged.back().push_back({none, system});
          entry = packed >> 2;
          break;
        case kWordAlone:
          merged.push_back({{words[--j], system}});
          for (uint32_t earlier = 0; earlier < system; ++earlier) merged.back().push_back({none, earlier});
          break;
      }
    }
    std::reverse(merged.begin(), merged.end());
    slots->swap(merged);
  }

  static uint8_t Pack(Step step, size_t entry) { return static_cast<uint8_t>(step | (entry << 2)); }

  const bool by_time_;
  size_t width_ = 0;
  std::vector<size_t> first_row_;  // of each slot; row 0 is before all slots
  std::vector<uint8_t> steps_;     // [rows][width]: step, and entry of the slot before
  size_t last_entry_ = 0;
};

}  // namespace

Status RoverOptions::Validate() const {
  if (!(alpha >= 0 && alpha <= 1)) return Status::InvalidArgument("alpha must be within 0 to 1");
  if (!(null_confidence >= 0 && null_confidence <= 1)) {
    return Status::InvalidArgument("null_confidence must be within 0 to 1");
  }
  if (!(pause_s >= 0)) return Status::InvalidArgument("pause_s must be 0 or more");
  return Status::Ok();
}

std::vector<RoverChunk> SplitAtCommonPauses(std::span<const std::vector<SystemWord>> systems,
                                            double pause_s) {
  std::vector<RoverChunk> chunks;
  std::vector<size_t> begin(systems.size(), 0), all;
  for (const auto& words : systems) all.push_back(words.size());
  while (!systems.empty() && begin != all) {
    std::vector<size_t> end = all;
    for (size_t i = begin[0]; i < all[0]; ++i) {
      auto [gap_begin, gap_end] = GapBehind(systems[0], i, all[0]);
      if (!(gap_end > gap_begin + pause_s)) continue;
      std::vector<size_t> candidate = begin;
      candidate[0] = i + 1;
      bool is_common = true;
      for (size_t k = 1; k < systems.size() && is_common; ++k) {
        is_common = begin[k] == all[k];
        for (size_t w = begin[k]; w < all[k] && !is_common; ++w) {
          const auto [other_begin, other_end] = GapBehind(systems[k], w, all[k]);
          if (!(std::min(gap_end, other_end) - std::max(gap_begin, other_begin) > 0)) continue;
          is_common = true;
          gap_begin = std::max(gap_begin, other_begin);
          gap_end = std::min(gap_end, other_end);
          candidate[k] = w + 1;
        }
      }
      if (!is_common) continue;
      end = candidate;
      break;
    }
    chunks.push_back({begin, end});
    begin = end;
  }
  return chunks;
}

StatusOr<std::vector<RoverSlot>> AlignForRover(std::span<const std::vector<SystemWord>> systems,
                                               const RoverOptions& options) {
  if (systems.size() > kMaxSystems) return Status::InvalidArgument("more than 50 systems");
  std::vector<RoverSlot> slots;
  SlotAligner aligner(options.align_by_time);
  for (uint32_t k = 0; k < systems.size(); ++k) {
    if ((slots.size() * k + 1) * (systems[k].size() + 1) > kMaxCells) {
      return Status::ResourceExhausted("too many words without a pause that all systems have in common");
    }
    aligner.Align(&slots, systems[k], k, options.null_confidence);
  }
  return slots;
}

std::vector<SystemWord> VoteForWords(std::span<const RoverSlot> slots, std::span<const double> weights,
                                     const RoverOptions& options) {
  struct Candidate {
    uint32_t word = 0;
    double weight = 0, start_s = 0, end_s = 0, confidence = 0, most_confidence = 0;
  };
  std::vector<SystemWord> chosen;
  std::vector<Candidate> candidates;
  for (const RoverSlot& slot : slots) {
    candidates.clear();
    double all_weight = 0, all_confidence = 0;
    for (const RoverEntry& entry : slot) {
      auto found = std::find_if(candidates.begin(), candidates.end(),
                                [&](const Candidate& c) { return c.word == entry.word.word; });
      if (found == candidates.end()) {
        candidates.push_back({entry.word.word});
        found = candidates.end() - 1;
      }
      const double weight = weights[entry.system];
      found->weight += weight;
      found->start_s += weight * entry.word.start_s;
      found->end_s += weight * entry.word.end_s;
      found->confidence += weight * entry.word.confidence;
      found->most_confidence = std::max(found->most_confidence, entry.word.confidence);
      all_weight += weight;
      all_confidence += weight * entry.word.confidence;
    }
    const Candidate* best = nullptr;
    double best_score = -1;
    for (const Candidate& candidate : candidates) {
      double confidence = candidate.confidence / candidate.weight;
      if (options.vote == RoverVote::kMaximum) confidence = candidate.most_confidence;
      if (options.vote == RoverVote::kShare) {
        confidence = all_confidence > 0 ? candidate.confidence / all_confidence : 0.0;
      }
      const double score =
          options.alpha * (candidate.weight / all_weight) + (1.0 - options.alpha) * confidence;
      if (!(score > best_score)) continue;
      best_score = score;
      best = &candidate;
    }
    if (best == nullptr || best->word == 0) continue;
    chosen.push_back({best->word, best->start_s / best->weight, best->end_s / best->weight,
                      best->confidence / best->weight});
  }
  return chosen;
}

StatusOr<std::vector<SystemWord>> Rover(std::span<const std::vector<SystemWord>> systems,
                                        std::span<const double> weights, const RoverOptions& options) {
  SKALD_RETURN_IF_ERROR(options.Validate());
  SKALD_CHECK(weights.size() == systems.size(), "one weight for each system");
  std::vector<std::vector<SystemWord>> used;
  std::vector<double> used_weights;
  for (size_t k = 0; k < systems.size(); ++k) {
    if (!(weights[k] >= 0 && std::isfinite(weights[k]))) {
      return Status::InvalidArgument("weights of systems must be 0 or more");
    }
    if (weights[k] == 0) continue;
    used.push_back(systems[k]);
    used_weights.push_back(weights[k]);
  }
  std::vector<SystemWord> words;
  for (const RoverChunk& chunk : SplitAtCommonPauses(used, options.pause_s)) {
    std::vector<std::vector<SystemWord>> parts;
    for (size_t k = 0; k < used.size(); ++k) {
      const auto begin = used[k].begin();
      parts.emplace_back(begin + static_cast<ptrdiff_t>(chunk.begin[k]),
                         begin + static_cast<ptrdiff_t>(chunk.end[k]));
    }
    SKALD_ASSIGN_OR_RETURN(const std::vector<RoverSlot> slots, AlignForRover(parts, options));
    const std::vector<SystemWord> voted = VoteForWords(slots, used_weights, options);
    words.insert(words.end(), voted.begin(), voted.end());
  }
  return words;
}

}  // namespace skald
