#include "engine/scheduler.h"

#include <algorithm>
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
  const auto size = [&] {
    return std::get<std::vector<WindowJob>>(scheduler.Next(WorkerKind::kBoth)).size();
  };
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
  Scheduler scheduler(Limits(100, 1), {0});
  Worker scorer_of_device(WorkerKind::kScorer);
  scorer_of_device.has_room = [&] { return room; };
  scheduler.PushWindow(WindowOf(10));
  EXPECT_TRUE(IsWindows(scheduler.Next(scorer_of_device, false))) << "nothing would ever make room";
  scheduler.PushWindow(WindowOf(10));
  scheduler.PushSegment(SegmentOf(5));
  EXPECT_TRUE(IsNothing(scheduler.Next(scorer_of_device, false)));
  EXPECT_TRUE(IsNothing(scheduler.Next(WorkerKind::kSearcher, false))) << "segments are for the device";
  EXPECT_EQ(scheduler.NextDeviceSegments(0, 3, true).size(), 1u);
  EXPECT_TRUE(IsNothing(scheduler.Next(scorer_of_device, false))) << "one is being searched";
  room = true;
  EXPECT_TRUE(IsWindows(scheduler.Next(scorer_of_device, false)));
  scheduler.PushWindow(WindowOf(10));
  room = false;
  std::atomic<bool> scored{false};
  std::thread scorer([&] {
    EXPECT_TRUE(IsWindows(scheduler.Next(scorer_of_device)));
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
  Scheduler scheduler(limits, {0});
  for (int i = 0; i < 2; ++i) scheduler.PushLattice({});
  scheduler.PushSegment(SegmentOf(4));
  EXPECT_TRUE(scheduler.NextDeviceSegments(0, 5, false).empty());
  std::thread device([&] { EXPECT_EQ(scheduler.NextDeviceSegments(0, 5, true).size(), 1u); });
  EXPECT_TRUE(std::holds_alternative<LatticeJob>(scheduler.Next(WorkerKind::kSearcher)));
  device.join();
}

TEST(Scheduler, ADeviceEndsWhenAllIsDone) {
  Scheduler scheduler(Limits(100, 1), {0});
  scheduler.PushSegment(SegmentOf(4));
  scheduler.CloseWindows();
  ASSERT_EQ(scheduler.NextDeviceSegments(0, 5, true).size(), 1u);
  std::thread other([&] {
    EXPECT_TRUE(std::holds_alternative<LatticeJob>(scheduler.Next(WorkerKind::kSearcher)));
    scheduler.Done();
    EXPECT_TRUE(IsNothing(scheduler.Next(WorkerKind::kSearcher)));
  });
  EXPECT_TRUE(scheduler.NextDeviceSegments(0, 5, false).empty());
  scheduler.PushLattice({});
  scheduler.ScoresReleased();
  scheduler.Done();
  EXPECT_TRUE(scheduler.NextDeviceSegments(0, 5, true).empty());
  other.join();
}

SegmentJob SegmentOn(int device, int64_t frames, SegmentJob job = {}) {
  ScoreRows rows = MakeHostScores(ScoreMatrix(frames, 1));
  rows.on_device = device >= 0;
  rows.device = std::max(0, device);
  job.segment.pieces.push_back(rows);
  return job;
}

TEST(Scheduler, SegmentsGoWhereMostOfTheirScoresAre) {
  Scheduler scheduler(Limits(100, 2), {0, 2});
  scheduler.PushSegment(SegmentOn(0, 3, SegmentOn(2, 2)));
  scheduler.PushSegment(SegmentOn(2, 5));
  EXPECT_EQ(scheduler.NextDeviceSegments(0, 5, false).size(), 1u);
  EXPECT_EQ(scheduler.NextDeviceSegments(0, 5, false).size(), 0u);
  EXPECT_EQ(scheduler.NextDeviceSegments(2, 5, false).size(), 1u);
  scheduler.PushSegment(SegmentOn(2, 5));
  scheduler.PushSegment(SegmentOn(-1, 5));
  EXPECT_EQ(scheduler.NextDeviceSegments(0, 5, false).size(), 1u) << "from the host to whoever has least";
  EXPECT_TRUE(IsNothing(scheduler.Next(WorkerKind::kSearcher, false)));
}

TEST(Scheduler, TheCpuSearchesWhatItScoredBesideADevice) {
  Scheduler scheduler(Limits(100, 2), {0}, true);
  scheduler.PushSegment(SegmentOn(-1, 5));
  scheduler.PushSegment(SegmentOn(0, 5));
  EXPECT_TRUE(std::holds_alternative<SegmentJob>(scheduler.Next(WorkerKind::kSearcher, false)));
  EXPECT_TRUE(IsNothing(scheduler.Next(WorkerKind::kSearcher, false)));
  EXPECT_EQ(scheduler.NextDeviceSegments(0, 5, false).size(), 1u);
}

TEST(Scheduler, WhatADeviceGivesUpGoesToOthers) {
  Scheduler scheduler(Limits(100, 2), {0, 1});
  scheduler.PushSegment(SegmentOn(0, 5));
  scheduler.PushSegment(SegmentOn(0, 5));
  EXPECT_EQ(scheduler.NextDeviceSegments(0, 1, false).size(), 1u);
  scheduler.GiveUpSearching(0);
  scheduler.GiveUpSearching(0);
  EXPECT_TRUE(scheduler.NextDeviceSegments(0, 5, true).empty()) << "does not wait";
  EXPECT_EQ(scheduler.NextDeviceSegments(1, 5, false).size(), 1u);
  scheduler.GiveUpSearching(1);
  scheduler.PushSegment(SegmentOn(1, 5));
  EXPECT_TRUE(std::holds_alternative<SegmentJob>(scheduler.Next(WorkerKind::kSearcher, false)));
}

TEST(Scheduler, WindowsThatComeBackAreNextAndTheLastScorerStays) {
  Scheduler scheduler(Limits(100, 2));
  for (int i = 1; i <= 4; ++i) scheduler.PushWindow(WindowOf(static_cast<size_t>(i)));
  auto batch = std::get<std::vector<WindowJob>>(scheduler.Next(WorkerKind::kScorer));
  ASSERT_EQ(batch.size(), 2u);
  EXPECT_TRUE(scheduler.GiveUpScoring());
  scheduler.ReturnWindows(std::move(batch));
  scheduler.Done();
  EXPECT_FALSE(scheduler.GiveUpScoring());
  const auto all = std::get<std::vector<WindowJob>>(scheduler.Next(WorkerKind::kScorer));
  ASSERT_EQ(all.size(), 4u) << "the only one left takes them all";
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(all[i].window.samples.size(), i + 1);
}

TEST(Scheduler, AWorkerTakesNoMoreThanItCan) {
  Scheduler scheduler(Limits(100, 1));
  for (int i = 0; i < 4; ++i) scheduler.PushWindow(WindowOf(100));
  Worker small(WorkerKind::kScorer);
  small.max_batch_samples = 250;
  EXPECT_EQ(std::get<std::vector<WindowJob>>(scheduler.Next(small)).size(), 2u);
}

}  // namespace
}  // namespace skald
