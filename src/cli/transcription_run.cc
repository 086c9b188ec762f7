#include "cli/transcription_run.h"

#include <algorithm>
#include <cstdio>

#include "cli/command.h"

namespace skald::cli {
namespace {

void ReportWarnings(const FileResult& result, bool speech_found) {
  for (const Transcript& transcript : result.transcripts) {
    for (const Warning& warning : transcript.warnings) {
      std::fprintf(stderr, "skald: %s: warning at %.2f s: %s\n", result.path.c_str(), warning.time_s,
                   warning.what.c_str());
    }
  }
  if (!speech_found) std::fprintf(stderr, "skald: %s: no speech found\n", result.path.c_str());
}

}  // namespace

Status TranscriptionRun::OpenJournal(const std::string& folder, const std::string& options,
                                     JobJournal::Redo redo) {
  std::vector<JobFile> files;
  for (const Input& input : inputs_) files.push_back({input.path, input.output_stem});
  SKALD_ASSIGN_OR_RETURN(journal_, JobJournal::Open(folder, files, options, redo));
  return Status::Ok();
}

StatusOr<int64_t> TranscriptionRun::Left() {
  if (journal_ == nullptr) return static_cast<int64_t>(inputs_.size());
  SKALD_ASSIGN_OR_RETURN(const JobSummary summary, journal_->Summary());
  return summary.waiting;
}

std::optional<std::string> TranscriptionRun::Next() {
  std::lock_guard lock(mutex_);
  if (journal_ == nullptr) {
    if (taken_.size() == inputs_.size()) return std::nullopt;
    taken_.push_back({inputs_[taken_.size()].path, inputs_[taken_.size()].output_stem});
    return taken_.back().path;
  }
  StatusOr<std::optional<JobFile>> file = journal_->Claim();
  if (!file.ok()) {
    Fail(file.status());
    return std::nullopt;
  }
  if (!file->has_value()) return std::nullopt;
  taken_.push_back(**file);
  return taken_.back().path;
}

void TranscriptionRun::Begin(size_t file_index, std::span<const Transcript::Source> sources) {
  JobFile file;
  {
    std::lock_guard lock(mutex_);
    file = taken_[file_index];
  }
  auto open = writer_.Open(file.output_stem, sources);
  std::lock_guard lock(mutex_);
  open_[file_index] = std::move(open);
}

void TranscriptionRun::Take(size_t file_index, int track, Segment segment) {
  OpenTranscript* open = nullptr;
  {
    std::lock_guard lock(mutex_);
    open = open_.at(file_index).get();
  }
  open->Add(track, segment);  // one at a time for each file
}

void TranscriptionRun::Take(FileResult result) {
  JobFile file;
  std::unique_ptr<OpenTranscript> open;
  {
    std::lock_guard lock(mutex_);
    file = taken_[result.index];
    if (auto node = open_.extract(result.index)) open = std::move(node.mapped());
  }
  JobOutcome outcome;
  outcome.status = std::move(result.status);
  if (outcome.status.ok()) {
    StatusOr<std::vector<std::string>> written = open != nullptr
                                                     ? open->Commit(result.transcripts)
                                                     : writer_.Write(file.output_stem, result.transcripts);
    outcome.status = written.status();
    if (written.ok()) outcome.outputs = std::move(*written);
  }
  for (const Transcript& transcript : result.transcripts) {
    outcome.audio_s += transcript.timing.audio_s;
    outcome.wall_s = std::max(outcome.wall_s, transcript.timing.wall_s);
  }
  bar_->Clear();
  std::lock_guard lock(mutex_);
  if (outcome.status.ok()) {
    ReportWarnings(result, open != nullptr
                               ? open->segments() > 0
                               : !result.transcripts.empty() && !result.transcripts.front().segments.empty());
  } else {
    Fail(outcome.status);
  }
  if (journal_ == nullptr) return;
  if (Status status = journal_->Finish(file, outcome); !status.ok()) Fail(status);
}

void TranscriptionRun::ReportEarlierFailures() {
  if (journal_ == nullptr) return;
  const StatusOr<JobSummary> summary = journal_->Summary();
  if (!summary.ok()) return Fail(summary.status());
  const int64_t earlier = summary->failed - failed_;
  if (earlier <= 0) return;
  std::fprintf(stderr, "skald: %lld files failed before and were not tried again (--retry-failed does)\n",
               static_cast<long long>(earlier));
  failed_ += earlier;
}

void TranscriptionRun::Fail(const Status& status) {
  ++failed_;
  Report(status, kSomeFailed);
}

}  // namespace skald::cli
