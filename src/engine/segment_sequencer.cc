#include "engine/segment_sequencer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/milliseconds.h"

namespace skald {
SegmentSequencer::SegmentSequencer(int channels) {
  for (int channel = 0; channel < channels; ++channel) channels_[channel];
}

int SegmentSequencer::Open(int channel, double start_s) {
  const int number = next_stream_++;
  streams_[number].start_s = start_s;
  channels_[channel].streams.push_back(number);
  return number;
}

void SegmentSequencer::SkipTo(int channel, double start_s) {
  Channel& where = channels_[channel];
  where.start_s = std::max(where.start_s, start_s);
}

void SegmentSequencer::Expect(int stream, double start_s) {
  Stream& where = streams_.at(stream);
  where.start_s = std::max(where.start_s, start_s);
  where.expected.push_back({where.start_s, false, {}});
}

void SegmentSequencer::Advance(int stream, double start_s) {
  Stream& where = streams_.at(stream);
  where.start_s = std::max(where.start_s, start_s);
}

void SegmentSequencer::Put(int stream, int64_t index, Segment segment) {
  Stream& where = streams_.at(stream);
  const int64_t place = index - where.first;
  SKALD_CHECK(place >= 0 && place < static_cast<int64_t>(where.expected.size()), "segment not expected");
  Expected& expected = where.expected[static_cast<size_t>(place)];
  expected.here = true;
  expected.segment = std::move(segment);
}

void SegmentSequencer::Close(int stream) { streams_.at(stream).closed = true; }

std::optional<SegmentSequencer::Front> SegmentSequencer::FrontOf(int number, Channel* channel) {
  while (!channel->streams.empty()) {
    Stream& stream = streams_.at(channel->streams.front());
    while (!stream.expected.empty() && stream.expected.front().here &&
           stream.expected.front().segment.words.empty()) {
      stream.expected.pop_front();
      ++stream.first;
    }
    if (!stream.expected.empty()) {
      const Expected& next = stream.expected.front();
      return next.here ? Front{ToMilliseconds(next.segment.start_s), number, &stream}
                       : Front{ToMilliseconds(next.start_s), number, nullptr};
    }
    if (!stream.closed) return Front{ToMilliseconds(stream.start_s), number, nullptr};
    channel->start_s = std::max(channel->start_s, stream.start_s);
    streams_.erase(channel->streams.front());
    channel->streams.pop_front();
  }
  if (closed_) return std::nullopt;
  return Front{ToMilliseconds(channel->start_s), number, nullptr};
}

std::vector<Segment> SegmentSequencer::Take() {
  std::vector<Segment> taken;
  for (;;) {
    std::optional<Front> next;
    for (auto& [number, channel] : channels_) {
      const std::optional<Front> front = FrontOf(number, &channel);
      if (front && (!next || *front < *next)) next = front;
    }
    if (!next || next->stream == nullptr) return taken;
    taken.push_back(std::move(next->stream->expected.front().segment));
    next->stream->expected.pop_front();
    ++next->stream->first;
  }
}

}  // namespace skald
