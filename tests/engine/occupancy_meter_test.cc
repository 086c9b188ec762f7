#include "engine/occupancy_meter.h"

#include <chrono>
#include <gtest/gtest.h>
#include <thread>

namespace skald {
namespace {

TEST(OccupancyMeter, AddsThreadsOfOneName) {
  OccupancyMeter meter;
  for (const char* name : {"cpu", "readers", "cpu"}) {
    WorkerOccupancy thread;
    thread.name = name;
    thread.threads = 1;
    thread.busy(PipelineStage::kModel) = 2;
    thread.busy(PipelineStage::kSearch) = 1;
    thread.waiting_for_input_s = 0.5;
    thread.waiting_for_room_s = 0.25;
    thread.device_s = 4;
    meter.Add(thread);
  }
  const std::vector<WorkerOccupancy> workers = meter.workers();
  ASSERT_EQ(workers.size(), 2u);
  EXPECT_EQ(workers[0].name, "cpu");
  EXPECT_EQ(workers[0].threads, 2);
  EXPECT_EQ(workers[0].busy(PipelineStage::kModel), 4);
  EXPECT_EQ(workers[0].total_busy_s(), 6);
  EXPECT_EQ(workers[0].waiting_for_input_s, 1);
  EXPECT_EQ(workers[0].waiting_for_room_s, 0.5);
  EXPECT_EQ(workers[0].device_s, 8);
  EXPECT_DOUBLE_EQ(workers[0].share(10), 0.3);
  EXPECT_EQ(workers[0].share(0), 0);
  EXPECT_EQ(workers[1].threads, 1);
  PipelineReport report;
  report.workers = workers;
  EXPECT_EQ(report.busy_s(PipelineStage::kModel), 6);
}

TEST(FillGauge, MeanWeighsByTime) {
  FillGauge gauge;
  gauge.Set(10);
  std::this_thread::sleep_for(std::chrono::milliseconds(40));
  gauge.Set(0);
  std::this_thread::sleep_for(std::chrono::milliseconds(40));
  const QueueFill fill = gauge.Reading("windows", "windows", 12);
  EXPECT_EQ(fill.name, "windows");
  EXPECT_EQ(fill.most, 10);
  EXPECT_EQ(fill.capacity, 12);
  EXPECT_GT(fill.mean, 1);
  EXPECT_LT(fill.mean, 9);
}

}  // namespace
}  // namespace skald
