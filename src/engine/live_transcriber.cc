#include "engine/live_transcriber.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/check.h"

namespace skald {
namespace {

/// Pause that ends a long line [s].
constexpr double kShortPause_s = 0.15;

}  // namespace

Status LiveOptions::Validate() const {
  const auto within = [](double value, double least, double most, const char* name) {
    if (value >= least && value <= most) return Status::Ok();
    return Status::InvalidArgument(std::string(name) + " is out of range");
  };
  SKALD_RETURN_IF_ERROR(within(step_s, 0.05, 10, "step_s"));
  SKALD_RETURN_IF_ERROR(within(lookahead_s, 0, 10, "lookahead_s"));
  SKALD_RETURN_IF_ERROR(within(history_s, 0, 25, "history_s"));
  SKALD_RETURN_IF_ERROR(within(max_delay_s, 0.1, 60, "max_delay_s"));
  SKALD_RETURN_IF_ERROR(within(pause_s, 0.2, 10, "pause_s"));
  SKALD_RETURN_IF_ERROR(within(long_line_s, 1, 600, "long_line_s"));
  SKALD_RETURN_IF_ERROR(within(max_line_s, long_line_s, 600, "max_line_s"));
  return within(blank_probability, 0.5, 0.9999, "blank_probability");
}

LiveTranscriber::LiveTranscriber(Scorer* scorer, std::unique_ptr<LineDecoder> decoder,
                                 const LiveOptions& options, LiveSink sink)
    : scorer_(scorer),
      shape_(scorer->shape()),
      decoder_(std::move(decoder)),
      options_(options),
      sink_(std::move(sink)) {
  SKALD_CHECK(options.history_s + options.step_s + options.lookahead_s <= shape_.max_window_s,
              "live windows are longer than the model's");
}

int64_t LiveTranscriber::Frames(double seconds) const {
  return std::max<int64_t>(1, std::llround(seconds / shape_.frame_shift_s));
}

Status LiveTranscriber::Push(int64_t first_sample, PcmView samples) {
  const int64_t expected =
      origin_sample_ + first_audio_frame_ * shape_.frame_shift_samples + static_cast<int64_t>(audio_.size());
  if (!begun_ || first_sample != expected) {
    if (begun_) SKALD_RETURN_IF_ERROR(Finish());
    begun_ = true;
    origin_sample_ = first_sample;
  }
  // In pieces of a step, so that what is seen when does not depend on how the samples arrive.
  const int64_t look = Frames(options_.step_s) + Frames(options_.lookahead_s);
  while (!samples.empty()) {
    const int64_t end = (next_frame_ + look - first_audio_frame_) * shape_.frame_shift_samples;
    const size_t wanted = static_cast<size_t>(end) - audio_.size();
    const PcmView piece = samples.first(std::min(wanted, samples.size()));
    audio_.insert(audio_.end(), piece.begin(), piece.end());
    samples = samples.subspan(piece.size());
    if (piece.size() == wanted) SKALD_RETURN_IF_ERROR(ScoreHeard(false));
  }
  return Status::Ok();
}

Status LiveTranscriber::ScoreHeard(bool last) {
  const WindowInput window(audio_);
  std::vector<ScoreRows> scores;
  ScorerTiming timing;
  SKALD_RETURN_IF_ERROR(scorer_->Score({&window, 1}, &scores, &timing));
  SKALD_CHECK(!scores.front().on_device, "live scores were to come to the host");
  const int64_t skip = next_frame_ - first_audio_frame_;
  const int64_t end = last ? scores.front().frames() : skip + Frames(options_.step_s);
  if (end > skip) {
    SKALD_RETURN_IF_ERROR(Consume(scores.front().Rows(skip, end - skip)));
    next_frame_ += end - skip;
  }
  const int64_t drop = next_frame_ - Frames(options_.history_s) - first_audio_frame_;
  if (drop > 0) {
    audio_.erase(audio_.begin(), audio_.begin() + static_cast<ptrdiff_t>(drop * shape_.frame_shift_samples));
    first_audio_frame_ += drop;
  }
  return Status::Ok();
}

Status LiveTranscriber::Finish() {
  if (!audio_.empty()) SKALD_RETURN_IF_ERROR(ScoreHeard(true));
  if (in_line_) EndLine();
  audio_.clear();
  margin_.clear();
  first_audio_frame_ = next_frame_ = 0;
  begun_ = false;
  return Status::Ok();
}

// Frames between lines are not searched, but for half a pause before a line.
Status LiveTranscriber::Consume(const ScoreRows& rows) {
  const auto blank_nll = static_cast<float>(-std::log(options_.blank_probability));
  int64_t fed = 0;  // rows before are done with
  for (int64_t f = 0; f < rows.frames(); ++f) {
    const bool pause = rows.blank_nll[f] <= blank_nll;
    if (!in_line_ && pause) {
      margin_.push_back(rows.Rows(f, 1));
      if (static_cast<int64_t>(margin_.size()) > Frames(options_.pause_s / 2)) margin_.pop_front();
      fed = f + 1;
      continue;
    }
    if (!in_line_) {
      line_first_frame_ = next_frame_ + f - static_cast<int64_t>(margin_.size());
      BeginLine();
      for (const ScoreRows& row : margin_) SKALD_RETURN_IF_ERROR(decoder_->Advance(row.nll));
      margin_.clear();
    }
    pause_frames_ = pause ? pause_frames_ + 1 : 0;
    const int64_t length = next_frame_ + f + 1 - line_first_frame_;
    const double wanted_pause_s = length < Frames(options_.long_line_s) ? options_.pause_s : kShortPause_s;
    if (pause_frames_ < Frames(wanted_pause_s) && length < Frames(options_.max_line_s)) continue;
    SKALD_RETURN_IF_ERROR(decoder_->Advance(rows.nll.Rows(fed, f + 1 - fed)));
    fed = f + 1;
    EndLine();
  }
  if (!in_line_) return Status::Ok();
  SKALD_RETURN_IF_ERROR(decoder_->Advance(rows.nll.Rows(fed, rows.frames() - fed)));
  HandOut(decoder_->Settle(), false);
  return Status::Ok();
}

void LiveTranscriber::BeginLine() {
  in_line_ = true;
  pause_frames_ = 0;
  decoder_->Begin();
}

void LiveTranscriber::EndLine() {
  HandOut(decoder_->Finish(), true);
  in_line_ = false;
}

void LiveTranscriber::HandOut(std::vector<LineWord> words, bool line_ended) {
  if (words.empty() && !line_ended) return;
  const auto seconds = [this](int64_t frame) {
    return static_cast<double>(origin_sample_) / kSampleRateHz +
           static_cast<double>(frame) * shape_.frame_shift_s;
  };
  LiveUpdate update;
  for (LineWord& settled : words) {
    Word word;
    word.text = std::move(settled.text);
    word.start_s = seconds(line_first_frame_ + settled.start_frame);
    word.end_s = seconds(line_first_frame_ + settled.end_frame);
    update.words.push_back(std::move(word));
  }
  update.line_ended = line_ended;
  update.heard_s = static_cast<double>(origin_sample_ + first_audio_frame_ * shape_.frame_shift_samples +
                                       static_cast<int64_t>(audio_.size())) /
                   kSampleRateHz;
  sink_(update);
}

}  // namespace skald
