#include "cli/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace skald::cli {

StatusOr<ProgressStyle> ParseProgressStyle(const std::string& name) {
  if (name == "auto") return ::isatty(STDERR_FILENO) != 0 ? ProgressStyle::kBar : ProgressStyle::kNone;
  if (name == "none") return ProgressStyle::kNone;
  if (name == "bar") return ProgressStyle::kBar;
  if (name == "json") return ProgressStyle::kJson;
  return Status::InvalidArgument("--progress is one of auto, none, bar, json, not '" + name + "'");
}

void ProgressBar::Update(double fraction, const std::string& what) {
  if (style_ == ProgressStyle::kNone) return;
  std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  const auto pause = std::chrono::milliseconds(style_ == ProgressStyle::kBar ? 100 : 1000);
  if (drawn_ && now - last_ < pause) return;
  last_ = now;
  drawn_ = true;
  fraction = std::clamp(fraction, 0.0, 1.0);
  if (style_ == ProgressStyle::kJson) {
    const nlohmann::ordered_json line = {{"fraction", fraction}, {"what", what}};
    std::fprintf(stderr, "%s\n", line.dump().c_str());
    return;
  }
  const int filled = static_cast<int>(fraction * 30);
  const std::string bar =
      std::string(static_cast<size_t>(filled), '#') + std::string(static_cast<size_t>(30 - filled), '.');
  std::fprintf(stderr, "\r\033[K[%s] %3.0f %% %s", bar.c_str(), fraction * 100, what.c_str());
  std::fflush(stderr);
}

void ProgressBar::Report(const nlohmann::ordered_json& report) {
  if (style_ != ProgressStyle::kJson) return;
  std::lock_guard lock(mutex_);
  std::fprintf(stderr, "%s\n", nlohmann::ordered_json{{"report", report}}.dump().c_str());
}

void ProgressBar::Clear() {
  std::lock_guard lock(mutex_);
  if (style_ == ProgressStyle::kBar && drawn_) {
    std::fputs("\r\033[K", stderr);
    drawn_ = false;
  }
}

}  // namespace skald::cli
