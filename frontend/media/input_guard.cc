#include "frontend/media/input_guard.h"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>
#include <utility>

namespace skald {
namespace {

// A live playlist in a file waits for ever for the segments that its server would add: each call ends after
// this.
constexpr double kPlaylistPatience_s = 3;
constexpr std::string_view kFileScheme = "file:";

bool IsPlaylist(const AVFormatContext* context) {
  if (context == nullptr || context->iformat == nullptr) return false;
  const std::string_view name = context->iformat->name;
  return name == "hls" || name == "dash";
}

/// What a file says, fit for a line of text.
std::string Printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

}  // namespace

InputGuard::InputGuard(const std::string& path, std::string address, const MediaOptions& options,
                       WarningLog* warnings)
    : address_(std::move(address)), options_(options), warnings_(warnings) {
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) {
    folder_ = std::filesystem::canonical(path, error).parent_path();
  }
  NoteProgress();
}

void InputGuard::Guard(AVFormatContext* context) {
  context_ = context;
  open_ = context->io_open;
  context->interrupt_callback = {Interrupt, this};
  context->opaque = this;
  context->io_open = OpenOther;
}

double InputGuard::PatienceSeconds() const {
  if (!IsPlaylist(context_)) return options_.stall_timeout_s;
  return options_.stall_timeout_s > 0 ? std::min(options_.stall_timeout_s, kPlaylistPatience_s)
                                      : kPlaylistPatience_s;
}

bool InputGuard::Stalled() {
  if (has_stalled_) return true;
  if (context_ != nullptr && context_->pb != nullptr && context_->pb->pos > furthest_) {
    furthest_ = context_->pb->pos;
    NoteProgress();
  }
  const double patience_s = PatienceSeconds();
  const std::chrono::duration<double> idle = std::chrono::steady_clock::now() - progress_;
  if (patience_s <= 0 || idle.count() <= patience_s) return false;
  has_stalled_ = true;
  stall_text_ = fmt::format("nothing came for {:g} s", patience_s);
  if (IsPlaylist(context_)) stall_text_ += ": a live playlist?";
  return true;
}

// FFmpeg asks this while it waits, from open to close: not 0 makes it give up.
int InputGuard::Interrupt(void* guard) { return static_cast<InputGuard*>(guard)->Stalled() ? 1 : 0; }

int InputGuard::OpenOther(AVFormatContext* context, AVIOContext** io, const char* url, int flags,
                          AVDictionary** options) {
  InputGuard* const guard = static_cast<InputGuard*>(context->opaque);
  if (guard->MayOpen(url, flags)) return guard->open_(context, io, url, flags, options);
  const std::string name = Printable(url);
  if (guard->refused_.empty()) guard->refused_ = name;
  guard->warnings_->Add(0, "not opened: " + name + ", which the file refers to");
  return AVERROR(EACCES);
}

bool InputGuard::MayOpen(const std::string& url, int flags) const {
  if ((flags & AVIO_FLAG_WRITE) != 0) return false;
  if (options_.allow_network || url == address_) return true;
  if (folder_.empty()) return false;
  std::string_view name = url;
  if (name.starts_with(kFileScheme)) {
    name.remove_prefix(kFileScheme.size());
  } else if (const size_t colon = name.find(':'); colon < name.find('/')) {
    return false;  // another protocol
  }
  std::error_code error;
  const std::filesystem::path target = std::filesystem::canonical(name, error);
  if (error || !std::filesystem::is_regular_file(target, error)) return false;
  return std::mismatch(folder_.begin(), folder_.end(), target.begin(), target.end()).first == folder_.end();
}

}  // namespace skald
