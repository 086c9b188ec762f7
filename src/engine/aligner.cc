#include "engine/aligner.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"
#include "decoder/lattice/best_path.h"
#include "decoder/search/beam_search.h"
#include "engine/graph_cache.h"
#include "engine/score_stitcher.h"
#include "engine/scorer.h"
#include "frontend/media/media_reader.h"
#include "frontend/segmentation/window_cutter.h"

namespace skald {
namespace {

/// A linear graph has few tokens, so wide beams are cheap; the widest finds any alignment that is not absurd.
constexpr float kBeams[] = {60.0f, 250.0f, 1000.0f};
constexpr int kGuessedPronunciations = 2;

bool IsPunctuation(char c) {
  return static_cast<unsigned char>(c) < 0x80 && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
         !(c >= '0' && c <= '9') && c != '\'';
}

/// A word as lexicons have it: upper case, without punctuation around it.
std::string Plain(std::string_view word) {
  while (!word.empty() && IsPunctuation(word.front())) word.remove_prefix(1);
  while (!word.empty() && IsPunctuation(word.back())) word.remove_suffix(1);
  return ToUpper(word);
}

}  // namespace

StatusOr<std::unique_ptr<Aligner>> Aligner::Create(Recognizer* recognizer) {
  std::unique_ptr<Aligner> aligner(new Aligner(recognizer));
  const std::string& head = recognizer->info().head;
  SKALD_ASSIGN_OR_RETURN(aligner->sources_, GraphSourcesOfBundle(recognizer->bundle(), head));
  if (aligner->sources_.lexicon_kind == LexiconKind::kPronunciations) {
    SKALD_ASSIGN_OR_RETURN(
        aligner->pronunciations_,
        Lexicon::FromPronunciations(aligner->sources_.units, aligner->sources_.lexicon_path));
    const Lexicon& lexicon = *aligner->pronunciations_;
    for (const Lexicon::Entry& entry : lexicon.entries()) {
      aligner->spellings_[lexicon.words()[entry.word]].push_back(entry.units);
    }
  }
  return aligner;
}

Status Aligner::SpellByPronunciation(const std::string& key) {
  if (!pronouncer_.has_value()) {
    SKALD_ASSIGN_OR_RETURN(pronouncer_, Pronouncer::Train(*pronunciations_));
  }
  SKALD_ASSIGN_OR_RETURN(auto guesses, pronouncer_->Pronounce(key, kGuessedPronunciations));
  for (Pronouncer::Guess& guess : guesses) spellings_[key].push_back(std::move(guess.units));
  return Status::Ok();
}

Status Aligner::SpellWords(const std::vector<std::string>& words) {
  std::vector<std::string> unknown;
  for (const std::string& word : words) {
    if (keys_.contains(word)) continue;
    std::string& key = keys_[word];
    key = spellings_.contains(word) ? word : Plain(word);
    if (!spellings_.contains(key) && !key.empty()) unknown.push_back(key);
  }
  if (sources_.lexicon_kind == LexiconKind::kPronunciations) {
    for (const std::string& key : unknown) {
      if (spellings_.contains(key)) continue;
      if (!SpellByPronunciation(key).ok()) spellings_.erase(key);  // named below
    }
  } else if (!unknown.empty()) {
    std::sort(unknown.begin(), unknown.end());
    unknown.erase(std::unique(unknown.begin(), unknown.end()), unknown.end());
    const auto lexicon = sources_.lexicon_kind == LexiconKind::kCharacters
                             ? Lexicon::FromCharacters(sources_.units, unknown, sources_.separator)
                             : Lexicon::FromPieces(sources_.units, unknown, sources_.lexicon_path);
    if (lexicon.ok()) {  // fails where it can spell none of the words
      separator_ = lexicon->separator();
      for (const Lexicon::Entry& entry : lexicon->entries()) {
        spellings_[lexicon->words()[entry.word]].push_back(entry.units);
      }
    }
  }
  for (const std::string& word : words) {
    if (spellings_.contains(keys_.at(word))) continue;
    return Status::InvalidArgument("the word '" + word + "' cannot be spelled in the units of the model");
  }
  return Status::Ok();
}

/// State 2 i lies before word i, state 2 i + 1 behind it; the states inside spellings follow. Word i has
/// label i
/// + 1.
StatusOr<GraphImage> Aligner::LinearGraph(const std::vector<std::string>& words) {
  SKALD_RETURN_IF_ERROR(SpellWords(words));
  std::vector<std::vector<GraphImageBuilder::Arc>> states(2 * words.size());
  std::vector<std::string> labels = {""};
  for (size_t i = 0; i < words.size(); ++i) {
    labels.push_back(words[i]);
    const auto before = static_cast<uint32_t>(2 * i), behind = before + 1;
    for (const std::vector<uint16_t>& spelling : spellings_.at(keys_.at(words[i]))) {
      uint32_t state = before;
      for (size_t k = 0; k < spelling.size(); ++k) {
        uint32_t next = behind;
        if (k + 1 < spelling.size()) {
          next = static_cast<uint32_t>(states.size());
          states.emplace_back();
        }
        states[state].push_back({next, 0, spelling[k], static_cast<uint16_t>(k == 0 ? kArcWordStart : 0),
                                 k == 0 ? static_cast<uint32_t>(i + 1) : 0});
        state = next;
      }
    }
    if (i + 1 == words.size()) break;
    states[behind].push_back({behind + 1, 0, separator_.value_or(0),
                              static_cast<uint16_t>(separator_.has_value() ? kArcWordSeparator : 0), 0});
  }
  GraphImageBuilder builder(sources_.units, std::move(labels));
  for (size_t s = 0; s < states.size(); ++s) {
    builder.AddState(s == 2 * words.size() - 1 ? 0.0f : INFINITY, states[s]);
  }
  builder.SetStart(0);
  return std::move(builder).Build();
}

StatusOr<Aligner::Scores> Aligner::ScoreFile(const std::string& path, const MediaOptions& media) const {
  Scorer* scorer = recognizer_->first_scorer();
  const ScorerShape& shape = scorer->shape();
  SKALD_ASSIGN_OR_RETURN(const WindowOptions windows, FitWindows({}, shape));
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<MediaReader> reader, MediaReader::Open(path, media));
  Scores scores;
  std::optional<WindowCutter> cutter;
  ScoreStitcher stitcher;
  int64_t next_sample = 0;
  const auto score = [&](const Window& window) -> Status {
    const WindowInput input(window.samples);
    std::vector<ScoreRows> rows;
    ScorerTiming timing;
    SKALD_RETURN_IF_ERROR(scorer->Score({&input, 1}, &rows, &timing));
    SKALD_CHECK(!rows.front().on_device, "scores to be aligned were to come to the host");
    stitcher.Add({window.index, window.first_frame, window.keep_first_frame, window.keep_end_frame,
                  window.last, std::move(rows.front())},
                 [&](const ScoreRows& next) {
                   scores.frames += next.frames();
                   scores.rows.push_back(next);
                 });
    return Status::Ok();
  };
  const auto finish = [&]() -> Status {
    if (!cutter.has_value()) return Status::Ok();
    const std::optional<Window> window = cutter->Finish();
    return window.has_value() ? score(*window) : Status::Ok();
  };
  for (;;) {
    SKALD_ASSIGN_OR_RETURN(const std::optional<PcmBlock> block, reader->Read());
    if (!block.has_value()) break;
    if (!cutter.has_value() || block->first_sample != next_sample) {
      SKALD_RETURN_IF_ERROR(finish());
      cutter.emplace(windows);
      stitcher = {};
      next_sample = block->first_sample;
      scores.streams.push_back({block->first_sample, scores.frames});
    }
    next_sample += static_cast<int64_t>(block->samples.size());
    for (const Window& window : cutter->Push(block->samples)) SKALD_RETURN_IF_ERROR(score(window));
  }
  SKALD_RETURN_IF_ERROR(finish());
  scores.duration_s = static_cast<double>(next_sample) / kSampleRateHz;
  scores.warnings = reader->warnings();
  for (const AudioTrackInfo& track : reader->info().audio_tracks) {
    if (track.index != media.track) continue;
    scores.sample_rate_hz = track.sample_rate_hz;
    scores.channels = track.channels;
  }
  return scores;
}

StatusOr<Transcript> Aligner::Align(const std::string& path, const std::vector<std::string>& words,
                                    const MediaOptions& media) {
  if (words.empty()) return Status::InvalidArgument("there are no words to align").InFile(path);
  if (media.track < 0 || media.split_channels)
    return Status::InvalidArgument("words are aligned to one track with its channels mixed").InFile(path);
  auto graph = LinearGraph(words);
  if (!graph.ok()) return std::move(graph).status().InFile(path);
  SKALD_ASSIGN_OR_RETURN(const Scores scores, ScoreFile(path, media));

  RawLattice lattice;
  for (const float beam : kBeams) {
    SearchOptions options;
    options.beam = beam;
    options.max_active = 1 << 30;
    options.lattice_beam = 0.01f;
    BeamSearch search(*graph, options);
    search.Begin();
    for (const ScoreRows& rows : scores.rows) {
      if (Status status = search.Advance(rows.nll); !status.ok()) return std::move(status).InFile(path);
    }
    auto found = search.Finish();
    if (!found.ok()) return std::move(found).status().InFile(path);
    lattice = *std::move(found);
    if (!lattice.partial) break;
  }
  const BestPathResult best = BestPath(lattice);
  if (lattice.partial || best.words.size() != words.size()) {
    return Status::Unsupported(
               fmt::format(
                   "the audio ({:.1f} s) is too short for the {} words, or nothing in it resembles them",
                   scores.duration_s, words.size()))
        .InFile(path);
  }
  std::vector<double> nll_until = {0};  // [frames + 1] along the path
  for (const uint32_t a : best.arcs) {
    const RawLatticeArc& arc = lattice.arcs[a];
    if (lattice.consumes_frame(arc)) nll_until.push_back(nll_until.back() + double{arc.acoustic_cost});
  }

  const double frame_shift_s = recognizer_->first_scorer()->shape().frame_shift_s;
  const auto seconds = [&](int32_t frame, bool is_end) {
    // An end belongs to the stream of the frame before it.
    const auto behind = std::partition_point(
        scores.streams.begin() + 1, scores.streams.end(),
        [&](const Stream& stream) { return stream.first_frame < frame + (is_end ? 0 : 1); });
    const Stream& stream = *(behind - 1);
    return static_cast<double>(stream.first_sample) / kSampleRateHz +
           static_cast<double>(frame - stream.first_frame) * frame_shift_s;
  };
  Transcript transcript;
  transcript.source.path = path;
  transcript.source.duration_s = scores.duration_s;
  transcript.source.track = media.track;
  transcript.source.sample_rate_hz = scores.sample_rate_hz;
  transcript.source.channels = scores.channels;
  transcript.model_name = recognizer_->info().model_name;
  transcript.model_sha256 = recognizer_->bundle().weights_sha256();
  transcript.options = {
      {"align", "forced"}, {"head", recognizer_->info().head}, {"precision", recognizer_->info().precision}};
  transcript.warnings = scores.warnings;
  transcript.timing.audio_s = scores.duration_s;
  const double pause_s = EndpointOptions().pause_s;
  for (size_t i = 0; i < words.size(); ++i) {
    const PathWord& found = best.words[i];
    Word word;
    word.text = words[i];
    word.start_s = seconds(found.start_frame, false);
    word.end_s = seconds(found.end_frame, true);
    const double frames = std::max(1, found.end_frame - found.start_frame);
    const double nll =
        nll_until[static_cast<size_t>(found.end_frame)] - nll_until[static_cast<size_t>(found.start_frame)];
    word.confidence = std::min(1.0, std::exp(-nll / (frames * double{recognizer_->acoustic_scale()})));
    if (i == 0 || word.start_s - transcript.segments.back().end_s >= pause_s) {
      transcript.segments.emplace_back();
      transcript.segments.back().start_s = word.start_s;
    }
    Segment& segment = transcript.segments.back();
    segment.end_s = word.end_s;
    segment.text += (segment.text.empty() ? "" : " ") + word.text;
    segment.words.push_back(std::move(word));
  }
  for (Segment& segment : transcript.segments) {
    double sum = 0;
    for (const Word& word : segment.words) sum += word.confidence;
    segment.confidence = sum / static_cast<double>(segment.words.size());
  }
  return transcript;
}

}  // namespace skald
