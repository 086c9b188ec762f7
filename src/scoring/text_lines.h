#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace skald {

/// One line of a text file that is not empty.
struct TextLine {
  int number = 0;  ///< from 1
  std::string text;
};

/// The lines of a file (gzip allowed), without line ends (LF or CR LF) and without those that hold white
/// space only.
StatusOr<std::vector<TextLine>> ReadTextLines(const std::string& path);

/// Takes the next word off the front of `rest`; empty at the end.
std::string_view TakeField(std::string_view& rest);

/// `text` as a finite number, all of it; independent of the locale.
std::optional<double> ParseNumber(std::string_view text);

/// A kCorrupt status for a line of a file.
Status BrokenLine(const std::string& path, int line_number, std::string reason);

}  // namespace skald
