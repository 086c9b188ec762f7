#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/results.h"
#include "base/status.h"
#include "base/stopwatch.h"
#include "engine/endpointer.h"
#include "engine/file_segments.h"
#include "engine/score_stitcher.h"
#include "engine/segment_describer.h"
#include "frontend/features/ivector_stream.h"
#include "frontend/segmentation/window_cutter.h"

namespace skald {

struct FileJob;

/// A stretch of one channel without a long gap: it has its own windows, scores and segments.
struct StreamJob {
  StreamJob(FileJob* file_in, int track_in, int channel_in, int64_t first_sample,
            const WindowOptions& windows)
      : file(file_in), track(track_in), channel(channel_in), next_sample(first_sample), cutter(windows) {}

  FileJob* file;
  const int track;
  const int channel;
  int number = 0;  // in FileJob::segments
  FrameClock clock;

  // The reader thread's.
  int64_t next_sample;
  WindowCutter cutter;
  std::unique_ptr<IvectorStream> ivectors;  ///< null: the model takes none

  // Guarded by mutex.
  std::mutex mutex;
  ScoreStitcher stitcher;
  std::unique_ptr<Endpointer> endpointer;
};

/// An input on its way through the pipeline. It is complete when `outstanding` falls to zero: the reader
/// holds one count, every window and every segment under way another.
struct FileJob {
  FileJob(const PipelineContext& context, size_t index_in, std::string path_in)
      : index(index_in), path(std::move(path_in)), segments(context, index_in) {}

  const size_t index;
  const std::string path;
  Stopwatch watch;
  std::atomic<int64_t> outstanding{1};
  std::atomic<bool> failed{false};
  std::vector<std::unique_ptr<StreamJob>> streams;  // the reader's until it gives up its count
  FileSegments segments;

  std::mutex mutex;
  Status status;                        // first failure; guarded by mutex
  Timing timing;                        // guarded by mutex
  std::vector<Transcript> transcripts;  // sources and warnings by the reader, the rest on completion

  void Fail(Status failure) {
    std::lock_guard lock(mutex);
    if (status.ok()) status = std::move(failure);
    failed = true;
  }
};

/// A window on its way to a scorer.
struct WindowJob {
  StreamJob* stream = nullptr;
  Window window;
  std::vector<float> ivectors;  ///< as WindowInput has them
};

/// A segment on its way to a search.
struct SegmentJob {
  StreamJob* stream = nullptr;
  ScoreSegment segment;
};

/// What a search made of a segment, on its way to be described.
struct LatticeJob {
  StreamJob* stream = nullptr;
  int64_t segment_index = 0;
  int64_t first_frame = 0;  ///< of the segment, in the stream
  StatusOr<std::vector<RawLattice>> lattices = Status::InvalidArgument("not searched");  ///< of each head
  double search_s = 0;
};

}  // namespace skald
