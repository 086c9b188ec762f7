#include "scoring/twv.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <tuple>

#include "scoring/text_lines.h"
#include "scoring/text_normalizer.h"

namespace skald {
namespace {

/// A hit with the keyword it belongs to and what became of it.
struct Labelled {
  double score = 0;
  size_t keyword = 0;
  bool decision = false;
  bool correct = false;
};

/// What every hit of a keyword adds to the mean TWV.
struct Worth {
  double correct = 0;
  double false_alarm = 0;  // negative
  double of(const Labelled& hit) const { return hit.correct ? correct : false_alarm; }
};

/// Labels one keyword's hits of one file.
void Match(std::vector<const DetectedHit*> hits, std::vector<const ReferenceOccurrence*> occurrences,
           double tolerance_s, size_t keyword, std::vector<Labelled>* labelled) {
  std::stable_sort(hits.begin(), hits.end(), [](const DetectedHit* a, const DetectedHit* b) {
    return std::tuple(-a->score, a->start_s) < std::tuple(-b->score, b->start_s);
  });
  for (const DetectedHit* hit : hits) {
    const double middle_s = hit->start_s + hit->duration_s / 2;
    auto nearest = occurrences.end();
    double distance_s = std::numeric_limits<double>::infinity();
    for (auto other = occurrences.begin(); other != occurrences.end(); ++other) {
      const double apart_s = (*other)->anywhere ? 0 : std::abs((*other)->middle_s - middle_s);
      // Times are written with milliseconds: what is printed as equal to the tolerance is within it.
      if (apart_s > tolerance_s + 1e-6 || apart_s >= distance_s) continue;
      nearest = other;
      distance_s = apart_s;
    }
    const bool correct = nearest != occurrences.end();
    labelled->push_back({hit->score, keyword, hit->decision, correct});
    if (correct) occurrences.erase(nearest);
  }
}

/// The places in `words` where the phrase starts, earlier matches first, none overlapping a taken word.
template <typename Next>
void FindPhrase(const std::vector<std::string>& phrase, const std::vector<std::string>& words,
                const Next& found) {
  if (phrase.empty()) return;
  for (size_t i = 0; i + phrase.size() <= words.size(); ++i) {
    if (std::equal(phrase.begin(), phrase.end(), words.begin() + static_cast<std::ptrdiff_t>(i))) found(i);
  }
}

}  // namespace

Status TwvOptions::Validate() const {
  if (!(cost_ratio > 0) || !(prior > 0 && prior < 1) || !(trials_per_s > 0) || !(tolerance_s >= 0)) {
    return Status::InvalidArgument(
        "cost ratio, prior, trials and tolerance must be positive, the prior below 1");
  }
  return Status::Ok();
}

StatusOr<TwvReport> ScoreTwv(const std::vector<Keyword>& keywords,
                             const std::vector<ReferenceOccurrence>& occurrences,
                             const std::vector<DetectedKeyword>& detected, double audio_s,
                             const TwvOptions& options) {
  SKALD_RETURN_IF_ERROR(options.Validate());
  std::map<std::string, size_t> number;
  for (size_t k = 0; k < keywords.size(); ++k) number.emplace(keywords[k].id, k);
  std::vector<KeywordScore> scores(keywords.size());
  for (size_t k = 0; k < keywords.size(); ++k) scores[k].id = keywords[k].id;
  using Place = std::pair<size_t, std::string>;  // keyword and file
  std::map<Place, std::vector<const ReferenceOccurrence*>> said;
  for (const ReferenceOccurrence& occurrence : occurrences) {
    const auto place = number.find(occurrence.keyword);
    if (place == number.end()) continue;
    ++scores[place->second].true_count;
    said[{place->second, occurrence.file}].push_back(&occurrence);
  }
  std::map<Place, std::vector<const DetectedHit*>> hits;
  for (const DetectedKeyword& keyword : detected) {
    const auto place = number.find(keyword.id);
    if (place == number.end()) continue;
    for (const DetectedHit& hit : keyword.hits) hits[{place->second, hit.file}].push_back(&hit);
  }
  std::vector<Labelled> labelled;
  for (const auto& [place, of_place] : hits) {
    const auto here = said.find(place);
    Match(of_place, here == said.end() ? std::vector<const ReferenceOccurrence*>() : here->second,
          options.tolerance_s, place.first, &labelled);
  }
  std::stable_sort(labelled.begin(), labelled.end(),
                   [](const Labelled& a, const Labelled& b) { return a.score > b.score; });

  TwvReport report;
  const auto count = static_cast<double>(
      std::count_if(scores.begin(), scores.end(), [](const KeywordScore& s) { return s.true_count > 0; }));
  std::vector<Worth> worth(keywords.size());
  for (size_t k = 0; k < keywords.size(); ++k) {
    if (scores[k].true_count == 0) {
      ++report.never_said;
      continue;
    }
    const auto true_count = static_cast<double>(scores[k].true_count);
    const double trials = audio_s * options.trials_per_s - true_count;
    if (!(trials > 0)) return Status::InvalidArgument("the audio is too short for what was said in it");
    worth[k] = {1 / true_count / count, -options.beta() / trials / count};
  }

  std::vector<double> value(keywords.size());
  double sum = 0, miss = 1, false_alarm = 0;
  report.maximum_threshold = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < labelled.size(); ++i) {
    const Labelled& hit = labelled[i];
    KeywordScore& score = scores[hit.keyword];
    if (score.true_count == 0) {
      if (hit.decision) ++report.never_said_false_alarms;
    } else {
      const double change = worth[hit.keyword].of(hit);
      sum += change;
      value[hit.keyword] += change * count;
      if (hit.correct)
        miss -= change;
      else
        false_alarm -= change / options.beta();
      if (hit.correct) ++score.found;
      if (hit.decision) ++(hit.correct ? score.correct : score.false_alarms);
      if (hit.decision) score.twv += change * count;
    }
    const bool last_of_score = i + 1 == labelled.size() || labelled[i + 1].score != hit.score;
    if (!last_of_score) continue;
    report.det.push_back({hit.score, miss, false_alarm});
    if (sum > report.maximum) {
      report.maximum = sum;
      report.maximum_threshold = hit.score;
    }
    for (size_t j = i + 1; j-- > 0 && labelled[j].score == hit.score;) {
      KeywordScore& other = scores[labelled[j].keyword];
      other.best_twv = std::max(other.best_twv, value[labelled[j].keyword]);
    }
  }
  for (KeywordScore& score : scores) {
    if (score.true_count == 0) continue;
    report.actual += score.twv / count;
    report.optimum += score.best_twv / count;
    report.supremum += static_cast<double>(score.found) / static_cast<double>(score.true_count) / count;
    report.keywords.push_back(std::move(score));
  }
  return report;
}

std::vector<ReferenceOccurrence> FindOccurrences(const std::vector<Keyword>& keywords,
                                                 const std::vector<TimedWord>& words, double max_gap_s) {
  std::map<std::pair<std::string, std::string>, std::vector<const TimedWord*>> channels;
  for (const TimedWord& word : words) channels[{word.file, word.channel}].push_back(&word);
  std::vector<ReferenceOccurrence> occurrences;
  for (auto& channel : channels) {
    const std::string& file = channel.first.first;
    std::vector<const TimedWord*>& of_channel = channel.second;
    std::stable_sort(of_channel.begin(), of_channel.end(),
                     [](const TimedWord* a, const TimedWord* b) { return a->start_s < b->start_s; });
    std::vector<std::string> texts;
    for (const TimedWord* word : of_channel) {
      const std::vector<std::string> normalized = NormalizedWords(word->text);
      texts.push_back(normalized.size() == 1 ? normalized[0] : word->text);
    }
    for (const Keyword& keyword : keywords) {
      const std::vector<std::string> phrase = NormalizedWords(keyword.text);
      FindPhrase(phrase, texts, [&](size_t first) {
        const size_t last = first + phrase.size() - 1;
        for (size_t i = first; i < last; ++i) {
          const double end_s = of_channel[i]->start_s + of_channel[i]->duration_s;
          if (of_channel[i + 1]->start_s - end_s > max_gap_s + 1e-6) return;
        }
        const double end_s = of_channel[last]->start_s + of_channel[last]->duration_s;
        occurrences.push_back({keyword.id, file, (of_channel[first]->start_s + end_s) / 2, false});
      });
    }
  }
  return occurrences;
}

std::vector<ReferenceOccurrence> FindOccurrences(const std::vector<Keyword>& keywords,
                                                 const std::vector<Utterance>& texts) {
  std::vector<ReferenceOccurrence> occurrences;
  for (const Utterance& utterance : texts) {
    const std::vector<std::string> words = NormalizedWords(utterance.text);
    for (const Keyword& keyword : keywords) {
      FindPhrase(NormalizedWords(keyword.text), words, [&](size_t) {
        occurrences.push_back({keyword.id, utterance.id, 0, true});
      });
    }
  }
  return occurrences;
}

StatusOr<std::vector<TimedWord>> ReadRttm(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<TextLine> lines, ReadTextLines(path));
  std::vector<TimedWord> words;
  for (const TextLine& line : lines) {
    std::string_view rest = line.text;
    if (TakeField(rest) != "LEXEME") continue;
    TimedWord word;
    word.file = TakeField(rest);
    word.channel = TakeField(rest);
    const auto start_s = ParseNumber(TakeField(rest)), duration_s = ParseNumber(TakeField(rest));
    word.text = TakeField(rest);
    if (!start_s || !duration_s || *duration_s < 0 || word.text.empty()) {
      return BrokenLine(path, line.number, "expected LEXEME, file, channel, start, duration and word");
    }
    word.start_s = *start_s;
    word.duration_s = *duration_s;
    words.push_back(std::move(word));
  }
  return words;
}

std::string FormatTwvReport(const TwvReport& report) {
  int64_t said = 0, correct = 0, false_alarms = 0;
  for (const KeywordScore& keyword : report.keywords) {
    said += keyword.true_count;
    correct += keyword.correct;
    false_alarms += keyword.false_alarms;
  }
  return fmt::format(
      "ATWV {:.4f}   MTWV {:.4f} at {:.6g}   OTWV {:.4f}   STWV {:.4f}\n"
      "{} keywords said {} times: {} accepted hits right, {} wrong, {} missed\n"
      "{} keywords never said (left out), {} accepted hits of those\n",
      report.actual, report.maximum, report.maximum_threshold, report.optimum, report.supremum,
      report.keywords.size(), said, correct, false_alarms, said - correct, report.never_said,
      report.never_said_false_alarms);
}

}  // namespace skald
