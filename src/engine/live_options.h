#pragma once

#include <functional>
#include <vector>

#include "base/results.h"
#include "base/status.h"

namespace skald {

/// How live audio is cut up. A word appears at most lookahead_s + step_s + max_delay_s after it and the next
/// word began, or after the pause that follows it.
struct LiveOptions {
  /// Audio between two looks of the acoustic model [s]. Smaller: words come sooner, and each look costs the
  /// model history_s of work.
  double step_s = 0.5;
  /// Audio after a frame that its scores must have seen [s]. Larger: more accurate and later.
  double lookahead_s = 1.0;
  /// Audio before it that the acoustic model sees again [s]. Larger: more accurate, more work.
  double history_s = 6.0;
  /// What was heard this long ago is decided, even where hypotheses still differ [s]. Larger: fewer errors,
  /// words that are in doubt come later.
  double max_delay_s = 2.0;
  /// A pause of this length ends a line [s].
  double pause_s = 0.8;
  /// A line ends at the next short pause when it is this long [s].
  double long_line_s = 15.0;
  /// A line never gets longer [s]; memory grows with it.
  double max_line_s = 30.0;
  /// A frame belongs to a pause where the blank has at least this probability.
  double blank_probability = 0.9;

  /// kInvalidArgument names the field that is out of range.
  Status Validate() const;
};

/// Words that will not change any more, in order.
struct LiveUpdate {
  std::vector<Word> words;  ///< without confidences: these need the whole line
  bool line_ended = false;  ///< after these words
  double heard_s = 0;       ///< end of the audio that was heard when they became stable
};

/// Receives words as they become stable.
using LiveSink = std::function<void(const LiveUpdate&)>;

}  // namespace skald
