#include "engine/live_session.h"

#include <utility>

#include "engine/live_transcriber.h"
#include "engine/scorer.h"

namespace skald {

struct LiveSession::State {
  std::unique_ptr<Recognizer> recognizer;
  LiveTranscriber transcriber;
};

StatusOr<std::unique_ptr<LiveSession>> LiveSession::Create(RecognizerOptions options, const LiveOptions& live,
                                                           LiveSink sink,
                                                           const BuildProgress& build_progress) {
  SKALD_RETURN_IF_ERROR(live.Validate());
  options.search_device = "cpu";
  options.windows.window_s = live.history_s + live.step_s + live.lookahead_s;
  SKALD_ASSIGN_OR_RETURN(std::unique_ptr<Recognizer> recognizer, Recognizer::Create(options, build_progress));
  LiveTranscriber transcriber(recognizer->first_scorer(), recognizer->graph(), recognizer->search_options(),
                              recognizer->boosts(), live, std::move(sink));
  return std::unique_ptr<LiveSession>(
      new LiveSession(std::unique_ptr<State>(new State{std::move(recognizer), std::move(transcriber)})));
}

LiveSession::LiveSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
LiveSession::~LiveSession() = default;

Status LiveSession::Push(int64_t first_sample, PcmView samples) {
  return state_->transcriber.Push(first_sample, samples);
}
Status LiveSession::Finish() { return state_->transcriber.Finish(); }
const RecognizerInfo& LiveSession::info() const { return state_->recognizer->info(); }

}  // namespace skald
