#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/options.h"

namespace skald {

/// What reading lattices costs and what they hold, over all segments of some files.
struct LatticeBenchmark {
  double audio_s = 0;
  int64_t segments = 0;
  int64_t words = 0;  ///< of the best paths
  int64_t raw_arcs = 0;
  int64_t word_arcs = 0;             ///< of the determinised lattices
  double smallest_lattice_beam = 0;  ///< nats: least effective beam of any word lattice
  /// Milliseconds of processor time for each second of audio: medians of the runs.
  double best_path_ms = 0;    ///< best path, posteriors and confidences from the raw lattice
  double determinise_ms = 0;  ///< raw lattice to word lattice
  double rescore_ms = 0;      ///< larger language model; 0 where options.rescoring is off
  double nbest_ms = 0;        ///< `nbest` strings of each (rescored) word lattice
  double mbr_ms = 0;          ///< confusion network of the same and its words
  double compact_ms = 0;      ///< Kaldi binary archive of the word lattice before rescoring
};

/// Transcribes `paths`, keeps every segment's raw lattice, and measures each step of reading it on one
/// thread, `repeats` times. Takes the memory of all lattices. Fails where a file cannot be read or the
/// recognizer cannot be made.
StatusOr<LatticeBenchmark> RunLatticeBenchmark(const std::vector<std::string>& paths,
                                               const RecognizerOptions& options, int nbest, int repeats);

}  // namespace skald
