#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace skald {

struct NormalizerOptions {
  /// Letters count as the same in either case, as sclite has it.
  bool upper_case = true;
  /// Punctuation counts as nothing, but a hyphen or dash between words separates them. Apostrophes within
  /// words stay; typographic ones become '. Off: punctuation is part of the word, as sclite has it.
  bool strip_punctuation = false;
};

/// The words of a text as they are compared: cut at white space (any Unicode space), normalised; words of
/// which nothing remains are left out. Text that is not UTF-8 gets U+FFFD. Deterministic, thread safe.
std::vector<std::string> NormalizedWords(std::string_view text, const NormalizerOptions& options = {});

}  // namespace skald
