#pragma once

#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "base/status.h"

namespace skald::cli {

enum class ProgressStyle { kNone, kBar, kJson };

/// "auto" is a bar on a terminal and nothing elsewhere.
StatusOr<ProgressStyle> ParseProgressStyle(const std::string& name);

/// One line on standard error that is redrawn at most ten times a second; with kJson one object a second.
/// Thread safe.
class ProgressBar {
 public:
  explicit ProgressBar(ProgressStyle style) : style_(style) {}
  ~ProgressBar() { Clear(); }

  /// `fraction` in [0, 1]; `what` says what is going on, e.g. "3 of 12 files, 85 x real time".
  void Update(double fraction, const std::string& what);
  /// With kJson prints {"report": ...}.
  void Report(const nlohmann::ordered_json& report);
  /// Removes the bar, so that other text can be printed.
  void Clear();

 private:
  const ProgressStyle style_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point last_;
  bool drawn_ = false;
};

}  // namespace skald::cli
