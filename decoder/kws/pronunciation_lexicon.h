#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace skald {

/// Sounds of a word, by number.
using Phones = std::vector<uint16_t>;

/// Words in upper case with their pronunciations. A value; const use from any thread.
struct PronunciationLexicon {
  std::vector<std::string> phones;  ///< names, sorted
  std::map<std::string, std::vector<Phones>, std::less<>> words;

  /// Reads "WORD<TAB>PHONE PHONE ..." lines (more columns are ignored), gzip allowed. kCorrupt, with the
  /// line, for lines without phones and for more than 65,535 phones.
  static StatusOr<PronunciationLexicon> Read(const std::string& path);

  std::string Names(const Phones& pronunciation) const;
};

}  // namespace skald
