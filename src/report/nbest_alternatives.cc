#include "report/nbest_alternatives.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <sstream>

#include "scoring/word_alignment.h"

namespace skald {
namespace {

/// Alternatives below this are not worth a line.
constexpr double kSmallestPosterior = 0.001;

std::vector<std::string> Split(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

}  // namespace

Status AddNbestAlternatives(double scale, Segment* segment) {
  const auto has_alternatives = [](const Word& word) { return !word.alternatives.empty(); };
  if (segment->nbest.size() < 2 ||
      std::any_of(segment->words.begin(), segment->words.end(), has_alternatives)) {
    return Status::Ok();
  }
  std::vector<std::string> words;
  for (const Word& word : segment->words) words.push_back(word.text);
  std::vector<std::map<std::string, double>> shares(words.size());
  double all = 0;
  for (const Alternative& string : segment->nbest) {
    const double weight = std::exp(-scale * (string.cost - segment->nbest[0].cost));
    if (!std::isfinite(weight)) return Status::Corrupt("costs of an n-best list do not rise");
    all += weight;
    const std::vector<std::string> others = Split(string.text);
    SKALD_ASSIGN_OR_RETURN(const std::vector<Edit> edits, AlignWords(words, others));
    for (const Edit& edit : edits) {
      if (edit.reference < 0 || edit.kind == EditKind::kCorrect) continue;
      const std::string other = edit.hypothesis < 0 ? "" : others[static_cast<size_t>(edit.hypothesis)];
      shares[static_cast<size_t>(edit.reference)][other] += weight;
    }
  }
  for (size_t i = 0; i < words.size(); ++i) {
    std::vector<WordAlternative>& alternatives = segment->words[i].alternatives;
    for (const auto& [text, share] : shares[i]) {
      if (share >= kSmallestPosterior * all) alternatives.push_back({text, share / all});
    }
    std::stable_sort(alternatives.begin(), alternatives.end(),
                     [](const auto& a, const auto& b) { return a.posterior > b.posterior; });
  }
  return Status::Ok();
}

}  // namespace skald
