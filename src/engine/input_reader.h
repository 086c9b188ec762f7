#pragma once

#include <map>
#include <utility>

#include "base/audio.h"
#include "engine/pipeline.h"
#include "engine/pipeline_state.h"
#include "engine/result_collector.h"
#include "engine/scheduler.h"
#include "frontend/media/media_reader.h"
#include "frontend/segmentation/window_cutter.h"

namespace skald {

/// Reads inputs and cuts them into windows for the scheduler, which makes it wait where it has enough. What
/// scorers make of the windows of a stream comes back to the scheduler as segments. For several threads.
class InputReader {
 public:
  /// References are kept.
  InputReader(const PipelineContext& context, const MediaOptions& media, Scheduler* scheduler,
              ResultCollector* results);

  /// Reads inputs until there are no more, counting in `reader` what the thread did.
  void Run(WorkerOccupancy* reader);

 private:
  /// The streams of a file that more samples may come for, by track and channel.
  struct OpenStreams {
    std::map<std::pair<int, int>, StreamJob*> streams;
    double waiting_s = 0;  ///< for room in the queue of windows: no part of reading
  };

  void ReadFile(FileJob* file, OpenStreams* open);
  void ReadSamples(FileJob* file, PcmView samples, OpenStreams* open);
  void Append(FileJob* file, const PcmBlock& block, OpenStreams* open);
  StreamJob* OpenStream(FileJob* file, const PcmBlock& block);
  void FinishStream(StreamJob* stream, OpenStreams* open);
  void PushWindow(StreamJob* stream, Window window, OpenStreams* open);
  void PushSegment(StreamJob* stream, ScoreSegment segment);
  void BeginFile(FileJob* file, const MediaInfo& info) const;
  void EndFile(FileJob* file, const std::vector<Warning>& warnings) const;

  const PipelineContext& context_;
  const MediaOptions& media_;
  const double frame_shift_s_;
  WindowOptions windows_;
  Scheduler* const scheduler_;
  ResultCollector* const results_;
};

}  // namespace skald
