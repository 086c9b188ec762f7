#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "decoder/search/search_options.h"
#include "engine/boost_request.h"
#include "engine/description_options.h"
#include "engine/endpoint_options.h"
#include "engine/fusion_options.h"
#include "engine/rescoring_options.h"
#include "engine/vad_options.h"
#include "frontend/segmentation/window_options.h"

namespace skald {

/// What finds the words.
enum class Decoding {
  kAuto,    ///< kGreedy where the bundle has no language model and no graph is given, else kGraph
  kGraph,   ///< beam search over a decoding graph of lexicon and language model
  kGreedy,  ///< the best unit of every frame, joined to words as the model's units say: GreedyDecoder
};

/// A head of a model and how much it counts beside others; 0 or more, not all 0.
struct HeadShare {
  std::string name;   ///< as the bundle has it
  double weight = 1;  ///< beside the others'
};

/// Everything that can be chosen about a recognizer. Fields that affect the text say so.
struct RecognizerOptions {
  /// Folder of the model bundle; empty: the default English bundle (see FindDefaultBundle).
  std::string model_folder;
  /// Decoding graph to use instead of the one that is built from the bundle and cached. Affects the text.
  std::string graph_path;
  /// kGreedy goes with one head whose units spell words; lists, lattices, boosts and rescoring need a graph.
  /// Of the search's options only blank_penalty then has an effect. Affects the text.
  Decoding decoding = Decoding::kAuto;
  /// Where built graphs are kept; empty: $SKALD_CACHE, else the user's cache folder.
  std::string cache_folder;
  /// "auto" (CUDA where a device is found), or a list of "cpu", "cuda" (the first device) and "cuda:N", as in
  /// "cuda:0,1" or "cuda:0,cpu": work goes to whoever is free. See the user guide for what is the same
  /// whoever did it.
  std::string device = "auto";
  /// Where segments are searched: "auto" (on the model's device), "cpu" or
  /// "cuda". Never changes the text.
  std::string search_device = "auto";
  /// Segments that a CUDA device searches at the same time; 0: as many as it runs at once. Fewer take less of
  /// its memory, 4 MB each.
  int search_lanes = 0;
  /// "auto", "f32", "bf16", "f16" or "int8"; see the user guide for what each costs in accuracy. Affects the
  /// text.
  std::string precision = "auto";
  /// Head of the model to search with; empty: the bundle's choice. Affects the text.
  std::string head;
  /// Several heads of the model, best one first: each is searched by itself, their lattices are combined. One
  /// pass of the encoder, one search for each. Empty: `head` alone. Affects the text.
  std::vector<HeadShare> heads;
  /// Worker threads; 0: one per processor. More threads than processors gain nothing.
  int threads = 0;
  /// Weight of the graph's language model against the acoustic scores; larger trusts the language model more.
  /// 0: the bundle's choice. Affects the text.
  double lm_scale = 0;
  /// Added to the cost of blank frames [nats]; larger inserts more words. Unset: the bundle's choice for the
  /// graph search, 0 for kGreedy. Affects the text.
  std::optional<double> blank_penalty;
  /// Cost of every word [nats]; larger yields fewer, longer words. Unset: the bundle's choice. Affects the
  /// text.
  std::optional<double> word_penalty;
  /// Words and phrases that are expected (or, with negative weights, not expected). Words that the model does
  /// not know become known, which builds and caches a graph of their own. Affects the text.
  std::vector<BoostRequest> boosts;
  /// Affects the text; its word_penalty is replaced by the field above, and beam, lattice_beam and max_active
  /// by those below.
  SearchOptions search;
  /// Beam of the search [nats] that was chosen. Unset: the bundle's choice, where it has one, else that of
  /// `search`. Affects the text.
  std::optional<float> beam;
  std::optional<float> lattice_beam;  ///< beam of the lattice; likewise
  std::optional<int32_t> max_active;  ///< tokens expanded per frame at most; likewise
  /// Weight of costs in the choice of words. Unset: the bundle's choice, where it has one, else that of
  /// `description`. Affects the text.
  std::optional<double> mbr_scale;
  /// Weight of costs in confidences; likewise.
  std::optional<double> confidence_scale;
  /// Weight of the graph's costs in both; likewise.
  std::optional<double> graph_scale;
  /// Its confidence_map is replaced by the bundle's unless raw_confidences is set.
  DescriptionOptions description;
  /// Confidences as the lattice has them, uncalibrated.
  bool raw_confidences = false;
  RescoringOptions rescoring;  ///< a larger language model; affects the text
  /// Further bundles whose scores are fused with the model's, frame by frame; each takes as much time and
  /// memory as the model. Affects the text.
  FusionOptions fusion;
  VadOptions vad;            ///< what is left out as no speech
  WindowOptions windows;     ///< what the acoustic model sees at once; affects the text
  EndpointOptions endpoint;  ///< where streams are cut for the search; affects the text
  /// Seconds of audio in one batch of the acoustic model; larger feeds a GPU better and takes more memory. 0:
  /// 30 on the CPU, 300 on a GPU (about 1 GB of its memory for en-base).
  double batch_s = 0;

  /// Chooses `decoding` and the words of lattices by name: "viterbi", "mbr", "greedy", or "auto", which is
  /// greedy where there is no language model, else mbr. kInvalidArgument for other names.
  Status SetDecode(const std::string& name);

  /// Refuses values out of range, naming the option.
  Status Validate() const;

 private:
  Status ValidateHeads() const;
  Status ValidateGreedy() const;
};

}  // namespace skald
