#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/status.h"

// The one translation unit that sees OpenFst. Its headers (1.7.9) are C++17 and no more, so this interface is
// too.
namespace skald {

/// Lexicon and grammar in the plainest form. Word 0 is no word, unit 0 is the blank.
struct FstSources {
  struct Spelling {
    int word;
    std::vector<uint16_t> units;
  };
  struct GrammarArc {
    int word;  ///< 0: the back-off arc
    int next_state;
    float cost;
  };
  struct GrammarState {
    float final_cost;  ///< +infinity: not final
    std::vector<GrammarArc> arcs;
  };

  int unit_count = 0;
  int word_count = 0;  ///< all words are below
  int separator = 0;   ///< unit between words; 0: none
  std::vector<Spelling> spellings;
  std::vector<GrammarState> grammar;  ///< state 0 is the start
};

/// The optimised composition; state 0 is the start, states in depth-first order, cheapest arc first.
struct ComposedGraph {
  struct Arc {
    uint32_t next_state;
    float cost;
    uint16_t unit;     ///< 0: epsilon
    bool begins_word;  ///< the unit is the first of a word
    uint32_t word;
  };
  struct State {
    float final_cost;
    std::vector<Arc> arcs;
  };
  std::vector<State> states;
};

/// Composes and optimises with OpenFst as BuildWithOpenFst describes. `progress` receives fractions 0..1.
StatusOr<ComposedGraph> ComposeWithOpenFst(const FstSources& sources,
                                           const std::function<void(double)>& progress);

}  // namespace skald
