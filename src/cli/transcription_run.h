#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/input_list.h"
#include "cli/progress_bar.h"
#include "cli/transcript_writer.h"
#include "engine/job_journal.h"
#include "engine/pipeline.h"

namespace skald::cli {

/// What `skald transcribe` hands to the recognizer and gets back, with or without a journal. Thread safe;
/// outputs are written outside its lock. As SegmentSink it writes them while a file is under way.
class TranscriptionRun : public SegmentSink {
 public:
  TranscriptionRun(TranscriptWriter writer, const std::vector<Input>& inputs, ProgressBar* bar)
      : writer_(std::move(writer)), inputs_(inputs), bar_(bar) {}

  /// See JobJournal::Open.
  Status OpenJournal(const std::string& folder, const std::string& options, JobJournal::Redo redo);

  /// Inputs that are left to do.
  StatusOr<int64_t> Left();

  /// InputSource.
  std::optional<std::string> Next();

  // SegmentSink; where outputs go to a folder.
  void Begin(size_t file_index, std::span<const Transcript::Source> sources) override;
  void Take(size_t file_index, int track, Segment segment) override;

  /// ResultSink: writes outputs, or says on standard error why there are none.
  void Take(FileResult result);

  /// Files of this run and, with a journal, of earlier ones that failed and were not tried again.
  bool anything_failed() const { return failed_ > 0; }
  void ReportEarlierFailures();

 private:
  void Fail(const Status& status);

  const TranscriptWriter writer_;
  const std::vector<Input>& inputs_;
  ProgressBar* const bar_;
  std::unique_ptr<JobJournal> journal_;
  std::mutex mutex_;                                        // guards the rest
  std::vector<JobFile> taken_;                              // by FileResult::index
  std::map<size_t, std::unique_ptr<OpenTranscript>> open_;  // by FileResult::index
  int64_t failed_ = 0;
};

}  // namespace skald::cli
