#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace skald {

/// Numbers words of several systems alike, whatever their letter case; 0 is no word.
class WordNumbers {
 public:
  /// The number of `word`, a new one where it was not met in any letter case before. 0 for an empty word.
  uint32_t Number(std::string_view word);
  /// The word as it was first met.
  const std::string& Spelling(uint32_t number) const { return spellings_[number]; }

 private:
  std::vector<std::string> spellings_ = {""};
  std::unordered_map<std::string, uint32_t> numbers_;  // by upper case
};

}  // namespace skald
