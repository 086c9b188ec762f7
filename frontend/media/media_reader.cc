#include "frontend/media/media_reader.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <deque>
#include <fmt/format.h>
#include <fstream>
#include <span>
#include <string_view>
#include <sys/stat.h>
#include <utility>

#include "frontend/media/av_error.h"
#include "frontend/media/av_handles.h"
#include "frontend/media/input_guard.h"
#include "frontend/media/pipe_input.h"
#include "frontend/media/track_decoder.h"
#include "frontend/media/warning_log.h"

extern "C" {
#include <libavutil/parseutils.h>
}

namespace skald {
namespace {

// A negative start up to here is priming, see the rule of time.
constexpr double kMaxPrimingS = 0.2;
// How many unreadable places in a row a container may have before the rest is given up.
constexpr int kMaxReadErrors = 64;

Status Validate(const MediaOptions& options) {
  if (options.track < -1)
    return Status::InvalidArgument(fmt::format("audio track {} is not -1 or more", options.track));
  if (!(options.max_filled_gap_s >= 0 && options.max_filled_gap_s <= 86400)) {
    return Status::InvalidArgument(
        fmt::format("max_filled_gap_s {} is not in [0, 86400]", options.max_filled_gap_s));
  }
  if (!(options.stall_timeout_s >= 0 && options.stall_timeout_s <= 86400)) {
    return Status::InvalidArgument(
        fmt::format("stall_timeout_s {} is not in [0, 86400]", options.stall_timeout_s));
  }
  if (options.max_tracks < 1 || options.max_channels < 1)
    return Status::InvalidArgument("max_tracks and max_channels are at least 1");
  return Status::Ok();
}

// FFmpeg 5.1 never returns from some DASH manifests with local segments or a live timeline, cannot be
// interrupted there, and its XML parser prints: so they are recognised before FFmpeg sees them.
bool IsDashManifest(const std::string& path) {
  std::string head(4096, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(file.gcount()));
  return head.find("<MPD") != std::string::npos && head.find('<') < 64;
}

// FFmpeg's address of `path`; checks what it would report less clearly.
StatusOr<std::string> AddressOf(const std::string& path, const MediaOptions& options) {
  if (path == "-") return std::string("pipe:0");
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return Status::Io("is a directory");
    if (S_ISREG(status.st_mode) && status.st_size == 0) return Status::Corrupt("the file is empty");
    if (S_ISREG(status.st_mode) && !options.allow_network && IsDashManifest(path)) {
      return Status::Unsupported("DASH manifests need network input on");
    }
    return "file:" + path;
  }
  if (path.find("://") != std::string::npos) {
    if (options.allow_network) return path;
    return Status::InvalidArgument("network input is off");
  }
  const int error = errno;
  return Status(error == ENOENT || error == ENOTDIR ? StatusCode::kNotFound : StatusCode::kIo,
                std::strerror(error));
}

/// Whether the input can only be read once, from its beginning to its end.
bool IsPipe(const std::string& path) {
  struct stat status {};
  return path == "-" ||
         (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode));
}

bool IsCoverPicture(const AVStream& stream) {
  return (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
}

double Seconds(int64_t stamp, AVRational time_base) { return static_cast<double>(stamp) * av_q2d(time_base); }

double OriginOf(const AVFormatContext& context) {
  if (context.start_time == AV_NOPTS_VALUE) return 0;
  const double start_s = static_cast<double>(context.start_time) / AV_TIME_BASE;
  return start_s < 0 && start_s >= -kMaxPrimingS ? 0 : start_s;
}

// Duration of one stream as its container states it; 0 where it does not. Matroska's writers put it in a tag.
double StatedDuration(const AVStream& stream) {
  if (stream.duration > 0) return Seconds(stream.duration, stream.time_base);
  const AVDictionaryEntry* tag = av_dict_get(stream.metadata, "DURATION", nullptr, 0);
  int64_t end_us = 0;
  if (tag == nullptr || av_parse_time(&end_us, tag->value, 1) < 0) return 0;
  const double start_s =
      stream.start_time != AV_NOPTS_VALUE ? Seconds(stream.start_time, stream.time_base) : 0;
  return std::max(0.0, static_cast<double>(end_us) / AV_TIME_BASE - start_s);
}

AudioTrackInfo DescribeTrack(const AVStream& stream, int index, double origin_s,
                             double container_duration_s) {
  AudioTrackInfo info;
  info.index = index;
  info.codec = avcodec_get_name(stream.codecpar->codec_id);
  if (const AVDictionaryEntry* entry = av_dict_get(stream.metadata, "language", nullptr, 0))
    info.language = entry->value;
  info.sample_rate_hz = stream.codecpar->sample_rate;
  info.channels = stream.codecpar->ch_layout.nb_channels;
  if (stream.start_time != AV_NOPTS_VALUE) {
    info.start_s = std::max(0.0, Seconds(stream.start_time, stream.time_base) - origin_s);
  }
  info.duration_s = StatedDuration(stream);
  if (info.duration_s == 0) info.duration_s = std::max(0.0, container_duration_s - info.start_s);
  return info;
}

}  // namespace

struct MediaReader::State {
  MediaInfo info;
  MediaOptions options;
  WarningLog warnings;
  std::unique_ptr<InputGuard> guard;
  std::unique_ptr<PipeInput> pipe;  // none for files
  FormatContext format;
  PacketHandle packet;
  std::vector<std::unique_ptr<TrackDecoder>>
      decoder_of_stream;  // by FFmpeg's stream index; none where not chosen
  std::deque<PcmBlock> ready;
  bool ended = false;
  Status failure;  // what Read returns after the last block

  Status OpenContainer();
  Status OpenTracks();
  Status ReadFailure(int error, const std::string& what) const;
  void ReadPacket();
  void End(int read_error);
  void WarnOfEarlyEnd();
};

/// What FFmpeg's error means for the input.
Status MediaReader::State::ReadFailure(int error, const std::string& what) const {
  if (guard->has_stalled()) return Status::Io(what + ": " + guard->stall_text());
  if (!guard->refused().empty()) {
    return Status::InvalidArgument(what + ": it refers to " + guard->refused() +
                                   ", which only network input may");
  }
  return AvError(error, what);
}

Status MediaReader::State::OpenContainer() {
  SKALD_ASSIGN_OR_RETURN(const std::string address, AddressOf(info.path, options));
  guard = std::make_unique<InputGuard>(info.path, address, options, &warnings);
  AvOptions open_options;
  if (!options.allow_network) open_options.Set("protocol_whitelist", "file,pipe");
  open_options.Set("fpsprobesize", "0");  // the frame rate of the video is of no interest
  AVFormatContext* context = avformat_alloc_context();
  if (context == nullptr) return Status::ResourceExhausted("no memory for the container");
  format.reset(context);
  guard->Guard(context);
  if (IsPipe(info.path)) {
    SKALD_ASSIGN_OR_RETURN(pipe, PipeInput::Open(info.path, guard.get()));
    context->pb = pipe->io();
  }
  format.release();  // a call that fails frees it
  int error = avformat_open_input(&context, address.c_str(), nullptr, open_options.get());
  if (error < 0) {
    guard->Forget();
    return ReadFailure(error, "cannot be opened as media");
  }
  format.reset(context);
  guard->NoteProgress();
  error = avformat_find_stream_info(context, nullptr);
  if (error < 0) return ReadFailure(error, "no streams recognised");
  info.format = context->iformat->name;
  info.duration_s = context->duration > 0 ? static_cast<double>(context->duration) / AV_TIME_BASE : 0;
  packet.reset(av_packet_alloc());
  if (packet == nullptr) return Status::ResourceExhausted("no memory for a packet");
  return Status::Ok();
}

Status MediaReader::State::OpenTracks() {
  const double origin_s = OriginOf(*format);
  const std::span<AVStream*> streams(format->streams, format->nb_streams);
  std::vector<AVStream*> audio;
  for (AVStream* stream : streams) {
    const AVMediaType type = stream->codecpar->codec_type;
    if (type == AVMEDIA_TYPE_VIDEO && !IsCoverPicture(*stream)) info.has_video = true;
    if (type == AVMEDIA_TYPE_AUDIO) {
      info.audio_tracks.push_back(
          DescribeTrack(*stream, static_cast<int>(audio.size()), origin_s, info.duration_s));
      audio.push_back(stream);
    }
    stream->discard = AVDISCARD_ALL;
  }
  const int count = static_cast<int>(audio.size());
  if (count == 0) return Status::Unsupported("no audio track");
  if (options.track >= count) {
    return Status::InvalidArgument(
        fmt::format("audio track {} does not exist: there are {}, counted from 0", options.track, count));
  }
  if (options.track == -1 && count > options.max_tracks) {
    return Status::ResourceExhausted(
        fmt::format("{} audio tracks, more than the limit of {}", count, options.max_tracks));
  }
  decoder_of_stream.resize(streams.size());
  Status first_failure;
  int opened = 0;
  for (int track = 0; track < count; ++track) {
    if (options.track != -1 && track != options.track) continue;
    AVStream* stream = audio[static_cast<size_t>(track)];
    auto decoder = TrackDecoder::Create(*stream, track, origin_s, options, &warnings);
    if (!decoder.ok()) {
      if (options.track == -1) warnings.Add(0, decoder.status().ToString());
      if (first_failure.ok()) first_failure = decoder.status();
      continue;
    }
    if (stream->codecpar->sample_rate <= 0 || stream->codecpar->ch_layout.nb_channels <= 0) {
      // FFmpeg guesses by the file's name where the content says nothing; then no frame could be found
      // either.
      const Status unknown =
          Status::Corrupt(fmt::format("no audio found (taken for {}, codec {})", info.format,
                                      avcodec_get_name(stream->codecpar->codec_id)));
      if (options.track == -1) warnings.Add(0, unknown.ToString());
      if (first_failure.ok()) first_failure = unknown;
      continue;
    }
    stream->discard = AVDISCARD_DEFAULT;
    decoder_of_stream[static_cast<size_t>(stream->index)] = std::move(decoder).value();
    ++opened;
  }
  return opened > 0 ? Status::Ok() : first_failure;
}

void MediaReader::State::ReadPacket() {
  int error = 0;
  guard->NoteProgress();
  for (int attempt = 0; attempt < kMaxReadErrors; ++attempt) {
    error = av_read_frame(format.get(), packet.get());
    if (error != AVERROR_INVALIDDATA && error != AVERROR(EAGAIN)) break;
  }
  if (error < 0) {
    End(error);
    return;
  }
  const PacketPayload payload(packet.get());
  // Containers without a header can grow streams while they are read: those were not chosen.
  const auto index = static_cast<size_t>(packet->stream_index);
  if (index >= decoder_of_stream.size() || decoder_of_stream[index] == nullptr) return;
  decoder_of_stream[index]->Decode(*packet, &ready);
}

void MediaReader::State::End(int read_error) {
  ended = true;
  if (read_error == AVERROR_EOF && format->pb != nullptr && format->pb->error < 0)
    read_error = format->pb->error;
  if (guard->has_stalled()) read_error = AVERROR_EXIT;
  int64_t decoded_samples = 0;
  std::string damage;
  double end_s = 0;
  for (const auto& decoder : decoder_of_stream) {
    if (decoder == nullptr) continue;
    decoder->Finish(&ready);
    decoded_samples += decoder->decoded_samples();
    end_s = std::max(end_s, decoder->position_s());
    if (damage.empty()) damage = decoder->first_damage();
  }
  if (read_error != AVERROR_EOF) {
    if (decoded_samples == 0) {
      failure = ReadFailure(read_error, "no audio could be read").InFile(info.path);
    } else {
      warnings.Add(end_s, ReadFailure(read_error, "reading stopped").reason());
    }
    return;
  }
  if (decoded_samples == 0 && !damage.empty()) {
    failure = Status::Corrupt("no audio could be decoded: " + damage).InFile(info.path);
    return;
  }
  WarnOfEarlyEnd();
}

void MediaReader::State::WarnOfEarlyEnd() {
  if (format->duration_estimation_method != AVFMT_DURATION_FROM_STREAM) return;  // a guess from the bit rate
  const bool single_stream = info.audio_tracks.size() == 1 && !info.has_video;
  for (size_t index = 0; index < decoder_of_stream.size(); ++index) {
    const TrackDecoder* decoder = decoder_of_stream[index].get();
    if (decoder == nullptr) continue;
    const AudioTrackInfo& track = info.audio_tracks[static_cast<size_t>(decoder->track())];
    // The container's duration says nothing about a track beside longer ones.
    if (!single_stream && StatedDuration(*format->streams[index]) == 0) continue;
    const double end_s = track.start_s + track.duration_s;
    if (decoder->position_s() < end_s - std::max(0.5, 0.01 * track.duration_s)) {
      warnings.Add(decoder->position_s(),
                   fmt::format("track {} ends at {:.3f} s of {:.3f} s: the file seems truncated",
                               decoder->track(), decoder->position_s(), end_s));
    }
  }
}

MediaReader::MediaReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
MediaReader::~MediaReader() = default;

StatusOr<std::unique_ptr<MediaReader>> MediaReader::Open(const std::string& path,
                                                         const MediaOptions& options) {
  RouteAvLog();
  auto state = std::make_unique<State>();
  state->info.path = path;
  state->options = options;
  Status status = Validate(options);
  if (status.ok()) status = state->OpenContainer();
  if (status.ok()) status = state->OpenTracks();
  if (!status.ok()) return std::move(status).InFile(path == "-" ? "standard input" : path);
  return std::unique_ptr<MediaReader>(new MediaReader(std::move(state)));
}

const MediaInfo& MediaReader::info() const { return state_->info; }

const std::vector<Warning>& MediaReader::warnings() const { return state_->warnings.warnings(); }

StatusOr<std::optional<PcmBlock>> MediaReader::Read() {
  State& state = *state_;
  while (state.ready.empty() && !state.ended) state.ReadPacket();
  if (!state.ready.empty()) {
    std::optional<PcmBlock> block(std::move(state.ready.front()));
    state.ready.pop_front();
    return block;
  }
  if (!state.failure.ok()) return state.failure;
  return std::optional<PcmBlock>();
}

}  // namespace skald
