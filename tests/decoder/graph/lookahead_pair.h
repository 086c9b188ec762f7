#pragma once

#include <cstdint>
#include <string>
#include <vector>

// As decoder/graph/openfst_lookahead.h: OpenFst's headers are C++17 and no more.
namespace skald::test {

/// A random tree lexicon with disambiguation labels and a random back-off grammar as the pair of files that
/// look-ahead composition takes, and what a plain composition of them says.
struct LookaheadPair {
  std::vector<int32_t> disambiguation;
  int inputs = 0;  ///< labels that read something are 1..inputs
  int words = 0;   ///< words are 1..words
  struct Path {
    std::vector<int32_t> inputs, words;
    double cost = 0;  ///< least of all with these labels
  };
  std::vector<Path> paths;  ///< drawn from the composition
};

/// Writes `lexicon_path` (olabel_lookahead) and `grammar_path` (vector).
LookaheadPair WriteLookaheadPair(uint64_t seed, const std::string& lexicon_path,
                                 const std::string& grammar_path);

}  // namespace skald::test
