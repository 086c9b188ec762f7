#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/results.h"
#include "base/status.h"

namespace skald {

/// Rules for cutting recognised words into subtitles. The defaults follow what broadcasters and streaming
/// services ask of English subtitles: two lines of 42 characters, one to seven seconds, about 20 characters
/// per second.
struct SubtitleOptions {
  /// Larger: fewer, wider subtitles. Counted in Unicode code points.
  int max_characters_per_line = 42;
  int max_lines = 2;  ///< of a subtitle
  /// A subtitle stays at least this long where the next one leaves room. Larger: easier to read, lags behind
  /// speech.
  double min_duration_s = 1.0;
  double max_duration_s = 7.0;  ///< no subtitle stays longer
  /// Pause between two subtitles, so that the eye notices the change (two frames at 25 per second).
  double min_gap_s = 0.08;
  /// Advisory: subtitles that would have to be read faster stay longer where there is room, and cuts avoid
  /// them.
  double max_characters_per_s = 20.0;
  /// A pause between words at least this long always ends the subtitle. Smaller: more and shorter subtitles.
  double break_pause_s = 0.8;

  /// kInvalidArgument names the option that is out of range.
  Status Validate() const;
};

/// One subtitle. Times in whole milliseconds, so that no rounding can make two of them overlap.
struct SubtitleCue {
  int64_t start_ms = 0;            ///< milliseconds
  int64_t end_ms = 0;              ///< > start_ms
  int channel = 0;                 ///< of its words
  double confidence = 0;           ///< mean of the word confidences, in [0, 1]
  std::vector<std::string> lines;  ///< at least one; no line is empty
};

/// Cuts the words of one channel into subtitles; `channel` and `first_line_reserve` (characters that the
/// writer will put before the first line) are the same for all.
///
/// Every word appears once, in order, whole; a word longer than a line has a line of its own. A cue holds
/// words of one segment and at most `max_lines` lines. Cues do not overlap, keep `min_gap_s` and start no
/// earlier than their first word; where words share an instant, later cues give way by the least that keeps
/// every cue visible (and the gap is dropped before a cue would get shorter than 40 ms). Cues last at most
/// `max_duration_s`.
///
/// Where to cut is chosen per stretch between pauses by dynamic programming over all cuts that obey the
/// limits: few cues, cuts at the longest pauses, none shorter than `min_duration_s` or faster than
/// `max_characters_per_s`, and cues of similar length. Lines are balanced, with the lower one longer on a
/// tie. O(words * words per cue). Deterministic. Segments must belong to one channel and be ordered by start
/// time.
std::vector<SubtitleCue> LayOutSubtitles(std::span<const Segment> segments, const SubtitleOptions& options,
                                         int channel = 0, int first_line_reserve = 0);

/// The same segment by segment: a cue is settled when it is known where the next one starts. Not thread safe.
class SubtitleLayout {
 public:
  /// As LayOutSubtitles has them.
  SubtitleLayout(const SubtitleOptions& options, int channel, int first_line_reserve)
      : options_(options), channel_(channel), first_line_reserve_(first_line_reserve) {}

  /// Adds to `settled` the cues that no further segment can change.
  void Add(const Segment& segment, std::vector<SubtitleCue>* settled);
  /// No further segment starts before `start_ms`. The last cue is settled where it ends in time for any.
  void Advance(int64_t start_ms, std::vector<SubtitleCue>* settled);
  /// The last cue.
  void Finish(std::vector<SubtitleCue>* settled);

  /// Start of the cue that is not settled yet, which comes before all that are to come; nothing where there
  /// is none.
  std::optional<int64_t> open_start_ms() const;

 private:
  void Append(SubtitleCue cue, std::vector<SubtitleCue>* settled);

  const SubtitleOptions options_;
  const int channel_;
  const int first_line_reserve_;
  int64_t earliest_ms_ = 0;  // of the next word
  std::optional<SubtitleCue> open_;
};

/// Breaks `words` into the least number of lines of at most `max_characters` code points (longer words alone,
/// whole), as even as possible. `first_line_reserve` characters of the first line are taken.
std::vector<std::string> BreakLines(std::span<const std::string> words, int max_characters,
                                    int first_line_reserve = 0);

}  // namespace skald
