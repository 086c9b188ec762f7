#include "engine/device_list.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <string_view>
#include <system_error>

namespace skald {
namespace {

/// A number without sign of at most four digits; -1 for anything else.
int Number(std::string_view text) {
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && text.size() <= 4 ? number : -1;
}

}  // namespace

std::string DeviceName(int device) { return device == kCpuDevice ? "cpu" : fmt::format("cuda:{}", device); }

StatusOr<std::vector<int>> ParseDeviceList(const std::string& list) {
  std::vector<int> devices;
  if (list == "auto") return devices;
  const Status malformed = Status::InvalidArgument(
      "device is auto, or a list of cpu, cuda and cuda:N (as in cuda:0,1 or cuda:0,cpu), not '" + list + "'");
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    const std::string item = list.substr(begin, end - begin);
    begin = end + 1;
    int device = kCpuDevice;
    if (item == "cuda") {
      device = 0;
    } else if (item != "cpu") {
      const bool bare = !devices.empty() && devices.back() != kCpuDevice;  // "cuda:0,1"
      device = item.starts_with("cuda:") ? Number(std::string_view(item).substr(5))
               : bare                    ? Number(item)
                                         : -1;
      if (device < 0) return malformed;
    }
    if (std::find(devices.begin(), devices.end(), device) != devices.end()) {
      return Status::InvalidArgument("device " + DeviceName(device) + " is listed twice");
    }
    devices.push_back(device);
  }
  return devices;
}

}  // namespace skald
