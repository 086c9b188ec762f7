#include "engine/live_session.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "engine/graph_line_decoder.h"
#include "engine/greedy_line_decoder.h"
#include "engine/live_transcriber.h"
#include "engine/scorer.h"
#include "engine/voice_activity.h"

namespace skald {

struct LiveSession::State {
  std::unique_ptr<Recognizer> recognizer;
  LiveTranscriber transcriber;
  VoiceActivity::Scratch scratch = {};
  std::optional<SpeechGate> gate = {};  // none where nothing is left out
  int64_t origin = 0, next = 0;         // where the gate's stream begins and goes on
  Status status = Status::Ok();         // what became of what the gate passed

  void EndGate() {
    if (gate.has_value()) gate->Finish();
    gate.reset();
  }
};

namespace {

/// Blanks after which a word is over though no other has begun [s].
constexpr double kWordEndSilence_s = 0.3;

std::unique_ptr<LineDecoder> MakeLineDecoder(Recognizer& recognizer, const LiveOptions& live) {
  if (!recognizer.has_graph()) return std::make_unique<GreedyLineDecoder>(recognizer.unit_spellings());
  const double frame_shift_s = recognizer.first_scorer()->shape().frame_shift_s;
  const auto frames = [&](double seconds) {
    return std::max<int64_t>(1, std::llround(seconds / frame_shift_s));
  };
  return std::make_unique<GraphLineDecoder>(recognizer.graph(), recognizer.search_options(),
                                            recognizer.boosts(), frames(kWordEndSilence_s),
                                            frames(live.max_delay_s));
}

}  // namespace

StatusOr<std::unique_ptr<LiveSession>> LiveSession::Create(RecognizerOptions options, const LiveOptions& live,
                                                           LiveSink sink,
                                                           const BuildProgress& build_progress) {
  SKALD_RETURN_IF_ERROR(live.Validate());
  options.search_device = "cpu";
  // Until its words are handed out the transcriber hears what follows them.
  options.vad.gate.tail_s =
      std::max(options.vad.gate.tail_s, live.lookahead_s + live.step_s + live.pause_s + 0.5);
  options.windows.window_s = live.history_s + live.step_s + live.lookahead_s;
  SKALD_ASSIGN_OR_RETURN(std::unique_ptr<Recognizer> recognizer, Recognizer::Create(options, build_progress));
  if (const double longest_s = recognizer->first_scorer()->shape().max_window_s;
      longest_s < options.windows.window_s) {
    return Status::Unsupported(
               fmt::format("the model hears {:g} s at once at most, live transcription needs {:g} s",
                           longest_s, options.windows.window_s))
        .InFile(recognizer->info().model_folder);
  }
  LiveTranscriber transcriber(recognizer->first_scorer(), MakeLineDecoder(*recognizer, live), live,
                              std::move(sink));
  return std::unique_ptr<LiveSession>(
      new LiveSession(std::unique_ptr<State>(new State{std::move(recognizer), std::move(transcriber)})));
}

LiveSession::LiveSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
LiveSession::~LiveSession() = default;

Status LiveSession::Push(int64_t first_sample, PcmView samples) {
  State* const state = state_.get();
  const VoiceActivity* voice_activity = state->recognizer->voice_activity();
  if (voice_activity == nullptr) return state->transcriber.Push(first_sample, samples);
  if (first_sample != state->next) state->EndGate();
  if (!state->gate.has_value()) {
    state->origin = first_sample;
    state->gate.emplace(voice_activity->MakeGate(&state->scratch, [state](int64_t first, PcmView passed) {
      if (state->status.ok()) state->status = state->transcriber.Push(state->origin + first, passed);
    }));
  }
  state->gate->Push(samples);
  state->next = first_sample + static_cast<int64_t>(samples.size());
  return state->status;
}

Status LiveSession::Finish() {
  state_->EndGate();
  SKALD_RETURN_IF_ERROR(state_->status);
  return state_->transcriber.Finish();
}

const RecognizerInfo& LiveSession::info() const { return state_->recognizer->info(); }

}  // namespace skald
