#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "frontend/media/av_handles.h"
#include "frontend/media/media_reader.h"
#include "frontend/media/warning_log.h"

namespace skald {

/// Watches over what FFmpeg does while it reads one input: how long it goes without progress, and which other
/// files it opens on the input's behalf (playlists name some). Progress is a call that returns or a place in
/// the input that was not reached before. One thread at a time.
class InputGuard {
 public:
  /// `options` and `warnings` are kept. `path` is the input's, empty where it is no file; `address` is what
  /// it is opened as.
  InputGuard(const std::string& path, std::string address, const MediaOptions& options, WarningLog* warnings);
  InputGuard(const InputGuard&) = delete;
  InputGuard& operator=(const InputGuard&) = delete;

  /// Guards `context`, which is about to be opened. It must not outlive this.
  void Guard(AVFormatContext* context);
  /// Opening failed: FFmpeg freed the context.
  void Forget() { context_ = nullptr; }

  /// Something was read, or the next call begins.
  void NoteProgress() { progress_ = std::chrono::steady_clock::now(); }
  /// Whether there was no progress for too long; from then on FFmpeg gives up.
  bool Stalled();
  bool has_stalled() const { return has_stalled_; }
  /// "nothing came for 60 s"; empty before.
  const std::string& stall_text() const { return stall_text_; }
  /// The first file that was asked for and not opened; empty: none.
  const std::string& refused() const { return refused_; }

 private:
  static int Interrupt(void* guard);
  static int OpenOther(AVFormatContext* context, AVIOContext** io, const char* url, int flags,
                       AVDictionary** options);
  bool MayOpen(const std::string& url, int flags) const;
  double PatienceSeconds() const;

  const std::string address_;
  const MediaOptions& options_;
  WarningLog* const warnings_;
  std::filesystem::path folder_;  // whose files the input may name; empty: none
  AVFormatContext* context_ = nullptr;
  decltype(AVFormatContext::io_open) open_ = nullptr;
  std::chrono::steady_clock::time_point progress_;
  int64_t furthest_ = 0;  // byte of the input that was reached
  bool has_stalled_ = false;
  std::string stall_text_;
  std::string refused_;
};

}  // namespace skald
