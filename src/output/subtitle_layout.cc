#include "output/subtitle_layout.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/milliseconds.h"
#include "base/utf8.h"
#include "output/plain_text.h"

namespace skald {
namespace {

constexpr int64_t kShortestCueMs = 40;

struct TimedWord {
  std::string text;
  int characters = 0;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  double confidence = 0;
};

int64_t Milliseconds(double seconds) { return std::llround(seconds * 1000.0); }

/// The words of a segment with clean text and times that never run backwards.
std::vector<TimedWord> CleanWords(const Segment& segment, int64_t earliest_ms) {
  std::vector<TimedWord> words;
  for (const Word& word : WordsOf(segment)) {
    TimedWord timed;
    timed.text = SingleLine(word.text);
    if (timed.text.empty()) continue;
    timed.characters = static_cast<int>(CountCodePoints(timed.text));
    timed.start_ms = std::max(ToMilliseconds(word.start_s), earliest_ms);
    timed.end_ms = std::max(ToMilliseconds(word.end_s), timed.start_ms);
    timed.confidence = ToProbability(word.confidence);
    earliest_ms = timed.start_ms;
    words.push_back(std::move(timed));
  }
  return words;
}

/// The least number of lines for word lengths, filling each line as far as it goes.
class LineCounter {
 public:
  LineCounter(int max_characters, int first_line_reserve) : max_(max_characters), used_(first_line_reserve) {}
  void Add(int characters) {
    if (words_in_line_ == 0) {
      used_ += characters;
    } else if (used_ + 1 + characters <= max_) {
      used_ += 1 + characters;
    } else {
      ++lines_;
      used_ = characters;
      words_in_line_ = 0;
    }
    ++words_in_line_;
  }
  int lines() const { return lines_; }

 private:
  int max_;
  int used_;
  int lines_ = 1;
  int words_in_line_ = 0;
};

/// How good a cue of the words [begin, end) is, smaller is better: the objective of the dynamic programme.
double CueCost(std::span<const TimedWord> words, size_t begin, size_t end, int characters,
               const SubtitleOptions& options) {
  const double duration_s = static_cast<double>(words[end - 1].end_ms - words[begin].start_ms) / 1000.0;
  const double full = static_cast<double>(options.max_characters_per_line) * options.max_lines;
  double cost = 1.0;
  if (options.min_duration_s > 0) cost += std::max(0.0, 1.0 - duration_s / options.min_duration_s);
  const double reading_s = characters / options.max_characters_per_s;
  if (reading_s > 0) cost += 0.5 * std::max(0.0, 1.0 - duration_s / reading_s);
  // A convex price of emptiness makes two half-full cues cheaper than a full one and an orphan.
  const double emptiness = 1.0 - std::min(1.0, characters / full);
  cost += 0.6 * emptiness * emptiness;
  if (end < words.size()) {
    const double pause_s = static_cast<double>(words[end].start_ms - words[end - 1].end_ms) / 1000.0;
    cost += 0.8 * (1.0 - std::clamp(pause_s / std::max(options.break_pause_s, 1e-3), 0.0, 1.0));
  }
  return cost;
}

/// Ends (exclusive word indices) of the best cues for a stretch without a forced break.
std::vector<size_t> ChooseCuts(std::span<const TimedWord> words, const SubtitleOptions& options,
                               int first_line_reserve) {
  const int64_t max_duration_ms = Milliseconds(options.max_duration_s);
  std::vector<double> best(words.size() + 1, std::numeric_limits<double>::infinity());
  std::vector<size_t> cut(words.size(), 0);
  best[words.size()] = 0;
  for (size_t begin = words.size(); begin-- > 0;) {
    LineCounter lines(options.max_characters_per_line, first_line_reserve);
    int characters = -1;
    for (size_t end = begin + 1; end <= words.size(); ++end) {
      lines.Add(words[end - 1].characters);
      characters += 1 + words[end - 1].characters;
      const bool fits = lines.lines() <= options.max_lines &&
                        words[end - 1].end_ms - words[begin].start_ms <= max_duration_ms;
      if (!fits && end > begin + 1) break;  // a single word is always allowed
      const double cost = CueCost(words, begin, end, characters, options) + best[end];
      if (cost <= best[begin]) best[begin] = cost, cut[begin] = end;
    }
  }
  std::vector<size_t> ends;
  for (size_t begin = 0; begin < words.size(); begin = cut[begin]) ends.push_back(cut[begin]);
  return ends;
}

/// Gives the cue, which starts and ends with its words, time to be read, whatever comes after it.
void MakeReadable(const SubtitleOptions& options, SubtitleCue* cue) {
  // Lines hold no trailing spaces, so their lengths and the breaks between them are what is read.
  double characters = static_cast<double>(cue->lines.size()) - 1;
  for (const std::string& line : cue->lines) characters += static_cast<double>(CountCodePoints(line));
  const double readable_s = std::max(options.min_duration_s, characters / options.max_characters_per_s);
  cue->end_ms = std::max(cue->end_ms, cue->start_ms + std::max<int64_t>(1, Milliseconds(readable_s)));
  cue->end_ms = std::min(cue->end_ms, cue->start_ms + Milliseconds(options.max_duration_s));
}

/// Keeps a cue apart from the one that follows.
void Separate(const SubtitleOptions& options, SubtitleCue* cue, SubtitleCue* next) {
  cue->end_ms = std::min(cue->end_ms, std::max(next->start_ms - Milliseconds(options.min_gap_s),
                                               cue->start_ms + kShortestCueMs));
  next->start_ms = std::max(next->start_ms, cue->end_ms);
  next->end_ms = std::max(next->end_ms, next->start_ms);
}

}  // namespace

Status SubtitleOptions::Validate() const {
  const auto bad = [](const char* what) {
    return Status::InvalidArgument(std::string("subtitles: ") + what);
  };
  if (max_characters_per_line < 8 || max_characters_per_line > 1000) {
    return bad("characters per line must be 8 to 1000");
  }
  if (max_lines < 1 || max_lines > 10) return bad("lines must be 1 to 10");
  if (!(min_duration_s >= 0 && min_duration_s <= 60)) return bad("minimum duration must be 0 to 60 s");
  if (!(max_duration_s >= 0.1 && max_duration_s <= 3600))
    return bad("maximum duration must be 0.1 to 3600 s");
  if (min_duration_s > max_duration_s) return bad("minimum duration is longer than the maximum");
  if (!(min_gap_s >= 0 && min_gap_s <= 10)) return bad("gap must be 0 to 10 s");
  if (!(max_characters_per_s >= 1 && max_characters_per_s <= 1000)) {
    return bad("reading speed must be 1 to 1000 characters per second");
  }
  if (!(break_pause_s >= 0 && break_pause_s <= 3600)) return bad("pause must be 0 to 3600 s");
  return Status::Ok();
}

std::vector<std::string> BreakLines(std::span<const std::string> words, int max_characters,
                                    int first_line_reserve) {
  const size_t count = words.size();
  if (count == 0) return {};
  std::vector<int> characters(count);
  LineCounter counter(max_characters, first_line_reserve);
  for (size_t i = 0; i < count; ++i) {
    characters[i] = static_cast<int>(CountCodePoints(words[i]));
    counter.Add(characters[i]);
  }
  const size_t line_count = static_cast<size_t>(counter.lines());
  // best[k * (count + 1) + i]: least sum of squared widths of the words from i on in k lines.
  constexpr double kImpossible = std::numeric_limits<double>::infinity();
  std::vector<double> best((line_count + 1) * (count + 1), kImpossible);
  std::vector<size_t> line_end((line_count + 1) * (count + 1), 0);
  best[count] = 0;
  for (size_t k = 1; k <= line_count; ++k) {
    for (size_t begin = count; begin-- > 0;) {
      const size_t here = k * (count + 1) + begin;
      double width = begin == 0 ? first_line_reserve : 0;
      for (size_t end = begin + 1; end <= count; ++end) {
        width += characters[end - 1] + (end > begin + 1 ? 1 : 0);
        if (width > max_characters && end > begin + 1) break;
        const double cost = width * width + best[(k - 1) * (count + 1) + end];
        if (cost < best[here]) best[here] = cost, line_end[here] = end;
      }
    }
  }
  std::vector<std::string> lines;
  size_t begin = 0;
  for (size_t k = line_count; k > 0; --k) {
    const size_t end = line_end[k * (count + 1) + begin];
    std::string line = words[begin];
    for (size_t i = begin + 1; i < end; ++i) line += " " + words[i];
    lines.push_back(std::move(line));
    begin = end;
  }
  return lines;
}

void SubtitleLayout::Append(SubtitleCue cue, std::vector<SubtitleCue>* settled) {
  if (open_) {
    Separate(options_, &*open_, &cue);
    settled->push_back(std::move(*open_));
  }
  MakeReadable(options_, &cue);
  open_ = std::move(cue);
}

void SubtitleLayout::Add(const Segment& segment, std::vector<SubtitleCue>* settled) {
  const int64_t break_pause_ms = Milliseconds(options_.break_pause_s);
  const std::vector<TimedWord> words = CleanWords(segment, earliest_ms_);
  if (!words.empty()) earliest_ms_ = words.back().start_ms;
  for (size_t begin = 0; begin < words.size();) {
    size_t end = begin + 1;
    while (end < words.size() && words[end].start_ms - words[end - 1].end_ms < break_pause_ms) ++end;
    const std::span<const TimedWord> stretch(words.data() + begin, end - begin);
    size_t first = 0;
    for (const size_t last : ChooseCuts(stretch, options_, first_line_reserve_)) {
      SubtitleCue cue;
      std::vector<std::string> texts;
      for (size_t i = first; i < last; ++i) {
        texts.push_back(stretch[i].text);
        cue.confidence += stretch[i].confidence / static_cast<double>(last - first);
      }
      cue.start_ms = stretch[first].start_ms;
      cue.end_ms = stretch[last - 1].end_ms;
      cue.channel = channel_;
      cue.lines = BreakLines(texts, options_.max_characters_per_line, first_line_reserve_);
      Append(std::move(cue), settled);
      first = last;
    }
    begin = end;
  }
}

void SubtitleLayout::Advance(int64_t start_ms, std::vector<SubtitleCue>* settled) {
  if (open_ && open_->end_ms <= start_ms - Milliseconds(options_.min_gap_s)) Finish(settled);
}

void SubtitleLayout::Finish(std::vector<SubtitleCue>* settled) {
  if (open_) settled->push_back(std::move(*open_));
  open_.reset();
}

std::optional<int64_t> SubtitleLayout::open_start_ms() const {
  return open_ ? std::optional(open_->start_ms) : std::nullopt;
}

std::vector<SubtitleCue> LayOutSubtitles(std::span<const Segment> segments, const SubtitleOptions& options,
                                         int channel, int first_line_reserve) {
  std::vector<SubtitleCue> cues;
  SubtitleLayout layout(options, channel, first_line_reserve);
  for (const Segment& segment : segments) layout.Add(segment, &cues);
  layout.Finish(&cues);
  return cues;
}

}  // namespace skald
