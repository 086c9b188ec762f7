#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/cuda/device_buffer.h"
#include "decoder/search/cuda_beam_search.h"
#include "test_graph.h"

namespace skald::test {

template <typename T>
T Ok(StatusOr<T> result) {
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  SKALD_CHECK(result.ok(), "test cannot go on");
  return std::move(result).value();
}

inline void ExpectOk(const Status& status) { ASSERT_TRUE(status.ok()) << status.ToString(); }

/// Scores in device memory, rows a little apart.
class DeviceScores {
 public:
  DeviceScores(DeviceContext context, ScoreView nll);
  ScoreView rows(int64_t first, int64_t count) const {
    return ScoreView(buffer_.data() + first * stride_, count, columns_, stride_);
  }
  ScoreView all() const { return rows(0, rows_); }
  int64_t count() const { return rows_; }

 private:
  int64_t stride_, rows_ = 0, columns_ = 0;
  DeviceBuffer<float> buffer_;
};

struct Stream {
  int frames = 0;
  std::vector<float> scores;
  int units = 0;
  ScoreView nll() const { return {scores.data(), frames, units}; }
};

/// Streams on a graph big enough that every limit of `options` binds now and then.
struct Case {
  TestGraph graph;
  SearchOptions options;
  std::vector<Stream> streams;

  explicit Case(std::mt19937_64& random, int stream_count = 1);
  /// Many tokens in every frame.
  static Case Wide(std::mt19937_64& random, int stream_count);

  /// Of the lattices of the search on the CPU.
  std::vector<uint64_t> ExpectedHashes(SearchStatistics* total = nullptr) const;
};

/// Runs all streams at once, `chunk` rows at a time.
std::vector<RawLattice> SearchOnDevice(CudaBeamSearch& search, DeviceContext context,
                                       const std::vector<Stream>& streams, int64_t chunk);
std::vector<uint64_t> HashesOnDevice(CudaBeamSearch& search, DeviceContext context,
                                     const std::vector<Stream>& streams, int64_t chunk);
/// With a graph and a search of their own.
std::vector<uint64_t> HashesOnDevice(const Case& c, DeviceContext context, const CudaSearchShape& shape,
                                     int64_t chunk, const SearchOptions& options);

struct CudaSearchVariant {
  const char* name;
  CudaSearchMethod method;
  size_t carried_window_bytes;
};

/// Tests of the search on a CUDA device, by each method; small, so that the emulator is quick.
class CudaSearchTest : public ::testing::TestWithParam<CudaSearchVariant> {
 protected:
  void SetUp() override;
  DeviceContext context() const { return stream_->context(); }
  CudaSearchShape Shape(int lanes, int channels, int slots = 512) const;

 private:
  std::optional<CudaStream> stream_;
};

/// What is carried suffices for all in the one, for some frames in the other.
inline const auto kCudaSearchVariants =
    ::testing::Values(CudaSearchVariant{"Lanes", CudaSearchMethod::kLanes, 0},
                      CudaSearchVariant{"LanesCarrying", CudaSearchMethod::kLanes, 512 << 10},
                      CudaSearchVariant{"Frames", CudaSearchMethod::kFrames, 0},
                      CudaSearchVariant{"FramesCarrying", CudaSearchMethod::kFrames, 6000});
inline std::string CudaSearchVariantName(const ::testing::TestParamInfo<CudaSearchVariant>& test) {
  return test.param.name;
}

}  // namespace skald::test
