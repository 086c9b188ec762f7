#include "scoring/nbest_oracle.h"

#include <algorithm>
#include <utility>

namespace skald {
namespace {

using Words = std::vector<std::string>;

/// row[j]: fewest errors between what was heard so far and the first j words of the reference; adds `heard`.
std::vector<int64_t> Extend(std::vector<int64_t> row, const Words& heard, const Words& reference) {
  for (const std::string& word : heard) {
    int64_t diagonal = row[0]++;
    for (size_t j = 1; j < row.size(); ++j) {
      const int64_t match = diagonal + (word == reference[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({match, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row;
}

}  // namespace

double OracleReport::wer() const {
  return reference_words == 0 ? 0.0 : static_cast<double>(errors) / static_cast<double>(reference_words);
}

StatusOr<OracleReport> ScoreOracle(const std::vector<Utterance>& references,
                                   const std::vector<AlternativeTexts>& hypotheses,
                                   const NormalizerOptions& options) {
  std::map<std::string, const AlternativeTexts*> hypothesis_of;
  for (const AlternativeTexts& hypothesis : hypotheses) {
    if (!hypothesis_of.emplace(hypothesis.id, &hypothesis).second) {
      return Status::InvalidArgument("hypothesis " + hypothesis.id + " is given twice");
    }
  }
  OracleReport report;
  int64_t segments = 0, alternatives = 0;
  for (const Utterance& utterance : references) {
    const Words reference = NormalizedWords(utterance.text, options);
    std::vector<int64_t> row(reference.size() + 1);
    for (size_t j = 0; j < row.size(); ++j) row[j] = static_cast<int64_t>(j);
    const auto found = hypothesis_of.find(utterance.id);
    if (found != hypothesis_of.end()) {
      for (const std::vector<std::string>& texts : found->second->texts) {
        std::vector<int64_t> best;
        for (const std::string& text : texts) {
          const std::vector<int64_t> extended = Extend(row, NormalizedWords(text, options), reference);
          if (best.empty()) best = extended;
          for (size_t j = 0; j < best.size(); ++j) best[j] = std::min(best[j], extended[j]);
        }
        if (!best.empty()) row = std::move(best);
        ++segments;
        alternatives += static_cast<int64_t>(texts.size());
      }
    }
    report.errors += row.back();
    report.reference_words += static_cast<int64_t>(reference.size());
  }
  report.alternatives =
      segments == 0 ? 0.0 : static_cast<double>(alternatives) / static_cast<double>(segments);
  return report;
}

}  // namespace skald
