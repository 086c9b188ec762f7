#pragma once

#include "base/status.h"

namespace skald {

/// Where a stream of scores is cut into segments, each of which is searched by itself.
struct EndpointOptions {
  /// A pause of at least this long ends a segment [s]; larger gives the language model longer sentences, and
  /// subtitles and live results later.
  double pause_s = 1.0;
  /// A frame belongs to a pause where the blank has at least this probability; smaller finds more pauses and
  /// may cut through faint speech.
  double blank_probability = 0.9;
  /// From this length on a segment ends at the longest pause that it has, however short [s]; larger costs
  /// memory.
  double long_segment_s = 30.0;
  /// A segment never gets longer than this [s].
  double max_segment_s = 60.0;

  Status Validate() const;  ///< kInvalidArgument names the field that is out of range
};

}  // namespace skald
