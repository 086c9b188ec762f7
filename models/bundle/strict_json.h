#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/status.h"

namespace skald {

/// Parses JSON text of which nothing is trusted: duplicate keys, nesting deeper than 16 and anything after
/// the value are refused as kCorrupt, with the byte position. The caller adds the file's name.
StatusOr<nlohmann::json> ParseStrictJson(std::string_view text);

/// A JSON object whose members are read by name with their type and range checked. Failures are kCorrupt and
/// name the member by its full path, e.g. "architecture.layers". Borrows the json value.
class JsonObject {
 public:
  /// `path` is what messages call the object; empty for the root. Fails where `value` is not an object.
  static StatusOr<JsonObject> Of(const nlohmann::json& value, std::string path);

  bool Has(const std::string& name) const { return value_->contains(name); }
  StatusOr<std::string> String(const std::string& name, size_t max_bytes = 4096) const;
  StatusOr<std::string> StringOr(const std::string& name, std::string absent) const;
  StatusOr<int64_t> Integer(const std::string& name, int64_t low, int64_t high) const;
  StatusOr<int64_t> IntegerOr(const std::string& name, int64_t low, int64_t high, int64_t absent) const;
  StatusOr<double> Number(const std::string& name, double low, double high) const;
  StatusOr<double> NumberOr(const std::string& name, double low, double high, double absent) const;
  StatusOr<bool> Flag(const std::string& name) const;
  StatusOr<bool> FlagOr(const std::string& name, bool absent) const;
  StatusOr<JsonObject> Object(const std::string& name) const;
  const nlohmann::json& json() const { return *value_; }
  /// Full path of a member, for messages.
  std::string PathOf(const std::string& name) const { return path_.empty() ? name : path_ + "." + name; }

 private:
  JsonObject(const nlohmann::json* value, std::string path) : value_(value), path_(std::move(path)) {}
  StatusOr<const nlohmann::json*> Member(const std::string& name) const;
  const nlohmann::json* value_;
  std::string path_;
};

}  // namespace skald
