#include "scoring/wer.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "scoring/bootstrap.h"

namespace skald {
namespace {

using ConfusionCounts = std::map<std::pair<std::string, std::string>, int64_t>;

ErrorCounts Count(const std::vector<Edit>& edits, const std::vector<std::string>& reference,
                  const std::vector<std::string>& hypothesis, ConfusionCounts& confusions) {
  ErrorCounts counts;
  for (const Edit& edit : edits) {
    switch (edit.kind) {
      case EditKind::kCorrect:
        ++counts.correct;
        continue;
      case EditKind::kSubstitution:
        ++counts.substitutions;
        break;
      case EditKind::kInsertion:
        ++counts.insertions;
        break;
      case EditKind::kDeletion:
        ++counts.deletions;
        break;
    }
    const auto word = [](const std::vector<std::string>& words, int index) {
      return index < 0 ? std::string() : words[static_cast<size_t>(index)];
    };
    ++confusions[{word(reference, edit.reference), word(hypothesis, edit.hypothesis)}];
  }
  return counts;
}

std::vector<Confusion> MostFrequentFirst(const ConfusionCounts& counts) {
  std::vector<Confusion> confusions;
  for (const auto& [words, count] : counts) confusions.push_back({words.first, words.second, count});
  std::stable_sort(confusions.begin(), confusions.end(),
                   [](const Confusion& a, const Confusion& b) { return a.count > b.count; });
  return confusions;
}

/// Normalised words of a hypothesis; `confidences` gets one for each, or none at all.
std::vector<std::string> WordsWithConfidences(const Utterance& hypothesis, const NormalizerOptions& options,
                                              std::vector<double>* confidences) {
  if (hypothesis.words.empty()) return NormalizedWords(hypothesis.text, options);
  std::vector<std::string> words;
  for (const SureWord& word : hypothesis.words) {
    for (std::string& part : NormalizedWords(word.text, options)) {
      words.push_back(std::move(part));
      confidences->push_back(word.confidence);
    }
  }
  return words;
}

/// "a, b, c and 4 more".
std::string SomeOf(const std::vector<std::string>& ids) {
  std::string some;
  const size_t shown = std::min<size_t>(ids.size(), 3);
  for (size_t i = 0; i < shown; ++i) some += (i == 0 ? "" : ", ") + ids[i];
  return ids.size() > shown ? some + fmt::format(" and {} more", ids.size() - shown) : some;
}

std::string CountsLine(const std::string& name, const ErrorCounts& counts) {
  return fmt::format(
      "{:<24} {:>8} words  WER {:6.2f} %  correct {}, substituted {}, deleted {}, inserted {}\n", name,
      counts.reference_words(), 100.0 * counts.wer(), counts.correct, counts.substitutions, counts.deletions,
      counts.insertions);
}

}  // namespace

double ErrorCounts::wer() const {
  if (reference_words() == 0) return errors() == 0 ? 0.0 : 1.0;
  return static_cast<double>(errors()) / static_cast<double>(reference_words());
}

ErrorCounts& ErrorCounts::operator+=(const ErrorCounts& other) {
  correct += other.correct;
  substitutions += other.substitutions;
  insertions += other.insertions;
  deletions += other.deletions;
  return *this;
}

double WerReport::sentence_error_rate() const {
  return utterances.empty()
             ? 0.0
             : static_cast<double>(sentences_with_errors) / static_cast<double>(utterances.size());
}

Status ScoringOptions::Validate() const {
  if (costs.substitution < 1 || costs.insertion < 1 || costs.deletion < 1) {
    return Status::InvalidArgument("alignment costs must be at least 1");
  }
  if (bootstrap_samples < 0 || bootstrap_samples > 1000000) {
    return Status::InvalidArgument("bootstrap samples must be 0 to 1000000");
  }
  if (!(confidence > 0 && confidence < 1))
    return Status::InvalidArgument("confidence must be between 0 and 1");
  return Status::Ok();
}

StatusOr<WerReport> ScoreWer(const std::vector<Utterance>& references,
                             const std::vector<Utterance>& hypotheses, const ScoringOptions& options) {
  SKALD_RETURN_IF_ERROR(options.Validate());
  std::unordered_map<std::string, const Utterance*> hypothesis_of;
  for (const Utterance& hypothesis : hypotheses) {
    if (!hypothesis_of.emplace(hypothesis.id, &hypothesis).second) {
      return Status::InvalidArgument("hypothesis " + hypothesis.id + " is given twice");
    }
  }
  WerReport report;
  ConfusionCounts confusions;
  std::unordered_set<std::string> known;
  for (const Utterance& reference : references) {
    if (!known.insert(reference.id).second) {
      return Status::InvalidArgument("reference " + reference.id + " is given twice");
    }
    UtteranceScore score;
    score.id = reference.id;
    score.speaker = reference.speaker;
    const std::vector<std::string> reference_words = NormalizedWords(reference.text, options.normalizer);
    std::vector<std::string> hypothesis_words;
    std::vector<double> confidences;
    if (const auto found = hypothesis_of.find(reference.id); found != hypothesis_of.end()) {
      hypothesis_words = WordsWithConfidences(*found->second, options.normalizer, &confidences);
    } else {
      score.hypothesis_missing = true;
      report.missing.push_back(reference.id);
    }
    auto edits = AlignWords(reference_words, hypothesis_words, options.costs);
    if (!edits.ok()) return std::move(edits).status().At("utterance " + reference.id);
    score.counts = Count(*edits, reference_words, hypothesis_words, confusions);
    for (const Edit& edit : *edits) {
      if (edit.hypothesis < 0 || confidences.empty()) continue;
      report.confidences.push_back(
          {confidences[static_cast<size_t>(edit.hypothesis)], edit.kind == EditKind::kCorrect});
    }
    report.total += score.counts;
    report.speakers[score.speaker] += score.counts;
    report.sentences_with_errors += score.counts.errors() > 0 ? 1 : 0;
    report.utterances.push_back(std::move(score));
  }
  for (const Utterance& hypothesis : hypotheses) {
    if (!known.contains(hypothesis.id)) report.unknown.push_back(hypothesis.id);
  }
  if (!options.allow_missing && !report.missing.empty()) {
    return Status::InvalidArgument(
        fmt::format("{} references have no hypothesis: {}", report.missing.size(), SomeOf(report.missing)));
  }
  if (!options.allow_unknown && !report.unknown.empty()) {
    return Status::InvalidArgument(
        fmt::format("{} hypotheses have no reference: {}", report.unknown.size(), SomeOf(report.unknown)));
  }
  report.confusions = MostFrequentFirst(confusions);
  report.wer_interval =
      BootstrapWer(report.utterances, options.bootstrap_samples, options.confidence, options.bootstrap_seed);
  return report;
}

std::string FormatWerReport(const WerReport& report, const ScoringOptions& options, int top_confusions) {
  std::string out = fmt::format("WER {:.2f} %", 100.0 * report.total.wer());
  if (options.bootstrap_samples > 0) {
    out += fmt::format(" ({:g} % confidence: {:.2f} to {:.2f})", 100.0 * options.confidence,
                       100.0 * report.wer_interval.low, 100.0 * report.wer_interval.high);
  }
  out += fmt::format(", sentence error rate {:.2f} % of {} utterances\n",
                     100.0 * report.sentence_error_rate(), report.utterances.size());
  out += CountsLine("total", report.total);
  if (const auto entropy = NormalizedCrossEntropy(report.confidences)) {
    out += fmt::format("confidences of {} words: normalized cross entropy {:.3f}\n",
                       report.confidences.size(), *entropy);
  }
  const bool has_speakers =
      report.speakers.size() > 1 || (report.speakers.size() == 1 && !report.speakers.contains(""));
  if (has_speakers) {
    for (const auto& [speaker, counts] : report.speakers) {
      out += CountsLine(speaker.empty() ? "(no speaker)" : speaker, counts);
    }
  }
  if (!report.missing.empty()) {
    out += fmt::format("{} references have no hypothesis and count as deleted: {}\n", report.missing.size(),
                       SomeOf(report.missing));
  }
  if (!report.unknown.empty()) {
    out += fmt::format("{} hypotheses have no reference and were ignored: {}\n", report.unknown.size(),
                       SomeOf(report.unknown));
  }
  const size_t shown = std::min(report.confusions.size(), static_cast<size_t>(std::max(0, top_confusions)));
  if (shown > 0) out += "commonest errors:\n";
  for (size_t i = 0; i < shown; ++i) {
    const Confusion& confusion = report.confusions[i];
    out += fmt::format("{:>8}  {} -> {}\n", confusion.count,
                       confusion.reference.empty() ? "(inserted)" : confusion.reference,
                       confusion.hypothesis.empty() ? "(deleted)" : confusion.hypothesis);
  }
  return out;
}

}  // namespace skald
