#include "decoder/rescore/build_ngram_model.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "decoder/rescore/ngram_model_format.h"
#include "decoder/rescore/packed_integers.h"

namespace skald {
namespace {

using ngram_format::Header;

constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kMaxValues = size_t{1} << 24;

int32_t Clamped(LogProb value) {
  return static_cast<int32_t>(
      std::clamp<LogProb>(value, ngram_format::kLeastValue, ngram_format::kLargestValue));
}

class Builder {
 public:
  explicit Builder(const ArpaModel& model) : model_(model) {}

  Status Build(const std::string& recipe_json, const std::string& path) {
    CollectValues();
    if (values_.size() > kMaxValues)
      return Status::Unsupported("more than 16 million different probabilities");
    NumberStates();
    SortArcs();
    return Write(recipe_json, path);
  }

 private:
  void CollectValues() {
    for (int n = 1; n <= model_.order(); ++n) {
      for (size_t i = 0; i < model_.count(n); ++i) {
        values_.push_back(Clamped(model_.log_prob(n, i)));
        values_.push_back(Clamped(model_.backoff(n, i)));
      }
      std::sort(values_.begin(), values_.end());
      values_.erase(std::unique(values_.begin(), values_.end()), values_.end());
    }
    if (!std::binary_search(values_.begin(), values_.end(), 0)) {
      values_.insert(std::lower_bound(values_.begin(), values_.end(), 0), 0);
    }
  }

  uint64_t ValueIndex(LogProb value) const {
    return static_cast<uint64_t>(std::lower_bound(values_.begin(), values_.end(), Clamped(value)) -
                                 values_.begin());
  }

  /// State 0 is the empty history; then come histories of one word, of two, ... in the order of the model, so
  /// that a shorter history always has the smaller number.
  void NumberStates() {
    const int longest = model_.order() - 1;
    state_of_.resize(static_cast<size_t>(longest) + 1);
    for (int n = 1; n <= longest; ++n) {
      std::vector<uint32_t>& states = state_of_[static_cast<size_t>(n)];
      states.assign(model_.count(n), kNone);
      for (size_t i = 0; i < model_.count(n); ++i) {
        if (model_.backoff(n, i) != 0) states[i] = 0;
      }
      for (size_t i = 0; i < model_.count(n + 1); ++i)
        states[*model_.Find(model_.ngram(n + 1, i).first(n))] = 0;
    }
    for (int n = 1; n <= longest; ++n) {
      for (uint32_t i = 0; i < model_.count(n); ++i) {
        uint32_t& state = state_of_[static_cast<size_t>(n)][i];
        if (state == kNone) continue;
        state = static_cast<uint32_t>(histories_.size() + 1);
        histories_.push_back({n, i});
      }
    }
  }

  /// The longest end of `words`, of at most `longest` words, that is a state.
  uint32_t StateOf(std::span<const uint32_t> words, size_t longest) const {
    for (size_t n = std::min(words.size(), longest); n > 0; --n) {
      const auto found = model_.Find(words.last(n));
      if (found.has_value() && state_of_[n][*found] != kNone) return state_of_[n][*found];
    }
    return 0;
  }

  /// Arcs by (state, word): counted by state, then sorted within it.
  void SortArcs() {
    first_arc_.assign(state_count() + 1, 0);
    for_each_arc([&](uint32_t state, int, size_t) { ++first_arc_[state + 1]; });
    std::partial_sum(first_arc_.begin(), first_arc_.end(), first_arc_.begin());
    arcs_.resize(first_arc_.back());
    std::vector<uint64_t> next(first_arc_.begin(), first_arc_.end() - 1);
    for_each_arc([&](uint32_t state, int n, size_t i) {
      const std::span<const uint32_t> words = model_.ngram(n, i);
      Arc arc;
      arc.word = words.back();
      arc.value = static_cast<uint32_t>(ValueIndex(model_.log_prob(n, i)));
      arc.next_state = StateOf(words, static_cast<size_t>(model_.order() - 1));
      arcs_[next[state]++] = arc;
    });
    for (size_t s = 0; s < state_count(); ++s) {
      std::sort(arcs_.begin() + static_cast<ptrdiff_t>(first_arc_[s]),
                arcs_.begin() + static_cast<ptrdiff_t>(first_arc_[s + 1]),
                [](const Arc& a, const Arc& b) { return a.word < b.word; });
    }
  }

  template <typename Body>
  void for_each_arc(Body body) const {
    for (int n = 1; n <= model_.order(); ++n) {
      for (size_t i = 0; i < model_.count(n); ++i) {
        const uint32_t state =
            n == 1 ? 0 : state_of_[static_cast<size_t>(n) - 1][*model_.Find(model_.ngram(n, i).first(n - 1))];
        body(state, n, i);
      }
    }
  }

  size_t state_count() const { return histories_.size() + 1; }

  Status Write(const std::string& recipe_json, const std::string& path) const {
    Header header{};
    header.order = static_cast<uint32_t>(model_.order());
    for (int n = 1; n <= model_.order(); ++n) header.ngram_counts[n - 1] = model_.count(n);
    header.state_count = state_count();
    header.arc_count = arcs_.size();
    header.word_count = static_cast<uint32_t>(model_.words().size());
    header.value_count = static_cast<uint32_t>(values_.size());
    header.sentence_start = model_.sentence_start();
    header.sentence_end = model_.sentence_end();
    header.unknown = model_.unknown();
    header.word_bits = static_cast<uint32_t>(PackedIntegers::BitsFor(header.word_count - 1));
    header.value_bits = static_cast<uint32_t>(PackedIntegers::BitsFor(header.value_count - 1));
    header.state_bits = static_cast<uint32_t>(PackedIntegers::BitsFor(header.state_count - 1));
    header.offset_bits = static_cast<uint32_t>(PackedIntegers::BitsFor(header.arc_count));
    if (model_.sentence_start() != ArpaModel::kNoWord) {
      const uint32_t start = model_.sentence_start();
      header.start_state = StateOf({&start, 1}, static_cast<size_t>(model_.order() - 1));
    }

    std::string sections[ngram_format::kSectionCount];
    const int target_bits = static_cast<int>(header.value_bits + header.state_bits);
    PackedIntegersWriter firsts(state_count() + 1, static_cast<int>(header.offset_bits));
    for (size_t s = 0; s <= state_count(); ++s) firsts.Set(s, first_arc_[s]);
    PackedIntegersWriter backoffs(state_count(), target_bits);
    backoffs.Set(0, ValueIndex(0) << header.state_bits);
    for (size_t s = 1; s < state_count(); ++s) {
      const auto [n, index] = histories_[s - 1];
      const uint32_t shorter = StateOf(model_.ngram(n, index), static_cast<size_t>(n) - 1);
      backoffs.Set(s, ValueIndex(model_.backoff(n, index)) << header.state_bits | shorter);
    }
    PackedIntegersWriter words(arcs_.size(), static_cast<int>(header.word_bits));
    PackedIntegersWriter targets(arcs_.size(), target_bits);
    for (size_t a = 0; a < arcs_.size(); ++a) {
      words.Set(a, arcs_[a].word);
      targets.Set(a, uint64_t{arcs_[a].value} << header.state_bits | arcs_[a].next_state);
    }
    sections[ngram_format::kValues].assign(reinterpret_cast<const char*>(values_.data()), values_.size() * 4);
    sections[ngram_format::kFirstArcs] = std::move(firsts).Finish();
    sections[ngram_format::kBackoffs] = std::move(backoffs).Finish();
    sections[ngram_format::kArcWords] = std::move(words).Finish();
    sections[ngram_format::kArcTargets] = std::move(targets).Finish();
    std::vector<uint32_t> offsets = {0};
    std::string& text = sections[ngram_format::kWordText];
    for (const std::string& word : model_.words()) {
      text += word;
      if (text.size() > UINT32_MAX) return Status::ResourceExhausted("word names take more than 4 GiB");
      offsets.push_back(static_cast<uint32_t>(text.size()));
    }
    sections[ngram_format::kWordOffsets].assign(reinterpret_cast<const char*>(offsets.data()),
                                                offsets.size() * 4);
    sections[ngram_format::kRecipe] = recipe_json;

    std::span<const std::byte> contents[ngram_format::kSectionCount];
    for (uint32_t section = 0; section < ngram_format::kSectionCount; ++section) {
      contents[section] = std::as_bytes(std::span(sections[section]));
    }
    const uint64_t file_size = PlaceSections(ngram_format::kFormat, sizeof header, contents, header.sections);
    SealSectionHeader(ngram_format::kFormat, file_size, &header);
    SKALD_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
    SKALD_RETURN_IF_ERROR(
        WriteSections(std::as_bytes(std::span(&header, 1)), header.sections, contents, &file));
    return file.Commit();
  }

  struct Arc {
    uint32_t word;
    uint32_t value;
    uint32_t next_state;
  };
  struct History {
    int order;
    uint32_t index;
  };

  const ArpaModel& model_;
  std::vector<int32_t> values_;
  std::vector<std::vector<uint32_t>> state_of_;  // [order][n-gram]: its state, or kNone
  std::vector<History> histories_;               // of state s: histories_[s - 1]
  std::vector<uint64_t> first_arc_;
  std::vector<Arc> arcs_;
};

}  // namespace

Status BuildNgramModel(const ArpaModel& model, const std::string& recipe_json, const std::string& path) try {
  return Builder(model).Build(recipe_json, path);
} catch (const std::bad_alloc&) {
  return Status::ResourceExhausted("not enough memory to build the language model");
}

Status BuildNgramModelFromArpa(const std::string& arpa_path, const std::string& path) try {
  nlohmann::ordered_json recipe{{"builder_version", kNgramBuilderVersion},
                                {"language_model", std::filesystem::path(arpa_path).filename().string()}};
  SKALD_ASSIGN_OR_RETURN(recipe["language_model_sha256"], Sha256HexOfFile(arpa_path));
  SKALD_ASSIGN_OR_RETURN(const ArpaModel model, ArpaModel::Read(arpa_path));
  Status status =
      BuildNgramModel(model, recipe.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), path);
  return status.file().empty() ? std::move(status).InFile(arpa_path) : status;
} catch (const std::bad_alloc&) {
  return Status::ResourceExhausted("not enough memory to build the language model").InFile(arpa_path);
}

}  // namespace skald
