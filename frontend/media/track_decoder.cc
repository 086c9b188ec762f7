#include "frontend/media/track_decoder.h"

#include <algorithm>
#include <fmt/format.h>
#include <span>
#include <utility>

#include "frontend/media/av_error.h"

namespace skald {
namespace {

// No recording has rates beyond these; a header that claims one would turn a small file into days of audio.
constexpr int kLeastSampleRateHz = 1000;
constexpr int kMostSampleRateHz = 1'000'000;

}  // namespace

TrackDecoder::TrackDecoder(const AVStream& stream, int track, double origin_s, const MediaOptions& options,
                           WarningLog* warnings)
    : stream_(stream),
      track_(track),
      origin_s_(origin_s),
      options_(options),
      warnings_(warnings),
      frame_(av_frame_alloc()),
      held_(av_frame_alloc()),
      timeline_(options.max_filled_gap_s, av_q2d(stream.time_base)) {}

StatusOr<std::unique_ptr<TrackDecoder>> TrackDecoder::Create(const AVStream& stream, int track,
                                                             double origin_s, const MediaOptions& options,
                                                             WarningLog* warnings) {
  const AVCodecParameters& parameters = *stream.codecpar;
  const std::string position = fmt::format("audio track {}", track);
  const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
  if (codec == nullptr) {
    return Status::Unsupported(fmt::format("no decoder for codec {}", avcodec_get_name(parameters.codec_id)))
        .At(position);
  }
  if (parameters.ch_layout.nb_channels > options.max_channels) {
    return Status::Unsupported(fmt::format("{} channels, more than the limit of {}",
                                           parameters.ch_layout.nb_channels, options.max_channels))
        .At(position);
  }
  std::unique_ptr<TrackDecoder> decoder(new TrackDecoder(stream, track, origin_s, options, warnings));
  decoder->codec_.reset(avcodec_alloc_context3(codec));
  if (decoder->codec_ == nullptr || decoder->frame_ == nullptr || decoder->held_ == nullptr) {
    return Status::ResourceExhausted("no memory for the decoder").At(position);
  }
  AVCodecContext& context = *decoder->codec_;
  int error = avcodec_parameters_to_context(&context, &parameters);
  if (error < 0) return AvError(error, "codec parameters").At(position);
  context.pkt_timebase = stream.time_base;  // decoders move timestamps with it where they skip samples
  context.thread_count = 1;
  error = avcodec_open2(&context, codec, nullptr);
  if (error < 0) return AvError(error, fmt::format("decoder {} does not open", codec->name)).At(position);
  return decoder;
}

void TrackDecoder::Decode(const AVPacket& packet, std::deque<PcmBlock>* ready) {
  const int64_t stamp = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
  packet_time_s_ = stamp != AV_NOPTS_VALUE
                       ? static_cast<double>(stamp) * av_q2d(stream_.time_base) - origin_s_
                       : timeline_.position_s();
  int error = avcodec_send_packet(codec_.get(), &packet);
  if (error == AVERROR(EAGAIN)) {
    ReceiveFrames(ready);
    error = avcodec_send_packet(codec_.get(), &packet);
  }
  if (error < 0 && error != AVERROR_EOF) Damaged(AvErrorText(error));
  ReceiveFrames(ready);
}

void TrackDecoder::Finish(std::deque<PcmBlock>* ready) {
  avcodec_send_packet(codec_.get(), nullptr);
  ReceiveFrames(ready);
  if (holds_frame_) PlaceHeldFrame(std::nullopt, ready);
  EndSegment(ready);
}

void TrackDecoder::ReceiveFrames(std::deque<PcmBlock>* ready) {
  // A decoder that keeps failing without taking input would loop for ever.
  for (int failures = 0; failures < 16;) {
    const int error = avcodec_receive_frame(codec_.get(), frame_.get());
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return;
    if (error < 0) {
      Damaged(AvErrorText(error));
      ++failures;
      continue;
    }
    const AVFrame& frame = *frame_;
    if (frame.nb_samples <= 0) continue;
    if (frame.sample_rate < kLeastSampleRateHz || frame.sample_rate > kMostSampleRateHz ||
        frame.ch_layout.nb_channels <= 0 || frame.ch_layout.nb_channels > options_.max_channels) {
      Damaged(fmt::format("{} channels at {} Hz", frame.ch_layout.nb_channels, frame.sample_rate));
      continue;
    }
    warnings_->EndDamage(track_);
    decoded_samples_ += frame.nb_samples;
    if (holds_frame_) PlaceHeldFrame(TimeOf(frame), ready);
    std::swap(frame_, held_);
    holds_frame_ = true;
  }
}

FrameTime TrackDecoder::TimeOf(const AVFrame& frame) const {
  FrameTime time;
  time.samples = frame.nb_samples;
  time.sample_rate_hz = frame.sample_rate;
  if (frame.best_effort_timestamp != AV_NOPTS_VALUE) {
    time.start_s = static_cast<double>(frame.best_effort_timestamp) * av_q2d(stream_.time_base) - origin_s_;
  }
  return time;
}

void TrackDecoder::PlaceHeldFrame(const std::optional<FrameTime>& next, std::deque<PcmBlock>* ready) {
  holds_frame_ = false;
  const AVFrame& frame = *held_;
  if (!MixChannels(frame, options_.split_channels, &lanes_)) {
    Damaged("unknown sample format");
    return;
  }
  const bool lanes_changed = !outputs_.empty() && outputs_.size() != lanes_.size();
  const FramePlacement place = timeline_.Place(TimeOf(frame), next, lanes_changed);
  WarnOf(place);
  if (place.dropped_samples == frame.nb_samples) return;
  if (place.new_segment && !BeginSegment(place.first_sample, frame.sample_rate, ready)) return;
  if (outputs_.empty()) return;
  for (size_t lane = 0; lane < lanes_.size(); ++lane) {
    LaneOutput& output = outputs_[lane];
    for (int64_t left = place.silence_samples; left > 0;) {  // in pieces: a filled gap may be long
      silence_.assign(static_cast<size_t>(std::min<int64_t>(left, frame.sample_rate)), 0.0f);
      output.resampler.Push(silence_, &output.samples);
      Emit(static_cast<int>(lane), false, ready);
      left -= static_cast<int64_t>(silence_.size());
    }
    output.resampler.Push(
        std::span<const float>(lanes_[lane]).subspan(static_cast<size_t>(place.dropped_samples)),
        &output.samples);
    Emit(static_cast<int>(lane), false, ready);
  }
}

bool TrackDecoder::BeginSegment(int64_t first_sample, int sample_rate_hz, std::deque<PcmBlock>* ready) {
  EndSegment(ready);
  const bool reusable =
      outputs_.size() == lanes_.size() && outputs_.front().resampler.input_rate_hz() == sample_rate_hz;
  if (!reusable) {
    outputs_.clear();
    for (size_t lane = 0; lane < lanes_.size(); ++lane) {
      StatusOr<Resampler> resampler = Resampler::Create(sample_rate_hz);
      if (!resampler.ok()) {
        Damaged(resampler.status().reason());
        outputs_.clear();
        return false;
      }
      outputs_.push_back({std::move(resampler).value(), {}, 0});
    }
  }
  for (LaneOutput& output : outputs_) output.next_sample = first_sample;
  return true;
}

void TrackDecoder::EndSegment(std::deque<PcmBlock>* ready) {
  for (size_t lane = 0; lane < outputs_.size(); ++lane) {
    outputs_[lane].resampler.Finish(&outputs_[lane].samples);
    Emit(static_cast<int>(lane), true, ready);
  }
}

void TrackDecoder::Emit(int channel, bool all, std::deque<PcmBlock>* ready) {
  LaneOutput& output = outputs_[static_cast<size_t>(channel)];
  size_t done = 0;
  while (output.samples.size() - done >= static_cast<size_t>(kSampleRateHz) ||
         (all && done < output.samples.size())) {
    const size_t count = std::min(output.samples.size() - done, static_cast<size_t>(kSampleRateHz));
    PcmBlock block;
    block.track = track_;
    block.channel = channel;
    block.first_sample = output.next_sample;
    block.samples.resize(count);
    for (size_t i = 0; i < count; ++i) block.samples[i] = std::clamp(output.samples[done + i], -1.0f, 1.0f);
    output.next_sample += static_cast<int64_t>(count);
    done += count;
    ready->push_back(std::move(block));
  }
  output.samples.erase(output.samples.begin(), output.samples.begin() + static_cast<std::ptrdiff_t>(done));
}

void TrackDecoder::Damaged(const std::string& reason) {
  if (damaged_packets_++ == 0) first_damage_ = reason;
  warnings_->AddDamagedPacket(track_, std::max(packet_time_s_, 0.0), reason);
}

void TrackDecoder::WarnOf(const FramePlacement& place) {
  switch (place.trouble) {
    case FramePlacement::Trouble::kNone:
      return;
    case FramePlacement::Trouble::kBackwards:
      warnings_->Add(place.at_s,
                     fmt::format("timestamps of track {} go back by {:.3f} s: played on without a break",
                                 track_, -place.off_by_s));
      return;
    case FramePlacement::Trouble::kLeap:
      warnings_->Add(place.at_s, fmt::format("a timestamp of track {} leaps by {:.3f} s and back: ignored",
                                             track_, place.off_by_s));
      return;
    case FramePlacement::Trouble::kJump:
      warnings_->Add(place.at_s, fmt::format("nothing in track {} for {:.3f} s", track_, place.off_by_s));
      return;
  }
}

}  // namespace skald
