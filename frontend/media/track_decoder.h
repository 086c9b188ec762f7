#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/audio.h"
#include "base/status.h"
#include "frontend/media/av_handles.h"
#include "frontend/media/channel_mixer.h"
#include "frontend/media/media_reader.h"
#include "frontend/media/resampler.h"
#include "frontend/media/track_timeline.h"
#include "frontend/media/warning_log.h"

namespace skald {

/// Decodes the packets of one audio track into PcmBlocks. Holds one frame back, to see whether its timestamp
/// is believed by the next. One thread at a time.
class TrackDecoder {
 public:
  /// `stream` and `warnings` must live as long. `origin_s` is the container's time that is time 0.
  static StatusOr<std::unique_ptr<TrackDecoder>> Create(const AVStream& stream, int track, double origin_s,
                                                        const MediaOptions& options, WarningLog* warnings);

  /// Decodes one packet and appends the blocks that are complete. Damage becomes a warning.
  void Decode(const AVPacket& packet, std::deque<PcmBlock>* ready);
  /// The end of the track: appends what is left. No Decode after it.
  void Finish(std::deque<PcmBlock>* ready);

  int track() const { return track_; }
  double position_s() const { return timeline_.position_s(); }
  int64_t decoded_samples() const { return decoded_samples_; }
  int64_t damaged_packets() const { return damaged_packets_; }
  /// The first reason for which a packet was skipped.
  const std::string& first_damage() const { return first_damage_; }

 private:
  // One mono stream on its way out.
  struct LaneOutput {
    Resampler resampler;
    std::vector<float> samples;  // from next_sample on, not delivered yet
    int64_t next_sample = 0;
  };

  TrackDecoder(const AVStream& stream, int track, double origin_s, const MediaOptions& options,
               WarningLog* warnings);
  void ReceiveFrames(std::deque<PcmBlock>* ready);
  void PlaceHeldFrame(const std::optional<FrameTime>& next, std::deque<PcmBlock>* ready);
  bool BeginSegment(int64_t first_sample, int sample_rate_hz, std::deque<PcmBlock>* ready);
  void EndSegment(std::deque<PcmBlock>* ready);
  void Emit(int channel, bool all, std::deque<PcmBlock>* ready);
  FrameTime TimeOf(const AVFrame& frame) const;
  void Damaged(const std::string& reason);
  void WarnOf(const FramePlacement& place);

  const AVStream& stream_;
  const int track_;
  const double origin_s_;
  const MediaOptions options_;
  WarningLog* warnings_;
  CodecContext codec_;
  FrameHandle frame_;
  FrameHandle held_;
  bool holds_frame_ = false;
  TrackTimeline timeline_;
  Lanes lanes_;
  std::vector<float> silence_;
  std::vector<LaneOutput> outputs_;
  double packet_time_s_ = 0;
  int64_t decoded_samples_ = 0;
  int64_t damaged_packets_ = 0;
  std::string first_damage_;
};

}  // namespace skald
