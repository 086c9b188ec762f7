#include "scoring/text_normalizer.h"

#include "base/utf8.h"

namespace skald {
namespace {

bool IsSpace(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000 || c == 0xFEFF;
}

bool IsHyphenOrDash(char32_t c) { return c == '-' || c == '/' || (c >= 0x2010 && c <= 0x2015); }

bool IsApostrophe(char32_t c) { return c == '\'' || c == 0x2018 || c == 0x2019 || c == 0x02BC; }

/// ASCII and Latin-1 punctuation, general punctuation, CJK punctuation and full-width forms; symbols that are
/// read aloud ($, %, +, &) stay.
bool IsPunctuation(char32_t c) {
  if (c < 0x80)
    return std::string_view("!\"#()*,.:;<=>?[\\]^_`{|}~").find(static_cast<char>(c)) != std::string::npos;
  return c == 0xA1 || c == 0xAB || c == 0xB7 || c == 0xBB || c == 0xBF || (c >= 0x2016 && c <= 0x2027) ||
         (c >= 0x2030 && c <= 0x205E) || (c >= 0x3001 && c <= 0x3003) || (c >= 0x3008 && c <= 0x3011) ||
         c == 0xFF01 || c == 0xFF0C || c == 0xFF0E || c == 0xFF1A || c == 0xFF1B || c == 0xFF1F;
}

}  // namespace

std::vector<std::string> NormalizedWords(std::string_view text, const NormalizerOptions& options) {
  std::vector<std::string> words;
  std::string word;
  const auto finish = [&] {
    if (options.strip_punctuation) {
      // Apostrophes at the edges were quotation marks.
      while (word.ends_with('\'')) word.pop_back();
      word.erase(0, word.find_first_not_of('\''));
    }
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (size_t position = 0; position < text.size();) {
    char32_t c = NextCodePoint(text, position);
    if (IsSpace(c) || (options.strip_punctuation && IsHyphenOrDash(c))) {
      finish();
      continue;
    }
    if (options.strip_punctuation) {
      if (IsApostrophe(c)) c = '\'';
      if (IsPunctuation(c)) continue;
    }
    AppendUtf8(options.upper_case ? ToUpper(c) : c, word);
  }
  finish();
  return words;
}

}  // namespace skald
