#include "scoring/score_input.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <tuple>
#include <utility>

namespace skald {
namespace {

using ChannelKey = std::pair<std::string, std::string>;

/// One name for the two habits of naming channels: "A", "B", ... for "1", "2", ...
std::string CanonicalChannel(const std::string& channel) {
  if (channel.size() == 1 && channel[0] >= '1' && channel[0] <= '9') {
    return std::string(1, static_cast<char>('A' + channel[0] - '1'));
  }
  return channel;
}

void SortByPlace(std::vector<TimedWord>& words) {
  std::stable_sort(words.begin(), words.end(), [](const TimedWord& a, const TimedWord& b) {
    return std::tie(a.file, a.channel, a.start_s) < std::tie(b.file, b.channel, b.start_s);
  });
}

/// Adds a word to a text. Confidences of some words only are none.
void Append(const TimedWord& word, Utterance* utterance) {
  const bool had_all = utterance->text.empty() || !utterance->words.empty();
  utterance->text += (utterance->text.empty() ? "" : " ") + word.text;
  if (had_all && word.confidence.has_value()) {
    utterance->words.push_back({word.text, *word.confidence});
  } else {
    utterance->words.clear();
  }
}

/// Words of a file, all channels one after the other, as one utterance.
std::vector<Utterance> OneUtterancePerFile(std::vector<TimedWord> words) {
  SortByPlace(words);
  std::vector<Utterance> utterances;
  for (const TimedWord& word : words) {
    if (utterances.empty() || utterances.back().id != word.file) utterances.push_back({word.file, "", ""});
    Append(word, &utterances.back());
  }
  return utterances;
}

StatusOr<std::vector<Utterance>> ReadUtterances(const std::string& path, TranscriptFormat format,
                                                const std::string& utt2spk_path) {
  switch (format) {
    case TranscriptFormat::kKaldiText:
      return ReadKaldiText(path, utt2spk_path);
    case TranscriptFormat::kTrn:
      return ReadTrn(path);
    case TranscriptFormat::kJson:
      return ReadJsonTexts(path);
    case TranscriptFormat::kCtm: {
      SKALD_ASSIGN_OR_RETURN(std::vector<TimedWord> words, ReadCtm(path));
      return OneUtterancePerFile(std::move(words));
    }
    case TranscriptFormat::kStm:
      break;
  }
  return Status::InvalidArgument("an STM can only be the reference").InFile(path);
}

StatusOr<std::vector<TimedWord>> ReadTimedWords(const std::string& path, TranscriptFormat format) {
  if (format == TranscriptFormat::kCtm) return ReadCtm(path);
  if (format == TranscriptFormat::kJson) return ReadJsonWords(path);
  return Status::InvalidArgument("an STM reference needs hypotheses with times: CTM or JSON").InFile(path);
}

}  // namespace

ScoreInput AssignWords(const std::vector<StmSegment>& stm_segments, std::vector<TimedWord> words) {
  std::map<ChannelKey, std::vector<const StmSegment*>> segments_of;
  std::map<std::string, bool> file_is_known;
  for (const StmSegment& segment : stm_segments) {
    segments_of[{segment.file, CanonicalChannel(segment.channel)}].push_back(&segment);
    file_is_known[segment.file] = true;
  }
  std::map<const StmSegment*, Utterance> words_in;
  std::vector<std::string> unknown;
  for (TimedWord& word : words) word.channel = CanonicalChannel(word.channel);
  SortByPlace(words);
  std::map<ChannelKey, std::vector<const TimedWord*>> words_of;
  for (const TimedWord& word : words) {
    words_of[{word.file, word.channel}].push_back(&word);
    if (file_is_known.emplace(word.file, false).second) unknown.push_back(word.file);
  }
  for (auto& [key, segments] : segments_of) {
    std::sort(segments.begin(), segments.end(),
              [](const StmSegment* a, const StmSegment* b) { return a->start_s < b->start_s; });
    size_t current = 0;
    const auto found = words_of.find(key);
    if (found == words_of.end()) continue;
    for (const TimedWord* word : found->second) {
      const double middle_s = word->start_s + word->duration_s / 2;
      while (current + 1 < segments.size() && middle_s > segments[current]->end_s) ++current;
      Append(*word, &words_in[segments[current]]);
    }
  }
  ScoreInput input;
  for (const StmSegment& segment : stm_segments) {
    if (segment.ignored) continue;
    const std::string id =
        fmt::format("{}-{}-{:.3f}-{:.3f}", segment.file, segment.channel, segment.start_s, segment.end_s);
    input.references.push_back({id, segment.speaker, segment.text});
    const bool was_transcribed = words_of.contains({segment.file, CanonicalChannel(segment.channel)});
    if (!was_transcribed) continue;
    Utterance& hypothesis = words_in[&segment];
    hypothesis.id = id;
    input.hypotheses.push_back(std::move(hypothesis));
  }
  for (const std::string& file : unknown) input.hypotheses.push_back({file, "", ""});
  return input;
}

StatusOr<ScoreInput> ReadScoreInput(const ScoreInputOptions& options) {
  if (options.hypothesis_paths.empty()) return Status::InvalidArgument("no hypothesis is given");
  const TranscriptFormat reference_format =
      options.reference_format.value_or(GuessTranscriptFormat(options.reference_path));
  const auto hypothesis_format = [&](const std::string& path) {
    return options.hypothesis_format.value_or(GuessTranscriptFormat(path));
  };
  if (reference_format == TranscriptFormat::kStm) {
    SKALD_ASSIGN_OR_RETURN(const std::vector<StmSegment> segments, ReadStm(options.reference_path));
    std::vector<TimedWord> words;
    for (const std::string& path : options.hypothesis_paths) {
      SKALD_ASSIGN_OR_RETURN(const std::vector<TimedWord> more,
                             ReadTimedWords(path, hypothesis_format(path)));
      words.insert(words.end(), more.begin(), more.end());
    }
    return AssignWords(segments, std::move(words));
  }
  ScoreInput input;
  SKALD_ASSIGN_OR_RETURN(input.references,
                         ReadUtterances(options.reference_path, reference_format, options.utt2spk_path));
  std::map<std::string, std::string> path_of;
  for (const std::string& path : options.hypothesis_paths) {
    SKALD_ASSIGN_OR_RETURN(const std::vector<Utterance> more,
                           ReadUtterances(path, hypothesis_format(path), ""));
    for (const Utterance& hypothesis : more) {
      const auto [known, is_new] = path_of.emplace(hypothesis.id, path);
      if (!is_new) {
        return Status::InvalidArgument(
                   fmt::format("hypothesis {} was given in {} already", hypothesis.id, known->second))
            .InFile(path);
      }
      input.hypotheses.push_back(hypothesis);
    }
  }
  return input;
}

}  // namespace skald
