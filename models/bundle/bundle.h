#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/confidence_map.h"
#include "base/status.h"
#include "models/bundle/architecture_sizes.h"
#include "models/bundle/model_card.h"

namespace skald {

/// The features a model was trained on, as the bundle states them; the engine translates them for the front
/// end.
struct FeatureDescription {
  std::string type;  ///< "whisper-log-mel", "nemo-log-mel", "waveform", "normalised-waveform" or a Kaldi
                     ///< preset such as "kaldi-fbank"
  int bins = 0;
  int sample_rate_hz = 0;
  int frame_length_samples = 0;
  int frame_shift_samples = 0;
  int minimum_samples = 0;  ///< waveforms: shorter windows are padded with zeros up to here; 0: none
  std::map<std::string, double> settings;  ///< further parameters of the type, by name
};

/// The i-vector extractor that makes a part of the network's input.
struct IvectorDescription {
  std::string weights_file;  ///< safetensors
  int size = 0;
  std::map<std::string, double> settings;  ///< how i-vectors follow a stream, by name
};

/// One output layer and its units.
struct HeadDescription {
  std::string units_file;  ///< one "SYMBOL ID" per line
  int units = 0;
  int blank = 0;
  std::string word_separator;        ///< unit between words ("|"), or empty
  std::string word_start_marker;     ///< prefix of units that start a word ("▁"), or empty
  std::string sentencepiece_file;    ///< or empty
  bool uses_pronunciations = false;  ///< the units are phones: words are spelled by the pronunciation lexicon
  double lm_scale = 1.0;             ///< weight of the language model relative to the acoustic scores
  double word_penalty = 0.0;         ///< nats added per word; larger gives fewer words
  double blank_penalty = 0.0;    ///< nats added per blank frame of the graph search; larger gives more words
  ConfidenceMap confidence_map;  ///< of the head's search with the bundle's graph
  // What the search of this head is best done with; unset: as for any model.
  std::optional<double> beam, lattice_beam;  ///< nats
  std::optional<int> max_active, min_active;
  std::optional<double> posterior_scale;  ///< weight of costs in posteriors of words
  std::optional<double> graph_scale;      ///< weight of the graph's costs beside the scores, in the same
};

/// Several heads whose lattices are combined.
struct HeadCombination {
  std::vector<std::pair<std::string, double>> heads;  ///< name and weight, best first
  ConfidenceMap confidence_map;                       ///< of the words that the combination gives
};

/// What bundle.json says. File names are relative to the bundle's folder.
struct BundleManifest {
  std::string name;
  std::string licence;
  std::string language;      ///< BCP 47, e.g. "en"
  ModelCard card;            ///< empty: nobody said
  ArchitectureSizes sizes;   ///< the alternative says which architecture it is
  std::string weights_file;  ///< safetensors
  FeatureDescription features;
  double frame_shift_s = 0;  ///< of the scores, pooling included
  std::map<std::string, HeadDescription> heads;
  std::vector<HeadCombination> combinations;  ///< those that something is known about
  std::string search_head;                    ///< default for the graph search
  std::string greedy_head;                    ///< default where there is no graph
  std::string
      words_file;  ///< WORD<TAB>count, may be gzipped; empty where there is none (so for the next three)
  std::string pronunciations_file;
  std::string lm_file;
  std::string lm_large_file;
  std::string graph_file;  ///< decoding graph of the search head that comes with the bundle, or empty
  std::optional<IvectorDescription> ivector;
  struct File {
    int64_t bytes = 0;
    std::string sha256;
  };
  std::map<std::string, File> files;
};

/// A model bundle: a folder whose bundle.json names everything one model needs, with sizes and SHA-256 sums.
/// Opening reads and checks bundle.json and the size of every file; content is checked by VerifiedPath before
/// it is used, so that large files that are not needed cost nothing. Immutable after Open; thread safe.
class Bundle {
 public:
  /// Failures are kNotFound, kCorrupt or kUnsupported (unknown architecture or bundle version) and name file
  /// and member.
  static StatusOr<Bundle> Open(const std::string& folder);

  const BundleManifest& manifest() const { return manifest_; }
  const std::string& folder() const { return folder_; }

  /// Full path of a file named in the bundle after checking its size and SHA-256.
  StatusOr<std::string> VerifiedPath(const std::string& file) const;
  /// Checks every file; the first failure is returned.
  Status VerifyAll() const;
  /// SHA-256 of the weights as bundle.json states it: what identifies the model in transcripts and cache
  /// keys.
  const std::string& weights_sha256() const { return manifest_.files.at(manifest_.weights_file).sha256; }

  /// Symbols of a head by unit number; ids must be 0..units-1, each once.
  StatusOr<std::vector<std::string>> ReadUnits(const std::string& head) const;

 private:
  Bundle() = default;
  std::string folder_;
  BundleManifest manifest_;
};

}  // namespace skald
