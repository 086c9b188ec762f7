#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "decoder/graph/fst_file.h"

// As openfst_compose.h: OpenFst's headers (1.7.9) are C++17 and no more, so this interface is too.
namespace skald {

/// Composes two FST files that are made for look-ahead composition: `lexicon_path` of type
/// "olabel_lookahead", `grammar_path` of any type that OpenFst reads ("ngram", "const", "vector"). Labels and
/// costs are pushed towards the start as OpenFst's look-ahead filter does while decoding, so costs are those
/// that a search on the fly sees. Input labels that are listed in `dropped` become epsilon. States are
/// numbered in the order in which a depth-first walk finds them. One state takes about 80 bytes. kCorrupt
/// where OpenFst cannot read a file, kResourceExhausted beyond `max_states` states.
StatusOr<FstGraph> ComposeLookahead(const std::string& lexicon_path, const std::string& grammar_path,
                                    const std::vector<int32_t>& dropped, int64_t max_states);

}  // namespace skald
