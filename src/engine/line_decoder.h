#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/view.h"

namespace skald {

/// A word that does not change any more: frames [start_frame, end_frame) of its line.
struct LineWord {
  std::string text;
  int64_t start_frame = 0;
  int64_t end_frame = 0;
};

/// Finds the words of one line of live audio after the other while its scores come. Belongs to one thread.
class LineDecoder {
 public:
  virtual ~LineDecoder() = default;

  /// A line begins.
  virtual void Begin() = 0;
  /// Takes the next frames [frames, units] of scores on the host. Fails for scores that are not numbers.
  virtual Status Advance(ScoreView nll) = 0;
  /// The words that became final since the last call, in order. What contradicts them is dropped.
  virtual std::vector<LineWord> Settle() = 0;
  /// The line is over: the words that are left.
  virtual std::vector<LineWord> Finish() = 0;
};

}  // namespace skald
