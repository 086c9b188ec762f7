#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace skald {

/// A device as options name it: -1 is the CPU, others are numbers of CUDA devices.
inline constexpr int kCpuDevice = -1;

/// "cpu" or "cuda:N".
std::string DeviceName(int device);

/// Reads "auto", or a list of "cpu", "cuda" (the first one), "cuda:N" and, behind those, bare numbers
/// ("cuda:0,1,cpu"), no device twice. Empty for "auto".
StatusOr<std::vector<int>> ParseDeviceList(const std::string& list);

}  // namespace skald
