#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/audio.h"
#include "base/results.h"
#include "base/status.h"
#include "frontend/media/media_options.h"

namespace skald {

struct AudioTrackInfo {
  int index = 0;         ///< among the audio tracks of the file, from 0
  std::string codec;     ///< FFmpeg's name, e.g. "aac"
  std::string language;  ///< as the container states it, e.g. "eng"; empty where it does not
  int sample_rate_hz = 0;
  int channels = 0;
  double start_s = 0;     ///< when the track begins, in the player's time
  double duration_s = 0;  ///< 0 where unknown; an estimate where the container does not state it
};

struct MediaInfo {
  std::string path;       ///< as given to Open
  std::string format;     ///< FFmpeg's name of the container, e.g. "mov,mp4,m4a,3gp,3g2,mj2"
  double duration_s = 0;  ///< 0 where unknown
  std::vector<AudioTrackInfo> audio_tracks;  ///< all of the file, chosen or not
  bool has_video = false;                    ///< cover pictures are not video
};

/// Decodes the audio of any file that FFmpeg reads into mono blocks at kSampleRateHz, as a stream: memory
/// does not grow with the length of the file. Video is never decoded.
///
/// The rule of time. Time 0 is the start of the presentation as a player shows it:
///  - The container's start time (the earliest audio or video) is time 0 where it is not zero, e.g. in
///  MPEG-TS. A track
///    that starts later than another keeps its distance. A negative start of at most 0.2 s is an encoder's
///    priming: time 0 stays, and what lies before it is not presented.
///  - What the container marks as not presented is removed: edit lists of MP4, priming and padding samples of
///  AAC, MP3 and
///    Opus. Priming that a container does not declare (raw ADTS, AAC in MPEG-TS) is heard in players and
///    stays.
///  - Inside a track samples are counted; a timestamp that differs from the count by less than 15 ms and one
///  tick of the
///    container's clock is rounding or jitter and changes nothing. A gap is filled or becomes a jump
///    (max_filled_gap_s). A timestamp that goes back, is missing, or leaps ahead in one frame alone is
///    replaced by the count; all but missing ones leave a warning.
/// So within a stream blocks never overlap and first_sample never falls.
///
/// One thread at a time. Deterministic: the same file and the same FFmpeg build give the same samples.
class MediaReader {
 public:
  /// Opens `path`, a file or "-" for standard input (not seekable, so containers with their index at the end
  /// cannot be read from it). Errors, all naming the file: kInvalidArgument for options out of range, a
  /// missing track or a network address; kNotFound; kIo, also where nothing comes for stall_timeout_s;
  /// kCorrupt where no container or no audio parameters are recognised; kUnsupported where there is no audio
  /// track or no decoder for it. A file with an audio track of no samples opens.
  static StatusOr<std::unique_ptr<MediaReader>> Open(const std::string& path, const MediaOptions& options);
  MediaReader(const MediaReader&) = delete;
  MediaReader& operator=(const MediaReader&) = delete;
  ~MediaReader();

  const MediaInfo& info() const;

  /// The next block of any chosen track and channel, of at most kSampleRateHz samples (one second); nothing
  /// at the end. The first block of a stream starts where the track does: silence before it is not delivered.
  /// 16-bit input at kSampleRateHz passes unchanged as x / 32768; other rates are resampled (polyphase
  /// Kaiser-windowed sinc, flat within 0.1 dB to 7 kHz, aliases below -60 dB, no delay). Samples beyond [-1,
  /// 1] are clipped, NaN becomes 0. Damage never ends the stream while anything was decoded; kCorrupt or kIo
  /// where nothing could be.
  StatusOr<std::optional<PcmBlock>> Read();

  /// What went wrong so far, in the order it was met: damaged packets (consecutive ones as one warning with
  /// their number), timestamps, an early end. At most 100, the last of which then counts those that were left
  /// out. Valid until the next Read.
  const std::vector<Warning>& warnings() const;

 private:
  struct State;
  explicit MediaReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace skald
