#include "decoder/greedy/unit_spellings.h"

#include <charconv>
#include <optional>

namespace skald {
namespace {

/// "<unk>", "[PAD]": no part of any text.
bool IsControl(const std::string& unit) {
  return unit.size() > 2 &&
         ((unit.front() == '<' && unit.back() == '>') || (unit.front() == '[' && unit.back() == ']'));
}

/// The byte that "<0xE2>" stands for: how sentencepiece writes characters that it has no piece for.
std::optional<char> Byte(const std::string& unit) {
  if (unit.size() != 6 || !unit.starts_with("<0x") || unit.back() != '>') return std::nullopt;
  unsigned value = 0;
  const char* const end = unit.data() + 5;
  if (std::from_chars(unit.data() + 3, end, value, 16).ptr != end) return std::nullopt;
  return static_cast<char>(value);
}

std::string Spell(const std::string& unit, const std::string& word_separator,
                  const std::string& word_start_marker) {
  if (!word_separator.empty() && unit == word_separator) return " ";
  if (!word_start_marker.empty()) {
    if (const std::optional<char> byte = Byte(unit)) return std::string(1, *byte);
  }
  if (IsControl(unit)) return "";
  std::string text = unit;
  if (word_start_marker.empty()) return text;
  for (size_t at = text.find(word_start_marker); at != std::string::npos;
       at = text.find(word_start_marker, at + 1)) {
    text.replace(at, word_start_marker.size(), " ");
  }
  return text;
}

}  // namespace

std::vector<std::string> SpellUnits(std::span<const std::string> units, const std::string& word_separator,
                                    const std::string& word_start_marker) {
  std::vector<std::string> spellings;
  for (const std::string& unit : units) {
    spellings.push_back(spellings.empty() ? "" : Spell(unit, word_separator, word_start_marker));
  }
  return spellings;
}

}  // namespace skald
