#include "engine/device_list.h"

#include <gtest/gtest.h>
#include <string>

namespace skald {
namespace {

TEST(DeviceList, ReadsNamesAndNumbers) {
  EXPECT_EQ(ParseDeviceList("auto").value(), std::vector<int>());
  EXPECT_EQ(ParseDeviceList("cpu").value(), std::vector<int>({kCpuDevice}));
  EXPECT_EQ(ParseDeviceList("cuda").value(), std::vector<int>({0}));
  EXPECT_EQ(ParseDeviceList("cuda:3").value(), std::vector<int>({3}));
  EXPECT_EQ(ParseDeviceList("cuda:0,1,12").value(), std::vector<int>({0, 1, 12}));
  EXPECT_EQ(ParseDeviceList("cuda:2,cpu").value(), std::vector<int>({2, kCpuDevice}));
  EXPECT_EQ(ParseDeviceList("cpu,cuda,cuda:1,2").value(), std::vector<int>({kCpuDevice, 0, 1, 2}));
}

TEST(DeviceList, RefusesWhatIsNoListAndSaysWhat) {
  for (const char* list : {"", ",", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:0,", "0", "cpu,1", "auto,cpu",
                           "cuda:0 ,1", "cuda:99999", "cuda:0,cuda:0", "cpu,cpu", "cuda,cuda:0"}) {
    const StatusOr<std::vector<int>> devices = ParseDeviceList(list);
    ASSERT_FALSE(devices.ok()) << list;
    EXPECT_EQ(devices.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(devices.status().ToString().find("device"), std::string::npos);
  }
}

TEST(DeviceList, NamesAreReadBack) {
  for (const int device : {kCpuDevice, 0, 7}) {
    EXPECT_EQ(ParseDeviceList(DeviceName(device)).value(), std::vector<int>({device}));
  }
}

}  // namespace
}  // namespace skald
