#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/results.h"
#include "base/status.h"
#include "decoder/graph/graph_image.h"
#include "decoder/graph/lexicon.h"
#include "decoder/graph/pronouncer.h"
#include "engine/graph_cache.h"
#include "engine/recognizer.h"
#include "engine/score_rows.h"

namespace skald {

/// Finds the times of words that are known to have been said: a linear graph of their spellings, searched
/// with the beam search of recognition. Silence may lie anywhere; every word must be there, in order. One
/// call at a time; the recognizer outlives it and must have its scores on the host (search_device "cpu").
class Aligner {
 public:
  /// Reads the lexicon of the recognizer's head. Fails as its readers do.
  static StatusOr<std::unique_ptr<Aligner>> Create(Recognizer* recognizer);

  /// The transcript of `words` in the first audio track of `path`: each word with its times as recognition
  /// has them; confidence is the geometric mean of its frames' probabilities: low where something else was
  /// said. Segments end at pauses. A word is looked up in the lexicon as it stands, else in upper case
  /// without punctuation around it; one that the lexicon lacks is spelled by letters, pieces, or its two
  /// likeliest pronunciations. Memory: some 30 MB for an hour of audio with a head of 40 units, in proportion
  /// to both. kInvalidArgument names a word that cannot be spelled, or says that there are none; kUnsupported
  /// where the audio is too short for the words or nothing in it resembles them; and as the media reader
  /// fails.
  StatusOr<Transcript> Align(const std::string& path, const std::vector<std::string>& words,
                             const MediaOptions& media = {});

 private:
  explicit Aligner(Recognizer* recognizer) : recognizer_(recognizer) {}

  /// A stretch of audio without a gap.
  struct Stream {
    int64_t first_sample = 0;
    int64_t first_frame = 0;  ///< counted over all streams
  };
  struct Scores {
    std::vector<Stream> streams;
    std::vector<ScoreRows> rows;
    int64_t frames = 0;
    double duration_s = 0;
    std::vector<Warning> warnings;
    int sample_rate_hz = 0, channels = 0;
  };

  StatusOr<Scores> ScoreFile(const std::string& path, const MediaOptions& media) const;
  StatusOr<GraphImage> LinearGraph(const std::vector<std::string>& words);
  /// Spellings of the words, which may repeat.
  Status SpellWords(const std::vector<std::string>& words);
  Status SpellByPronunciation(const std::string& key);

  Recognizer* const recognizer_;
  GraphSources sources_;
  std::optional<Lexicon> pronunciations_;
  std::optional<Pronouncer> pronouncer_;  // trained when the first unknown word comes
  std::optional<uint16_t> separator_;
  std::unordered_map<std::string, std::vector<std::vector<uint16_t>>> spellings_;  // by word as looked up
  std::unordered_map<std::string, std::string> keys_;  // word to how it is looked up
};

}  // namespace skald
