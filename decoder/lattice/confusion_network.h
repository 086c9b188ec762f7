#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "decoder/lattice/word_lattice.h"

namespace skald {

struct ConfusionEntry {
  uint32_t word = 0;  ///< 0: no word here
  double posterior = 0;
  int32_t start_frame = 0;  ///< of the likeliest occurrence of the word; 0 to 0 for no word
  int32_t end_frame = 0;
  uint32_t arc = 0;  ///< the likeliest occurrence, into WordLattice::arcs; nothing for no word
};

/// What may have been said at one place: entries by falling posterior, at equal posterior by word. Posteriors
/// sum to 1.
using ConfusionBin = std::vector<ConfusionEntry>;

/// A word of the hypothesis: [start_frame, end_frame), starts never go back; confidence in [0, 1],
/// uncalibrated.
struct ConfidentWord {
  uint32_t word = 0;
  double confidence = 0;
  int32_t start_frame = 0;
  int32_t end_frame = 0;
  uint32_t bin = 0;
  uint32_t arc = 0;  ///< its likeliest occurrence, into WordLattice::arcs
};

struct ConfusionNetwork {
  std::vector<ConfusionBin> bins;    ///< in the order of time; places where no word is possible are left out
  std::vector<ConfidentWord> words;  ///< the hypothesis, one word from each of some bins
  /// Expected word errors of the hypothesis, by the recursion below: never less than the true expectation
  /// over the lattice's paths; where no two paths meet before the end, more by at most 1e-5 for each word of
  /// a path.
  double expected_errors = 0;
  int iterations = 0;
};

struct MbrOptions {
  /// Paths weigh exp(-scale * cost). Smaller: flatter posteriors, more doubt. Must be greater than 0.
  double scale = 1.0;
  /// Change words of the hypothesis where that lowers the expected word errors; false: keep the words of the
  /// best path and only measure them.
  bool change_words = true;
  /// Rounds of change at most; each costs time of the same order.
  int max_iterations = 20;
  /// Arcs of the complete path to start from, in place of the best one; expected errors never exceed its own.
  std::optional<std::vector<uint32_t>> start_path;
};

/// Minimum Bayes risk decoding by the recursion for the expected edit distance of Xu, Povey, Mangu and Zhu,
/// "Minimum Bayes Risk decoding and system combination based on a recursion for edit distance" (2011), in
/// f64. Starts from the best path; its expected errors are never exceeded. Without `change_words` bins are
/// those of the best path. Time and memory: arcs, and nodes, times twice the number of words of the
/// hypothesis: for segments of minutes, not for hours. Deterministic. A lattice without nodes gives an empty
/// network.
ConfusionNetwork BuildConfusionNetwork(const WordLattice& lattice, const MbrOptions& options = {});

}  // namespace skald
