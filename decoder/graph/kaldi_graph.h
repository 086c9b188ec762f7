#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "decoder/graph/graph_image.h"

namespace skald {

/// What an input label (transition-id) of a Kaldi graph means to the search.
struct KaldiLabel {
  uint16_t unit = 0;   ///< score column, at least 1
  uint16_t flags = 0;  ///< ArcFlags
};

/// A decoding graph made by Kaldi: HCLG in one file, or the pair that Vosk composes while it decodes.
struct KaldiGraphSources {
  std::string hclg_path;                ///< empty: the pair
  std::string lexicon_path;             ///< HCLr.fst
  std::string grammar_path;             ///< Gr.fst
  std::vector<int32_t> disambiguation;  ///< input labels of HCLr that read nothing (disambig_tid.int)
  std::string words_path;               ///< words.txt; empty: the output symbols of the FST
  std::vector<KaldiLabel> labels;       ///< by transition-id, entry 0 unused
  std::vector<std::string> units;       ///< names of the score columns; column 0 is read by no arc
};

/// Makes a graph image with explicit topology of a Kaldi graph: transition-ids become score columns,
/// self-loops stay, states that do not lead to an end are left out, a state with more epsilon arcs than an
/// image takes gets helpers. Costs and paths are those of the source. Composing the pair takes minutes and
/// gigabytes. Errors name the file.
StatusOr<GraphImage> BuildKaldiGraph(const KaldiGraphSources& sources);

}  // namespace skald
