#include "engine/segment_sequencer.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <random>
#include <string>

#include "support/test_environment.h"

namespace skald {
namespace {

Segment SegmentAt(double start_s, int channel, const std::string& text = "A") {
  Segment segment;
  segment.start_s = start_s;
  segment.channel = channel;
  segment.text = text;
  segment.words = {{text, start_s, start_s + 0.5, 1}};
  return segment;
}

TEST(SegmentSequencer, HandsOutWhatIsNextAndHoldsTheRest) {
  SegmentSequencer sequencer(1);
  const int stream = sequencer.Open(0, 0);
  for (const double start_s : {0.0, 10.0, 20.0}) sequencer.Expect(stream, start_s);
  sequencer.Put(stream, 1, SegmentAt(11, 0));
  EXPECT_TRUE(sequencer.Take().empty());
  sequencer.Put(stream, 0, SegmentAt(1, 0));
  EXPECT_EQ(sequencer.Take().size(), 2u);
  sequencer.Put(stream, 2, SegmentAt(21, 0));
  EXPECT_EQ(sequencer.Take().size(), 1u) << "before the stream is closed";
}

TEST(SegmentSequencer, AChannelWaitsForTheOtherOnlyWhereThatMayComeFirst) {
  SegmentSequencer sequencer(2);
  const int left = sequencer.Open(0, 0);
  sequencer.Expect(left, 4);
  sequencer.Put(left, 0, SegmentAt(5, 0));
  EXPECT_TRUE(sequencer.Take().empty()) << "the other channel has not begun";
  const int right = sequencer.Open(1, 0);
  EXPECT_TRUE(sequencer.Take().empty());
  sequencer.Advance(right, 4.9);
  EXPECT_TRUE(sequencer.Take().empty());
  sequencer.Advance(right, 5);
  EXPECT_EQ(sequencer.Take().size(), 1u) << "channel 0 comes first at the same time";
  sequencer.Expect(right, 6);
  sequencer.Put(right, 0, SegmentAt(7, 1));
  sequencer.Advance(left, 7);
  EXPECT_TRUE(sequencer.Take().empty()) << "channel 0 might have one at 7";
  sequencer.Close(left);
  EXPECT_TRUE(sequencer.Take().empty()) << "channel 0 might have another stream";
  sequencer.CloseTrack();
  EXPECT_EQ(sequencer.Take().size(), 1u);
}

TEST(SegmentSequencer, AChannelThatIsLeftOutHoldsNothingUp) {
  SegmentSequencer sequencer(2);
  const int left = sequencer.Open(0, 0);
  sequencer.Expect(left, 4);
  sequencer.Put(left, 0, SegmentAt(5, 0));
  sequencer.SkipTo(1, 4.9);
  EXPECT_TRUE(sequencer.Take().empty());
  sequencer.SkipTo(1, 5);
  EXPECT_EQ(sequencer.Take().size(), 1u);
  sequencer.Expect(left, 6);
  sequencer.Put(left, 1, SegmentAt(9, 0));
  const int right = sequencer.Open(1, 7);
  EXPECT_TRUE(sequencer.Take().empty());
  sequencer.SkipTo(1, 20);
  EXPECT_TRUE(sequencer.Take().empty()) << "the stream before what is left out may have one at 7";
  sequencer.Close(right);
  EXPECT_EQ(sequencer.Take().size(), 1u);
}

TEST(SegmentSequencer, SegmentsWithoutWordsAreDropped) {
  SegmentSequencer sequencer(1);
  const int stream = sequencer.Open(0, 0);
  sequencer.Expect(stream, 0);
  sequencer.Expect(stream, 5);
  sequencer.Put(stream, 0, {});
  sequencer.Put(stream, 1, SegmentAt(5, 0));
  const std::vector<Segment> taken = sequencer.Take();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].start_s, 5);
}

/// A segment of a random track, with its place.
struct Placed {
  int stream;  // of the test
  int64_t index;
  double earliest_s;
  Segment segment;
};

TEST(SegmentSequencer, EqualsASortWhateverTheOrderOfArrival) {
  std::mt19937_64 random(test::PropertySeed());
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  for (int round = 0; round < 200; ++round) {
    const int channels = 1 + static_cast<int>(random() % 3);
    std::vector<Placed> all;
    std::vector<std::pair<int, double>> streams;  // channel, start
    for (int channel = 0; channel < channels; ++channel) {
      double time_s = 0;
      for (size_t n = random() % 3; n > 0; --n) {
        streams.emplace_back(channel, time_s);
        const size_t segments = random() % 8;
        for (size_t i = 0; i < segments; ++i) {
          const double earliest_s = time_s;
          // Few places, so that channels often start at the same time.
          time_s = std::ceil(4 * (time_s + uniform(0, 1))) / 4;
          Segment segment = SegmentAt(time_s, channel, std::to_string(all.size()));
          if (random() % 6 == 0) segment.words.clear();
          all.push_back({static_cast<int>(streams.size()) - 1, static_cast<int64_t>(i), earliest_s, segment});
          time_s += uniform(0.1, 1);
        }
        time_s += uniform(0, 3);
      }
    }
    std::vector<Placed> expected = all;
    std::erase_if(expected, [](const Placed& placed) { return placed.segment.words.empty(); });
    std::stable_sort(expected.begin(), expected.end(), [](const Placed& a, const Placed& b) {
      return std::pair(a.segment.start_s, a.segment.channel) <
             std::pair(b.segment.start_s, b.segment.channel);
    });

    // Whatever can happen next happens at random.
    SegmentSequencer sequencer(channels);
    std::vector<int> numbers(streams.size(), -1);
    std::vector<bool> closed(streams.size()), put(all.size());
    std::vector<size_t> expected_of(streams.size()), segments_of(streams.size());
    for (const Placed& placed : all) ++segments_of[static_cast<size_t>(placed.stream)];
    bool track_closed = false;
    std::vector<std::string> taken;
    for (;;) {
      std::vector<std::function<void()>> possible;
      bool all_open = true;
      for (size_t s = 0; s < streams.size(); ++s) {
        const bool first_of_channel = s == 0 || streams[s - 1].first != streams[s].first;
        if (numbers[s] < 0) {
          all_open = false;
          if (first_of_channel || numbers[s - 1] >= 0) {
            possible.push_back([&, s] { numbers[s] = sequencer.Open(streams[s].first, streams[s].second); });
          }
        } else if (!closed[s] && expected_of[s] == segments_of[s]) {
          possible.push_back([&, s] {
            sequencer.Close(numbers[s]);
            closed[s] = true;
          });
        }
      }
      for (size_t i = 0; i < all.size(); ++i) {
        const size_t s = static_cast<size_t>(all[i].stream);
        if (numbers[s] < 0 || put[i]) continue;
        const size_t index = static_cast<size_t>(all[i].index);
        if (index == expected_of[s]) {
          possible.push_back([&, i, s] {
            sequencer.Expect(numbers[s], all[i].earliest_s);
            ++expected_of[s];
          });
        } else if (index < expected_of[s]) {
          possible.push_back([&, i, s] {
            sequencer.Put(numbers[s], all[i].index, all[i].segment);
            put[i] = true;
          });
        }
      }
      if (all_open && !track_closed) {
        possible.push_back([&] {
          sequencer.CloseTrack();
          track_closed = true;
        });
      }
      if (possible.empty()) break;
      possible[random() % possible.size()]();
      for (const Segment& segment : sequencer.Take()) taken.push_back(segment.text);
    }
    ASSERT_EQ(taken.size(), expected.size());
    for (size_t i = 0; i < taken.size(); ++i) EXPECT_EQ(taken[i], expected[i].segment.text) << i;
  }
}

}  // namespace
}  // namespace skald
