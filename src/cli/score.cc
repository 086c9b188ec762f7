#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "cli/command.h"
#include "scoring/bootstrap.h"
#include "scoring/confidence_score.h"
#include "scoring/keyword_list.h"
#include "scoring/nbest_oracle.h"
#include "scoring/score_input.h"
#include "scoring/text_lines.h"
#include "scoring/transcript_formats.h"
#include "scoring/twv.h"
#include "scoring/wer.h"
#include "scoring/word_times.h"

namespace skald::cli {
namespace {

namespace po = boost::program_options;

constexpr char kAbout[] =
    "wer            word error rate of hypotheses against references, as NIST's sclite counts it\n"
    "times REF HYP  how far the times of words lie from those of a reference; both are CTM, or JSON "
    "transcripts or folders of "
    "them\n\n"
    "References are Kaldi text (UTTERANCE WORDS a line), STM or trn; hypotheses the same, CTM, or a folder "
    "of Skald's JSON\n"
    "transcripts. A reference without a hypothesis counts as deleted. Hypotheses with confidences get their "
    "normalized cross\n"
    "entropy; --fit-confidences FILE writes the map that calibrates them, as a bundle has it.\n\n"
    "oracle         word error rate of the best choice from the n-best lists of Skald's JSON transcripts\n"
    "twv            term-weighted value of keyword search: --hypothesis is a kwslist (skald search --format "
    "kwslist), --keywords\n"
    "               its list, --reference RTTM, CTM, or Kaldi text (then a hit anywhere in its utterance is "
    "right)";

/// Fits a map, writes it as JSON, tells what it gains on the words that it was fitted to.
Status FitConfidences(const WerReport& report, const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const ConfidenceMap map, FitConfidenceMap(report.confidences));
  nlohmann::json json = nlohmann::json::array();
  for (const ConfidenceMap::Point& point : map.points()) json.push_back({point.raw, point.calibrated});
  SKALD_RETURN_IF_ERROR(WriteFileAtomically(path, json.dump() + "\n"));
  std::vector<ConfidenceObservation> calibrated = report.confidences;
  for (ConfidenceObservation& word : calibrated) word.confidence = map(word.confidence);
  std::printf("calibrated by %s: normalized cross entropy %.3f\n", path.c_str(),
              *NormalizedCrossEntropy(calibrated));
  return Status::Ok();
}

Status PrintOracle(const std::string& reference, const std::string& hypothesis,
                   const NormalizerOptions& normalizer) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<Utterance> references, ReadKaldiText(reference));
  SKALD_ASSIGN_OR_RETURN(const std::vector<AlternativeTexts> lists, ReadJsonAlternatives(hypothesis));
  SKALD_ASSIGN_OR_RETURN(const OracleReport report, ScoreOracle(references, lists, normalizer));
  std::printf("oracle WER %.2f %% of %lld words, %.1f alternatives a segment\n", 100 * report.wer(),
              static_cast<long long>(report.reference_words), report.alternatives);
  return Status::Ok();
}

StatusOr<WerReport> Score(const std::string& reference, const std::string& hypothesis,
                          const std::string& speakers, const ScoringOptions& options) {
  ScoreInputOptions paths;
  paths.reference_path = reference;
  paths.hypothesis_paths = {hypothesis};
  paths.utt2spk_path = speakers;
  SKALD_ASSIGN_OR_RETURN(const ScoreInput input, ReadScoreInput(paths));
  return ScoreWer(input.references, input.hypotheses, options);
}

StatusOr<std::vector<TimedWord>> ReadTimedWords(const std::string& path) {
  return GuessTranscriptFormat(path) == TranscriptFormat::kJson ? ReadJsonWords(path) : ReadCtm(path);
}

int ScoreTimes(const std::string& reference, const std::string& hypothesis) {
  auto expected = ReadTimedWords(reference);
  if (!expected.ok()) return Report(expected.status(), kNothingDone);
  auto found = ReadTimedWords(hypothesis);
  if (!found.ok()) return Report(found.status(), kNothingDone);
  const auto report = CompareWordTimes(*std::move(expected), *std::move(found));
  if (!report.ok()) return Report(report.status(), kNothingDone);
  std::printf("%s", FormatWordTimes(*report).c_str());
  return kAllWell;
}

StatusOr<std::vector<ReferenceOccurrence>> ReadOccurrences(const std::vector<Keyword>& keywords,
                                                           const std::string& path,
                                                           std::set<std::string>* files) {
  if (path.ends_with(".rttm") || path.ends_with(".ctm")) {
    SKALD_ASSIGN_OR_RETURN(const std::vector<TimedWord> words,
                           path.ends_with(".rttm") ? ReadRttm(path) : ReadCtm(path));
    return FindOccurrences(keywords, words);
  }
  SKALD_ASSIGN_OR_RETURN(const std::vector<Utterance> texts, ReadKaldiText(path));
  for (const Utterance& text : texts) files->insert(text.id);
  return FindOccurrences(keywords, texts);
}

/// The sum of the second column of "ID SECONDS" lines.
StatusOr<double> ReadDuration(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<TextLine> lines, ReadTextLines(path));
  double sum_s = 0;
  for (const TextLine& line : lines) {
    std::string_view rest = line.text;
    TakeField(rest);
    const auto seconds = ParseNumber(TakeField(rest));
    if (!seconds || *seconds < 0) return BrokenLine(path, line.number, "expected an id and seconds");
    sum_s += *seconds;
  }
  return sum_s;
}

StatusOr<TwvReport> ScoreKeywords(const po::variables_map& values) {
  const auto text = [&](const char* name) { return values[name].as<std::string>(); };
  SKALD_ASSIGN_OR_RETURN(const std::vector<Keyword> keywords, ReadKeywordList(text("keywords")));
  std::set<std::string> files;
  SKALD_ASSIGN_OR_RETURN(const auto occurrences, ReadOccurrences(keywords, text("reference"), &files));
  SKALD_ASSIGN_OR_RETURN(std::vector<DetectedKeyword> detected, ReadKwslist(text("hypothesis")));
  if (!files.empty()) {  // hits in utterances that nobody has transcribed say nothing
    for (DetectedKeyword& keyword : detected) {
      std::erase_if(keyword.hits, [&](const DetectedHit& hit) { return files.count(hit.file) == 0; });
    }
  }
  double audio_s = 0;
  if (values.count("utt2dur") != 0) {
    SKALD_ASSIGN_OR_RETURN(audio_s, ReadDuration(text("utt2dur")));
  } else {
    audio_s = values["duration"].as<double>();
  }
  return ScoreTwv(keywords, occurrences, detected, audio_s);
}

int RunTwv(const po::variables_map& values) {
  const auto given = [&](const char* name) { return values.count(name) != 0; };
  if (!given("keywords") || !given("reference") || !given("hypothesis") ||
      given("duration") == given("utt2dur")) {
    return Report(Status::InvalidArgument("score twv needs --keywords, --reference, --hypothesis and either "
                                          "--duration or --utt2dur (see --help)"),
                  kBadUsage);
  }
  const auto report = ScoreKeywords(values);
  if (!report.ok()) return Report(report.status(), kNothingDone);
  std::printf("%s", FormatTwvReport(*report).c_str());
  std::string table;
  if (given("by-keyword")) {
    table = "id\ttrue\tcorrect\tfalse\tfound\ttwv\tbest\n";
    for (const KeywordScore& keyword : report->keywords) {
      table +=
          fmt::format("{}\t{}\t{}\t{}\t{}\t{:.4f}\t{:.4f}\n", keyword.id, keyword.true_count, keyword.correct,
                      keyword.false_alarms, keyword.found, keyword.twv, keyword.best_twv);
    }
    const Status status = WriteFileAtomically(values["by-keyword"].as<std::string>(), table);
    if (!status.ok()) return Report(status, kNothingDone);
  }
  if (given("det")) {
    table = "threshold\tmiss\tfalse_alarm\n";
    for (const DetPoint& point : report->det) {
      table += fmt::format("{:.6f}\t{:.6f}\t{:.6g}\n", point.threshold, point.miss, point.false_alarm);
    }
    const Status status = WriteFileAtomically(values["det"].as<std::string>(), table);
    if (!status.ok()) return Report(status, kNothingDone);
  }
  return kAllWell;
}

}  // namespace

int RunScore(const Arguments& arguments) {
  po::options_description options("Options", 110);
  options.add_options()("reference", po::value<std::string>(), "references: Kaldi text, .stm or .trn")(
      "hypothesis", po::value<std::string>(),
      "hypotheses: Kaldi text, .ctm, .trn, or a folder of JSON transcripts")(
      "compare", po::value<std::string>(), "hypotheses of a second system, to be compared with the first")(
      "speakers", po::value<std::string>()->default_value(""),
      "ID SPEAKER a line: results by speaker for Kaldi text")("strip-punctuation", po::bool_switch(),
                                                              "punctuation counts as nothing")(
      "fit-confidences", po::value<std::string>(), "fit a confidence map and write it to this file")(
      "confusions", po::value<int>()->default_value(10), "how many of the most frequent errors to print");
  po::options_description twv("Keyword search (twv)", 110);
  twv.add_options()("keywords", po::value<std::string>(), "ID<TAB>TEXT a line, or a NIST kwlist (.xml)")(
      "duration", po::value<double>(), "seconds of audio that were searched")(
      "utt2dur", po::value<std::string>(), "ID SECONDS a line: the same as their sum")(
      "by-keyword", po::value<std::string>(), "file for a table of the results of each keyword")(
      "det", po::value<std::string>(), "file for a table of the error rates at each threshold");
  options.add(twv);
  const Parsed parsed = Parse(arguments,
                              "skald score wer|oracle|twv --reference REF --hypothesis HYP [OPTIONS]\n"
                              "       skald score times REF HYP",
                              kAbout, options, "word");
  if (parsed.exit_code >= 0) return parsed.exit_code;
  const auto words = Texts(parsed.values, "word");
  if (words.size() == 3 && words[0] == "times") return ScoreTimes(words[1], words[2]);
  if (words == std::vector<std::string>{"twv"}) return RunTwv(parsed.values);
  const bool is_oracle = words == std::vector<std::string>{"oracle"};
  if ((words != std::vector<std::string>{"wer"} && !is_oracle) || parsed.values.count("reference") == 0 ||
      parsed.values.count("hypothesis") == 0) {
    return Report(
        Status::InvalidArgument("score wer and score oracle need --reference and --hypothesis (see --help)"),
        kBadUsage);
  }
  ScoringOptions scoring;
  scoring.normalizer.strip_punctuation = parsed.values["strip-punctuation"].as<bool>();
  const std::string speakers = parsed.values["speakers"].as<std::string>();
  const std::string reference = parsed.values["reference"].as<std::string>();
  if (is_oracle) {
    const Status status =
        PrintOracle(reference, parsed.values["hypothesis"].as<std::string>(), scoring.normalizer);
    return status.ok() ? kAllWell : Report(status, kNothingDone);
  }
  const auto report = Score(reference, parsed.values["hypothesis"].as<std::string>(), speakers, scoring);
  if (!report.ok()) return Report(report.status(), kNothingDone);
  std::printf("%s", FormatWerReport(*report, scoring, parsed.values["confusions"].as<int>()).c_str());
  if (parsed.values.count("fit-confidences") != 0) {
    const Status status = FitConfidences(*report, parsed.values["fit-confidences"].as<std::string>());
    if (!status.ok()) return Report(status, kNothingDone);
  }
  if (parsed.values.count("compare") == 0) return kAllWell;

  const auto other = Score(reference, parsed.values["compare"].as<std::string>(), speakers, scoring);
  if (!other.ok()) return Report(other.status(), kNothingDone);
  const auto comparison = CompareSystems(*report, *other, scoring);
  if (!comparison.ok()) return Report(comparison.status(), kNothingDone);
  std::printf("second system: WER %.2f %%, difference %+.2f (%+.2f to %+.2f), p = %.3g\n",
              100 * other->total.wer(), 100 * comparison->wer_difference,
              100 * comparison->difference_interval.low, 100 * comparison->difference_interval.high,
              comparison->p_value);
  return kAllWell;
}

}  // namespace skald::cli
