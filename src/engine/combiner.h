#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/results.h"
#include "base/status.h"
#include "decoder/combine/network_combination.h"
#include "decoder/combine/rover.h"
#include "decoder/lattice/word_lattice.h"

namespace skald {

enum class CombinationMethod {
  kMbr,    ///< least expected word errors over the union of the systems' lattices
  kRover,  ///< votes of the systems' words
  kCnc,    ///< means of the systems' confusion networks
};

/// "mbr", "rover" or "cnc".
StatusOr<CombinationMethod> ParseCombinationMethod(std::string_view name);

struct CombinerOptions {
  CombinationMethod method = CombinationMethod::kMbr;
  /// [systems], 0 or more: how much each counts; empty: all alike. A system of weight 0 has no part.
  std::vector<double> weights;
  /// [systems], more than 0: factors of the costs of their lattices; empty: 0.5 for all. Smaller: a system is
  /// less sure of itself.
  std::vector<double> lattice_scales;
  RoverOptions rover;
  NetworkCombinationOptions networks;
  /// Move the times of each system by the median of its words' offsets against the first system.
  bool move_times = true;
  /// A pause this long that all systems have in common ends a segment of the result. Smaller: shorter
  /// segments, faster, but words at their ends may be torn apart.
  double pause_s = 0.5;
  /// kMbr: a segment that needs more cells (16 bytes each) than this is combined by confusion networks.
  size_t max_mbr_cells = size_t{1} << 24;

  /// kInvalidArgument names the option that is out of range for that many systems.
  Status Validate(size_t systems) const;
};

/// A stretch of speech as a system has it.
struct SystemSegment {
  std::string file;  ///< what recordings of the systems are matched by
  int channel = 0;
  double start_s = 0;  ///< of the lattice's frame 0
  double frame_shift_s = 0;
  std::vector<Word> words;  ///< where there is no lattice
  WordLattice lattice;      ///< without nodes where there is none
};

/// All that a system says about some recordings.
struct CombinedSystem {
  std::string name;
  std::vector<std::string> word_table;  ///< spellings of the words of its lattices; index 0 is no word
  std::vector<SystemSegment> segments;
};

struct Combination {
  /// One for each recording that any system has, in order of the file's name. Segments have words, times and
  /// confidences; source.path is the file.
  std::vector<Transcript> transcripts;
  /// [systems] Seconds that the times of each were moved back by.
  std::vector<double> offsets_s;
  /// What had to be done otherwise than asked for.
  std::vector<std::string> notes;
};

/// Combines what several systems say about the same recordings; put the best one first. Words are compared
/// regardless of letter case and spelled as the first system that has them does. Lattices serve kMbr and kCnc
/// as they are and kRover by their words of least expected errors; words without a lattice serve kMbr as one
/// certain path. A system that says nothing in a whole recording has no part there. Fails with
/// kInvalidArgument for options out of range and for word numbers that a word table lacks. Deterministic.
StatusOr<Combination> CombineSystems(const std::vector<CombinedSystem>& systems,
                                     const CombinerOptions& options);

}  // namespace skald
