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

SchedulerLimits Limits(size_t waiting_windows, size_t scoring_workers) {
  SchedulerLimits limits;
  limits.max_waiting_windows = waiting_windows;
  limits.max_batch_samples = 1000;
  limits.scoring_workers = scoring_workers;
  return limits;
}

SegmentJob SegmentOf(int64_t frames) {
  SegmentJob job;
  job.segment.pieces.push_back(MakeHostScores(ScoreMatrix(frames, 1)));
  return job;
}

bool IsWindows(const Task& task) { return std::holds_alternative<std::vector<WindowJob>>(task); }
bool IsNothing(const Task& task) { return std::holds_alternative<std::monostate>(task); }

TEST(Scheduler, BatchesKeepTheirLimitAndShare) {
  Scheduler scheduler(Limits(100, 2));
  for (int i = 0; i < 4; ++i) scheduler.PushWindow(WindowOf(300));
  scheduler.PushWindow(WindowOf(5000));
  const auto size = [&] { return std::get<std::vector<WindowJob>>(scheduler.Next(WorkerKind::kBoth)).size(); };
  EXPECT_EQ(size(), 3u);  // half of five, and no more than 1000 samples
  EXPECT_EQ(size(), 1u);
  EXPECT_EQ(size(), 1u);  // larger than a batch, but alone
}

TEST(Scheduler, SegmentsGoFirstAndAreAllThatASearcherGets) {
  Scheduler scheduler(Limits(100, 1));
  scheduler.PushWindow(WindowOf(10));
  scheduler.PushSegment({});
  EXPECT_TRUE(std::holds_alternative<SegmentJob>(scheduler.Next(WorkerKind::kBoth)));
  scheduler.PushSegment({});
  EXPECT_TRUE(std::holds_alternative<SegmentJob>(scheduler.Next(WorkerKind::kSearcher)));
  EXPECT_TRUE(std::holds_alternative<std::vector<WindowJob>>(scheduler.Next(WorkerKind::kBoth)));
}

TEST(Scheduler, EndsWhenAllIsDone) {
  Scheduler scheduler(Limits(100, 1));
  scheduler.PushWindow(WindowOf(10));
  scheduler.CloseWindows();
  (void)scheduler.Next(WorkerKind::kBoth);
  std::atomic<bool> ended{false};
  std::thread other([&] {
    // The batch under way may still give rise to a segment: this worker must wait for it.
    EXPECT_TRUE(std::holds_alternative<SegmentJob>(scheduler.Next(WorkerKind::kSearcher)));
    scheduler.Done();
    EXPECT_TRUE(std::holds_alternative<std::monostate>(scheduler.Next(WorkerKind::kSearcher)));
    ended = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_FALSE(ended);
  scheduler.PushSegment({});
  scheduler.Done();
  other.join();
  EXPECT_TRUE(ended);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(scheduler.Next(WorkerKind::kBoth)));
}

TEST(Scheduler, ReadersWaitForRoom) {
  Scheduler scheduler(Limits(1, 1));
  scheduler.PushWindow(WindowOf(1));
  std::atomic<bool> pushed{false};
  std::thread reader([&] {
    scheduler.PushWindow(WindowOf(1));
    pushed = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_FALSE(pushed);
  (void)scheduler.Next(WorkerKind::kBoth);
  reader.join();
  EXPECT_TRUE(pushed);
}

TEST(Scheduler, WindowsWaitForRoomOnlyWhileSearchesCanMakeSome) {
  bool room = false;
  Scheduler scheduler(Limits(100, 1), true, [&] { return room; });
  scheduler.PushWindow(WindowOf(10));
  EXPECT_TRUE(IsWindows(scheduler.Next(WorkerKind::kScorer, false))) << "nothing would ever make room";
  scheduler.PushWindow(WindowOf(10));
  scheduler.PushSegment(SegmentOf(5));
  EXPECT_TRUE(IsNothing(scheduler.Next(WorkerKind::kScorer, false)));
  EXPECT_TRUE(IsNothing(scheduler.Next(WorkerKind::kSearcher, false))) << "segments are for the device";
  EXPECT_EQ(scheduler.NextDeviceSegments(3, true).size(), 1u);
  EXPECT_TRUE(IsNothing(scheduler.Next(WorkerKind::kScorer, false))) << "one is being searched";
  room = true;
  EXPECT_TRUE(IsWindows(scheduler.Next(WorkerKind::kScorer, false)));
  scheduler.PushWindow(WindowOf(10));
  room = false;
  std::atomic<bool> scored{false};
  std::thread scorer([&] {
    EXPECT_TRUE(IsWindows(scheduler.Next(WorkerKind::kScorer)));
    scored = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_FALSE(scored);
  scheduler.ScoresReleased();
  scorer.join();
}

TEST(Scheduler, FramesThatWaitForASearchAreBounded) {
  SchedulerLimits limits = Limits(100, 1);
  limits.max_waiting_frames = 10;
  Scheduler scheduler(limits);
  scheduler.PushWindow(WindowOf(10));
  scheduler.PushSegment(SegmentOf(4));
  EXPECT_TRUE(IsWindows(scheduler.Next(WorkerKind::kScorer, false)));
  scheduler.PushWindow(WindowOf(10));
  scheduler.PushSegment(SegmentOf(6));
  EXPECT_TRUE(IsNothing(scheduler.Next(WorkerKind::kScorer, false)));
  (void)scheduler.Next(WorkerKind::kSearcher);
  EXPECT_TRUE(IsWindows(scheduler.Next(WorkerKind::kScorer, false)));
}

TEST(Scheduler, TheDeviceWaitsWhileTooManyLatticesDo) {
  SchedulerLimits limits = Limits(100, 1);
  limits.max_waiting_lattices = 2;
  Scheduler scheduler(limits, true);
  for (int i = 0; i < 2; ++i) scheduler.PushLattice({});
  scheduler.PushSegment(SegmentOf(4));
  EXPECT_TRUE(scheduler.NextDeviceSegments(5, false).empty());
  std::thread device([&] { EXPECT_EQ(scheduler.NextDeviceSegments(5, true).size(), 1u); });
  EXPECT_TRUE(std::holds_alternative<LatticeJob>(scheduler.Next(WorkerKind::kSearcher)));
  device.join();
}

TEST(Scheduler, ADeviceEndsWhenAllIsDone) {
  Scheduler scheduler(Limits(100, 1), true);
  scheduler.PushSegment(SegmentOf(4));
  scheduler.CloseWindows();
  ASSERT_EQ(scheduler.NextDeviceSegments(5, true).size(), 1u);
  std::thread other([&] {
    EXPECT_TRUE(std::holds_alternative<LatticeJob>(scheduler.Next(WorkerKind::kSearcher)));
    scheduler.Done();
    EXPECT_TRUE(IsNothing(scheduler.Next(WorkerKind::kSearcher)));
  });
  EXPECT_TRUE(scheduler.NextDeviceSegments(5, false).empty());
  scheduler.PushLattice({});
  scheduler.ScoresReleased();
  scheduler.Done();
  EXPECT_TRUE(scheduler.NextDeviceSegments(5, true).empty());
  other.join();
}

}  // namespace
}  // namespace skald
