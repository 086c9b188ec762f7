#include "engine/combiner.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <optional>

#include "decoder/combine/lattice_union.h"
#include "decoder/combine/time_offset.h"
#include "decoder/lattice/confusion_network.h"
#include "engine/word_numbers.h"

namespace skald {
namespace {

constexpr double kDefaultLatticeScale = 0.5;

/// A segment of a system with common word numbers and times.
struct NumberedSegment {
  std::vector<SystemWord> words;
  std::optional<WordLattice> lattice;  // on the common clock
  double start_s = 0;                  // of its words; the middle of the lattice where there are none
  double end_s = 0;
};

using Recording = std::pair<std::string, int>;  // file, channel
using SystemRecordings = std::map<Recording, std::vector<NumberedSegment>>;

std::vector<SystemWord> WordsOf(const ConfusionNetwork& network) {
  std::vector<SystemWord> words;
  for (const ConfidentWord& word : network.words) {
    words.push_back({word.word, word.start_frame / kCommonFramesPerSecond,
                     word.end_frame / kCommonFramesPerSecond, word.confidence});
  }
  return words;
}

std::vector<SystemWord> AllWords(const std::vector<NumberedSegment>& segments) {
  std::vector<SystemWord> words;
  for (const NumberedSegment& segment : segments) {
    words.insert(words.end(), segment.words.begin(), segment.words.end());
  }
  return words;
}

class Combiner {
 public:
  Combiner(const std::vector<CombinedSystem>& systems, const CombinerOptions& options)
      : systems_(systems), options_(options), weights_(options.weights), scales_(options.lattice_scales) {
    weights_.resize(systems.size(), 1.0);
    scales_.resize(systems.size(), kDefaultLatticeScale);
  }

  StatusOr<Combination> Run() {
    for (size_t k = 0; k < systems_.size(); ++k) SKALD_RETURN_IF_ERROR(Read(k));
    MoveTimes();
    std::map<Recording, int> recordings;
    for (const SystemRecordings& system : read_) {
      for (const auto& [recording, segments] : system) recordings.try_emplace(recording);
    }
    for (const auto& [recording, unused] : recordings) {
      if (result_.transcripts.empty() || result_.transcripts.back().source.path != recording.first) {
        result_.transcripts.emplace_back();
        result_.transcripts.back().source.path = recording.first;
      }
      SKALD_RETURN_IF_ERROR(CombineRecording(recording, &result_.transcripts.back()));
    }
    return std::move(result_);
  }

 private:
  Status Read(size_t k) {
    const CombinedSystem& system = systems_[k];
    read_.emplace_back();
    std::vector<uint32_t> numbers;
    for (const std::string& word : system.word_table) numbers.push_back(numbers_.Number(word));
    if (!numbers.empty()) numbers[0] = 0;
    for (const SystemSegment& from : system.segments) {
      NumberedSegment segment;
      if (!from.lattice.nodes.empty()) {
        StatusOr<WordLattice> lattice =
            OnCommonClock(from.lattice, from.start_s, from.frame_shift_s, numbers);
        if (!lattice.ok()) return std::move(lattice).status().At(from.file).InFile(system.name);
        segment.lattice = *std::move(lattice);
        MbrOptions mbr;
        mbr.scale = scales_[k];
        // A long segment gets the words of the best path with their confidences only.
        const WeightedLattice alone{&*segment.lattice, 1, scales_[k]};
        mbr.change_words = MbrCells({&alone, 1}) <= options_.max_mbr_cells;
        segment.words = WordsOf(BuildConfusionNetwork(*segment.lattice, mbr));
        segment.start_s = segment.end_s =
            from.start_s + from.frame_shift_s * static_cast<double>(from.lattice.frames) / 2;
      } else {
        for (const Word& word : from.words) {
          segment.words.push_back({numbers_.Number(word.text), word.start_s, word.end_s, word.confidence});
        }
      }
      if (!segment.words.empty()) {
        segment.start_s = segment.words.front().start_s;
        for (const SystemWord& word : segment.words) segment.end_s = std::max(segment.end_s, word.end_s);
      }
      read_[k][{from.file, from.channel}].push_back(std::move(segment));
    }
    for (auto& [recording, segments] : read_[k]) {
      std::stable_sort(segments.begin(), segments.end(),
                       [](const auto& a, const auto& b) { return a.start_s < b.start_s; });
    }
    return Status::Ok();
  }

  void MoveTimes() {
    result_.offsets_s.assign(systems_.size(), 0.0);
    for (size_t k = 1; k < systems_.size() && options_.move_times; ++k) {
      std::vector<double> offsets;
      for (const auto& [recording, segments] : read_[k]) {
        const auto reference = read_[0].find(recording);
        if (reference == read_[0].end()) continue;
        const auto here = WordTimeOffsets(AllWords(reference->second), AllWords(segments));
        offsets.insert(offsets.end(), here.begin(), here.end());
      }
      // Whole frames of the common clock, so that lattices and words stay together.
      const double frames = std::round(MedianOffset(std::move(offsets)) * kCommonFramesPerSecond);
      result_.offsets_s[k] = frames / kCommonFramesPerSecond;
      for (auto& [recording, segments] : read_[k]) {
        for (NumberedSegment& segment : segments) MoveSegment(&segment, static_cast<int32_t>(frames));
      }
    }
  }

  static void MoveSegment(NumberedSegment* segment, int32_t frames) {
    const double offset_s = frames / kCommonFramesPerSecond;
    segment->start_s -= offset_s;
    segment->end_s -= offset_s;
    for (SystemWord& word : segment->words) {
      word.start_s -= offset_s;
      word.end_s -= offset_s;
    }
    if (!segment->lattice) return;
    for (WordLatticeNode& node : segment->lattice->nodes) node.frame -= frames;
    for (WordLatticeArc& arc : segment->lattice->arcs) {
      arc.start_frame -= frames;
      arc.end_frame -= frames;
    }
  }

  Status CombineRecording(const Recording& recording, Transcript* transcript) {
    // Systems that take part, in order.
    std::vector<size_t> present;
    std::vector<double> weights;
    std::vector<std::vector<NumberedSegment>> segments;
    for (size_t k = 0; k < systems_.size(); ++k) {
      const auto found = read_[k].find(recording);
      if (weights_[k] == 0) continue;
      if (found == read_[k].end()) {
        result_.notes.push_back(
            fmt::format("{}: {} has nothing and is left out there", recording.first, systems_[k].name));
        continue;
      }
      present.push_back(k);
      weights.push_back(weights_[k]);
      segments.push_back(std::move(found->second));
    }
    if (options_.method == CombinationMethod::kRover) {
      std::vector<std::vector<SystemWord>> words;
      for (const auto& of_system : segments) words.push_back(AllWords(of_system));
      SKALD_ASSIGN_OR_RETURN(std::vector<SystemWord> voted, Rover(words, weights, options_.rover));
      AddSegments(std::move(voted), recording.second, transcript);
      return Status::Ok();
    }
    std::vector<size_t> next(present.size(), 0);
    while (true) {
      const std::vector<size_t> end = EndOfGroup(segments, next);
      if (end == next) break;
      AddSegments(CombineGroup(recording, present, weights, segments, next, end), recording.second,
                  transcript);
      next = end;
    }
    return Status::Ok();
  }

  /// The segments from `begin` on that hang together in time, of every system up to its end.
  std::vector<size_t> EndOfGroup(const std::vector<std::vector<NumberedSegment>>& segments,
                                 const std::vector<size_t>& begin) const {
    std::vector<size_t> end = begin;
    std::optional<double> end_s;
    while (true) {
      size_t earliest = segments.size();
      for (size_t k = 0; k < segments.size(); ++k) {
        if (end[k] == segments[k].size()) continue;
        if (earliest == segments.size() ||
            segments[k][end[k]].start_s < segments[earliest][end[earliest]].start_s) {
          earliest = k;
        }
      }
      if (earliest == segments.size()) return end;
      const NumberedSegment& segment = segments[earliest][end[earliest]];
      if (end_s && segment.start_s > *end_s + options_.pause_s) return end;
      end_s = std::max(end_s.value_or(segment.end_s), segment.end_s);
      ++end[earliest];
    }
  }

  std::vector<SystemWord> CombineGroup(const Recording& recording, const std::vector<size_t>& present,
                                       const std::vector<double>& weights,
                                       const std::vector<std::vector<NumberedSegment>>& segments,
                                       const std::vector<size_t>& begin, const std::vector<size_t>& end) {
    if (options_.method == CombinationMethod::kMbr) {
      std::vector<WordLattice> lattices;
      for (size_t k = 0; k < present.size(); ++k) {
        std::vector<WordLattice> parts;
        for (size_t i = begin[k]; i < end[k]; ++i) {
          const NumberedSegment& segment = segments[k][i];
          parts.push_back(segment.lattice ? *segment.lattice : LatticeOfWords(segment.words));
        }
        lattices.push_back(parts.empty() ? LatticeOfWords({}) : ConcatenateLattices(parts));
      }
      std::vector<WeightedLattice> weighted;
      for (size_t k = 0; k < present.size(); ++k) {
        weighted.push_back({&lattices[k], weights[k], scales_[present[k]]});
      }
      if (MbrCells(weighted) <= options_.max_mbr_cells) return CombineByMbr(weighted);
      result_.notes.push_back(
          fmt::format("{}: minutes without a pause were combined by confusion networks", recording.first));
    }
    std::vector<std::vector<TimedBin>> networks;
    for (size_t k = 0; k < present.size(); ++k) {
      networks.emplace_back();
      for (size_t i = begin[k]; i < end[k]; ++i) {
        const NumberedSegment& segment = segments[k][i];
        MbrOptions mbr;
        mbr.scale = scales_[present[k]];
        const std::vector<TimedBin> bins = segment.lattice
                                               ? TimedBins(BuildConfusionNetwork(*segment.lattice, mbr))
                                               : BinsOfWords(segment.words);
        networks.back().insert(networks.back().end(), bins.begin(), bins.end());
      }
    }
    return LikeliestWords(CombineNetworks(networks, weights, options_.networks), options_.networks);
  }

  /// Words in order of start, cut into segments at pauses.
  void AddSegments(std::vector<SystemWord> words, int channel, Transcript* transcript) const {
    std::stable_sort(words.begin(), words.end(),
                     [](const auto& a, const auto& b) { return a.start_s < b.start_s; });
    Segment segment;
    segment.channel = channel;
    const auto finish = [&] {
      if (segment.words.empty()) return;
      for (const Word& word : segment.words) {
        segment.confidence += word.confidence / static_cast<double>(segment.words.size());
      }
      segment.start_s = segment.words.front().start_s;
      transcript->segments.push_back(segment);
      segment = Segment();
      segment.channel = channel;
    };
    for (const SystemWord& word : words) {
      if (!segment.words.empty() && word.start_s > segment.end_s + options_.pause_s) finish();
      const double start_s = std::max(0.0, word.start_s);
      segment.words.push_back(
          {numbers_.Spelling(word.word), start_s, std::max(start_s, word.end_s), word.confidence});
      segment.text += (segment.text.empty() ? "" : " ") + segment.words.back().text;
      segment.end_s = std::max(segment.end_s, segment.words.back().end_s);
    }
    finish();
  }

  const std::vector<CombinedSystem>& systems_;
  const CombinerOptions& options_;
  std::vector<double> weights_;
  std::vector<double> scales_;
  WordNumbers numbers_;
  std::vector<SystemRecordings> read_;
  Combination result_;
};

}  // namespace

StatusOr<CombinationMethod> ParseCombinationMethod(std::string_view name) {
  if (name == "mbr") return CombinationMethod::kMbr;
  if (name == "rover") return CombinationMethod::kRover;
  if (name == "cnc") return CombinationMethod::kCnc;
  return Status::InvalidArgument(fmt::format("unknown method '{}'; known are mbr, rover, cnc", name));
}

Status CombinerOptions::Validate(size_t systems) const {
  if (systems == 0) return Status::InvalidArgument("no systems to combine");
  const auto fits = [&](const std::vector<double>& list) { return list.empty() || list.size() == systems; };
  if (!fits(weights) || !fits(lattice_scales)) {
    return Status::InvalidArgument(fmt::format("one weight and one scale for each of {} systems", systems));
  }
  double sum = weights.empty() ? 1 : 0;
  for (const double weight : weights) {
    if (!(weight >= 0 && std::isfinite(weight))) return Status::InvalidArgument("weights must be 0 or more");
    sum += weight;
  }
  if (!(sum > 0)) return Status::InvalidArgument("all weights are 0");
  for (const double scale : lattice_scales) {
    if (!(scale > 0 && scale <= 100)) {
      return Status::InvalidArgument("scales must be greater than 0, at most 100");
    }
  }
  if (!(pause_s >= 0)) return Status::InvalidArgument("pause_s must be 0 or more");
  if (!(networks.null_scale > 0 && networks.time_slack_s >= 0)) {
    return Status::InvalidArgument("null_scale must be greater than 0, time_slack_s 0 or more");
  }
  return rover.Validate();
}

StatusOr<Combination> CombineSystems(const std::vector<CombinedSystem>& systems,
                                     const CombinerOptions& options) {
  SKALD_RETURN_IF_ERROR(options.Validate(systems.size()));
  return Combiner(systems, options).Run();
}

}  // namespace skald
