#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "scoring/keyword_list.h"
#include "scoring/transcript_formats.h"
#include "scoring/wer.h"

namespace skald {

/// A keyword that was said.
struct ReferenceOccurrence {
  std::string keyword;  ///< id
  std::string file;
  double middle_s = 0;
  bool anywhere = false;  ///< the time is not known: a hit anywhere in the file is right
};

struct TwvOptions {
  /// Cost of a false hit over the value of a right one, and the probability that a trial is a keyword:
  /// beta = cost_ratio * (1 / prior - 1) = 999.9 as NIST has it.
  double cost_ratio = 0.1;
  double prior = 1e-4;
  /// Trials of a keyword in a second of audio.
  double trials_per_s = 1;
  /// A hit is right where its middle is at most this far from that of an occurrence [s].
  double tolerance_s = 0.5;

  double beta() const { return cost_ratio * (1 / prior - 1); }
  Status Validate() const;
};

struct KeywordScore {
  std::string id;
  int64_t true_count = 0;
  int64_t correct = 0;       ///< among the accepted hits
  int64_t false_alarms = 0;  ///< among the accepted hits
  int64_t found = 0;         ///< right hits, accepted or not
  double twv = 0;            ///< 1 - Pmiss - beta Pfa
  double best_twv = 0;       ///< at this keyword's best threshold
};

/// Error rates at one threshold on the score, averaged over keywords.
struct DetPoint {
  double threshold = 0;
  double miss = 0;
  double false_alarm = 0;
};

/// Term-weighted value: TWV(threshold) = 1 - mean over keywords of Pmiss + beta Pfa, Pmiss = 1 - correct /
/// true, Pfa = false alarms / (trials - true), trials = seconds * trials_per_s; keywords that were never said
/// are left out (Fiscus et al., "Results of the 2006 spoken term detection evaluation", 2007).
struct TwvReport {
  double actual = 0;             ///< ATWV: by the system's decisions
  double maximum = 0;            ///< MTWV: best over one threshold for all; 0 where everything is refused
  double maximum_threshold = 0;  ///< smallest score accepted there; infinity: none
  double optimum = 0;            ///< OTWV: best over a threshold for each keyword
  double supremum = 0;           ///< STWV: mean recall when everything is accepted, false alarms free
  std::vector<KeywordScore> keywords;   ///< those said at least once, in the order of the list
  int64_t never_said = 0;               ///< keywords left out
  int64_t never_said_false_alarms = 0;  ///< accepted hits of those
  std::vector<DetPoint> det;            ///< by falling threshold
};

/// Hits and occurrences are matched one to one: in the order of falling score, a hit takes the nearest
/// occurrence in reach that is left. Hits of keywords that are not listed are ignored. kInvalidArgument for
/// options out of range or `audio_s` too small to hold the occurrences.
StatusOr<TwvReport> ScoreTwv(const std::vector<Keyword>& keywords,
                             const std::vector<ReferenceOccurrence>& occurrences,
                             const std::vector<DetectedKeyword>& detected, double audio_s,
                             const TwvOptions& options = {});

/// Where the words of a keyword follow one another, at most `max_gap_s` apart, in one channel of a file.
std::vector<ReferenceOccurrence> FindOccurrences(const std::vector<Keyword>& keywords,
                                                 const std::vector<TimedWord>& words, double max_gap_s = 0.5);
/// The same in texts without times: `file` is the utterance's id.
std::vector<ReferenceOccurrence> FindOccurrences(const std::vector<Keyword>& keywords,
                                                 const std::vector<Utterance>& texts);

/// Reads the LEXEME lines of an RTTM file: "LEXEME file channel start duration word ...".
StatusOr<std::vector<TimedWord>> ReadRttm(const std::string& path);

/// The report as a text of a few lines.
std::string FormatTwvReport(const TwvReport& report);

}  // namespace skald
