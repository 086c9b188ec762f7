#pragma once

#include <functional>
#include <span>

#include "base/status.h"
#include "decoder/graph/grammar.h"
#include "decoder/graph/graph_image.h"
#include "decoder/graph/history_tries.h"
#include "decoder/graph/lexicon.h"

namespace skald {

/// Composes lexicon and grammar with OpenFst: L with disambiguation symbols after homophones, G with one on
/// back-off arcs; determinise L, compose with label look-ahead, determinise, push (tropical, towards the
/// start), minimise, take the disambiguation symbols out. Costs and accepted word and unit strings equal
/// those of BuildHistoryTries; states and the places of costs and word labels differ. The independent check
/// of the builder that makes the composition directly. Fails with kInvalidArgument where OpenFst reports an
/// error.
Status BuildWithOpenFst(const Lexicon& lexicon, std::span<const SpelledWord> words, const Grammar& grammar,
                        const CostScale& scale, const std::function<void(double)>& progress,
                        GraphImageBuilder* builder);

}  // namespace skald
