#include "frontend/segmentation/speech_gate.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "base/check.h"
#include "base/stopwatch.h"

namespace skald {
namespace {

constexpr int64_t kChunk = SpeechDetector::kChunkSamples;

int64_t Samples(double seconds) { return std::llround(seconds * kSampleRateHz); }

}  // namespace

Status SpeechGateOptions::Validate() const {
  if (!(threshold > 0 && threshold < 1)) return Status::InvalidArgument("threshold must be between 0 and 1");
  if (!(lead_s >= 0 && lead_s <= 60)) return Status::InvalidArgument("lead_s must be within 0 to 60");
  if (!(tail_s >= 0 && tail_s <= 60)) return Status::InvalidArgument("tail_s must be within 0 to 60");
  if (!(min_skip_s >= 0.1 && min_skip_s <= 600))
    return Status::InvalidArgument("min_skip_s must be within 0.1 to 600");
  return Status::Ok();
}

SpeechGate::SpeechGate(const SpeechGateOptions& options, std::unique_ptr<SpeechDetector> detector, Pass pass)
    : threshold_(static_cast<float>(options.threshold)),
      lead_(Samples(options.lead_s)),
      tail_(Samples(options.tail_s)),
      min_skip_(Samples(options.min_skip_s)),
      detector_(std::move(detector)),
      pass_(std::move(pass)) {
  SKALD_CHECK(options.Validate().ok(), "gate options were not validated");
}

int64_t SpeechGate::end_sample() const {
  return first_sample_ + static_cast<int64_t>(held_.size() - held_begin_);
}

PcmView SpeechGate::Held(int64_t begin, int64_t end) const {
  return PcmView(held_).subspan(held_begin_ + static_cast<size_t>(begin - first_sample_),
                                static_cast<size_t>(end - begin));
}

void SpeechGate::Push(PcmView samples) {
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(held_begin_));
  held_begin_ = 0;
  held_.insert(held_.end(), samples.begin(), samples.end());
  const int64_t whole = (end_sample() - judged_) / kChunk * kChunk;
  if (whole > 0) Judge(Held(judged_, judged_ + whole));
}

void SpeechGate::Judge(PcmView chunks) {
  probabilities_.resize(chunks.size() / kChunk);
  const Stopwatch watch;
  detector_->Detect(chunks, probabilities_.data());
  detect_s_ += watch.Seconds();
  for (const float probability : probabilities_) {
    const int64_t begin = judged_;
    judged_ = std::min(begin + kChunk, end_sample());
    if (probability >= threshold_) {
      if (begin > keep_until_) EndGap(begin - lead_);
      keep_until_ = judged_ + tail_;
    } else if (judged_ > keep_until_) {
      EndGap(judged_ - lead_);
    }
  }
  PassTo(std::min(keep_until_, judged_));
}

/// The stretch after keep_until_ lasts to `end` at least: leaves it out where that is long enough.
void SpeechGate::EndGap(int64_t end) {
  PassTo(keep_until_);
  const bool begun = first_sample_ > keep_until_;  // some of it is left out already
  if (end > first_sample_ && (begun || end - first_sample_ >= min_skip_)) DropTo(end);
}

void SpeechGate::Finish() {
  const int64_t end = end_sample();
  if (judged_ < end) {
    const PcmView rest = Held(judged_, end);
    std::vector<float> chunk(rest.begin(), rest.end());
    chunk.resize(static_cast<size_t>(kChunk), 0.0f);
    Judge(chunk);
  }
  if (end > keep_until_) EndGap(end);
  PassTo(end);
}

void SpeechGate::PassTo(int64_t end) {
  if (end <= first_sample_) return;
  pass_(first_sample_, Held(first_sample_, end));
  DropTo(end);
}

void SpeechGate::DropTo(int64_t end) {
  held_begin_ += static_cast<size_t>(end - first_sample_);
  first_sample_ = end;
}

}  // namespace skald
