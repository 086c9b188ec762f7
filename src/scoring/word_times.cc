#include "scoring/word_times.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <utility>

#include "base/utf8.h"
#include "scoring/word_alignment.h"

namespace skald {
namespace {

using Place = std::pair<std::string, std::string>;  // file, channel

std::map<Place, std::vector<TimedWord>> ByPlace(std::vector<TimedWord> words) {
  std::map<Place, std::vector<TimedWord>> places;
  for (TimedWord& word : words) {
    std::string channel = word.channel;
    if (channel.size() == 1 && channel[0] >= '1' && channel[0] <= '9')
      channel[0] = static_cast<char>(channel[0] - '1' + 'A');
    places[{word.file, std::move(channel)}].push_back(std::move(word));
  }
  for (auto& [place, of_place] : places) {
    std::stable_sort(of_place.begin(), of_place.end(),
                     [](const TimedWord& a, const TimedWord& b) { return a.start_s < b.start_s; });
  }
  return places;
}

std::vector<std::string> Texts(const std::vector<TimedWord>& words) {
  std::vector<std::string> texts;
  for (const TimedWord& word : words) texts.push_back(ToUpper(word.text));
  return texts;
}

/// The value that `share` of the sorted values do not exceed.
double Quantile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<size_t>(rank, 1) - 1];
}

TimeErrors Summarise(std::vector<double> differences) {
  TimeErrors errors;
  std::sort(differences.begin(), differences.end());
  errors.shift_s = Quantile(differences, 0.5);
  for (double& difference : differences) difference = std::abs(difference);
  std::sort(differences.begin(), differences.end());
  errors.median_s = Quantile(differences, 0.5);
  errors.p90_s = Quantile(differences, 0.9);
  for (const double difference : differences) errors.mean_s += difference;
  errors.mean_s /= static_cast<double>(differences.size());
  return errors;
}

}  // namespace

StatusOr<WordTimesReport> CompareWordTimes(std::vector<TimedWord> reference,
                                           std::vector<TimedWord> hypothesis) {
  WordTimesReport report;
  report.reference_words = static_cast<int64_t>(reference.size());
  report.hypothesis_words = static_cast<int64_t>(hypothesis.size());
  const auto references = ByPlace(std::move(reference));
  const auto hypotheses = ByPlace(std::move(hypothesis));
  std::vector<double> starts, ends;
  for (const auto& [place, expected] : references) {
    const auto found = hypotheses.find(place);
    if (found == hypotheses.end()) continue;
    SKALD_ASSIGN_OR_RETURN(const std::vector<Edit> edits, AlignWords(Texts(expected), Texts(found->second)));
    for (const Edit& edit : edits) {
      if (edit.kind != EditKind::kCorrect) continue;
      const TimedWord& a = expected[static_cast<size_t>(edit.reference)];
      const TimedWord& b = found->second[static_cast<size_t>(edit.hypothesis)];
      starts.push_back(b.start_s - a.start_s);
      ends.push_back(b.start_s + b.duration_s - (a.start_s + a.duration_s));
    }
  }
  if (starts.empty()) return Status::InvalidArgument("no word of the reference is in the hypothesis");
  report.matched = static_cast<int64_t>(starts.size());
  report.start = Summarise(std::move(starts));
  report.end = Summarise(std::move(ends));
  return report;
}

std::string FormatWordTimes(const WordTimesReport& report) {
  const auto line = [](const char* name, const TimeErrors& errors) {
    return fmt::format("{:<6} median {:.1f} ms, mean {:.1f} ms, 90 % within {:.1f} ms, shift {:+.1f} ms\n",
                       name, 1e3 * errors.median_s, 1e3 * errors.mean_s, 1e3 * errors.p90_s,
                       1e3 * errors.shift_s);
  };
  return fmt::format("{} words of {} in the reference, {} in the hypothesis are equal\n", report.matched,
                     report.reference_words, report.hypothesis_words) +
         line("starts", report.start) + line("ends", report.end);
}

}  // namespace skald
