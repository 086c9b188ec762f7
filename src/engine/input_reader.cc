#include "engine/input_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/search_weights.h"

namespace skald {

InputReader::InputReader(const PipelineContext& context, const MediaOptions& media, Scheduler* scheduler,
                         ResultCollector* results)
    : context_(context),
      media_(media),
      frame_shift_s_(context.scorers.front()->shape().frame_shift_s),
      windows_(context.options.windows),
      scheduler_(scheduler),
      results_(results) {
  const ScorerShape& shape = context.scorers.front()->shape();
  windows_.frame_shift_samples = shape.frame_shift_samples;
  windows_.window_s = std::min(windows_.window_s, shape.max_window_s);
  ivectors_ = shape.ivectors;
}

void InputReader::Run(WorkerOccupancy* reader) {
  VoiceActivity::Scratch scratch;
  while (FileJob* file = results_->OpenNext(reader)) {
    Stopwatch watch;
    OpenFile open;
    open.file = file;
    open.scratch = &scratch;
    if (context_.samples.empty()) {
      ReadFile(&open);
    } else {
      ReadSamples(&open, context_.samples[file->index]);
    }
    const double read_s = watch.Seconds() - open.waiting_s;
    reader->busy(PipelineStage::kRead) += read_s;
    reader->waiting_for_room_s += open.waiting_s;
    {
      std::lock_guard lock(file->mutex);
      file->timing.vad_s += open.vad_s;
      if (context_.samples.empty()) file->timing.decode_s += read_s - open.vad_s;
    }
    results_->Release(file);
  }
}

void InputReader::ReadSamples(OpenFile* open, PcmView samples) {
  MediaInfo info;
  info.audio_tracks.emplace_back();
  info.audio_tracks[0].sample_rate_hz = kSampleRateHz;
  info.audio_tracks[0].channels = 1;
  BeginFile(open->file, info);
  PcmBlock block;
  for (size_t first = 0; first < samples.size(); first += block.samples.size()) {
    const PcmView part = samples.subspan(first, std::min<size_t>(kSampleRateHz, samples.size() - first));
    block.first_sample = static_cast<int64_t>(first);
    block.samples.assign(part.begin(), part.end());
    Take(open, block);
  }
  FinishChannels(open);
  EndFile(*open, {});
}

void InputReader::ReadFile(OpenFile* open) {
  FileJob* const file = open->file;
  auto reader = MediaReader::Open(file->path, media_);
  if (!reader.ok()) return file->Fail(std::move(reader).status());
  BeginFile(file, (*reader)->info());
  for (;;) {
    StatusOr<std::optional<PcmBlock>> block = (*reader)->Read();
    if (!block.ok()) {
      file->Fail(std::move(block).status());
      break;
    }
    if (!block->has_value() || file->failed) break;
    Take(open, **block);
  }
  FinishChannels(open);
  if (open->channels.empty()) file->Fail(Status::Corrupt("the audio holds no samples"));
  EndFile(*open, (*reader)->warnings());
}

void InputReader::Take(OpenFile* open, const PcmBlock& block) {
  const std::pair key(block.track, block.channel);
  OpenChannel& channel = open->channels[key];
  if (context_.vad == nullptr) {
    Append(open, key, &channel, block.first_sample, block.samples);
  } else {
    if (channel.gate.has_value() && channel.end_sample != block.first_sample) EndGate(open, key, &channel);
    if (!channel.gate.has_value()) {
      channel.kept_end = block.first_sample;
      channel.gate.emplace(context_.vad->MakeGate(
          open->scratch,
          [this, open, key, &channel, origin = block.first_sample](int64_t first, PcmView kept) {
            Append(open, key, &channel, origin + first, kept);
          }));
    }
    channel.gate->Push(block.samples);
  }
  channel.end_sample = block.first_sample + static_cast<int64_t>(block.samples.size());
  if (channel.gate.has_value()) PassGap(open, key, &channel);
}

void InputReader::PassGap(OpenFile* open, const Key& key, OpenChannel* channel) {
  const int64_t left_out_end = channel->end_sample - channel->gate->held_samples();
  if (left_out_end == channel->kept_end) return;
  if (channel->stream != nullptr) FinishStream(open, channel->stream);
  channel->stream = nullptr;
  open->file->segments.SkipTo(key.first, key.second, static_cast<double>(left_out_end) / kSampleRateHz);
}

void InputReader::EndGate(OpenFile* open, const Key& key, OpenChannel* channel) {
  channel->gate->Finish();
  NoteSkip(key, channel, channel->end_sample);
  open->vad_s += channel->gate->detect_s();
  channel->gate.reset();
}

void InputReader::NoteSkip(const Key& key, OpenChannel* channel, int64_t end_sample) {
  if (!channel->gate.has_value() || channel->kept_end == end_sample) return;
  results_->ReportScored(static_cast<double>(end_sample - channel->kept_end) / kSampleRateHz);
  channel->skipped.push_back({key.second, static_cast<double>(channel->kept_end) / kSampleRateHz,
                              static_cast<double>(end_sample) / kSampleRateHz});
}

void InputReader::Append(OpenFile* open, const Key& key, OpenChannel* channel, int64_t first_sample,
                         PcmView samples) {
  NoteSkip(key, channel, first_sample);
  StreamJob*& stream = channel->stream;
  if (stream != nullptr && stream->next_sample != first_sample) {
    FinishStream(open, stream);  // a long gap: what follows is a stream of its own
    stream = nullptr;
  }
  if (stream == nullptr) stream = OpenStream(open->file, key, first_sample);
  if (stream->ivectors != nullptr) stream->ivectors->Push(samples);
  for (Window& window : stream->cutter.Push(samples)) PushWindow(open, stream, std::move(window));
  stream->next_sample += static_cast<int64_t>(samples.size());
  channel->kept_end = stream->next_sample;
}

void InputReader::FinishChannels(OpenFile* open) {
  for (auto& [key, channel] : open->channels) {
    if (channel.gate.has_value()) EndGate(open, key, &channel);
    if (channel.stream != nullptr) FinishStream(open, channel.stream);
  }
}

StreamJob* InputReader::OpenStream(FileJob* file, const Key& key, int64_t first_sample) {
  file->streams.push_back(std::make_unique<StreamJob>(file, key.first, key.second, first_sample, windows_));
  StreamJob* stream = file->streams.back().get();
  if (ivectors_ != nullptr) {
    stream->ivectors = ivectors_->NewStream(
        context_.frame_weights == nullptr ? nullptr : context_.frame_weights->NewStream());
  }
  stream->clock = {static_cast<double>(first_sample) / kSampleRateHz, frame_shift_s_};
  stream->number = file->segments.Open(key.first, key.second, stream->clock.origin_s);
  stream->endpointer = std::make_unique<Endpointer>(
      context_.options.endpoint, frame_shift_s_,
      [this, stream](ScoreSegment segment) { PushSegment(stream, std::move(segment)); });
  return stream;
}

void InputReader::FinishStream(OpenFile* open, StreamJob* stream) {
  if (stream->ivectors != nullptr) stream->ivectors->Finish();
  if (auto window = stream->cutter.Finish()) PushWindow(open, stream, std::move(*window));
}

void InputReader::PushWindow(OpenFile* open, StreamJob* stream, Window window) {
  SecondsTo waiting(&open->waiting_s);
  ++stream->file->outstanding;
  WindowJob job{stream, std::move(window), {}};
  if (stream->ivectors != nullptr) {
    job.ivectors =
        ivectors_->OfWindow(stream->ivectors.get(), job.window.first_frame * windows_.frame_shift_samples,
                            job.window.samples.size());
  }
  scheduler_->PushWindow(std::move(job));
}

void InputReader::PushSegment(StreamJob* stream, ScoreSegment segment) {
  ++stream->file->outstanding;
  // In their order: the endpointer runs where scores arrive, under the stream's mutex.
  stream->file->segments.Expect(stream->track, stream->number, stream->clock.Seconds(segment.first_frame));
  scheduler_->PushSegment({stream, std::move(segment)});
}

void InputReader::BeginFile(FileJob* file, const MediaInfo& info) const {
  std::vector<Transcript::Source> sources;
  for (const AudioTrackInfo& track : info.audio_tracks) {
    if (media_.track >= 0 && track.index != media_.track) continue;
    file->segments.AddTrack(track.index, media_.split_channels ? track.channels : 1);
    Transcript transcript = context_.prototype;
    transcript.source.path = file->path;
    transcript.source.track = track.index;
    transcript.source.sample_rate_hz = track.sample_rate_hz;
    transcript.source.channels = track.channels;
    sources.push_back(transcript.source);
    file->transcripts.push_back(std::move(transcript));
  }
  if (context_.segment_sink != nullptr) context_.segment_sink->Begin(file->index, sources);
}

void InputReader::EndFile(const OpenFile& open, const std::vector<Warning>& warnings) const {
  open.file->segments.CloseTracks();
  for (Transcript& transcript : open.file->transcripts) {
    // What was decoded counts more than what the container promises.
    int64_t end_sample = 0;
    for (const auto& [key, channel] : open.channels) {
      if (key.first != transcript.source.track) continue;
      end_sample = std::max(end_sample, channel.end_sample);
      transcript.skipped.insert(transcript.skipped.end(), channel.skipped.begin(), channel.skipped.end());
    }
    transcript.source.duration_s = static_cast<double>(end_sample) / kSampleRateHz;
    transcript.warnings = warnings;
  }
}

}  // namespace skald
