#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/status.h"

namespace skald {

/// Options of a Kaldi configuration file: "--name=value" a line, "#" starts a comment, a name alone means
/// "true".
class KaldiConfig {
 public:
  /// kNotFound, or kCorrupt naming the line.
  static StatusOr<KaldiConfig> Read(const std::string& path);
  /// Without options.
  KaldiConfig() = default;

  const std::string& path() const { return path_; }
  bool Has(const std::string& name) const { return values_.count(name) != 0; }
  /// The option, or `absent`; kCorrupt naming the option where it is not of the kind or out of range.
  std::string Text(const std::string& name, const std::string& absent) const;
  StatusOr<double> Number(const std::string& name, double absent, double low, double high) const;
  StatusOr<int> Integer(const std::string& name, int absent, int low, int high) const;
  StatusOr<bool> Boolean(const std::string& name, bool absent) const;
  /// kUnsupported naming the first option that is not listed.
  Status CheckKnown(const std::vector<std::string>& names) const;

 private:
  std::string path_;
  std::map<std::string, std::string> values_;
};

}  // namespace skald
