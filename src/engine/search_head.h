#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/confidence_map.h"
#include "base/status.h"
#include "decoder/graph/graph_image.h"
#include "decoder/search/boost_automaton.h"
#include "engine/graph_cache.h"
#include "engine/options.h"
#include "engine/rescorer.h"
#include "engine/score_rows.h"
#include "models/bundle/bundle.h"

namespace skald {

/// What it takes to search the scores of one head of a model.
struct SearchHead {
  std::string name;
  std::vector<std::string> unit_spellings =
      {};  ///< of SpellUnits, for greedy decoding; empty: there is a graph
  std::string graph_path = {};
  std::optional<GraphImage> graph = {};
  BoostAutomaton boosts = {};
  std::unique_ptr<LargeLmRescorer> rescorer = nullptr;  ///< null: none
  ScoreScaling scaling = {};
  SearchOptions search = {};
  ConfidenceMap confidence_map = {};

  const BoostAutomaton* Boosts() const { return boosts.empty() ? nullptr : &boosts; }
};

/// Builds or maps the graph of `name` (`options.graph_path`, else the cached one of the bundle, with the
/// words that the boosts need), makes its boosts and rescorer. kInvalidArgument where the bundle has no such
/// head or the graph has other units, and as the readers of the files do.
StatusOr<std::unique_ptr<SearchHead>> MakeSearchHead(const Bundle& bundle, const std::string& name,
                                                     const RecognizerOptions& options,
                                                     const std::string& cache_folder,
                                                     const BuildProgress& progress);

/// What greedy decoding with head `name` needs: no graph, no boosts, no rescorer. kInvalidArgument where the
/// bundle has no such head or its units do not spell words.
StatusOr<std::unique_ptr<SearchHead>> MakeGreedyHead(const Bundle& bundle, const std::string& name,
                                                     const RecognizerOptions& options);

}  // namespace skald
