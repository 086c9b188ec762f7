#include "engine/search_head.h"

#include <fmt/format.h>
#include <utility>
#include <variant>

#include "decoder/greedy/unit_spellings.h"
#include "engine/boost_list.h"

namespace skald {
namespace {

/// Path of the graph that searches with the head.
StatusOr<std::string> GraphPath(const Bundle& bundle, const std::string& head,
                                const RecognizerOptions& options, const std::string& cache_folder,
                                const BuildProgress& progress) {
  if (!options.graph_path.empty()) return options.graph_path;
  SKALD_ASSIGN_OR_RETURN(std::string path, GraphOfBundle(bundle, head, cache_folder, progress));
  if (options.boosts.empty()) return path;
  SKALD_ASSIGN_OR_RETURN(const GraphImage graph, GraphImage::Open(path));
  std::vector<ExtraWord> extra = ExtraWordsOf(options.boosts, graph);
  if (extra.empty()) return path;
  SKALD_ASSIGN_OR_RETURN(GraphSources sources, GraphSourcesOfBundle(bundle, head));
  sources.extra_words = std::move(extra);
  return CachedGraph(sources, GraphOptions(), cache_folder, progress);
}

StatusOr<HeadDescription> FindHead(const Bundle& bundle, const std::string& name) {
  const auto found = bundle.manifest().heads.find(name);
  if (found == bundle.manifest().heads.end()) {
    return Status::InvalidArgument("the model has no head '" + name + "'").InFile(bundle.folder());
  }
  return found->second;
}

}  // namespace

StatusOr<std::unique_ptr<SearchHead>> MakeSearchHead(const Bundle& bundle, const std::string& name,
                                                     const RecognizerOptions& options,
                                                     const std::string& cache_folder,
                                                     const BuildProgress& progress) {
  SKALD_ASSIGN_OR_RETURN(const HeadDescription description, FindHead(bundle, name));
  SKALD_ASSIGN_OR_RETURN(const std::string graph_path,
                         GraphPath(bundle, name, options, cache_folder, progress));
  SKALD_ASSIGN_OR_RETURN(GraphImage graph, GraphImage::Open(graph_path));
  if (static_cast<int>(graph.info().unit_count) != description.units) {
    return Status::InvalidArgument(fmt::format("the graph has {} units, head '{}' of the model has {}",
                                               graph.info().unit_count, name, description.units))
        .InFile(graph_path);
  }
  SKALD_ASSIGN_OR_RETURN(BoostAutomaton boosts, MakeBoostAutomaton(options.boosts, graph));
  auto head = std::make_unique<SearchHead>();
  head->name = name;
  head->graph_path = graph_path;
  head->graph = std::move(graph);
  head->boosts = std::move(boosts);
  head->scaling = {static_cast<float>(1.0 / (options.lm_scale > 0 ? options.lm_scale : description.lm_scale)),
                   static_cast<float>(options.blank_penalty.value_or(description.blank_penalty))};
  head->search = options.search;
  head->search.word_penalty = static_cast<float>(options.word_penalty.value_or(description.word_penalty));
  head->confidence_map = description.confidence_map;
  if (options.rescoring.enabled) {
    SKALD_ASSIGN_OR_RETURN(head->rescorer, LargeLmRescorer::Create(bundle, *head->graph, options.rescoring,
                                                                   cache_folder, progress));
  }
  return head;
}

StatusOr<std::unique_ptr<SearchHead>> MakeGreedyHead(const Bundle& bundle, const std::string& name,
                                                     const RecognizerOptions& options) {
  SKALD_ASSIGN_OR_RETURN(const HeadDescription description, FindHead(bundle, name));
  if (description.uses_pronunciations || std::holds_alternative<Nnet3Sizes>(bundle.manifest().sizes)) {
    return Status::InvalidArgument("the units of head '" + name +
                                   "' are phones or their states, which spell no words without a graph")
        .InFile(bundle.folder());
  }
  auto head = std::make_unique<SearchHead>();
  head->name = name;
  SKALD_ASSIGN_OR_RETURN(const std::vector<std::string> units, bundle.ReadUnits(name));
  head->unit_spellings = SpellUnits(units, description.word_separator, description.word_start_marker);
  head->scaling.blank_penalty = static_cast<float>(options.blank_penalty.value_or(0));
  return head;
}

}  // namespace skald
