#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/results.h"
#include "base/status.h"

namespace skald {

/// What became of one input: transcripts of its tracks, or why there are none.
struct FileResult {
  size_t index = 0;  ///< into the inputs of the run
  std::string path;  ///< as it was given
  Status status;     ///< why it failed, else ok
  /// One per audio track; empty unless status is ok. Without segments, where a SegmentSink took them.
  std::vector<Transcript> transcripts;
};

/// Receives results from threads that do nothing else: from one, in the order of the inputs, or from several
/// at once in any order (`writers` of Recognizer::TranscribeInputs). Must not call back into the recognizer.
using ResultSink = std::function<void(FileResult)>;

struct SegmentLattice;

/// Receives every segment's lattice (of several heads the first one's) before it is dropped, in any order and
/// from several threads at once; all of a file's come before its FileResult.
using LatticeSink = std::function<void(const SegmentLattice&)>;

/// Receives the segments of every track in order (by start in whole milliseconds, then channel), each as soon
/// as none can come any more that belongs before it, so that a recording of any length takes no more memory
/// than a short one. From several threads, but one at a time for each file; all of a file's come before its
/// FileResult. Must not call back into the recognizer.
class SegmentSink {
 public:
  virtual ~SegmentSink() = default;
  /// A file was opened; `sources` are its tracks as far as they are known: not their durations.
  virtual void Begin(size_t file_index, std::span<const Transcript::Source> sources) = 0;
  virtual void Take(size_t file_index, int track, Segment segment) = 0;  ///< the next one
};

/// How far the pipeline got; the seconds of audio count what went through the acoustic model or was left out.
struct PipelineProgress {
  int64_t files_done = 0;  ///< with a result
  int64_t files = 0;       ///< all, as far as known
  double audio_s = 0;      ///< that went through the acoustic model
};

/// Called now and then by any thread, one at a time.
using ProgressSink = std::function<void(const PipelineProgress&)>;

/// Names the next input, or nothing when all are named; called by one thread at a time. Inputs are numbered
/// in the order in which it names them.
using InputSource = std::function<std::optional<std::string>()>;

}  // namespace skald
