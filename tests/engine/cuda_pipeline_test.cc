// The pipeline with scores on the device and the search there: the transcripts of the CPU.

#include <cuda_runtime_api.h>

#include <gtest/gtest.h>
#include <random>

#include "engine/device_score_pool.h"
#include "engine/fake_scorer.h"
#include "engine/pipeline.h"
#include "engine/pipeline_inputs.h"
#include "support/test_environment.h"

namespace skald {
namespace {

/// FakeScorer that works one batch ahead and leaves scores in a pool on the device, where that has room.
class FakeDeviceScorer : public test::FakeScorer {
 public:
  explicit FakeDeviceScorer(int slabs, int device = 0) : device_(device) {
    EXPECT_EQ(cudaSetDevice(device), cudaSuccess);
    pool_ = DeviceScorePool::Create(slabs, size_t{120} * 50 * 3).value();
    shape_.device = device;
  }

  Status Score(std::span<const WindowInput> windows, std::vector<ScoreRows>* scores,
               ScorerTiming* timing) override {
    SKALD_RETURN_IF_ERROR(FakeScorer::Score(windows, scores, timing));
    EXPECT_EQ(cudaSetDevice(device_), cudaSuccess);
    struct Owner {
      std::shared_ptr<float> slab;
      ScoreRows host;
    };
    std::shared_ptr<float> slab = pool_->TryAcquire();
    ++(slab == nullptr ? to_host_ : to_device_);
    if (slab == nullptr) return Status::Ok();
    int64_t floats = 0;
    for (ScoreRows& rows : *scores) {
      const auto owner = std::make_shared<Owner>(Owner{slab, rows});
      float* const data = slab.get() + floats;
      const int64_t size = rows.frames() * 3;
      EXPECT_EQ(cudaMemcpy(data, rows.nll.data, static_cast<size_t>(size) * 4, cudaMemcpyHostToDevice),
                cudaSuccess);
      rows = {{data, rows.frames(), 3}, rows.blank_nll, true, owner, device_};
      floats += size;
    }
    return Status::Ok();
  }
  int max_begun() const override { return 2; }
  bool HasRoom() const override { return pool_->HasFree(); }

  int to_host() const { return to_host_; }
  int to_device() const { return to_device_; }

 private:
  const int device_;
  std::shared_ptr<DeviceScorePool> pool_;
  int to_host_ = 0, to_device_ = 0;
};

/// A search that gives every segment back: its device fails, or its memory was taken by others.
class Unable : public DeviceSegmentSearch {
 public:
  explicit Unable(StatusCode code) : code_(code) {}
  int free_channels() const override { return segments_.size() < 2 ? 1 : 0; }
  bool idle() const override { return segments_.empty(); }
  void Begin(uint64_t ticket, ScoreSegment segment) override {
    segments_.push_back({});
    segments_.back().ticket = ticket;
    segments_.back().lattice = Status(code_, "not now");
    EXPECT_TRUE(MoveToHost(&segment).ok());
    segments_.back().segment = std::move(segment);
  }
  void Step(std::vector<SearchedSegment>* done) override {
    for (auto& segment : segments_) done->push_back(std::move(segment));
    segments_.clear();
  }
  DeviceSearchCounts counts() const override { return {}; }
  int device() const override { return 0; }

 private:
  const StatusCode code_;
  std::vector<SearchedSegment> segments_;
};

class CudaPipelineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (UsableCudaDevices() == 0) GTEST_SKIP() << "no CUDA device and no emulator";
    options_.batch_s = 30;
    options_.search.initial_tokens = 64;
  }

  std::vector<std::string> WriteFiles(int count, double seconds) {
    std::mt19937_64 random(test::PropertySeed());
    std::vector<std::string> paths;
    for (int i = 0; i < count; ++i) {
      std::vector<test::Pulse> pulses;
      for (double time_s = 0.1; time_s < seconds - 0.2;
           time_s += 0.2 + 0.001 * static_cast<double>(random() % 1500)) {
        pulses.push_back({time_s, random() % 2 == 0});
      }
      paths.push_back(folder_ / ("f" + std::to_string(i) + ".wav"));
      test::WriteWav(paths.back(), seconds, pulses);
    }
    return paths;
  }

  std::vector<std::string> Run(const std::vector<std::string>& paths, std::unique_ptr<Scorer> scorer,
                               std::span<const std::unique_ptr<DeviceSegmentSearch>> searches) {
    std::vector<std::unique_ptr<Scorer>> scorers;
    scorers.push_back(std::move(scorer));
    std::vector<std::string> texts = Run(paths, scorers, searches);
    if (auto* device = dynamic_cast<FakeDeviceScorer*>(scorers[0].get())) {
      to_host_ = device->to_host();
      to_device_ = device->to_device();
    }
    return texts;
  }

  std::vector<std::string> Run(const std::vector<std::string>& paths,
                               std::span<const std::unique_ptr<Scorer>> scorers,
                               std::span<const std::unique_ptr<DeviceSegmentSearch>> searches) {
    std::vector<std::string> texts;
    PipelineContext context{options_, &graph_, scorers, 1, {}};
    context.device_searches = searches;
    report_ = RunPipeline(context, paths, {},
                          [&](FileResult result) {
                            EXPECT_TRUE(result.status.ok()) << result.status.ToString();
                            texts.push_back(test::Words(result));
                          },
                          {});
    return texts;
  }

  auto Searches(int lanes, int channels, int count) {
    return MakeCudaSegmentSearches(graph_, options_.search, {lanes, channels, 100}, 0, count).value();
  }

  test::TemporaryFolder folder_;
  const GraphImage graph_ = test::TwoWords();
  RecognizerOptions options_;
  int to_host_ = 0, to_device_ = 0;
  PipelineReport report_;
};

TEST_F(CudaPipelineTest, GivesTheTranscriptsOfTheCpu) {
  const auto paths = WriteFiles(6, 5);
  const auto expected = Run(paths, std::make_unique<test::FakeScorer>(), {});
  for (const int count : {1, 2}) {
    EXPECT_EQ(Run(paths, std::make_unique<FakeDeviceScorer>(8), Searches(2, 4, count)), expected);
    EXPECT_EQ(to_host_, 0);
    EXPECT_GT(to_device_, 1);
  }
  EXPECT_EQ(Run(paths, std::make_unique<test::FakeScorer>(), Searches(2, 4, 1)), expected)
      << "scores on the host";
}

TEST_F(CudaPipelineTest, AFullPoolMakesWindowsWaitAndLocksNothingUp) {
  // Long files whose open segments hold the only slab while their next windows wait for one.
  options_.windows.window_s = 6;
  options_.windows.context_s = 1;
  options_.batch_s = 6;
  options_.endpoint.pause_s = 5;
  const auto paths = WriteFiles(3, 25);
  const auto expected = Run(paths, std::make_unique<test::FakeScorer>(), {});
  EXPECT_EQ(Run(paths, std::make_unique<FakeDeviceScorer>(1), Searches(1, 1, 1)), expected);
  EXPECT_GT(to_host_, 0);
  EXPECT_GT(to_device_, 0);
  EXPECT_EQ(Run(paths, std::make_unique<FakeDeviceScorer>(3), Searches(2, 2, 1)), expected);
}

TEST_F(CudaPipelineTest, SeveralDevicesGiveTheTranscriptsOfOne) {
  const int devices = std::min(4, UsableCudaDevices());
  if (devices < 2) GTEST_SKIP() << "one device only";
  // Windows shorter than segments, so that one segment's scores lie on several devices.
  options_.windows.window_s = 4;
  options_.windows.context_s = 0.5;
  options_.batch_s = 4;
  const auto paths = WriteFiles(5, 14);
  const auto expected = Run(paths, std::make_unique<test::FakeScorer>(), {});
  std::vector<std::unique_ptr<Scorer>> scorers;
  std::vector<std::unique_ptr<DeviceSegmentSearch>> searches;
  for (int device = 0; device < devices; ++device) {
    scorers.push_back(std::make_unique<FakeDeviceScorer>(4, device));
    for (auto& search : MakeCudaSegmentSearches(graph_, options_.search, {1, 2, 100}, device, 1).value()) {
      searches.push_back(std::move(search));
    }
  }
  EXPECT_EQ(Run(paths, scorers, searches), expected);
  int used = 0;
  for (const auto& scorer : scorers) used += dynamic_cast<FakeDeviceScorer&>(*scorer).to_device() > 0 ? 1 : 0;
  EXPECT_GT(used, 1);
  scorers.push_back(std::make_unique<test::FakeScorer>());
  EXPECT_EQ(Run(paths, scorers, searches), expected) << "with the CPU";
}

TEST_F(CudaPipelineTest, ASearchThatFailsLeavesItsSegmentsToOthers) {
  const auto paths = WriteFiles(4, 6);
  const auto expected = Run(paths, std::make_unique<test::FakeScorer>(), {});
  std::vector<std::unique_ptr<DeviceSegmentSearch>> searches;
  searches.push_back(std::make_unique<Unable>(StatusCode::kDeviceError));
  EXPECT_EQ(Run(paths, std::make_unique<FakeDeviceScorer>(8), searches), expected);
  ASSERT_EQ(report_.notes.size(), 1u);
  EXPECT_NE(report_.notes[0].find("cuda:0 searches no more"), std::string::npos) << report_.notes[0];
}

TEST_F(CudaPipelineTest, GoesOnOnTheCpuWhereTheDeviceHasNoMemoryLeft) {
  const auto paths = WriteFiles(4, 6);
  options_.search.initial_tokens = 64;
  const auto expected = Run(paths, std::make_unique<test::FakeScorer>(), {});
  std::vector<std::unique_ptr<DeviceSegmentSearch>> searches;
  searches.push_back(std::make_unique<Unable>(StatusCode::kDeviceOutOfMemory));
  EXPECT_EQ(Run(paths, std::make_unique<test::FakeScorer>(), searches), expected);
}

TEST(DeviceScorePool, LendsEachSlabOnceAndTakesItBackFromItsLastOwner) {
  if (UsableCudaDevices() == 0) GTEST_SKIP() << "no CUDA device and no emulator";
  std::shared_ptr<DeviceScorePool> pool = DeviceScorePool::Create(2, 10).value();
  EXPECT_EQ(pool->slabs(), 2);
  std::shared_ptr<float> one = pool->TryAcquire();
  const std::shared_ptr<float> two = pool->TryAcquire();
  EXPECT_NE(one, two);
  EXPECT_FALSE(pool->HasFree());
  EXPECT_EQ(pool->TryAcquire(), nullptr);
  std::shared_ptr<float> copy = one;
  one = nullptr;
  EXPECT_FALSE(pool->HasFree());
  copy = nullptr;
  EXPECT_TRUE(pool->HasFree());
  pool = nullptr;
  EXPECT_NE(two, nullptr) << "outlives the pool's maker";
}

}  // namespace
}  // namespace skald
