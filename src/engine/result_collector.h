#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "engine/occupancy_meter.h"
#include "engine/pipeline.h"
#include "engine/pipeline_state.h"

namespace skald {

/// Keeps the files under way, puts together what became of each, and hands the results to the sink: in the
/// order of the inputs, where PipelineContext::writers is 1. Thread safe.
class ResultCollector {
 public:
  /// References are kept.
  ResultCollector(const PipelineContext& context, const InputSource& inputs, int64_t expected_files,
                  const ResultSink& sink, const ProgressSink& progress)
      : context_(context),
        inputs_(inputs),
        expected_files_(expected_files),
        sink_(sink),
        progress_(progress) {}

  /// The next input, with one count of `outstanding` for the caller; null when there are no more. Waits while
  /// too many files are ahead of the first one that is not finished.
  FileJob* OpenNext(WorkerOccupancy* reader);

  /// Gives back a count of `outstanding`; with the last one the file is complete and no longer there.
  void Release(FileJob* file);

  /// Seconds of audio went through the acoustic model, or were left out.
  void ReportScored(double audio_s);

  /// A writer: hands results to the sink until all are delivered.
  void Deliver(WorkerOccupancy* writer);
  /// Every file is complete: writers end when they have delivered what is there.
  void Close();

  /// Adds files, seconds of audio and how full the queues were.
  void Describe(PipelineReport* report) const;

 private:
  void Complete(FileJob* file);
  FileResult MakeResult(FileJob* file) const;

  const PipelineContext& context_;
  const InputSource& inputs_;
  const int64_t expected_files_;
  const ResultSink& sink_;
  const ProgressSink& progress_;

  std::mutex inputs_mutex_;         // one reader asks for an input at a time; taken before files_mutex_
  mutable std::mutex files_mutex_;  // guards what follows
  std::condition_variable files_delivered_, files_finished_;
  size_t next_file_ = 0;
  size_t next_result_ = 0;  // to be delivered, where that is in order
  size_t delivered_ = 0;
  std::map<size_t, std::unique_ptr<FileJob>> files_;
  std::map<size_t, FileResult> finished_;
  bool closed_ = false;
  int64_t failed_ = 0;
  double transcribed_s_ = 0;
  FillGauge files_fill_, results_fill_;

  std::mutex progress_mutex_;
  double scored_s_ = 0;
};

}  // namespace skald
