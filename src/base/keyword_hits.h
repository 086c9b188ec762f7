#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace skald {

/// A place where what was asked for may have been said. Times in seconds of the media file.
struct KeywordHit {
  std::string file;    ///< path as it was given when the file was indexed
  int track = 0;       ///< among the audio tracks of the file, from 0
  int channel = 0;     ///< of the track, from 0
  double start_s = 0;  ///< where it begins
  double end_s = 0;    ///< where it ends
  double play_s = 0;   ///< where to start playback
  double score = 0;    ///< probability, in [0, 1]
  /// The score mapped so that 0.5 is this query's own threshold.
  double normalized_score = 0;
  bool decision = false;  ///< the score reaches the threshold
  std::string context;    ///< the likeliest transcript around it
};

/// What a query found.
struct KeywordSearchResult {
  std::string query;             ///< as it was asked
  std::string kind;              ///< "word", "phrase" (anything of several words), "oov" (found by its sound)
  std::vector<KeywordHit> hits;  ///< by falling score, then by file, track and time
  uint64_t hit_count = 0;        ///< also those beyond max_hits
  double threshold = 0;          ///< this query's own
  std::string tried;             ///< where nothing was found: what was looked for
};

}  // namespace skald
