#include "engine/graph_cache.h"

#include <string_view>
#include <utility>

#include "engine/file_cache.h"

namespace skald {

StatusOr<GraphSources> GraphSourcesOfBundle(const Bundle& bundle, const std::string& head_name) {
  const BundleManifest& manifest = bundle.manifest();
  const HeadDescription& head = manifest.heads.at(head_name);
  if (manifest.lm_file.empty()) {
    return Status::Unsupported("the bundle has no language model to build a graph from")
        .InFile(bundle.folder());
  }
  GraphSources sources;
  SKALD_ASSIGN_OR_RETURN(sources.units, bundle.ReadUnits(head_name));
  SKALD_ASSIGN_OR_RETURN(sources.language_model_path, bundle.VerifiedPath(manifest.lm_file));
  if (head.uses_pronunciations) {
    sources.lexicon_kind = LexiconKind::kPronunciations;
    SKALD_ASSIGN_OR_RETURN(sources.lexicon_path, bundle.VerifiedPath(manifest.pronunciations_file));
  } else if (!head.sentencepiece_file.empty()) {
    sources.lexicon_kind = LexiconKind::kPieces;
    SKALD_ASSIGN_OR_RETURN(sources.lexicon_path, bundle.VerifiedPath(head.sentencepiece_file));
  } else {
    sources.lexicon_kind = LexiconKind::kCharacters;
    sources.separator = head.word_separator;
  }
  return sources;
}

StatusOr<std::string> CachedGraph(const GraphSources& sources, const GraphOptions& options,
                                  const std::string& cache_folder, const BuildProgress& progress) {
  SKALD_ASSIGN_OR_RETURN(const std::string key, GraphCacheKey(sources, options));
  const std::string path = cache_folder + "/graphs/" + key + ".skg";
  return CachedFile(path, [&]() -> Status {
    const auto report = [&](double fraction, std::string_view phase) {
      if (progress) progress(fraction, std::string(phase));
    };
    SKALD_ASSIGN_OR_RETURN(const GraphImage graph, BuildGraph(sources, options, report));
    return WriteGraphImage(graph, path);
  });
}

StatusOr<std::string> GraphOfBundle(const Bundle& bundle, const std::string& head,
                                    const std::string& cache_folder, const BuildProgress& progress) {
  const BundleManifest& manifest = bundle.manifest();
  // A graph's own checksums are looked at when it is opened.
  if (!manifest.graph_file.empty() && head == manifest.search_head)
    return bundle.folder() + "/" + manifest.graph_file;
  SKALD_ASSIGN_OR_RETURN(const GraphSources sources, GraphSourcesOfBundle(bundle, head));
  return CachedGraph(sources, GraphOptions(), cache_folder, progress);
}

}  // namespace skald
