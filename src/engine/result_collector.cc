#include "engine/result_collector.h"

#include <algorithm>
#include <utility>

#include "engine/beam_warnings.h"

namespace skald {
namespace {

/// Readers run at most this many files ahead of the first file that is not finished.
constexpr size_t kMaxFilesAhead = 512;

}  // namespace

FileJob* ResultCollector::OpenNext() {
  std::lock_guard inputs_lock(inputs_mutex_);
  {
    std::unique_lock lock(files_mutex_);
    files_delivered_.wait(lock, [&] { return next_file_ < delivered_ + kMaxFilesAhead; });
  }
  std::optional<std::string> path = inputs_();
  if (!path) return nullptr;
  auto file = std::make_unique<FileJob>();
  file->path = std::move(*path);
  std::lock_guard lock(files_mutex_);
  file->index = next_file_++;
  return (files_[file->index] = std::move(file)).get();
}

void ResultCollector::Release(FileJob* file) {
  if (--file->outstanding == 0) Complete(file);
}

FileResult ResultCollector::MakeResult(FileJob* file) const {
  FileResult result;
  result.path = file->path;
  result.status = std::move(file->status).InFile(file->path);
  file->timing.wall_s = file->watch.Seconds();
  if (!result.status.ok()) return result;
  for (Transcript& transcript : file->transcripts) {
    for (const auto& stream : file->streams) {
      if (stream->track != transcript.source.track) continue;
      for (Segment& segment : stream->segments) {
        if (!segment.words.empty()) transcript.segments.push_back(std::move(segment));
      }
    }
    std::stable_sort(transcript.segments.begin(), transcript.segments.end(),
                     [](const auto& a, const auto& b) {
                       return std::pair(a.start_s, a.channel) < std::pair(b.start_s, b.channel);
                     });
    for (Warning& warning : BeamWarnings(transcript.segments, context_.options.search.beam,
                                         context_.options.search.lattice_beam)) {
      transcript.warnings.push_back(std::move(warning));
    }
    transcript.timing = file->timing;
    transcript.timing.audio_s = transcript.source.duration_s;
  }
  result.transcripts = std::move(file->transcripts);
  return result;
}

void ResultCollector::Complete(FileJob* file) {
  FileResult result = MakeResult(file);
  std::lock_guard delivery(delivery_mutex_);
  std::unique_lock lock(files_mutex_);
  finished_.emplace(file->index, std::move(result));
  files_.erase(file->index);
  while (!finished_.empty() && finished_.begin()->first == delivered_) {
    FileResult next = std::move(finished_.begin()->second);
    finished_.erase(finished_.begin());
    lock.unlock();
    sink_(std::move(next));
    lock.lock();
    ++delivered_;
    files_delivered_.notify_all();
  }
  lock.unlock();
  ReportScored(0);
}

void ResultCollector::ReportScored(double audio_s) {
  if (!progress_) return;
  std::lock_guard lock(progress_mutex_);
  audio_s_ += audio_s;
  int64_t delivered = 0, files = 0;
  {
    std::lock_guard files_lock(files_mutex_);
    delivered = static_cast<int64_t>(delivered_);
    files = std::max(expected_files_, static_cast<int64_t>(next_file_));
  }
  progress_({delivered, files, audio_s_});
}

}  // namespace skald
