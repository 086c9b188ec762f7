#include "base/token_list.h"

#include <charconv>
#include <map>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/lines.h"

namespace skald {

StatusOr<std::vector<std::string>> ReadTokenList(const std::string& path) {
  constexpr size_t kMaxBytes = size_t{1} << 26;
  SKALD_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxBytes));
  std::map<size_t, std::string> tokens;
  Status status = ForEachLine(text, [&](std::string_view line) {
    const size_t space = line.rfind(' ');
    size_t id = 0;
    if (space == line.npos || space == 0) return Status::Corrupt("\"SYMBOL ID\" expected");
    const auto [end, error] = std::from_chars(line.data() + space + 1, line.data() + line.size(), id);
    if (error != std::errc() || end != line.data() + line.size())
      return Status::Corrupt("ID is not a number");
    if (!tokens.emplace(id, line.substr(0, space)).second)
      return Status::Corrupt("ID " + std::to_string(id) + " appears twice");
    return Status::Ok();
  });
  if (status.ok() && tokens.empty()) status = Status::Corrupt("no units");
  if (status.ok() && tokens.rbegin()->first + 1 != tokens.size())
    status = Status::Corrupt("IDs are not 0 to n-1, each once");
  if (!status.ok()) return std::move(status).InFile(path);
  std::vector<std::string> symbols;
  for (auto& [id, symbol] : tokens) symbols.push_back(std::move(symbol));
  return symbols;
}

}  // namespace skald
