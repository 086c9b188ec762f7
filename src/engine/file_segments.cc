#include "engine/file_segments.h"

#include <utility>

namespace skald {

void FileSegments::AddTrack(int track, int channels) {
  std::lock_guard lock(mutex_);
  tracks_.try_emplace(track, channels, context_.options.search);
}

int FileSegments::Open(int track, int channel, double start_s) {
  std::lock_guard lock(mutex_);
  return tracks_.at(track).order.Open(channel, start_s);
}

void FileSegments::SkipTo(int track, int channel, double start_s) {
  std::lock_guard lock(mutex_);
  tracks_.at(track).order.SkipTo(channel, start_s);
  Deliver(track);
}

void FileSegments::Expect(int track, int stream, double start_s) {
  std::lock_guard lock(mutex_);
  tracks_.at(track).order.Expect(stream, start_s);
}

void FileSegments::Advance(int track, int stream, double start_s) {
  std::lock_guard lock(mutex_);
  tracks_.at(track).order.Advance(stream, start_s);
  Deliver(track);
}

void FileSegments::Put(int track, int stream, int64_t index, Segment segment) {
  std::lock_guard lock(mutex_);
  tracks_.at(track).order.Put(stream, index, std::move(segment));
  Deliver(track);
}

void FileSegments::Close(int track, int stream) {
  std::lock_guard lock(mutex_);
  tracks_.at(track).order.Close(stream);
  Deliver(track);
}

void FileSegments::CloseTracks() {
  std::lock_guard lock(mutex_);
  for (auto& [number, track] : tracks_) {
    track.order.CloseTrack();
    Deliver(number);
  }
}

void FileSegments::Deliver(int track) {
  Track& where = tracks_.at(track);
  for (Segment& segment : where.order.Take()) {
    where.beams.Add(segment);
    if (context_.segment_sink != nullptr) {
      context_.segment_sink->Take(file_index_, track, std::move(segment));
    } else {
      where.segments.push_back(std::move(segment));
    }
  }
}

void FileSegments::Finish(Transcript* transcript) {
  std::lock_guard lock(mutex_);
  const auto track = tracks_.find(transcript->source.track);
  if (track == tracks_.end()) return;
  transcript->segments = std::move(track->second.segments);
  for (Warning& warning : track->second.beams.Warnings()) transcript->warnings.push_back(std::move(warning));
}

}  // namespace skald
