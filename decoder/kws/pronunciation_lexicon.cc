#include "decoder/kws/pronunciation_lexicon.h"

#include <algorithm>
#include <set>

#include "base/file.h"
#include "base/utf8.h"

namespace skald {
namespace {

/// Cuts `text` at `separator`; empty parts are left out.
template <typename Visit>
void Split(std::string_view text, char separator, const Visit& visit) {
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (end > 0) visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

StatusOr<PronunciationLexicon> PronunciationLexicon::Read(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::string text, ReadMaybeGzippedFile(path));
  struct Line {
    std::string_view word, phones;
  };
  std::vector<Line> lines;
  std::set<std::string, std::less<>> names;
  int number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    ++number;
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const size_t tab = line.find('\t');
    std::string_view phones = tab == std::string_view::npos ? "" : line.substr(tab + 1);
    phones = phones.substr(0, phones.find('\t'));
    if (tab == 0 || phones.find_first_not_of(' ') == std::string_view::npos) {
      return Status::Corrupt("expected WORD<TAB>PHONES").InFile(path).At("line " + std::to_string(number));
    }
    lines.push_back({line.substr(0, tab), phones});
    Split(phones, ' ', [&](std::string_view name) {
      if (names.find(name) == names.end()) names.emplace(name);
    });
  }
  if (names.size() > 65535) return Status::Corrupt("more than 65,535 different phones").InFile(path);
  PronunciationLexicon lexicon;
  lexicon.phones.assign(names.begin(), names.end());
  for (const Line& line : lines) {
    Phones pronunciation;
    Split(line.phones, ' ', [&](std::string_view name) {
      const auto place = std::lower_bound(lexicon.phones.begin(), lexicon.phones.end(), name);
      pronunciation.push_back(static_cast<uint16_t>(place - lexicon.phones.begin()));
    });
    lexicon.words[ToUpper(line.word)].push_back(std::move(pronunciation));
  }
  return lexicon;
}

std::string PronunciationLexicon::Names(const Phones& pronunciation) const {
  std::string text;
  for (const uint16_t phone : pronunciation) text += (text.empty() ? "" : " ") + phones[phone];
  return text;
}

}  // namespace skald
