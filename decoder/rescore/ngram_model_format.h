#pragma once

#include <cstdint>

#include "base/section_file.h"

// The bytes of a language model file (docs/formats.md). Only ngram_model.cc and build_ngram_model.cc include
// this.
namespace skald::ngram_format {

inline constexpr uint32_t kMaxOrder = 5;
/// Values a listed probability may have; base-10 logarithms in steps of 1e-6.
inline constexpr int32_t kLeastValue = -2'000'000'000, kLargestValue = 2'000'000'000;

/// Sections in the order in which they lie in the file. Never renumber. "Packed" are PackedIntegers.
enum Section : uint32_t {
  kValues = 0,   ///< int32[value_count], rising: every probability and back-off weight that occurs
  kFirstArcs,    ///< packed[state_count + 1], offset_bits: arcs of state s are first[s] to first[s + 1] - 1
  kBackoffs,     ///< packed[state_count], value_bits + state_bits: value index << state_bits | state
  kArcWords,     ///< packed[arc_count], word_bits; rising within a state
  kArcTargets,   ///< packed[arc_count], value_bits + state_bits: value index << state_bits | next state
  kWordOffsets,  ///< uint32[word_count + 1] into kWordText
  kWordText,
  kRecipe,  ///< JSON, UTF-8
  kSectionCount,
};

/// First bytes of the file; the rest of the first page is zero.
struct Header {
  SectionFileStart start;
  uint64_t ngram_counts[kMaxOrder];
  uint64_t state_count;
  uint64_t arc_count;
  uint32_t order;
  uint32_t word_count;
  uint32_t value_count;
  uint32_t start_state;
  uint32_t sentence_start, sentence_end, unknown;  ///< words, 0xFFFFFFFF where there is none
  uint32_t word_bits, value_bits, state_bits, offset_bits;
  uint32_t section_count;
  SectionEntry sections[kSectionCount];
  uint64_t checksum;  ///< XXH3-64 of all fields above; also the content hash
};
static_assert(sizeof(Header) == 16 + 8 * 8 + 12 * 4 + 8 * 24 + 8);

inline constexpr const char* kSectionNames[kSectionCount] = {
    "values", "first arcs", "back-offs", "arc words", "arc targets", "word offsets", "word text", "recipe"};
inline constexpr SectionFileFormat kFormat = {"language model", "SKALDNLM", 1, 4096, kSectionNames};

}  // namespace skald::ngram_format
