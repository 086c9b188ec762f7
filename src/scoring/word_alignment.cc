#include "scoring/word_alignment.h"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>
#include <unordered_map>

namespace skald {
namespace {

/// Where the best path into a cell comes from, two bits a cell.
enum Step : uint8_t { kDiagonal = 0, kHypothesisOnly = 1, kReferenceOnly = 2 };

class StepTable {
 public:
  StepTable(size_t rows, size_t columns) : columns_(columns), bits_((rows * columns + 3) / 4) {}
  void Set(size_t row, size_t column, Step step) {
    const size_t cell = row * columns_ + column;
    bits_[cell / 4] = static_cast<uint8_t>(bits_[cell / 4] | step << (cell % 4 * 2));
  }
  Step Get(size_t row, size_t column) const {
    const size_t cell = row * columns_ + column;
    return static_cast<Step>(bits_[cell / 4] >> (cell % 4 * 2) & 3);
  }

 private:
  size_t columns_;
  std::vector<uint8_t> bits_;
};

/// Words as numbers, so that the inner loop compares integers.
class WordNumbers {
 public:
  std::vector<int> Of(std::span<const std::string> words) {
    std::vector<int> numbers;
    numbers.reserve(words.size());
    for (const std::string& word : words) {
      numbers.push_back(numbers_.emplace(word, static_cast<int>(numbers_.size())).first->second);
    }
    return numbers;
  }

 private:
  std::unordered_map<std::string_view, int> numbers_;
};

}  // namespace

StatusOr<std::vector<Edit>> AlignWords(std::span<const std::string> reference_words,
                                       std::span<const std::string> hypothesis_words,
                                       const AlignmentCosts& costs) {
  SKALD_CHECK(costs.substitution > 0 && costs.insertion > 0 && costs.deletion > 0,
              "alignment costs must be > 0");
  const size_t rows = reference_words.size() + 1, columns = hypothesis_words.size() + 1;
  if (rows > (uint64_t{1} << 34) / columns) {
    return Status::ResourceExhausted(
        fmt::format("cannot align {} words with {}: cut them into utterances", rows - 1, columns - 1));
  }
  WordNumbers numbers;
  const std::vector<int> reference = numbers.Of(reference_words), hypothesis = numbers.Of(hypothesis_words);
  StepTable steps(rows, columns);
  std::vector<int64_t> above(columns), here(columns);
  for (size_t j = 1; j < columns; ++j) {
    above[j] = above[j - 1] + costs.insertion;
    steps.Set(0, j, kHypothesisOnly);
  }
  for (size_t i = 1; i < rows; ++i) {
    here[0] = above[0] + costs.deletion;
    steps.Set(i, 0, kReferenceOnly);
    for (size_t j = 1; j < columns; ++j) {
      int64_t best = above[j - 1] + (reference[i - 1] == hypothesis[j - 1] ? 0 : costs.substitution);
      Step step = kDiagonal;
      if (here[j - 1] + costs.insertion < best) best = here[j - 1] + costs.insertion, step = kHypothesisOnly;
      if (above[j] + costs.deletion < best) best = above[j] + costs.deletion, step = kReferenceOnly;
      here[j] = best;
      steps.Set(i, j, step);
    }
    std::swap(above, here);
  }
  std::vector<Edit> edits;
  int i = static_cast<int>(rows) - 1, j = static_cast<int>(columns) - 1;
  while (i > 0 || j > 0) {
    switch (steps.Get(static_cast<size_t>(i), static_cast<size_t>(j))) {
      case kDiagonal: {
        --i, --j;
        const bool same = reference[static_cast<size_t>(i)] == hypothesis[static_cast<size_t>(j)];
        edits.push_back({same ? EditKind::kCorrect : EditKind::kSubstitution, i, j});
        break;
      }
      case kHypothesisOnly:
        edits.push_back({EditKind::kInsertion, -1, --j});
        break;
      case kReferenceOnly:
        edits.push_back({EditKind::kDeletion, --i, -1});
        break;
    }
  }
  std::reverse(edits.begin(), edits.end());
  return edits;
}

}  // namespace skald
