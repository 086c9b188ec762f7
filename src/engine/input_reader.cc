#include "engine/input_reader.h"

#include <algorithm>
#include <optional>

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
}

void InputReader::Run(WorkerOccupancy* reader) {
  while (FileJob* file = results_->OpenNext(reader)) {
    Stopwatch watch;
    OpenStreams open;
    if (context_.samples.empty()) {
      ReadFile(file, &open);
    } else {
      ReadSamples(file, context_.samples[file->index], &open);
    }
    const double read_s = watch.Seconds() - open.waiting_s;
    reader->busy(PipelineStage::kRead) += read_s;
    reader->waiting_for_room_s += open.waiting_s;
    if (context_.samples.empty()) {
      std::lock_guard lock(file->mutex);
      file->timing.decode_s += read_s;
    }
    results_->Release(file);
  }
}

void InputReader::ReadSamples(FileJob* file, PcmView samples, OpenStreams* open) {
  MediaInfo info;
  info.audio_tracks.emplace_back();
  info.audio_tracks[0].sample_rate_hz = kSampleRateHz;
  info.audio_tracks[0].channels = 1;
  BeginFile(file, info);
  PcmBlock block;
  for (size_t first = 0; first < samples.size(); first += block.samples.size()) {
    const PcmView part = samples.subspan(first, std::min<size_t>(kSampleRateHz, samples.size() - first));
    block.first_sample = static_cast<int64_t>(first);
    block.samples.assign(part.begin(), part.end());
    Append(file, block, open);
  }
  for (auto& [key, stream] : open->streams) FinishStream(stream, open);
  EndFile(file, {});
}

void InputReader::ReadFile(FileJob* file, OpenStreams* open) {
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
    Append(file, **block, open);
  }
  for (auto& [key, stream] : open->streams) FinishStream(stream, open);
  if (file->streams.empty()) file->Fail(Status::Corrupt("the audio holds no samples"));
  EndFile(file, (*reader)->warnings());
}

void InputReader::Append(FileJob* file, const PcmBlock& block, OpenStreams* open) {
  StreamJob*& stream = open->streams[{block.track, block.channel}];
  if (stream != nullptr && stream->next_sample != block.first_sample) {
    FinishStream(stream, open);  // a long gap: what follows is a stream of its own
    stream = nullptr;
  }
  if (stream == nullptr) stream = OpenStream(file, block);
  for (Window& window : stream->cutter.Push(block.samples)) PushWindow(stream, std::move(window), open);
  stream->next_sample += static_cast<int64_t>(block.samples.size());
}

StreamJob* InputReader::OpenStream(FileJob* file, const PcmBlock& block) {
  file->streams.push_back(
      std::make_unique<StreamJob>(file, block.track, block.channel, block.first_sample, windows_));
  StreamJob* stream = file->streams.back().get();
  stream->clock = {static_cast<double>(block.first_sample) / kSampleRateHz, frame_shift_s_};
  stream->number = file->segments.Open(block.track, block.channel, stream->clock.origin_s);
  stream->endpointer = std::make_unique<Endpointer>(
      context_.options.endpoint, frame_shift_s_,
      [this, stream](ScoreSegment segment) { PushSegment(stream, std::move(segment)); });
  return stream;
}

void InputReader::FinishStream(StreamJob* stream, OpenStreams* open) {
  if (auto window = stream->cutter.Finish()) PushWindow(stream, std::move(*window), open);
}

void InputReader::PushWindow(StreamJob* stream, Window window, OpenStreams* open) {
  SecondsTo waiting(&open->waiting_s);
  ++stream->file->outstanding;
  scheduler_->PushWindow({stream, std::move(window)});
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

void InputReader::EndFile(FileJob* file, const std::vector<Warning>& warnings) const {
  file->segments.CloseTracks();
  for (Transcript& transcript : file->transcripts) {
    // What was decoded counts more than what the container promises.
    int64_t end_sample = 0;
    for (const auto& stream : file->streams) {
      if (stream->track == transcript.source.track) end_sample = std::max(end_sample, stream->next_sample);
    }
    transcript.source.duration_s = static_cast<double>(end_sample) / kSampleRateHz;
    transcript.warnings = warnings;
  }
}

}  // namespace skald
