#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/audio.h"
#include "base/status.h"
#include "engine/build_progress.h"
#include "engine/file_result.h"
#include "engine/options.h"
#include "engine/pipeline_report.h"
#include "frontend/media/media_options.h"

namespace skald {

class BoostAutomaton;
class Bundle;
class DeviceSegmentSearch;
class GraphImage;
class Scorer;
class VoiceActivity;

/// What a recognizer runs with, for people to read.
struct RecognizerInfo {
  std::string model_folder;   ///< of the bundle
  std::string model_name;     ///< as the bundle has it
  std::string head;           ///< of the model, with which it searches
  std::string device;         ///< of the acoustic model: "cpu" or "cuda:N"
  std::string precision;      ///< of the acoustic model's arithmetic
  std::string search_device;  ///< where segments are searched
  std::string graph_path;     ///< of the decoding graph; empty: words are decoded greedily
  int threads = 0;            ///< workers on the CPU
  double load_s = 0;          ///< model, graph (building included) and workers
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

  /// Transcribes `paths` ("-" is standard input). Every path gets exactly one result, in order; a bad file
  /// ends in its own status and never affects others. Results depend neither on the number of workers nor on
  /// the company of other files; memory depends neither on the length nor on the number of files. Says where
  /// the time went.
  PipelineReport TranscribeFiles(const std::vector<std::string>& paths, const MediaOptions& media,
                                 const ResultSink& sink, const ProgressSink& progress = {},
                                 const LatticeSink& lattices = {});

  /// Transcribes mono samples at kSampleRateHz that are in memory, an input each; their paths are "samples:0"
  /// and so on.
  PipelineReport TranscribeSamples(std::span<const PcmView> inputs, const ResultSink& sink,
                                   const ProgressSink& progress = {});

  /// TranscribeFiles for inputs that become known one after the other; `files` is how many there are
  /// about, for the progress. `writers`: threads that hand results to the sink, in the order of the inputs
  /// where it is one. `segments` takes segments as they come; may be null.
  PipelineReport TranscribeInputs(const InputSource& inputs, int64_t files, const MediaOptions& media,
                                  const ResultSink& sink, const ProgressSink& progress = {}, int writers = 1,
                                  SegmentSink* segments = nullptr, const LatticeSink& lattices = {});

  /// One file.
  FileResult TranscribeFile(const std::string& path, const MediaOptions& media = {});

  const RecognizerInfo& info() const;  ///< what it runs with

  // The parts, for benchmarks and tests that drive stages by themselves. Their types are no part of the
  // installed interface.
  const Bundle& bundle() const;     ///< the model's files
  bool has_graph() const;           ///< false: words are decoded greedily
  const GraphImage& graph() const;  ///< the decoding graph; KeywordIndexer::Open takes it
  /// What the units of the head write, for greedy decoding; empty where there is a graph.
  std::span<const std::string> unit_spellings() const;
  const SearchOptions& search_options() const;  ///< what the search keeps
  /// Phrases that the search prefers; null: none.
  const BoostAutomaton* boosts() const;
  /// Factor that scores are multiplied by before the search.
  float acoustic_scale() const;
  /// Seconds of audio in one batch.
  double batch_s() const;
  /// Null where all sound is transcribed.
  const VoiceActivity* voice_activity() const;
  /// Not while TranscribeFiles runs.
  Scorer* first_scorer();
  /// Empty where the CPU searches.
  std::span<const std::unique_ptr<DeviceSegmentSearch>> device_searches() const;

 private:
  struct State;
  explicit Recognizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Folder of the default English bundle: $SKALD_MODEL; else models/en-base-25fps in a folder above the
/// library or the running program, or in share/skald there, as an installation has it. kNotFound names the
/// places.
StatusOr<std::string> FindDefaultBundle();

/// The user's cache folder for Skald: $SKALD_CACHE, else $XDG_CACHE_HOME/skald, else ~/.cache/skald.
std::string DefaultCacheFolder();

}  // namespace skald
