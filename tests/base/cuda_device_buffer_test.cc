#include <algorithm>
#include <gtest/gtest.h>
#include <string>

#include "base/cuda/device_buffer.h"
#include "base/cuda/device_context.h"
#include "base/cuda/device_memory.h"

namespace skald {
namespace {

DeviceMemoryPurpose Purpose(int device, const std::string& name) {
  const auto all = DeviceMemoryByPurpose();
  const auto found = std::find_if(all.begin(), all.end(), [&](const DeviceMemoryPurpose& purpose) {
    return purpose.device == device && purpose.purpose == name;
  });
  return found == all.end() ? DeviceMemoryPurpose{} : *found;
}

class CudaDeviceBufferTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (CudaDeviceCount() == 0) GTEST_SKIP() << "no CUDA device and no emulator";
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  }
};

TEST_F(CudaDeviceBufferTest, MemoryIsCountedByPurposeWhereverItsOwnerMoves) {
  const size_t before = CurrentDeviceMemoryUse().current_bytes;
  {
    auto weights = DeviceBuffer<float>::Create(1000, "weights of this test").value();
    {
      const auto more = DeviceBuffer<float>::Create(500, "weights of this test").value();
      const auto other = DeviceBuffer<char>::Create(7, "a table of this test").value();
      EXPECT_EQ(Purpose(0, "weights of this test").current_bytes, 6000u);
      EXPECT_EQ(Purpose(0, "a table of this test").current_bytes, 7u);
      EXPECT_EQ(CurrentDeviceMemoryUse().current_bytes, before + 6007);
    }
    const DeviceBuffer<float> moved = std::move(weights);
    EXPECT_EQ(Purpose(0, "weights of this test").current_bytes, 4000u);
    EXPECT_EQ(Purpose(0, "weights of this test").peak_bytes, 6000u);
  }
  EXPECT_EQ(Purpose(0, "weights of this test").current_bytes, 0u);
  EXPECT_EQ(Purpose(0, "a table of this test").peak_bytes, 7u);
  EXPECT_EQ(CurrentDeviceMemoryUse().current_bytes, before);
  const auto all = DeviceMemoryByPurpose();
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.device != b.device ? a.device < b.device : a.peak_bytes > b.peak_bytes;
  }));
}

TEST_F(CudaDeviceBufferTest, WhatDoesNotFitIsNotCounted) {
  const size_t before = CurrentDeviceMemoryUse().current_bytes;
  const auto refused = DeviceBuffer<char>::Create(size_t{1} << 50, "too much");
  EXPECT_EQ(refused.status().code(), StatusCode::kDeviceOutOfMemory);
  EXPECT_NE(refused.status().ToString().find("too much"), std::string::npos);
  EXPECT_EQ(CurrentDeviceMemoryUse().current_bytes, before);
  EXPECT_EQ(Purpose(0, "too much").peak_bytes, 0u);
}

TEST_F(CudaDeviceBufferTest, DevicesHaveNamesAndMemory) {
  const CudaDeviceDescription device = DescribeCudaDevice(0).value();
  EXPECT_FALSE(device.name.empty());
  EXPECT_GT(device.total_bytes, 0u);
  EXPECT_LE(device.free_bytes, device.total_bytes);
  EXPECT_FALSE(DescribeCudaDevice(1000).ok());
}

}  // namespace
}  // namespace skald
