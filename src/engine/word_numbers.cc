#include "engine/word_numbers.h"

#include "base/utf8.h"

namespace skald {

uint32_t WordNumbers::Number(std::string_view word) {
  if (word.empty()) return 0;
  const auto [found, is_new] = numbers_.try_emplace(ToUpper(word), static_cast<uint32_t>(spellings_.size()));
  if (is_new) spellings_.emplace_back(word);
  return found->second;
}

}  // namespace skald
