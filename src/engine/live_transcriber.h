#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/audio.h"
#include "base/results.h"
#include "base/status.h"
#include "engine/line_decoder.h"
#include "engine/live_options.h"
#include "engine/scorer.h"

namespace skald {

/// Transcribes one stream while it is heard. Every word is final when it is handed out: hypotheses that
/// contradict it are dropped. The words depend on the samples and the options only, not on how the samples
/// arrive. Not thread safe; calls take as long as the model and the search need.
class LiveTranscriber {
 public:
  /// `scorer` gives scores on the host and outlives the transcriber. The options are valid, and history_s +
  /// step_s + lookahead_s is at most the scorer's longest window.
  LiveTranscriber(Scorer* scorer, std::unique_ptr<LineDecoder> decoder, const LiveOptions& options,
                  LiveSink sink);

  /// Hears more: samples from `first_sample` of the media's clock on. A jump ends the line. Fails as the
  /// scorer and the search do; the transcriber is then unusable.
  Status Push(int64_t first_sample, PcmView samples);
  /// The stream is over: what is left of it.
  Status Finish();

 private:
  Status ScoreHeard(bool last);
  Status Consume(const ScoreRows& rows);
  void BeginLine();
  void EndLine();
  void HandOut(std::vector<LineWord> words, bool line_ended);
  int64_t Frames(double seconds) const;

  Scorer* const scorer_;
  const ScorerShape shape_;
  std::unique_ptr<LineDecoder> decoder_;
  const LiveOptions options_;
  const LiveSink sink_;

  // Audio that the model will see again. Samples and frames are counted from origin_sample_.
  int64_t origin_sample_ = 0;
  bool begun_ = false;
  std::vector<float> audio_;
  int64_t first_audio_frame_ = 0;
  int64_t next_frame_ = 0;  ///< first one without scores

  bool in_line_ = false;
  int64_t line_first_frame_ = 0;
  int64_t pause_frames_ = 0;      ///< at the end of the line
  std::deque<ScoreRows> margin_;  ///< pause frames before a line, one each
};

}  // namespace skald
