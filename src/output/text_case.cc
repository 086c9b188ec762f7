#include "output/text_case.h"

#include <algorithm>
#include <string>

#include "base/utf8.h"

namespace skald {
namespace {

std::string Capitalised(const std::string& text) {
  std::string capitalised;
  size_t position = 0;
  if (!text.empty()) AppendUtf8(ToUpper(NextCodePoint(text, position)), capitalised);
  return capitalised + text.substr(position);
}

/// `word` in the wanted case; `starts_sentence` tells whether it is the first of its segment.
std::string InCase(const std::string& word, TextCase text_case, bool starts_sentence) {
  if (text_case == TextCase::kAsIs) return word;
  std::string lower = ToLower(word);
  if (text_case == TextCase::kLower) return lower;
  const bool is_pronoun_i = lower == "i" || lower.starts_with("i'");
  return starts_sentence || is_pronoun_i ? Capitalised(lower) : lower;
}

std::string SentenceInCase(const std::string& text, TextCase text_case) {
  if (text_case == TextCase::kAsIs) return text;
  std::string sentence;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (begin > 0) sentence += ' ';
    sentence += InCase(text.substr(begin, end - begin), text_case, begin == 0);
    begin = end + 1;
  }
  return sentence;
}

}  // namespace

Segment InCase(Segment segment, TextCase text_case) {
  if (text_case == TextCase::kAsIs) return segment;
  segment.text = SentenceInCase(segment.text, text_case);
  for (size_t i = 0; i < segment.words.size(); ++i) {
    segment.words[i].text = InCase(segment.words[i].text, text_case, i == 0);
    for (WordAlternative& other : segment.words[i].alternatives) {
      other.text = InCase(other.text, text_case, i == 0);
    }
  }
  for (Alternative& alternative : segment.nbest) {
    alternative.text = SentenceInCase(alternative.text, text_case);
  }
  return segment;
}

}  // namespace skald
