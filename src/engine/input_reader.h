#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/audio.h"
#include "engine/ivector_source.h"
#include "engine/pipeline.h"
#include "engine/pipeline_state.h"
#include "engine/result_collector.h"
#include "engine/scheduler.h"
#include "engine/voice_activity.h"
#include "frontend/media/media_reader.h"
#include "frontend/segmentation/window_cutter.h"

namespace skald {

/// Reads inputs, leaves out what is no speech, and cuts the rest into windows for the scheduler, which makes
/// it wait where it has enough. What scorers make of the windows of a stream comes back to the scheduler as
/// segments. For several threads.
class InputReader {
 public:
  /// References are kept.
  InputReader(const PipelineContext& context, const MediaOptions& media, Scheduler* scheduler,
              ResultCollector* results);

  /// Reads inputs until there are no more, counting in `reader` what the thread did.
  void Run(WorkerOccupancy* reader);

 private:
  using Key = std::pair<int, int>;  ///< track and channel
  /// A channel of a track while it is read.
  struct OpenChannel {
    std::optional<SpeechGate> gate;  ///< none where nothing is left out
    int64_t end_sample = 0;          ///< of what was read
    int64_t kept_end = 0;            ///< of what was not left out
    StreamJob* stream = nullptr;     ///< that more samples may come for
    std::vector<SkippedSpan> skipped;
  };
  /// A file while it is read.
  struct OpenFile {
    FileJob* file = nullptr;
    std::map<Key, OpenChannel> channels;
    VoiceActivity::Scratch* scratch = nullptr;
    double vad_s = 0;
    double waiting_s = 0;  ///< for room in the queue of windows: no part of reading
  };

  void ReadFile(OpenFile* open);
  void ReadSamples(OpenFile* open, PcmView samples);
  void Take(OpenFile* open, const PcmBlock& block);
  /// While sound is left out: what came before is complete, and waits for nothing that follows.
  void PassGap(OpenFile* open, const Key& key, OpenChannel* channel);
  void EndGate(OpenFile* open, const Key& key, OpenChannel* channel);
  void NoteSkip(const Key& key, OpenChannel* channel, int64_t end_sample);
  void Append(OpenFile* open, const Key& key, OpenChannel* channel, int64_t first_sample, PcmView samples);
  void FinishChannels(OpenFile* open);
  StreamJob* OpenStream(FileJob* file, const Key& key, int64_t first_sample);
  void FinishStream(OpenFile* open, StreamJob* stream);
  void PushWindow(OpenFile* open, StreamJob* stream, Window window);
  void PushSegment(StreamJob* stream, ScoreSegment segment);
  void BeginFile(FileJob* file, const MediaInfo& info) const;
  void EndFile(const OpenFile& open, const std::vector<Warning>& warnings) const;

  const PipelineContext& context_;
  const MediaOptions& media_;
  const double frame_shift_s_;
  WindowOptions windows_;
  std::shared_ptr<const IvectorSource> ivectors_;  ///< null: the model takes none
  Scheduler* const scheduler_;
  ResultCollector* const results_;
};

}  // namespace skald
