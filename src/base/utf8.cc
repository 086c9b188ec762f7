#include "base/utf8.h"

namespace skald {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

bool In(char32_t value, char32_t first, char32_t last) { return value >= first && value <= last; }

/// Latin Extended-A stores pairs as (upper, lower) with the upper case even in some blocks and odd in others.
bool EvenIsUpper(char32_t c) { return In(c, 0x100, 0x137) || In(c, 0x14A, 0x177); }
bool OddIsUpper(char32_t c) { return In(c, 0x139, 0x148) || In(c, 0x179, 0x17E); }
/// Dotted and dotless i belong to Turkish only; kra and the apostrophe n have no partner.
bool HasNoPartner(char32_t c) { return c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149 || c == 0x178; }

template <typename Map>
std::string MapCodePoints(std::string_view text, Map map) {
  std::string mapped;
  mapped.reserve(text.size());
  for (size_t position = 0; position < text.size();) AppendUtf8(map(NextCodePoint(text, position)), mapped);
  return mapped;
}

}  // namespace

char32_t NextCodePoint(std::string_view text, size_t& position) {
  const auto byte = [&](size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned char lead = byte(position++);
  if (lead < 0x80) return lead;
  int continuation_bytes;
  char32_t value;
  if (In(lead, 0xC2, 0xDF)) {
    continuation_bytes = 1, value = lead & 0x1F;
  } else if (In(lead, 0xE0, 0xEF)) {
    continuation_bytes = 2, value = lead & 0x0F;
  } else if (In(lead, 0xF0, 0xF4)) {
    continuation_bytes = 3, value = lead & 0x07;
  } else {
    return kReplacement;
  }
  // The first continuation byte has a narrower range where it would spell an overlong form, a surrogate or
  // too much.
  unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (int i = 0; i < continuation_bytes; ++i) {
    if (position >= text.size() || !In(byte(position), low, high)) return kReplacement;
    value = value << 6 | (byte(position++) & 0x3F);
    low = 0x80, high = 0xBF;
  }
  return value;
}

void AppendUtf8(char32_t c, std::string& text) {
  if (c > 0x10FFFF || In(c, 0xD800, 0xDFFF)) c = kReplacement;
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else if (c < 0x800) {
    text += static_cast<char>(0xC0 | c >> 6);
    text += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    text += static_cast<char>(0xE0 | c >> 12);
    text += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | c >> 18);
    text += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    text += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (c & 0x3F));
  }
}

size_t CountCodePoints(std::string_view text) {
  size_t count = 0;
  for (size_t position = 0; position < text.size(); ++count) (void)NextCodePoint(text, position);
  return count;
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  return MapCodePoints(text, [](char32_t c) { return c; });
}

char32_t ToUpper(char32_t c) {
  if (In(c, 'a', 'z')) return c - 32;
  if (c < 0x80) return c;
  if (In(c, 0xE0, 0xFE) && c != 0xF7) return c - 32;
  if (c == 0xFF) return 0x178;
  if (HasNoPartner(c)) return c;
  if (EvenIsUpper(c)) return c & ~char32_t{1};
  if (OddIsUpper(c)) return c - (c + 1) % 2;
  if (In(c, 0x3B1, 0x3C9) && c != 0x3C2) return c - 32;
  if (In(c, 0x430, 0x44F)) return c - 32;
  if (In(c, 0x450, 0x45F)) return c - 80;
  return c;
}

char32_t ToLower(char32_t c) {
  if (In(c, 'A', 'Z')) return c + 32;
  if (c < 0x80) return c;
  if (In(c, 0xC0, 0xDE) && c != 0xD7) return c + 32;
  if (c == 0x178) return 0xFF;
  if (HasNoPartner(c)) return c;
  if (EvenIsUpper(c)) return c | 1;
  if (OddIsUpper(c)) return c + c % 2;
  if (In(c, 0x391, 0x3A9) && c != 0x3A2) return c + 32;
  if (In(c, 0x410, 0x42F)) return c + 32;
  if (In(c, 0x400, 0x40F)) return c + 80;
  return c;
}

std::string ToUpper(std::string_view text) {
  return MapCodePoints(text, [](char32_t c) { return ToUpper(c); });
}
std::string ToLower(std::string_view text) {
  return MapCodePoints(text, [](char32_t c) { return ToLower(c); });
}

}  // namespace skald
