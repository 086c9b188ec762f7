#include "engine/result_collector.h"

#include <algorithm>
#include <utility>

namespace skald {
namespace {

/// Readers run at most this many files ahead of the first file that is not finished.
constexpr size_t kMaxFilesAhead = 512;

}  // namespace

FileJob* ResultCollector::OpenNext(WorkerOccupancy* reader) {
  std::optional<std::string> path;
  std::unique_lock inputs_lock(inputs_mutex_, std::defer_lock);
  {
    SecondsTo waiting(&reader->waiting_for_room_s);
    inputs_lock.lock();
    std::unique_lock lock(files_mutex_);
    files_delivered_.wait(lock, [&] { return next_file_ < delivered_ + kMaxFilesAhead; });
  }
  {
    SecondsTo waiting(&reader->waiting_for_input_s);
    path = inputs_();
  }
  if (!path) return nullptr;
  std::lock_guard lock(files_mutex_);
  auto file = std::make_unique<FileJob>(context_, next_file_++, std::move(*path));
  files_fill_.Set(static_cast<int64_t>(next_file_ - delivered_));
  return (files_[file->index] = std::move(file)).get();
}

void ResultCollector::Release(FileJob* file) {
  if (--file->outstanding == 0) Complete(file);
}

FileResult ResultCollector::MakeResult(FileJob* file) const {
  FileResult result;
  result.index = file->index;
  result.path = file->path;
  result.status = std::move(file->status).InFile(file->path);
  file->timing.wall_s = file->watch.Seconds();
  if (!result.status.ok()) return result;
  for (Transcript& transcript : file->transcripts) {
    file->segments.Finish(&transcript);
    transcript.timing = file->timing;
    transcript.timing.audio_s = transcript.source.duration_s;
  }
  result.transcripts = std::move(file->transcripts);
  return result;
}

void ResultCollector::Complete(FileJob* file) {
  FileResult result = MakeResult(file);
  std::lock_guard lock(files_mutex_);
  if (!result.status.ok()) ++failed_;
  for (const Transcript& transcript : result.transcripts) transcribed_s_ += transcript.source.duration_s;
  finished_.emplace(file->index, std::move(result));
  results_fill_.Set(static_cast<int64_t>(finished_.size()));
  files_.erase(file->index);
  files_finished_.notify_all();
}

void ResultCollector::Deliver(WorkerOccupancy* writer) {
  const bool in_order = context_.writers == 1;
  std::unique_lock lock(files_mutex_);
  for (;;) {
    {
      SecondsTo waiting(&writer->waiting_for_input_s);
      files_finished_.wait(lock, [&] {
        return closed_ || (!finished_.empty() && (!in_order || finished_.begin()->first == next_result_));
      });
    }
    if (finished_.empty()) return;
    FileResult next = std::move(finished_.begin()->second);
    finished_.erase(finished_.begin());
    results_fill_.Set(static_cast<int64_t>(finished_.size()));
    ++next_result_;
    lock.unlock();
    {
      SecondsTo busy(&writer->busy(PipelineStage::kWrite));
      sink_(std::move(next));
    }
    lock.lock();
    ++delivered_;
    files_fill_.Set(static_cast<int64_t>(next_file_ - delivered_));
    files_delivered_.notify_all();
    lock.unlock();
    ReportScored(0);
    lock.lock();
  }
}

void ResultCollector::Close() {
  std::lock_guard lock(files_mutex_);
  closed_ = true;
  files_finished_.notify_all();
}

void ResultCollector::Describe(PipelineReport* report) const {
  std::lock_guard lock(files_mutex_);
  report->files = static_cast<int64_t>(delivered_);
  report->files_failed = failed_;
  report->audio_s = transcribed_s_;
  report->queues.push_back(files_fill_.Reading("files under way", "files", kMaxFilesAhead));
  report->queues.push_back(results_fill_.Reading("results to be written", "files", kMaxFilesAhead));
}

void ResultCollector::ReportScored(double audio_s) {
  if (!progress_) return;
  std::lock_guard lock(progress_mutex_);
  scored_s_ += audio_s;
  int64_t delivered = 0, files = 0;
  {
    std::lock_guard files_lock(files_mutex_);
    delivered = static_cast<int64_t>(delivered_);
    files = std::max(expected_files_, static_cast<int64_t>(next_file_));
  }
  progress_({delivered, files, scored_s_});
}

}  // namespace skald
