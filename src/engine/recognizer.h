#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/graph_cache.h"
#include "engine/options.h"
#include "engine/pipeline.h"

namespace skald {

/// What a recognizer runs with, for people to read.
struct RecognizerInfo {
  std::string model_folder;
  std::string model_name;
  std::string head;
  std::string device;
  std::string precision;
  std::string search_device;
  std::string graph_path;
  int threads = 0;
  double load_s = 0;  ///< model, graph (building included) and workers
  /// What had to be done with less than was asked for, because a device's memory was short.
  std::vector<std::string> notes;
};

/// Turns media files into transcripts with one model. Loading takes seconds, so make one and use it for many
/// files. One call at a time; a call uses all of the recognizer's workers.
class Recognizer {
 public:
  /// Loads the bundle, builds or maps its decoding graph, sets up the workers. Fails with kInvalidArgument
  /// for options out of range, and as the readers of the bundle and the graph do, naming the file.
  /// `build_progress` hears of building the graph, which happens once for a bundle.
  static StatusOr<std::unique_ptr<Recognizer>> Create(const RecognizerOptions& options,
                                                      const BuildProgress& build_progress = {});
  ~Recognizer();

  /// Transcribes `paths` ("-" is standard input). Every path gets exactly one result, in order; see
  /// RunPipeline.
  PipelineReport TranscribeFiles(const std::vector<std::string>& paths, const MediaOptions& media,
                                 const ResultSink& sink, const ProgressSink& progress = {},
                                 const LatticeSink& lattices = {});

  /// Transcribes mono samples at kSampleRateHz that are in memory, an input each; their paths are "samples:0"
  /// and so on.
  PipelineReport TranscribeSamples(std::span<const PcmView> inputs, const ResultSink& sink,
                                   const ProgressSink& progress = {});

  /// TranscribeFiles for inputs that become known one after the other; see RunPipeline. `writers` and
  /// `segments` as in PipelineContext.
  PipelineReport TranscribeInputs(const InputSource& inputs, int64_t files, const MediaOptions& media,
                                  const ResultSink& sink, const ProgressSink& progress = {}, int writers = 1,
                                  SegmentSink* segments = nullptr);

  /// One file.
  FileResult TranscribeFile(const std::string& path, const MediaOptions& media = {});

  const RecognizerInfo& info() const;

  // The parts, for benchmarks and tests that drive stages by themselves.
  const Bundle& bundle() const;
  const GraphImage& graph() const;
  const SearchOptions& search_options() const;
  /// Phrases that the search prefers; null: none.
  const BoostAutomaton* boosts() const;
  /// Factor that scores are multiplied by before the search.
  float acoustic_scale() const;
  /// Seconds of audio in one batch.
  double batch_s() const;
  /// Not while TranscribeFiles runs.
  Scorer* first_scorer();
  /// Empty where the CPU searches.
  std::span<const std::unique_ptr<DeviceSegmentSearch>> device_searches() const;

 private:
  struct State;
  explicit Recognizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Folder of the default English bundle: $SKALD_MODEL; else models/en-base-25fps in a folder that holds the
/// running program, or in share/skald of its installation. kNotFound names the places.
StatusOr<std::string> FindDefaultBundle();

/// The user's cache folder for Skald: $SKALD_CACHE, else $XDG_CACHE_HOME/skald, else ~/.cache/skald.
std::string DefaultCacheFolder();

}  // namespace skald
