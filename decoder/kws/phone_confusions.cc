#include "decoder/kws/phone_confusions.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace skald {
namespace {

constexpr double kFar = 4.0;          // a vowel for a consonant
constexpr double kSameKind = 2.2;     // any two consonants, any two vowels
constexpr double kRelated = 1.2;      // of one group below
constexpr double kDropped = 2.5;      // a phone too many or too few
constexpr double kDroppedWeak = 1.5;  // of those that are easily lost

constexpr std::string_view kVowels[] = {"AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER",
                                        "EY", "IH", "IY", "OW", "OY", "UH", "UW"};
/// Each group lists phones that are often taken for one another.
constexpr std::array<std::string_view, 4> kGroups[] = {
    {"P", "B", "", ""},       {"T", "D", "", ""},       {"K", "G", "", ""},       {"F", "V", "TH", ""},
    {"TH", "DH", "D", "T"},   {"S", "Z", "TH", ""},     {"SH", "ZH", "CH", "JH"}, {"S", "SH", "Z", "ZH"},
    {"M", "N", "NG", ""},     {"L", "W", "R", ""},      {"Y", "IY", "", ""},      {"W", "UW", "", ""},
    {"R", "ER", "", ""},      {"AA", "AO", "AH", "OW"}, {"AE", "EH", "AH", ""},   {"IH", "IY", "EH", "AH"},
    {"UH", "UW", "AH", "OW"}, {"EY", "EH", "IY", "AY"}, {"AW", "OW", "AA", ""},   {"OY", "AO", "AY", ""},
    {"ER", "AH", "AO", ""},   {"HH", "F", "", ""},      {"B", "V", "", ""},       {"CH", "T", "", ""},
    {"JH", "D", "", ""}};
constexpr std::string_view kWeak[] = {"AH", "IH", "HH", "T", "D", "R", "L", "ER"};

template <typename Range>
bool Contains(const Range& range, std::string_view name) {
  return std::find(std::begin(range), std::end(range), name) != std::end(range);
}

bool Related(std::string_view a, std::string_view b) {
  return std::any_of(std::begin(kGroups), std::end(kGroups),
                     [&](const auto& group) { return Contains(group, a) && Contains(group, b); });
}

}  // namespace

PhoneConfusions::PhoneConfusions(const std::vector<std::string>& phones) : count_(phones.size()) {
  for (const std::string& said : phones) {
    for (const std::string& heard : phones) {
      const bool same_kind = Contains(kVowels, said) == Contains(kVowels, heard);
      substitution_.push_back(said == heard          ? 0
                              : Related(said, heard) ? kRelated
                              : same_kind            ? kSameKind
                                                     : kFar);
    }
    deletion_.push_back(Contains(kWeak, said) ? kDroppedWeak : kDropped);
  }
}

}  // namespace skald
