#include "engine/environment.h"

#include <unistd.h>

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <thread>
#include <utility>

#include "engine/device_list.h"
#include "engine/recognizer.h"
#include "engine/scorer.h"
#include "engine/version.h"
#include "models/bundle/bundle.h"

namespace skald {
namespace {

std::string ProcessorName() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

std::string ProcessorFeatures() {
  std::string features;
  const auto add = [&features](bool has, const char* name) {
    if (has) features += std::string(features.empty() ? "" : " ") + name;
  };
#if defined(__x86_64__)
  __builtin_cpu_init();
  add(__builtin_cpu_supports("avx2") != 0, "avx2");
  add(__builtin_cpu_supports("fma") != 0, "fma");
  add(__builtin_cpu_supports("avx512f") != 0, "avx512f");
  add(__builtin_cpu_supports("avx512vnni") != 0, "avx512vnni");
  add(__builtin_cpu_supports("avx512bf16") != 0, "avx512bf16");
#endif
  return features.empty() ? "no vector extensions that Skald uses" : features;
}

std::vector<Finding> CudaFindings() {
#if defined(SKALD_HAVE_CUDA)
  const int devices = UsableCudaDevices();
  if (devices == 0) return {{"cuda", "built in; no usable device, the CPU is used"}};
  std::vector<Finding> findings = {{"cuda", fmt::format("{} devices", devices)}};
  for (int device = 0; device < devices; ++device) {
    findings.push_back({DeviceName(device), DescribeDevice(device)});
  }
  return findings;
#else
  return {{"cuda", "not in this build (nvcc, cuDNN and cudnn-frontend are needed for it), the CPU is used"}};
#endif
}

Finding BundleFinding() {
  const StatusOr<std::string> folder = FindDefaultBundle();
  if (!folder.ok()) return {"default model", folder.status().ToString(), false};
  const StatusOr<Bundle> bundle = Bundle::Open(*folder);
  if (!bundle.ok()) return {"default model", bundle.status().ToString(), false};
  return {"default model", bundle->manifest().name + ", " + *folder};
}

Finding CacheFinding() {
  namespace fs = std::filesystem;
  const std::string folder = DefaultCacheFolder();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error || ::access(folder.c_str(), W_OK) != 0)
    return {"cache folder", folder + " cannot be written", false};
  return {"cache folder", folder};
}

}  // namespace

std::vector<Finding> ExamineEnvironment() {
  std::vector<Finding> findings = {
      {"skald", kVersion},
      {"processor", fmt::format("{}, {} threads", ProcessorName(), std::thread::hardware_concurrency())},
      {"processor features", ProcessorFeatures()}};
  for (Finding& finding : CudaFindings()) findings.push_back(std::move(finding));
  findings.push_back(BundleFinding());
  findings.push_back(CacheFinding());
  return findings;
}

}  // namespace skald
