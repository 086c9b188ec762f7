#include "decoder/rescore/ngram_model.h"

#include <bit>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "base/mapped_file.h"
#include "decoder/rescore/ngram_model_format.h"
#include "decoder/rescore/packed_integers.h"

namespace skald {
namespace {

using ngram_format::Header;
using ngram_format::Section;

constexpr int kGuesses = 6;
constexpr uint64_t kFewArcs = 8;

Status CorruptSection(uint32_t section, const char* reason) {
  return CorruptSection(ngram_format::kFormat, section, reason);
}

/// What sizes, counts and widths of the header say of each other.
Status CheckCounts(const Header& header) {
  constexpr uint64_t kMaxCount = uint64_t{1} << 40;
  const bool counts_ok = header.order >= 1 && header.order <= ngram_format::kMaxOrder &&
                         header.word_count >= 1 && header.value_count >= 1 && header.state_count >= 1 &&
                         header.state_count <= UINT32_MAX && header.arc_count >= header.word_count &&
                         header.arc_count < kMaxCount && header.start_state < header.state_count;
  if (!counts_ok) return Status::Corrupt("counts in the header do not agree");
  const auto holds = [](uint32_t bits, uint64_t largest) {
    return bits >= 1 && bits <= 40 && largest >> bits == 0;
  };
  if (!holds(header.word_bits, header.word_count - 1) || !holds(header.value_bits, header.value_count - 1) ||
      !holds(header.state_bits, header.state_count - 1) || !holds(header.offset_bits, header.arc_count) ||
      header.value_bits + header.state_bits > PackedIntegers::kMaxBits) {
    return Status::Corrupt("widths in the header do not fit its counts");
  }
  for (const uint32_t word : {header.sentence_start, header.sentence_end, header.unknown}) {
    if (word != NgramModel::kNoWord && word >= header.word_count)
      return Status::Corrupt("sentence mark is no word");
  }
  const int target_bits = static_cast<int>(header.value_bits + header.state_bits);
  const uint64_t sizes[ngram_format::kSectionCount] = {
      uint64_t{header.value_count} * 4,
      PackedIntegers::ByteSize(header.state_count + 1, static_cast<int>(header.offset_bits)),
      PackedIntegers::ByteSize(header.state_count, target_bits),
      PackedIntegers::ByteSize(header.arc_count, static_cast<int>(header.word_bits)),
      PackedIntegers::ByteSize(header.arc_count, target_bits),
      (uint64_t{header.word_count} + 1) * 4,
      header.sections[ngram_format::kWordText].size,
      header.sections[ngram_format::kRecipe].size};
  for (uint32_t section = 0; section < ngram_format::kSectionCount; ++section) {
    if (header.sections[section].size != sizes[section])
      return CorruptSection(section, "size does not agree with the counts");
  }
  return Status::Ok();
}

}  // namespace

struct NgramModel::Storage {
  explicit Storage(MappedFile file_in) : file(std::move(file_in)) {}

  MappedFile file;
  Header header{};
  const int32_t* values = nullptr;
  PackedIntegers first_arcs, backoffs, arc_words, arc_targets;
  const uint32_t* word_offsets = nullptr;
  const char* word_text = nullptr;
  uint64_t state_mask = 0;
  NgramModelInfo info;
  std::string content_hash;

  /// The arc of `state` with `word`, if there is one.
  bool FindArc(uint64_t state, uint64_t word, uint64_t* arc) const {
    uint64_t first = first_arcs[state], end = first_arcs[state + 1];
    // Words lie about evenly: guess a few times where this one is, then halve.
    uint64_t least = 0, most = header.word_count;  // bounds of the words of first to end - 1: [least, most)
    for (int guess = 0; guess < kGuesses && end - first > kFewArcs; ++guess) {
      const uint64_t middle = first + (word - least) * (end - first) / (most - least);
      const uint64_t there = arc_words[middle];
      if (there == word) {
        *arc = middle;
        return true;
      }
      if (there < word) {
        first = middle + 1;
        least = there + 1;
      } else {
        end = middle;
        most = there;
      }
    }
    while (first < end) {
      const uint64_t middle = first + (end - first) / 2;
      if (arc_words[middle] < word) {
        first = middle + 1;
      } else {
        end = middle;
      }
    }
    *arc = first;
    return first < first_arcs[state + 1] && arc_words[first] == word;
  }
  const std::byte* section(Section section) const {
    return file.bytes().data() + header.sections[section].offset;
  }
};

NgramModel::NgramModel() = default;
NgramModel::NgramModel(NgramModel&&) noexcept = default;
NgramModel& NgramModel::operator=(NgramModel&&) noexcept = default;
NgramModel::~NgramModel() = default;

StatusOr<NgramModel> NgramModel::Open(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  NgramModel model;
  model.storage_ = std::make_unique<Storage>(std::move(file));
  Storage& storage = *model.storage_;
  Header& header = storage.header;
  const auto bytes = storage.file.bytes();
  if (Status status = ReadSectionHeader(ngram_format::kFormat, bytes, &header); !status.ok())
    return std::move(status).InFile(path);
  if (Status status = CheckCounts(header); !status.ok()) return std::move(status).InFile(path);
  for (uint32_t section = 0; section < ngram_format::kSectionCount; ++section) {
    if (Status status = CheckSection(ngram_format::kFormat, bytes, header.sections, section); !status.ok())
      return std::move(status).InFile(path);
  }
  const int target_bits = static_cast<int>(header.value_bits + header.state_bits);
  storage.values = reinterpret_cast<const int32_t*>(storage.section(ngram_format::kValues));
  storage.first_arcs = {storage.section(ngram_format::kFirstArcs), static_cast<int>(header.offset_bits)};
  storage.backoffs = {storage.section(ngram_format::kBackoffs), target_bits};
  storage.arc_words = {storage.section(ngram_format::kArcWords), static_cast<int>(header.word_bits)};
  storage.arc_targets = {storage.section(ngram_format::kArcTargets), target_bits};
  storage.word_offsets = reinterpret_cast<const uint32_t*>(storage.section(ngram_format::kWordOffsets));
  storage.word_text = reinterpret_cast<const char*>(storage.section(ngram_format::kWordText));
  storage.state_mask = (uint64_t{1} << header.state_bits) - 1;
  if (Status status = model.CheckContents(); !status.ok()) return std::move(status).InFile(path);

  storage.info.ngram_counts.assign(header.ngram_counts, header.ngram_counts + header.order);
  storage.info.state_count = header.state_count;
  storage.info.arc_count = header.arc_count;
  storage.info.value_count = header.value_count;
  storage.info.word_count = header.word_count;
  storage.info.file_size = header.start.file_size;
  storage.info.recipe_json.assign(reinterpret_cast<const char*>(storage.section(ngram_format::kRecipe)),
                                  header.sections[ngram_format::kRecipe].size);
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(header.checksum));
  storage.content_hash = hex;
  return model;
}

Status NgramModel::CheckContents() const {
  const Storage& storage = *storage_;
  const Header& header = storage.header;
  for (uint32_t i = 0; i < header.value_count; ++i) {
    if (storage.values[i] < ngram_format::kLeastValue || storage.values[i] > ngram_format::kLargestValue)
      return CorruptSection(ngram_format::kValues, "value is out of range");
  }
  const auto value_is_listed = [&](uint64_t target) {
    return target >> header.state_bits < header.value_count;
  };
  if (storage.first_arcs[0] != 0 || storage.first_arcs[1] != header.word_count ||
      storage.first_arcs[header.state_count] != header.arc_count) {
    return CorruptSection(ngram_format::kFirstArcs, "does not span the arcs");
  }
  for (uint64_t state = 0; state < header.state_count; ++state) {
    const uint64_t first = storage.first_arcs[state], end = storage.first_arcs[state + 1];
    if (first > end || end > header.arc_count)
      return CorruptSection(ngram_format::kFirstArcs, "does not rise");
    const uint64_t backoff = storage.backoffs[state];
    if (!value_is_listed(backoff) || (state > 0 && (backoff & storage.state_mask) >= state))
      return CorruptSection(ngram_format::kBackoffs, "does not lead to a shorter history");
    for (uint64_t arc = first; arc < end; ++arc) {
      const uint64_t word = storage.arc_words[arc], target = storage.arc_targets[arc];
      if (word >= header.word_count ||
          (state == 0 ? word != arc : arc > first && word <= storage.arc_words[arc - 1]))
        return CorruptSection(ngram_format::kArcWords, "words do not rise");
      if (!value_is_listed(target) || (target & storage.state_mask) >= header.state_count)
        return CorruptSection(ngram_format::kArcTargets, "names no state or value");
    }
  }
  const uint32_t* offsets = storage.word_offsets;
  bool rising =
      offsets[0] == 0 && offsets[header.word_count] == header.sections[ngram_format::kWordText].size;
  for (uint32_t i = 0; i < header.word_count && rising; ++i) rising = offsets[i] <= offsets[i + 1];
  return rising ? Status::Ok()
                : CorruptSection(ngram_format::kWordOffsets, "does not rise from 0 to the text's size");
}

int64_t NgramModel::Score(uint32_t word, State* state) const {
  const Storage& storage = *storage_;
  int64_t sum = 0;
  for (uint64_t at = *state;;) {
    uint64_t arc = word;  // of the empty history, whose arcs are all words
    const bool found = at == 0 || storage.FindArc(at, word, &arc);
    const uint64_t target = found ? storage.arc_targets[arc] : storage.backoffs[at];
    sum += storage.values[target >> storage.header.state_bits];
    at = target & storage.state_mask;
    if (found) {
      *state = static_cast<State>(at);
      return sum;
    }
  }
}

NgramModel::State NgramModel::start() const { return storage_->header.start_state; }
int NgramModel::order() const { return static_cast<int>(storage_->header.order); }
uint32_t NgramModel::sentence_start() const { return storage_->header.sentence_start; }
uint32_t NgramModel::sentence_end() const { return storage_->header.sentence_end; }
uint32_t NgramModel::unknown() const { return storage_->header.unknown; }

std::string_view NgramModel::word(uint32_t word) const {
  const uint32_t* offsets = storage_->word_offsets;
  return {storage_->word_text + offsets[word], offsets[word + 1] - offsets[word]};
}

std::vector<uint32_t> NgramModel::FindWords(size_t count,
                                            const std::function<std::string_view(size_t)>& spelling) const {
  const uint32_t word_count = storage_->header.word_count;
  std::vector<uint32_t> slots(std::bit_ceil(size_t{word_count} * 2), kNoWord);
  const size_t mask = slots.size() - 1;
  const auto find_slot = [&](std::string_view text) {
    size_t slot = Xxh64(std::as_bytes(std::span(text.data(), text.size()))) & mask;
    while (slots[slot] != kNoWord && word(slots[slot]) != text) slot = (slot + 1) & mask;
    return slot;
  };
  for (uint32_t w = 0; w < word_count; ++w) slots[find_slot(word(w))] = w;
  std::vector<uint32_t> found(count);
  for (size_t i = 0; i < count; ++i) found[i] = slots[find_slot(spelling(i))];
  return found;
}

const NgramModelInfo& NgramModel::info() const { return storage_->info; }
const std::string& NgramModel::content_hash() const { return storage_->content_hash; }

}  // namespace skald
