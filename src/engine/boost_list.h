#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "decoder/graph/graph_builder.h"
#include "decoder/graph/graph_image.h"
#include "decoder/search/boost_automaton.h"
#include "engine/boost_request.h"

namespace skald {

/// Reads a list: a phrase a line, optionally a tab and its weight, optionally another tab and the spelling of
/// its one word in units; empty lines and those that begin with # count for nothing. kCorrupt with the line:
/// a weight that is no number within +-1000, a spelling of several words, more fields.
StatusOr<std::vector<BoostRequest>> ParseBoostList(std::string_view text,
                                                   double default_weight = BoostRequest::kDefaultWeight);

/// Words of the requests that `graph` cannot recognise yet, and spellings given for words: what a graph that
/// serves the requests needs more. Words match in any case; a new word takes the case of the graph's.
std::vector<ExtraWord> ExtraWordsOf(const std::vector<BoostRequest>& requests, const GraphImage& graph);

/// The automaton of the requests over the words of `graph`. kInvalidArgument naming the phrase that has no
/// words, or a word that the graph lacks.
StatusOr<BoostAutomaton> MakeBoostAutomaton(const std::vector<BoostRequest>& requests,
                                            const GraphImage& graph);

}  // namespace skald
