#pragma once

#include <cstddef>
#include <cstdint>

#include "base/section_file.h"

namespace skald::index_format {

/// Never renumber. They lie in the file in the order in which they were finished. Those whose records have
/// checksums of their own have none in the header.
enum Section : uint32_t {
  // Utterances, postings and sources: every record is checked when it is read.
  kUtterances = 0,    ///< records, one behind the other
  kUtteranceOffsets,  ///< u64[utterance_count + 1] into kUtterances
  kPostings,          ///< lists, one behind the other
  kTerms,             ///< TermRecord[term_count], in the order of the terms (CompareTerms)
  kTermRanks,         ///< u32[term_count]: place in kTerms of the term with that number
  kTermText,
  kSources,        ///< records, one behind the other
  kSourceOffsets,  ///< u64[source_count + 1] into kSources
  kSectionCount,
};

struct TermRecord {
  uint64_t postings_offset;  ///< the list ends where the next one's starts
  uint32_t text_offset;      ///< so does the text
  uint32_t number;           ///< names the term in utterance records
};
static_assert(sizeof(TermRecord) == 16);

struct Header {
  SectionFileStart start;
  uint32_t utterance_count;
  uint32_t term_count;
  uint32_t source_count;
  uint32_t section_count;
  uint64_t posting_count;
  uint64_t arc_count;
  double audio_s;
  double floor;  ///< smallest posterior floor of any lattice
  SectionEntry sections[kSectionCount];
  uint64_t checksum;  ///< XXH3-64 of all fields above
};
static_assert(sizeof(Header) == 24 + 4 * 4 + 4 * 8 + 8 * 24 + 8);

inline constexpr const char* kSectionNames[kSectionCount] = {"utterances", "utterance offsets", "postings",
                                                             "terms",      "term ranks",        "term text",
                                                             "sources",    "source offsets"};
inline constexpr SectionFileFormat kFormat = {"index segment", "SKALDKWS", 1, 8, kSectionNames};

}  // namespace skald::index_format
