#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "base/results.h"

namespace skald {

/// Puts the segments of one track in order while they come, in whatever order: by start in whole
/// milliseconds, then channel, then as in their stream. Hands out each as soon as none can come any more that
/// belongs before it, so that only what is out of order waits in memory. Not thread safe.
class SegmentSequencer {
 public:
  /// The track has `channels`, 0 to channels - 1, each of which may have streams, one after the other.
  explicit SegmentSequencer(int channels);

  /// A stream of `channel` begins at `start_s`, after those that the channel had. Its number.
  int Open(int channel, double start_s);
  /// No further stream of `channel` begins before `start_s`.
  void SkipTo(int channel, double start_s);
  /// The next segment of the stream is on its way; it starts at `start_s` at the earliest.
  void Expect(int stream, double start_s);
  /// No segment that is not expected yet starts before `start_s`.
  void Advance(int stream, double start_s);
  /// The stream's segment `index`, counted from 0 as expected. Without words it is dropped.
  void Put(int stream, int64_t index, Segment segment);
  /// No more segments are expected of the stream.
  void Close(int stream);
  /// No more streams will open.
  void CloseTrack() { closed_ = true; }

  /// The segments that are next.
  std::vector<Segment> Take();

 private:
  struct Expected {
    double start_s = 0;
    bool here = false;
    Segment segment;
  };
  struct Stream {
    std::deque<Expected> expected;  // the first is number `first`
    int64_t first = 0;
    double start_s = 0;  // none that is not expected yet starts before
    bool closed = false;
  };
  struct Channel {
    std::deque<int> streams;  // not at their end yet
    double start_s = 0;       // no further stream starts before
  };

  /// Where a channel goes on: a segment that is here, or the earliest start of what may come.
  struct Front {
    int64_t start_ms = 0;
    int channel = 0;
    Stream* stream = nullptr;  ///< null: not here yet

    bool operator<(const Front& other) const {
      return start_ms != other.start_ms ? start_ms < other.start_ms : channel < other.channel;
    }
  };
  /// Nothing where no more comes of the channel.
  std::optional<Front> FrontOf(int number, Channel* channel);

  std::map<int, Channel> channels_;
  std::map<int, Stream> streams_;
  int next_stream_ = 0;
  bool closed_ = false;
};

}  // namespace skald
