#include "frontend/segmentation/window_cutter.h"

#include <cmath>
#include <cstddef>
#include <utility>

#include "base/check.h"

namespace skald {

Status WindowOptions::Validate() const {
  if (!(window_s >= 1.0 && window_s <= 600.0))
    return Status::InvalidArgument("window_s must be within 1 to 600");
  if (!(context_s >= 0.0 && context_s <= 0.45 * window_s)) {
    return Status::InvalidArgument("context_s must be within 0 to 0.45 of window_s");
  }
  if (frame_shift_samples < 1) return Status::InvalidArgument("frame_shift_samples must be positive");
  return Status::Ok();
}

WindowCutter::WindowCutter(const WindowOptions& options) : frame_shift_samples_(options.frame_shift_samples) {
  SKALD_CHECK(options.Validate().ok(), "window options were not validated");
  const double shift_s = static_cast<double>(frame_shift_samples_) / kSampleRateHz;
  const int64_t window_frames = std::llround(options.window_s / shift_s);
  context_frames_ = std::llround(options.context_s / shift_s);
  hop_frames_ = window_frames - 2 * context_frames_;
  window_samples_ = window_frames * frame_shift_samples_;
}

std::vector<Window> WindowCutter::Push(PcmView samples) {
  std::vector<Window> windows;
  size_t taken = 0;
  while (taken < samples.size()) {
    // A full window is cut only when a sample follows it, so that the last window of a stream is never empty.
    if (static_cast<int64_t>(pending_.size()) == window_samples_) windows.push_back(Cut(false));
    const size_t room = static_cast<size_t>(window_samples_) - pending_.size();
    const size_t count = std::min(room, samples.size() - taken);
    pending_.insert(pending_.end(), samples.begin() + static_cast<std::ptrdiff_t>(taken),
                    samples.begin() + static_cast<std::ptrdiff_t>(taken + count));
    taken += count;
  }
  return windows;
}

std::optional<Window> WindowCutter::Finish() {
  if (pending_.empty()) return std::nullopt;
  return Cut(true);
}

Window WindowCutter::Cut(bool last) {
  Window window;
  window.index = index_;
  window.first_frame = index_ * hop_frames_;
  window.keep_first_frame = window.first_frame + (index_ == 0 ? 0 : context_frames_);
  window.keep_end_frame = window.first_frame + context_frames_ + hop_frames_;
  window.last = last;
  ++index_;
  if (last) {
    window.samples = std::exchange(pending_, {});  // a stream that ended holds no memory
  } else {
    window.samples = pending_;
    pending_.erase(pending_.begin(),
                   pending_.begin() + static_cast<std::ptrdiff_t>(hop_frames_ * frame_shift_samples_));
  }
  return window;
}

}  // namespace skald
