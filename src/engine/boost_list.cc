#include "engine/boost_list.h"

#include <charconv>
#include <cmath>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "base/utf8.h"

namespace skald {
namespace {

std::vector<std::string> SplitAtSpaces(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> parts;
  for (std::string part; stream >> part;) parts.push_back(std::move(part));
  return parts;
}

/// Finds words of a graph as users write them.
class Vocabulary {
 public:
  explicit Vocabulary(const GraphImage& graph) {
    size_t upper = 0, lower = 0;
    for (uint32_t word = 1; word < graph.word_count(); ++word) {
      const std::string_view spelling = graph.word(word);
      ids_.emplace(spelling, word);
      upper += ToUpper(spelling) == spelling;
      lower += ToLower(spelling) == spelling;
    }
    upper_case_ = upper >= lower;
  }

  /// As the graph would write the word.
  std::string Written(const std::string& word) const {
    if (ids_.contains(word)) return word;
    return upper_case_ ? ToUpper(word) : ToLower(word);
  }

  /// 0: not there.
  uint32_t Find(const std::string& word) const {
    const auto found = ids_.find(Written(word));
    return found == ids_.end() ? 0 : found->second;
  }

 private:
  std::unordered_map<std::string_view, uint32_t> ids_;
  bool upper_case_ = true;
};

StatusOr<BoostRequest> ParseLine(std::string_view line, double default_weight) {
  std::vector<std::string_view> fields;
  for (;;) {
    const size_t tab = line.find('\t');
    fields.push_back(line.substr(0, tab));
    if (tab == line.npos) break;
    line.remove_prefix(tab + 1);
  }
  if (fields.size() > 3) return Status::Corrupt("\"PHRASE[<TAB>WEIGHT[<TAB>UNITS]]\" expected");
  BoostRequest request;
  request.phrase = fields[0];
  request.weight = default_weight;
  const size_t words = SplitAtSpaces(request.phrase).size();
  if (words == 0) return Status::Corrupt("no phrase in front of the weight");
  if (fields.size() > 1 && !fields[1].empty()) {
    const auto [end, error] =
        std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), request.weight);
    if (error != std::errc() || end != fields[1].data() + fields[1].size() ||
        !(std::abs(request.weight) <= 1000)) {
      return Status::Corrupt("weight \"" + std::string(fields[1].substr(0, 40)) +
                             "\" is not a number within +-1000");
    }
  }
  if (fields.size() > 2) {
    request.spelling = fields[2];
    if (words > 1 && !request.spelling.empty())
      return Status::Corrupt("only single words can be spelled out");
  }
  return request;
}

}  // namespace

StatusOr<std::vector<BoostRequest>> ParseBoostList(std::string_view text, double default_weight) {
  std::vector<BoostRequest> requests;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('#') || line.find_first_not_of(" \t") == line.npos) continue;
    StatusOr<BoostRequest> request = ParseLine(line, default_weight);
    if (!request.ok()) return std::move(request).status().At("line " + std::to_string(number));
    requests.push_back(std::move(*request));
  }
  return requests;
}

std::vector<ExtraWord> ExtraWordsOf(const std::vector<BoostRequest>& requests, const GraphImage& graph) {
  if (requests.empty()) return {};  // looking at every word of the graph would be for nothing
  const Vocabulary vocabulary(graph);
  std::vector<ExtraWord> extra_words;
  const auto extra_word = [&](const std::string& word) -> ExtraWord& {
    for (ExtraWord& extra : extra_words) {
      if (extra.word == word) return extra;
    }
    return extra_words.emplace_back(ExtraWord{word, {}});
  };
  for (const BoostRequest& request : requests) {
    for (const std::string& word : SplitAtSpaces(request.phrase)) {
      if (!request.spelling.empty()) {
        extra_word(vocabulary.Written(word)).spellings.push_back(SplitAtSpaces(request.spelling));
      } else if (vocabulary.Find(word) == 0) {
        extra_word(vocabulary.Written(word));
      }
    }
  }
  return extra_words;
}

StatusOr<BoostAutomaton> MakeBoostAutomaton(const std::vector<BoostRequest>& requests,
                                            const GraphImage& graph) {
  if (requests.empty()) return BoostAutomaton();
  const Vocabulary vocabulary(graph);
  std::vector<BoostPhrase> phrases;
  for (const BoostRequest& request : requests) {
    BoostPhrase& phrase = phrases.emplace_back();
    phrase.weight = static_cast<float>(request.weight);
    for (const std::string& word : SplitAtSpaces(request.phrase)) {
      phrase.words.push_back(vocabulary.Find(word));
      if (phrase.words.back() == 0) {
        return Status::InvalidArgument("\"" + word + "\" is to be boosted, but the graph does not have it");
      }
    }
    if (phrase.words.empty()) return Status::InvalidArgument("a boosted phrase has no words");
  }
  return BoostAutomaton::Build(phrases);
}

}  // namespace skald
