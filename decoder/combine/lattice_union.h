#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "decoder/combine/system_word.h"
#include "decoder/lattice/confusion_network.h"
#include "decoder/lattice/word_lattice.h"

namespace skald {

/// Frames a second of lattices on the common clock, whatever the frame shifts of their systems are.
inline constexpr double kCommonFramesPerSecond = 1000;

/// `lattice` with words renumbered (word_numbers[w] is the common number of its word w, not 0 but for 0) and
/// frame f at start_s + f * frame_shift_s on the common clock. Links to raw arcs are left out.
/// kInvalidArgument for words beyond `word_numbers`.
StatusOr<WordLattice> OnCommonClock(const WordLattice& lattice, double start_s, double frame_shift_s,
                                    std::span<const uint32_t> word_numbers);

/// The lattice of one certain word string, on the common clock; of no word where `words` is empty.
WordLattice LatticeOfWords(std::span<const SystemWord> words);

/// Every path of the first lattice followed by every path of the second, and so on; costs add. Lattices
/// without nodes are left out.
WordLattice ConcatenateLattices(std::span<const WordLattice> lattices);

struct WeightedLattice {
  const WordLattice* lattice = nullptr;
  double weight = 1;  ///< 0 or more
  /// Factor of all costs, more than 0. Smaller: flatter posteriors, the system doubts more.
  double scale = 1;
};

/// Lattice of all paths of all systems: those of a system share its part of all weights as their posteriors
/// in their own lattice say. Its paths weigh exp(-cost) and sum to 1 (Xu, Povey, Mangu and Zhu, "Minimum
/// Bayes Risk decoding and system combination based on a recursion for edit distance", 2011; Kaldi's
/// lattice-combine). Not deterministic: a word string has a path for each system that has it. Systems of
/// weight 0 and lattices without a complete path are left out; without any other the union has no nodes.
WordLattice UnionOfLattices(std::span<const WeightedLattice> systems);

/// The confusion network of the union of the systems' lattices on the common clock, whose hypothesis has the
/// least expected word errors: the best of the local optima that BuildConfusionNetwork finds from the best
/// path of each system, of equal ones that of the earlier system. Arcs are those of UnionOfLattices.
/// `options.start_path` has no effect. Thread safe.
ConfusionNetwork NetworkOfUnion(std::span<const WeightedLattice> systems, const MbrOptions& options = {});

/// The words of least expected word errors over the union of the systems' lattices on the common clock, in
/// order of time: those of NetworkOfUnion. Thread safe.
std::vector<SystemWord> CombineByMbr(std::span<const WeightedLattice> systems,
                                     const MbrOptions& options = {});

/// Cells that CombineByMbr needs, 16 bytes each and time in proportion; grows with the square of the length.
size_t MbrCells(std::span<const WeightedLattice> systems);

}  // namespace skald
