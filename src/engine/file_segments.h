#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "base/results.h"
#include "engine/beam_warnings.h"
#include "engine/pipeline.h"
#include "engine/segment_sequencer.h"

namespace skald {

/// The segments of a file on their way to its transcripts, or in order to the run's SegmentSink as soon as
/// they are next. Thread safe.
class FileSegments {
 public:
  /// References are kept.
  FileSegments(const PipelineContext& context, size_t file_index)
      : context_(context), file_index_(file_index) {}

  /// A track with so many channels is about to be read. Before its first stream.
  void AddTrack(int track, int channels);
  /// See SegmentSequencer.
  int Open(int track, int channel, double start_s);
  void SkipTo(int track, int channel, double start_s);
  void Expect(int track, int stream, double start_s);
  void Advance(int track, int stream, double start_s);
  void Put(int track, int stream, int64_t index, Segment segment);
  void Close(int track, int stream);
  /// The file was read to its end.
  void CloseTracks();

  /// Adds what the track's segments say to its transcript: themselves, where no sink has them, and warnings.
  /// After all else.
  void Finish(Transcript* transcript);

 private:
  struct Track {
    Track(int channels, const SearchOptions& search)
        : order(channels), beams(search.beam, search.lattice_beam) {}
    SegmentSequencer order;
    BeamWarnings beams;
    std::vector<Segment> segments;  // where no sink takes them
  };

  void Deliver(int track);

  const PipelineContext& context_;
  const size_t file_index_;
  std::mutex mutex_;
  std::map<int, Track> tracks_;
};

}  // namespace skald
