#include "engine/scheduler.h"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <thread>

namespace skald {
namespace {

WindowJob WindowOf(size_t samples) {
  WindowJob job;
  job.window.samples.resize(samples);
  return job;
}

TEST(Scheduler, BatchesKeepTheirLimitAndShare) {
  Scheduler scheduler(100, 1000, 2);
  for (int i = 0; i < 4; ++i) scheduler.PushWindow(WindowOf(300));
  scheduler.PushWindow(WindowOf(5000));
  const auto size = [&] { return std::get<std::vector<WindowJob>>(scheduler.Next(true)).size(); };
  EXPECT_EQ(size(), 3u);  // half of five, and no more than 1000 samples
  EXPECT_EQ(size(), 1u);
  EXPECT_EQ(size(), 1u);  // larger than a batch, but alone
}

TEST(Scheduler, SegmentsGoFirstAndAreAllThatASearcherGets) {
  Scheduler scheduler(100, 1000, 1);
  scheduler.PushWindow(WindowOf(10));
  scheduler.PushSegment({});
  EXPECT_TRUE(std::holds_alternative<SegmentJob>(scheduler.Next(true)));
  scheduler.PushSegment({});
  EXPECT_TRUE(std::holds_alternative<SegmentJob>(scheduler.Next(false)));
  EXPECT_TRUE(std::holds_alternative<std::vector<WindowJob>>(scheduler.Next(true)));
}

TEST(Scheduler, EndsWhenAllIsDone) {
  Scheduler scheduler(100, 1000, 1);
  scheduler.PushWindow(WindowOf(10));
  scheduler.CloseWindows();
  (void)scheduler.Next(true);
  std::atomic<bool> ended{false};
  std::thread other([&] {
    // The batch under way may still give rise to a segment: this worker must wait for it.
    EXPECT_TRUE(std::holds_alternative<SegmentJob>(scheduler.Next(false)));
    scheduler.Done();
    EXPECT_TRUE(std::holds_alternative<std::monostate>(scheduler.Next(false)));
    ended = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_FALSE(ended);
  scheduler.PushSegment({});
  scheduler.Done();
  other.join();
  EXPECT_TRUE(ended);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(scheduler.Next(true)));
}

TEST(Scheduler, ReadersWaitForRoom) {
  Scheduler scheduler(1, 1000, 1);
  scheduler.PushWindow(WindowOf(1));
  std::atomic<bool> pushed{false};
  std::thread reader([&] {
    scheduler.PushWindow(WindowOf(1));
    pushed = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_FALSE(pushed);
  (void)scheduler.Next(true);
  reader.join();
  EXPECT_TRUE(pushed);
}

}  // namespace
}  // namespace skald
