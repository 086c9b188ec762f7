#include "decoder/graph/lexicon.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <exception>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/file.h"
#include "base/lines.h"

namespace skald {
namespace {

using UnitIds = std::unordered_map<std::string_view, uint16_t>;

/// Ids of all units but the blank, which no spelling may name.
StatusOr<UnitIds> IndexUnits(const std::vector<std::string>& units) {
  if (units.size() < 2 || units.size() > 65536)
    return Status::InvalidArgument("a lexicon needs 2 to 65536 units");
  UnitIds ids;
  for (size_t unit = 1; unit < units.size(); ++unit) {
    if (units[unit].empty()) return Status::InvalidArgument("unit " + std::to_string(unit) + " has no name");
    if (units[unit] == units[0] || !ids.emplace(units[unit], static_cast<uint16_t>(unit)).second) {
      return Status::InvalidArgument("two units are named \"" + units[unit] + "\"");
    }
  }
  return ids;
}

/// Bytes of the UTF-8 code point that starts with `lead`; a stray byte counts as one.
size_t CodePointLength(unsigned char lead) {
  return lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
}

/// What stands between the first tab of a line and the second.
std::string_view Spelling(std::string_view line) {
  const size_t tab = line.find('\t');
  if (tab == line.npos) return {};
  line.remove_prefix(tab + 1);
  return line.substr(0, line.find('\t'));
}

/// Calls `handle(name)` for the names between spaces.
template <typename Handle>
void ForEachName(std::string_view spelling, Handle handle) {
  while (!spelling.empty()) {
    const size_t end = std::min(spelling.find(' '), spelling.size());
    if (end > 0) handle(spelling.substr(0, end));
    spelling.remove_prefix(std::min(end + 1, spelling.size()));
  }
}

}  // namespace

Status Lexicon::Finish() {
  std::sort(entries_.begin(), entries_.end());
  entries_.erase(std::unique(entries_.begin(), entries_.end()), entries_.end());
  if (entries_.empty()) return Status::InvalidArgument("lexicon has no word");
  return Status::Ok();
}

bool Lexicon::Has(std::string_view word) const {
  return std::find(words_.begin(), words_.end(), word) != words_.end();
}

Status Lexicon::Add(const std::string& word, std::vector<uint16_t> units) {
  if (word.empty() || units.empty() || units.size() > kMaxSpelling) {
    return Status::InvalidArgument("a word and its spelling must have 1 to " + std::to_string(kMaxSpelling) +
                                   " letters and units");
  }
  for (const uint16_t unit : units) {
    if (unit == 0 || unit >= units_.size()) {
      return Status::InvalidArgument("the spelling of \"" + word + "\" names a unit that is not there");
    }
  }
  const auto found = std::find(words_.begin(), words_.end(), word);
  const auto index = static_cast<uint32_t>(found - words_.begin());
  if (found == words_.end()) words_.push_back(word);
  Entry entry{index, std::move(units)};
  const auto place = std::lower_bound(entries_.begin(), entries_.end(), entry);
  if (place == entries_.end() || *place != entry) entries_.insert(place, std::move(entry));
  return Status::Ok();
}

StatusOr<Lexicon> Lexicon::FromCharacters(std::vector<std::string> units, std::span<const std::string> words,
                                          std::string_view separator) {
  Lexicon lexicon;
  lexicon.units_ = std::move(units);
  SKALD_ASSIGN_OR_RETURN(const UnitIds ids, IndexUnits(lexicon.units_));
  const auto found = ids.find(separator);
  if (found == ids.end()) {
    return Status::InvalidArgument("word separator \"" + std::string(separator) +
                                   "\" is not among the units");
  }
  lexicon.separator_ = found->second;
  for (const std::string& word : words) {
    Entry entry{static_cast<uint32_t>(lexicon.words_.size()), {}};
    bool spelled = !word.empty() && word.size() <= kMaxSpelling;
    for (size_t at = 0; at < word.size() && spelled;) {
      const size_t length = CodePointLength(static_cast<unsigned char>(word[at]));
      const auto unit = ids.find(std::string_view(word).substr(at, length));
      spelled = unit != ids.end() && unit->second != *lexicon.separator_;
      if (spelled) entry.units.push_back(unit->second);
      at += length;
    }
    if (!spelled) {
      ++lexicon.left_out_;
      continue;
    }
    lexicon.words_.push_back(word);
    lexicon.entries_.push_back(std::move(entry));
  }
  SKALD_RETURN_IF_ERROR(lexicon.Finish());
  return lexicon;
}

StatusOr<Lexicon> Lexicon::FromPieces(std::vector<std::string> units, std::span<const std::string> words,
                                      const std::string& sentencepiece_model_path, int segmentations) {
  if (segmentations < 1 || segmentations > 100)
    return Status::InvalidArgument("segmentations must be 1 to 100");
  Lexicon lexicon;
  lexicon.units_ = std::move(units);
  SKALD_ASSIGN_OR_RETURN(const UnitIds ids, IndexUnits(lexicon.units_));
  SKALD_ASSIGN_OR_RETURN(const std::string model, ReadFile(sentencepiece_model_path));
  try {
    sentencepiece::SentencePieceProcessor processor;
    if (const auto loaded = processor.LoadFromSerializedProto(model); !loaded.ok()) {
      return Status::Corrupt("not a sentencepiece model").InFile(sentencepiece_model_path);
    }
    std::vector<std::vector<std::string>> found;
    for (const std::string& word : words) {
      found.assign(1, {});
      const auto encoded = segmentations == 1 ? processor.Encode(word, &found[0])
                                              : processor.NBestEncode(word, segmentations, &found);
      const size_t entries_before = lexicon.entries_.size();
      for (const auto& pieces : found) {
        Entry entry{static_cast<uint32_t>(lexicon.words_.size()), {}};
        for (const std::string& piece : pieces) {
          const auto unit = ids.find(piece);
          if (unit == ids.end()) break;
          entry.units.push_back(unit->second);
        }
        if (encoded.ok() && !pieces.empty() && entry.units.size() == pieces.size() &&
            pieces.size() <= kMaxSpelling) {
          lexicon.entries_.push_back(std::move(entry));
        }
      }
      if (lexicon.entries_.size() == entries_before) {
        ++lexicon.left_out_;
      } else {
        lexicon.words_.push_back(word);
      }
    }
  } catch (const std::exception& error) {
    return Status::Corrupt(std::string("sentencepiece: ") + error.what()).InFile(sentencepiece_model_path);
  }
  SKALD_RETURN_IF_ERROR(lexicon.Finish());
  return lexicon;
}

StatusOr<Lexicon> Lexicon::FromPronunciations(std::vector<std::string> units, const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::string text, ReadMaybeGzippedFile(path));
  return ParsePronunciations(std::move(units), text, path);
}

StatusOr<Lexicon> Lexicon::FromPronunciations(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::string text, ReadMaybeGzippedFile(path));
  std::set<std::string_view> names;
  (void)ForEachLine(text, [&](std::string_view line) {
    ForEachName(Spelling(line), [&](std::string_view name) { names.insert(name); });
    return Status::Ok();
  });
  std::vector<std::string> units = {"<blk>"};
  units.insert(units.end(), names.begin(), names.end());
  return ParsePronunciations(std::move(units), text, path);
}

StatusOr<Lexicon> Lexicon::ParsePronunciations(std::vector<std::string> units, std::string_view text,
                                               const std::string& path) {
  Lexicon lexicon;
  lexicon.units_ = std::move(units);
  SKALD_ASSIGN_OR_RETURN(const UnitIds ids, IndexUnits(lexicon.units_));
  std::unordered_map<std::string_view, uint32_t> word_ids;
  const auto read_line = [&](std::string_view line) {
    if (line.empty()) return Status::Ok();
    const size_t tab = line.find('\t');
    if (tab == line.npos) return Status::Corrupt("\"WORD<TAB>UNITS\" expected");
    const std::string_view word = line.substr(0, tab);
    if (word.empty()) return Status::Corrupt("empty word");
    const auto [known, is_new] = word_ids.emplace(word, static_cast<uint32_t>(lexicon.words_.size()));
    if (is_new) lexicon.words_.emplace_back(word);
    Entry entry{known->second, {}};
    std::string_view unknown;
    ForEachName(Spelling(line), [&](std::string_view name) {
      const auto unit = ids.find(name);
      if (unit != ids.end()) {
        entry.units.push_back(unit->second);
      } else if (unknown.empty()) {
        unknown = name;
      }
    });
    if (!unknown.empty()) return Status::Corrupt("no unit is named \"" + std::string(unknown) + "\"");
    if (entry.units.empty()) return Status::Corrupt("empty pronunciation");
    if (entry.units.size() > kMaxSpelling) return Status::Corrupt("pronunciation is too long");
    lexicon.entries_.push_back(std::move(entry));
    return Status::Ok();
  };
  Status status = ForEachLine(text, read_line);
  if (status.ok()) status = lexicon.Finish();
  if (!status.ok()) return std::move(status).InFile(path);
  return lexicon;
}

}  // namespace skald
