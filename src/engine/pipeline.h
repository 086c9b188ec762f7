#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/results.h"
#include "decoder/graph/graph_image.h"
#include "engine/device_segment_search.h"
#include "engine/file_result.h"
#include "engine/head_combiner.h"
#include "engine/options.h"
#include "engine/pipeline_report.h"
#include "engine/scorer.h"
#include "engine/segment_describer.h"
#include "engine/voice_activity.h"
#include "frontend/media/media_reader.h"

namespace skald {

class SearchWeightsSource;

/// A segment's lattice as the search left it, with its place in its file. Valid during the call only.
struct SegmentLattice {
  size_t file_index = 0;  ///< into the paths of the run
  int track = 0;
  int channel = 0;
  const FrameClock& clock;
  int64_t first_frame = 0;  ///< of the lattice, in the stream of `clock`
  const RawLattice& lattice;
};

/// Fixed surroundings of a pipeline run; everything referenced outlives the run.
struct PipelineContext {
  const RecognizerOptions& options;
  const GraphImage* graph;  ///< null: words are read off the scores, see unit_spellings
  /// One per scoring worker; each is used by one thread.
  std::span<const std::unique_ptr<Scorer>> scorers;
  /// Further workers that search and describe; at least one where a scorer or a search is on a device.
  int search_workers = 0;
  /// Model and graph names, options: copied into every transcript.
  Transcript prototype;
  /// For whoever needs more than the words; may be empty.
  LatticeSink lattice_sink = {};
  /// Phrases that the search prefers; null: none.
  const BoostAutomaton* boost = nullptr;
  /// Search all segments where there are any, one thread each. Else the workers do.
  std::span<const std::unique_ptr<DeviceSegmentSearch>> device_searches = {};
  /// Step between search and words; may be null.
  const LatticeRescorer* rescorer = nullptr;
  /// Takes the segments, in place of the transcripts, which then have none; null: they have them.
  SegmentSink* segment_sink = nullptr;
  /// Threads that hand results to the sink. 1: in the order of the inputs; more: as they come.
  int writers = 1;
  /// Heads whose scores stand side by side, the first one being that of `graph`, `boost` and `rescorer`: each
  /// is searched on the CPU, and their lattices combined. Empty: the scores are of one head.
  std::span<const CombinedHead> heads = {};
  /// Keeps sound without speech from the scorers; may be null.
  const VoiceActivity* vad = nullptr;
  /// Weights of frames in i-vectors; null: all alike.
  SearchWeightsSource* frame_weights = nullptr;
  /// Of SpellUnits: what the units write where there is no graph.
  std::span<const std::string> unit_spellings = {};
  /// Mono samples of every path at kSampleRateHz, in place of its file; empty: files are read.
  std::span<const PcmView> samples = {};
};

/// Transcribes files: reader threads cut media into windows, scoring workers run features and acoustic model
/// over batches of windows from whatever files are open, and every stretch between two pauses is searched by
/// itself. Queues are bounded, so memory depends neither on the length nor on the number of files. Results
/// are the same for any number of workers and any company in a batch. A bad file ends in its own status and
/// never affects others. Says where the time went.
PipelineReport RunPipeline(const PipelineContext& context, const std::vector<std::string>& paths,
                           const MediaOptions& media, const ResultSink& sink, const ProgressSink& progress);

/// The same for inputs that become known one after the other; `files` is how many there are about, for the
/// progress.
PipelineReport RunPipeline(const PipelineContext& context, const InputSource& inputs, int64_t files,
                           const MediaOptions& media, const ResultSink& sink, const ProgressSink& progress);

}  // namespace skald
