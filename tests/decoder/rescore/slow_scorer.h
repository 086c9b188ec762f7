#pragma once

#include <cstdint>
#include <vector>

#include "decoder/graph/arpa.h"
#include "decoder/rescore/ngram_model.h"

namespace skald::test {

/// log10 P(word | history) by the definition of back-off, straight from the lists of the ARPA file.
inline LogProb SlowScore(const ArpaModel& model, std::vector<uint32_t> history, uint32_t word) {
  while (static_cast<int>(history.size()) > model.order() - 1) history.erase(history.begin());
  std::vector<uint32_t> ngram = history;
  ngram.push_back(word);
  if (const auto found = model.Find(ngram); found.has_value()) {
    const LogProb log_prob = model.log_prob(static_cast<int>(ngram.size()), *found);
    return log_prob == ArpaModel::kImpossible ? NgramModel::kNever : log_prob;
  }
  const auto context = model.Find(history);
  const LogProb backoff = context.has_value() ? model.backoff(static_cast<int>(history.size()), *context) : 0;
  history.erase(history.begin());
  return backoff + SlowScore(model, history, word);
}

/// log10 P(<s> words </s>); without the end if not `ends`.
inline LogProb SlowSentenceScore(const ArpaModel& model, const std::vector<uint32_t>& words,
                                 bool ends = true) {
  std::vector<uint32_t> history;
  if (model.sentence_start() != ArpaModel::kNoWord) history.push_back(model.sentence_start());
  LogProb sum = 0;
  for (const uint32_t word : words) {
    sum += SlowScore(model, history, word);
    history.push_back(word);
  }
  return ends ? sum + SlowScore(model, history, model.sentence_end()) : sum;
}

}  // namespace skald::test
