#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace skald {

/// Reads the code point that starts at `position` of `text` and moves `position` behind it. What is not UTF-8
/// (stray or missing continuation bytes, overlong forms, surrogates, values over U+10FFFF) reads as U+FFFD,
/// one for each maximal invalid part, as the Unicode standard (3.9, "substitution of maximal subparts")
/// recommends.
char32_t NextCodePoint(std::string_view text, size_t& position);

/// Appends `code_point` as UTF-8; U+FFFD for what is no Unicode scalar value.
void AppendUtf8(char32_t code_point, std::string& text);

/// Number of code points of `text`, an invalid part counted as one.
size_t CountCodePoints(std::string_view text);

/// `text` with every invalid part replaced by U+FFFD.
std::string ReplaceInvalidUtf8(std::string_view text);

/// Upper or lower case, code point by code point, independent of the locale. Covers ASCII, Latin-1, Latin
/// Extended-A, basic Greek and Cyrillic; everything else, and letters whose case changes their number (German
/// sharp s), stays.
char32_t ToUpper(char32_t code_point);
char32_t ToLower(char32_t code_point);
std::string ToUpper(std::string_view text);
std::string ToLower(std::string_view text);

}  // namespace skald
