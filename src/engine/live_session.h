#pragma once

#include <cstdint>
#include <memory>

#include "base/audio.h"
#include "base/status.h"
#include "engine/build_progress.h"
#include "engine/live_options.h"
#include "engine/options.h"
#include "engine/recognizer.h"

namespace skald {

/// One stream of audio that is transcribed while it is heard, with a model of its own. Every word is final
/// when it is handed out. The words depend on the samples and the options only, not on how the samples
/// arrive. Not thread safe; calls take as long as the model and the search need, and `sink` is called from
/// within them.
class LiveSession {
 public:
  /// Loads the model. The search runs on the CPU, since one stream would not fill a device, and windows are
  /// as long as `live` asks for, whatever `recognizer` says of either. Fails as Recognizer::Create does, and
  /// with kInvalidArgument for live options out of range.
  static StatusOr<std::unique_ptr<LiveSession>> Create(RecognizerOptions recognizer, const LiveOptions& live,
                                                       LiveSink sink,
                                                       const BuildProgress& build_progress = {});
  ~LiveSession();

  /// Hears more: mono samples at kSampleRateHz, from `first_sample` of the stream's clock on. A jump ends the
  /// line. After a failure the session is unusable.
  Status Push(int64_t first_sample, PcmView samples);

  /// The stream is over: hands out what is left of it.
  Status Finish();

  /// What the session runs with.
  const RecognizerInfo& info() const;

 private:
  struct State;
  explicit LiveSession(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace skald
