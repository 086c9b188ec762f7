#include "models/bundle/strict_json.h"

#include <cmath>
#include <set>
#include <vector>

namespace skald {
namespace {

constexpr int kMaxDepth = 16;

/// Builds nothing: walks the text once to refuse duplicate keys and deep nesting before a tree is made.
class StructureCheck : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return Enter(); }
  bool start_array(std::size_t) override { return Enter(); }
  bool end_object() override { return Leave(); }
  bool end_array() override { return Leave(); }
  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    reason_ = "key \"" + name + "\" appears twice in one JSON object";
    return false;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    reason_ = "not valid JSON";
    position_ = "byte " + std::to_string(position);
    return false;
  }
  Status Failure() const {
    Status status = Status::Corrupt(reason_.empty() ? "not valid JSON" : reason_);
    return position_.empty() ? status : std::move(status).At(position_);
  }

 private:
  bool Enter() {
    keys_.emplace_back();
    if (keys_.size() <= kMaxDepth) return true;
    reason_ = "JSON nested deeper than " + std::to_string(kMaxDepth);
    return false;
  }
  bool Leave() {
    keys_.pop_back();
    return true;
  }
  std::vector<std::set<std::string>> keys_;
  std::string reason_;
  std::string position_;
};

}  // namespace

StatusOr<nlohmann::json> ParseStrictJson(std::string_view text) {
  StructureCheck check;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &check)) return check.Failure();
  nlohmann::json value = nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return Status::Corrupt("not valid JSON");
  return value;
}

StatusOr<JsonObject> JsonObject::Of(const nlohmann::json& value, std::string path) {
  if (!value.is_object()) return Status::Corrupt("\"" + path + "\" is not a JSON object");
  return JsonObject(&value, std::move(path));
}

StatusOr<const nlohmann::json*> JsonObject::Member(const std::string& name) const {
  const auto found = value_->find(name);
  if (found == value_->end()) return Status::Corrupt("\"" + PathOf(name) + "\" is missing");
  return &*found;
}

StatusOr<std::string> JsonObject::String(const std::string& name, size_t max_bytes) const {
  SKALD_ASSIGN_OR_RETURN(const nlohmann::json* member, Member(name));
  if (!member->is_string()) return Status::Corrupt("\"" + PathOf(name) + "\" is not a string");
  std::string text = member->get<std::string>();
  if (text.size() > max_bytes || text.find('\0') != std::string::npos) {
    return Status::Corrupt("\"" + PathOf(name) + "\" is longer than " + std::to_string(max_bytes) +
                           " bytes or has a zero byte");
  }
  return text;
}

StatusOr<std::string> JsonObject::StringOr(const std::string& name, std::string absent) const {
  if (!Has(name)) return absent;
  return String(name);
}

StatusOr<int64_t> JsonObject::Integer(const std::string& name, int64_t low, int64_t high) const {
  SKALD_ASSIGN_OR_RETURN(const nlohmann::json* member, Member(name));
  const bool too_large = member->is_number_unsigned() && member->get<uint64_t>() > uint64_t{INT64_MAX};
  if (!member->is_number_integer() || too_large || member->get<int64_t>() < low ||
      member->get<int64_t>() > high) {
    return Status::Corrupt("\"" + PathOf(name) + "\" is not an integer from " + std::to_string(low) + " to " +
                           std::to_string(high));
  }
  return member->get<int64_t>();
}

StatusOr<int64_t> JsonObject::IntegerOr(const std::string& name, int64_t low, int64_t high,
                                        int64_t absent) const {
  if (!Has(name)) return absent;
  return Integer(name, low, high);
}

StatusOr<double> JsonObject::Number(const std::string& name, double low, double high) const {
  SKALD_ASSIGN_OR_RETURN(const nlohmann::json* member, Member(name));
  const double value = member->is_number() ? member->get<double>() : std::nan("");
  if (!(value >= low && value <= high)) {
    return Status::Corrupt("\"" + PathOf(name) + "\" is not a number from " + nlohmann::json(low).dump() +
                           " to " + nlohmann::json(high).dump());
  }
  return value;
}

StatusOr<double> JsonObject::NumberOr(const std::string& name, double low, double high, double absent) const {
  if (!Has(name)) return absent;
  return Number(name, low, high);
}

StatusOr<bool> JsonObject::Flag(const std::string& name) const {
  SKALD_ASSIGN_OR_RETURN(const nlohmann::json* member, Member(name));
  if (!member->is_boolean()) return Status::Corrupt("\"" + PathOf(name) + "\" is not true or false");
  return member->get<bool>();
}

StatusOr<bool> JsonObject::FlagOr(const std::string& name, bool absent) const {
  if (!Has(name)) return absent;
  return Flag(name);
}

StatusOr<JsonObject> JsonObject::Object(const std::string& name) const {
  SKALD_ASSIGN_OR_RETURN(const nlohmann::json* member, Member(name));
  return Of(*member, PathOf(name));
}

}  // namespace skald
