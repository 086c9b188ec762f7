#include "models/importers/kaldi_config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/file.h"
#include "base/lines.h"

namespace skald {
namespace {

constexpr size_t kMaxConfigBytes = size_t{1} << 20;

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

StatusOr<KaldiConfig> KaldiConfig::Read(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxConfigBytes));
  KaldiConfig config;
  config.path_ = path;
  Status status = ForEachLine(text, [&](std::string_view line) -> Status {
    line = Trimmed(line.substr(0, line.find('#')));
    if (line.empty()) return Status::Ok();
    if (!line.starts_with("--")) return Status::Corrupt("not an option: an option begins with --");
    const size_t equals = std::min(line.find('='), line.size());
    const std::string name(Trimmed(line.substr(2, equals - 2)));
    config.values_[name] = equals == line.size() ? "true" : std::string(Trimmed(line.substr(equals + 1)));
    return Status::Ok();
  });
  if (!status.ok()) return std::move(status).InFile(path);
  return config;
}

std::string KaldiConfig::Text(const std::string& name, const std::string& absent) const {
  const auto found = values_.find(name);
  return found == values_.end() ? absent : found->second;
}

StatusOr<double> KaldiConfig::Number(const std::string& name, double absent, double low, double high) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return absent;
  const std::string& text = found->second;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= low && value <= high)) {
    return Status::Corrupt("option --" + name + " is \"" + text + "\"").InFile(path_);
  }
  return value;
}

StatusOr<int> KaldiConfig::Integer(const std::string& name, int absent, int low, int high) const {
  SKALD_ASSIGN_OR_RETURN(const double value, Number(name, absent, low, high));
  if (value != std::floor(value)) {
    return Status::Corrupt("option --" + name + " is not a whole number").InFile(path_);
  }
  return static_cast<int>(value);
}

StatusOr<bool> KaldiConfig::Boolean(const std::string& name, bool absent) const {
  const std::string text = Text(name, absent ? "true" : "false");
  if (text == "true" || text == "t" || text == "1" || text == "") return true;
  if (text == "false" || text == "f" || text == "0") return false;
  return Status::Corrupt("option --" + name + " is neither true nor false").InFile(path_);
}

Status KaldiConfig::CheckKnown(const std::vector<std::string>& names) const {
  for (const auto& [name, value] : values_) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return Status::Unsupported("option --" + name).InFile(path_);
    }
  }
  return Status::Ok();
}

}  // namespace skald
