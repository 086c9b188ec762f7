#include "decoder/lattice/openfst_text.h"

#include <fmt/format.h>
#include <iterator>

namespace skald {

std::string WriteOpenFstText(const WordLattice& words) {
  std::string text;
  const auto out = std::back_inserter(text);
  for (uint32_t n = 0; n < words.nodes.size(); ++n) {
    for (const WordLatticeArc& arc : words.arcs_of(n)) {
      fmt::format_to(out, "{}\t{}\t{}\t{}\t{}\n", n, arc.destination, arc.word, arc.word,
                     static_cast<float>(arc.cost()));
    }
    if (words.nodes[n].is_final()) {
      fmt::format_to(out, "{}\t{}\n", n, static_cast<float>(words.nodes[n].final_cost()));
    }
  }
  return text;
}

}  // namespace skald
