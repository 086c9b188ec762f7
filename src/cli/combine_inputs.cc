#include "cli/combine_inputs.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <string_view>

#include "base/file.h"
#include "decoder/graph/graph_image.h"
#include "decoder/lattice/kaldi_binary.h"
#include "decoder/lattice/kaldi_text.h"
#include "scoring/text_lines.h"
#include "scoring/transcript_formats.h"

namespace skald::cli {
namespace {

namespace fs = std::filesystem;

/// A gap between words this long separates segments of systems that have only words.
constexpr double kPauseS = 0.5;

bool IsLattice(const fs::path& path) {
  return path.extension() == ".ark" || path.string().ends_with(".lattice.txt");
}

bool IsTranscript(const fs::path& path) { return path.extension() == ".json" || path.extension() == ".ctm"; }

StatusOr<std::vector<std::string>> ReadWordTable(const std::string& path) {
  std::vector<std::string> table;
  if (fs::path(path).extension() == ".skg") {
    SKALD_ASSIGN_OR_RETURN(const GraphImage graph, GraphImage::Open(path));
    for (uint32_t w = 0; w < graph.word_count(); ++w) table.emplace_back(graph.word(w));
    return table;
  }
  SKALD_ASSIGN_OR_RETURN(const std::vector<TextLine> lines, ReadTextLines(path));
  for (const TextLine& line : lines) {
    std::string_view rest = line.text;
    const std::string_view word = TakeField(rest), field = TakeField(rest);
    size_t number = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
    if (field.empty() || error != std::errc() || end != field.data() + field.size() || number > 100'000'000) {
      return BrokenLine(path, line.number, "expected WORD NUMBER");
    }
    if (table.size() <= number) table.resize(number + 1);
    table[number] = word;
  }
  return table;
}

/// Channel "1", "2", ... or "A", "B", ...; -1 for others.
int ChannelIndex(std::string_view name) {
  if (name.size() == 1 && name[0] >= 'A' && name[0] <= 'Z') return name[0] - 'A';
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() && number > 0 ? number - 1 : -1;
}

/// Takes the field behind the last '-' off the end of `rest`.
std::string_view TakeLastField(std::string_view* rest) {
  const size_t dash = rest->rfind('-');
  if (dash == std::string_view::npos) return {};
  const std::string_view field = rest->substr(dash + 1);
  *rest = rest->substr(0, dash);
  return field;
}

Status AddLattices(const std::string& path, CombinedSystem* system) {
  SKALD_ASSIGN_OR_RETURN(const std::string content, ReadMaybeGzippedFile(path));
  const std::string_view archive = content;  // the reader of utterances of this name takes a path
  auto lattices = fs::path(path).extension() == ".ark" ? ReadKaldiBinary(archive) : ReadKaldiText(archive);
  if (!lattices.ok()) return std::move(lattices).status().InFile(path);
  for (const CompactLattice& lattice : *lattices) {
    SystemSegment segment;
    std::string_view rest = lattice.key;
    const auto end = ParseNumber(TakeLastField(&rest)), start = ParseNumber(TakeLastField(&rest));
    segment.channel = ChannelIndex(TakeLastField(&rest));
    segment.file = rest;
    auto words = ToWordLattice(lattice);
    if (!words.ok()) return std::move(words).status().InFile(path);
    segment.lattice = *std::move(words);
    if (!end || !start || *end <= *start || segment.channel < 0 || segment.lattice.frames <= 0) {
      return Status::InvalidArgument("the key of a lattice must be FILE-CHANNEL-START-END")
          .At(fmt::format("lattice '{}'", lattice.key))
          .InFile(path);
    }
    segment.start_s = *start / 100;
    segment.frame_shift_s = (*end - *start) / 100 / static_cast<double>(segment.lattice.frames);
    system->segments.push_back(std::move(segment));
  }
  return Status::Ok();
}

Status AddWords(const std::string& path, CombinedSystem* system) {
  SKALD_ASSIGN_OR_RETURN(const std::vector<TimedWord> words,
                         fs::path(path).extension() == ".json" ? ReadJsonWords(path) : ReadCtm(path));
  std::map<std::pair<std::string, int>, std::vector<Word>> recordings;
  for (const TimedWord& word : words) {
    const int channel = ChannelIndex(word.channel);
    if (channel < 0) {
      return Status::InvalidArgument(fmt::format("'{}' is no channel", word.channel)).InFile(path);
    }
    recordings[{word.file, channel}].push_back(
        {word.text, word.start_s, word.start_s + word.duration_s, word.confidence.value_or(1)});
  }
  for (auto& [recording, list] : recordings) {
    std::stable_sort(list.begin(), list.end(),
                     [](const Word& a, const Word& b) { return a.start_s < b.start_s; });
    SystemSegment segment{recording.first, recording.second, 0, 0, {}, {}};
    double end_s = 0;
    for (Word& word : list) {
      if (!segment.words.empty() && word.start_s > end_s + kPauseS) {
        system->segments.push_back(segment);
        segment.words.clear();
      }
      end_s = std::max(segment.words.empty() ? 0.0 : end_s, word.end_s);
      segment.words.push_back(std::move(word));
    }
    system->segments.push_back(std::move(segment));
  }
  return Status::Ok();
}

}  // namespace

StatusOr<CombinedSystem> ReadCombinedSystem(const std::string& path, const std::string& words_path,
                                            bool prefer_lattices) {
  CombinedSystem system;
  system.name = path;
  std::vector<std::string> lattices, transcripts;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    for (fs::recursive_directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error)) {
      if (IsLattice(entry->path())) lattices.push_back(entry->path().string());
      if (IsTranscript(entry->path())) transcripts.push_back(entry->path().string());
    }
    if (error) return Status::Io(error.message()).InFile(path);
    if (lattices.empty() && transcripts.empty()) {
      return Status::NotFound("the folder holds no lattices (.ark, .lattice.txt), .json or .ctm")
          .InFile(path);
    }
    std::sort(lattices.begin(), lattices.end());
    std::sort(transcripts.begin(), transcripts.end());
  } else if (IsTranscript(path)) {
    transcripts.push_back(path);
  } else {
    lattices.push_back(path);
  }
  if (transcripts.empty() || (prefer_lattices && !lattices.empty())) {
    if (words_path.empty()) {
      return Status::InvalidArgument("lattices need --words: a words.txt or the decoding graph").InFile(path);
    }
    SKALD_ASSIGN_OR_RETURN(system.word_table, ReadWordTable(words_path));
    for (const std::string& file : lattices) SKALD_RETURN_IF_ERROR(AddLattices(file, &system));
  } else {
    for (const std::string& file : transcripts) SKALD_RETURN_IF_ERROR(AddWords(file, &system));
  }
  return system;
}

}  // namespace skald::cli
