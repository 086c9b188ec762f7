#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "decoder/lattice/word_lattice.h"
#include "decoder/rescore/ngram_model.h"

namespace skald {

/// A language model whose costs are added along the words of a lattice.
struct LanguageModelTerm {
  const NgramModel* model = nullptr;
  /// [words of the lattice's word table] number of each in the model; entry 0 is unused. No entry of a word
  /// that the lattice has may be NgramModel::kNoWord.
  std::span<const uint32_t> word_numbers;
  /// Factor on the model's negative log probability in nats. Negative: takes a model out whose costs are in
  /// the lattice.
  double weight = 1;
};

struct RescoreOptions {
  /// Nats. Before rescoring, words on no path within this of the best are left out; afterwards the same by
  /// the new costs. Larger: more word strings may win, more time. At most the lattice's effective beam.
  float beam = std::numeric_limits<float>::infinity();
  /// Where more arcs than this come up, the beam before rescoring is made smaller until they fit. Smaller:
  /// bounds time and memory.
  int64_t max_arcs = 1'000'000;
  /// Nats added for each word.
  double word_penalty = 0;
};

/// Adds `terms` (at most four) to the graph costs of a word lattice: nodes are split by the models'
/// histories, so that every word string within the beam costs exactly its old cost plus, for each term,
/// weight times what the model says of <s> words </s>. In a partial lattice the sentence end is not charged.
/// The result is a word lattice as DeterminizeWords makes it, with links to the same raw lattice:
/// AlignWordPath gives times (its costs remain those of the raw lattice). Its effective_beam is the one used
/// on the old costs: below the input's where max_arcs bound. Time: arcs of the result times terms.
/// Deterministic; thread safe.
WordLattice RescoreWords(const WordLattice& lattice, std::span<const LanguageModelTerm> terms,
                         const RescoreOptions& options = {});

}  // namespace skald
