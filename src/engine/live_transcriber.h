#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "base/audio.h"
#include "base/results.h"
#include "base/status.h"
#include "decoder/search/beam_search.h"
#include "decoder/search/stable_path.h"
#include "engine/live_words.h"
#include "engine/scorer.h"
#include "engine/segment_describer.h"

namespace skald {

/// How live audio is cut up. A word appears at most lookahead_s + step_s + max_delay_s after it and the next
/// word began, or after the pause that follows it.
struct LiveOptions {
  /// Audio between two looks of the acoustic model [s]. Smaller: words come sooner, and each look costs the
  /// model history_s of work.
  double step_s = 0.5;
  /// Audio after a frame that its scores must have seen [s]. Larger: more accurate and later.
  double lookahead_s = 1.0;
  /// Audio before it that the acoustic model sees again [s]. Larger: more accurate, more work.
  double history_s = 6.0;
  /// What was heard this long ago is decided, even where hypotheses still differ [s]. Larger: fewer errors,
  /// words that are in doubt come later.
  double max_delay_s = 2.0;
  /// A pause of this length ends a line [s].
  double pause_s = 0.8;
  /// A line ends at the next short pause when it is this long [s].
  double long_line_s = 15.0;
  /// A line never gets longer [s]; memory grows with it.
  double max_line_s = 30.0;
  /// A frame belongs to a pause where the blank has at least this probability.
  double blank_probability = 0.9;

  /// kInvalidArgument names the field that is out of range.
  Status Validate() const;
};

/// Words that will not change any more, in order.
struct LiveUpdate {
  std::vector<Word> words;  ///< without confidences: these need the whole line
  bool line_ended = false;  ///< after these words
  double heard_s = 0;       ///< end of the audio that was heard when they became stable
};

/// Transcribes one stream while it is heard. Every word is final when it is handed out: hypotheses that
/// contradict it are dropped. The words depend on the samples and the options only, not on how the samples
/// arrive. Not thread safe; calls take as long as the model and the search need.
class LiveTranscriber {
 public:
  using Sink = std::function<void(const LiveUpdate&)>;

  /// `scorer` gives scores on the host; it, the graph and `boost` (may be null) outlive the transcriber. The
  /// options are valid, and history_s + step_s + lookahead_s is at most the scorer's longest window.
  LiveTranscriber(Scorer* scorer, const GraphImage& graph, const SearchOptions& search,
                  const BoostAutomaton* boost, const LiveOptions& options, Sink sink);

  /// Hears more: samples from `first_sample` of the media's clock on. A jump ends the line. Fails as the
  /// scorer and the search do; the transcriber is then unusable.
  Status Push(int64_t first_sample, PcmView samples);
  /// The stream is over: what is left of it.
  Status Finish();

 private:
  Status ScoreHeard(bool last);
  Status Consume(const ScoreRows& rows);
  Status FeedLine(const ScoreRows& rows);
  void BeginLine();
  void EndLine();
  void HandOut(std::vector<SettledWord> words, bool line_ended);
  int64_t Frames(double seconds) const;

  Scorer* const scorer_;
  const ScorerShape shape_;
  const GraphImage& graph_;
  const BoostAutomaton* const boost_;
  const LiveOptions options_;
  const Sink sink_;

  // Audio that the model will see again. Samples and frames are counted from origin_sample_.
  int64_t origin_sample_ = 0;
  bool begun_ = false;
  std::vector<float> audio_;
  int64_t first_audio_frame_ = 0;
  int64_t next_frame_ = 0;  ///< first one without scores

  BeamSearch search_;
  StablePath stable_;
  LiveWords words_;
  bool in_line_ = false;
  int64_t line_first_frame_ = 0;
  int64_t line_frames_ = 0;
  int64_t pause_frames_ = 0;      ///< at the end of the line
  std::deque<ScoreRows> margin_;  ///< pause frames before a line, one each
};

}  // namespace skald
