#pragma once

#include <string>

#include "base/status.h"
#include "decoder/graph/graph_builder.h"
#include "engine/build_progress.h"
#include "models/bundle/bundle.h"

namespace skald {

/// Sources of the graph that searches with `head` of a bundle; every file is verified. kUnsupported where the
/// bundle lacks what a graph needs.
StatusOr<GraphSources> GraphSourcesOfBundle(const Bundle& bundle, const std::string& head);

/// Path of the decoding graph of these sources: from `cache_folder` where it is, else built there first. The
/// file's name is a hash of all that the graph depends on. Processes that need the same graph at the same
/// time wait for the one that builds it; a build that is interrupted leaves nothing behind.
StatusOr<std::string> CachedGraph(const GraphSources& sources, const GraphOptions& options,
                                  const std::string& cache_folder, const BuildProgress& progress);

/// The graph that comes with the bundle for its search head; else CachedGraph for the head with default
/// options.
StatusOr<std::string> GraphOfBundle(const Bundle& bundle, const std::string& head,
                                    const std::string& cache_folder, const BuildProgress& progress);

}  // namespace skald
