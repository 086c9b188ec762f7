#include "scoring/text_lines.h"

#include <charconv>
#include <cmath>

#include "base/file.h"

namespace skald {
namespace {

constexpr std::string_view kSpaces = " \t\r\f\v";

}  // namespace

StatusOr<std::vector<TextLine>> ReadTextLines(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::string text, ReadMaybeGzippedFile(path));
  std::vector<TextLine> lines;
  int number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.find('\0') != std::string::npos) return BrokenLine(path, number, "this is not a text file");
    if (line.find_first_not_of(kSpaces) != std::string::npos) lines.push_back({number, std::move(line)});
  }
  return lines;
}

std::string_view TakeField(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kSpaces), rest.size()));
  const std::string_view field = rest.substr(0, rest.find_first_of(kSpaces));
  rest.remove_prefix(field.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(kSpaces), rest.size()));
  return field;
}

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

Status BrokenLine(const std::string& path, int line_number, std::string reason) {
  return Status::Corrupt(std::move(reason)).At("line " + std::to_string(line_number)).InFile(path);
}

}  // namespace skald
