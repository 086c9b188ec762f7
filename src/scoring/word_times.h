#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "scoring/transcript_formats.h"

namespace skald {

/// How far times lie from the reference's, in seconds, over the words that both have.
struct TimeErrors {
  double median_s = 0;  ///< of the absolute difference
  double mean_s = 0;
  double p90_s = 0;    ///< nine tenths are no further off
  double shift_s = 0;  ///< median of hypothesis - reference: a constant that could be taken off
};

struct WordTimesReport {
  int64_t reference_words = 0;
  int64_t hypothesis_words = 0;
  int64_t matched = 0;  ///< words of equal text that stand for each other
  TimeErrors start, end;
};

/// Compares word times: the words of each file and channel are aligned as for the word error rate, and those
/// that are equal (in any case) count. Channels "1" and "A" are the same. Any order of words.
/// kInvalidArgument where no word is matched; kResourceExhausted as AlignWords.
StatusOr<WordTimesReport> CompareWordTimes(std::vector<TimedWord> reference,
                                           std::vector<TimedWord> hypothesis);

/// Three lines for people to read.
std::string FormatWordTimes(const WordTimesReport& report);

}  // namespace skald
