#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/keyword_hits.h"
#include "base/status.h"

namespace skald {

enum class OovSearch {
  kOff,   ///< words that no transcript holds find nothing
  kAuto,  ///< they are looked for by their sound, where pronunciations are known (SetPronunciations)
};

/// What is looked for and what is listed.
struct KeywordSearchOptions {
  /// Hits with a lower score are not listed. Smaller: more hits, slower phrases. 0: everything in the index.
  double min_score = 0.1;
  /// Best hits to list; 0: all. Context is made for listed hits only, so fewer are faster.
  size_t max_hits = 0;
  int context_words = 5;  ///< on each side
  /// Longest silence between the words of a phrase [s].
  double max_gap_s = 1.0;
  OovSearch oov = OovSearch::kAuto;  ///< what becomes of unknown words
  /// Playback starts this long before the hit [s].
  double lead_in_s = 2;
  /// Threads that search segments; 0: one for each processor. The result does not depend on it.
  int threads = 0;
  /// The threshold of a query, where hits are accepted, is the one of greatest term-weighted value if scores
  /// are true probabilities: beta * N / (T + (beta - 1) * N), N the sum of its scores, T the seconds of audio
  /// searched (Miller et al. 2007). Larger beta: false hits cost more. 999.9 is NIST's.
  double beta = 999.9;

  Status Validate() const;  ///< kInvalidArgument names the field that is out of range
};

/// What an index holds.
struct KeywordIndexInfo {
  /// A part of an index, written at once and never changed.
  struct Segment {
    std::string name;        ///< of its file
    int64_t files = 0;       ///< removed ones included
    int64_t utterances = 0;  ///< segments between pauses
    int64_t terms = 0;       ///< different words
    int64_t arcs = 0;        ///< words that may have been said
    int64_t bytes = 0;       ///< on disk
    double audio_s = 0;      ///< of its files
    double floor = 0;        ///< words less probable than this are not in it
  };
  std::vector<Segment> segments;  ///< parts, oldest first
  int64_t files = 0;              ///< that can be found
  int64_t removed_files = 0;      ///< whose data a merge would delete
  int64_t bytes = 0;              ///< of all segments
  double audio_s = 0;             ///< of the files that can be found
};

/// A keyword index opened for searching: what it held when it was opened or last refreshed. Searching is
/// possible while others add, merge and remove. Move-only; Search may be called from several threads at once,
/// Refresh from none meanwhile. docs/formats.md describes the folder.
class KeywordIndex {
 public:
  /// kNotFound where there is no index; kCorrupt, kUnsupported for damaged ones and those of other versions,
  /// naming the file.
  static StatusOr<KeywordIndex> Open(const std::string& folder);
  KeywordIndex(KeywordIndex&&) noexcept;             ///< the other is then only fit to be destroyed
  KeywordIndex& operator=(KeywordIndex&&) noexcept;  ///< the other is then only fit to be destroyed
  ~KeywordIndex();

  /// Sees what was added and removed since.
  Status Refresh();

  /// Where the recognizer's pronunciations are ("WORD<TAB>PHONES" lines), for words that it does not know.
  /// Read when the first such word is asked for. Without them such words find nothing.
  void SetPronunciations(const std::string& path);

  /// kInvalidArgument for what is no query (docs/user-guide.md has the language), kCorrupt where a segment is
  /// damaged. The same index content gives the same result, however it is spread over segments.
  StatusOr<KeywordSearchResult> Search(const std::string& query,
                                       const KeywordSearchOptions& options = {}) const;

  StatusOr<KeywordIndexInfo> Info();  ///< as of the last refresh
  /// The paths of all files that can be found, sorted.
  StatusOr<std::vector<std::string>> Files();

  /// Reads every byte of every segment; kCorrupt names what is damaged.
  static Status Verify(const std::string& folder);
  /// Makes files unfindable, at once and for good; their data go when segments are merged. Returns how many
  /// of the paths there were.
  static StatusOr<int64_t> Remove(const std::string& folder, const std::vector<std::string>& paths);
  /// Merges all segments into one and drops what was removed. Returns how many segments were merged.
  static StatusOr<int64_t> Merge(const std::string& folder);
  /// Puts all that the index `other` holds into the index in `folder`, made where there is none, as one
  /// segment; files of the same path that were there are replaced. Interrupted, it has done nothing; done
  /// again, it changes nothing more. Returns how many files there were. kInvalidArgument where both are one.
  static StatusOr<int64_t> Absorb(const std::string& folder, const std::string& other);
  /// Writes `copies` of everything in `folder` to the index `to` (made where there is none), each file under
  /// its path behind "copyN/": for measuring how search scales.
  static Status Replicate(const std::string& folder, const std::string& to, int copies);

 private:
  struct State;
  explicit KeywordIndex(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace skald
