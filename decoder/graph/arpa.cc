#include "decoder/graph/arpa.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "base/file.h"

namespace skald {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

/// Takes the next field off the front of `line`; empty at its end.
std::string_view NextField(std::string_view* line) {
  while (!line->empty() && IsBlank(line->front())) line->remove_prefix(1);
  size_t length = 0;
  while (length < line->size() && !IsBlank((*line)[length])) ++length;
  const std::string_view field = line->substr(0, length);
  line->remove_prefix(length);
  return field;
}

constexpr double kMaxLog10 = 2000;
/// Stands for a back-off weight of "-inf": beyond any beam, but finite, so that every state can still end.
constexpr LogProb kClosedBackoff = -2'000'000'000;

}  // namespace

/// One pass over the lines of an ARPA file.
class ArpaParser {
 public:
  explicit ArpaParser(std::string_view text) : text_(text) {}

  StatusOr<ArpaModel> Parse() {
    Status status = ParseAll();
    if (!status.ok()) return std::move(status).At("line " + std::to_string(line_number_));
    return std::move(model_);
  }

 private:
  Status ParseAll() {
    SKALD_RETURN_IF_ERROR(ParseCounts());
    for (int n = 1; n <= static_cast<int>(counts_.size()); ++n) SKALD_RETURN_IF_ERROR(ParseSection(n));
    if (line_ != "\\end\\") return Status::Corrupt("\\end\\ expected");
    return Status::Ok();
  }

  /// Moves to the next line that is not blank; false at the end of the file.
  bool NextLine() {
    while (!text_.empty()) {
      const size_t end = std::min(text_.find('\n'), text_.size());
      line_ = Trim(text_.substr(0, end));
      text_.remove_prefix(std::min(end + 1, text_.size()));
      ++line_number_;
      if (!line_.empty()) return true;
    }
    line_ = {};
    return false;
  }

  Status ParseCounts() {
    do {
      if (!NextLine()) return Status::Corrupt("no \\data\\ section");
    } while (line_ != "\\data\\");
    while (NextLine() && line_.starts_with("ngram ")) {
      std::string_view rest = line_.substr(6);
      const size_t equals = rest.find('=');
      size_t n = 0, count = 0;
      if (equals == rest.npos || !ParseCount(rest.substr(0, equals), &n) ||
          !ParseCount(rest.substr(equals + 1), &count)) {
        return Status::Corrupt("\"ngram ORDER=COUNT\" expected");
      }
      if (n != counts_.size() + 1) return Status::Corrupt("orders must be announced as 1, 2, 3, ...");
      if (n > ArpaModel::kMaxOrder) {
        return Status::Unsupported("model of order " + std::to_string(n) + "; at most " +
                                   std::to_string(ArpaModel::kMaxOrder) + " is supported");
      }
      if (count > UINT32_MAX / 4) return Status::Unsupported("too many n-grams");
      counts_.push_back(count);
    }
    if (counts_.empty()) return Status::Corrupt("no n-gram counts in the \\data\\ section");
    return Status::Ok();
  }

  static bool ParseCount(std::string_view text, size_t* value) {
    text = Trim(text);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
    return error == std::errc() && end == text.data() + text.size();
  }

  static Status ParseLogProb(std::string_view field, const char* what, LogProb* value) {
    double log10 = 0;
    const char* begin = field.data() + (field.starts_with('+') ? 1 : 0);
    const auto [end, error] = std::from_chars(begin, field.data() + field.size(), log10);
    if (error != std::errc() || end != field.data() + field.size() || std::isnan(log10)) {
      return Status::Corrupt(std::string(what) + " \"" + std::string(field.substr(0, 40)) +
                             "\" is not a number");
    }
    if (log10 == -INFINITY) {
      *value = ArpaModel::kImpossible;
      return Status::Ok();
    }
    if (std::abs(log10) > kMaxLog10) return Status::Corrupt(std::string(what) + " is out of range");
    *value = std::llround(log10 * 1e6);
    return Status::Ok();
  }

  Status ParseSection(int n) {
    std::string title = "\\";
    title += std::to_string(n) + "-grams:";
    if (line_ != title) return Status::Corrupt(title + " expected");
    ArpaModel::Order& order = model_.orders_.emplace_back();
    const size_t count = counts_[n - 1];
    // An announced count is not trusted with memory: a line of this order takes at least 2 n + 1 bytes.
    if (count > text_.size() / (2 * n + 1) + 1)
      return Status::Corrupt("more n-grams announced than the file has room for");
    order.words.reserve(count * n);
    order.log_probs.reserve(count);
    order.backoffs.reserve(count);
    order.slots.assign(std::bit_ceil(count * 2 + 2), 0);
    while (NextLine() && line_.front() != '\\') {
      if (order.log_probs.size() == count) {
        return Status::Corrupt("more " + std::to_string(n) + "-grams than the " + std::to_string(count) +
                               " announced");
      }
      SKALD_RETURN_IF_ERROR(ParseNgram(n, &order));
    }
    if (order.log_probs.size() != count) {
      return Status::Corrupt(std::to_string(order.log_probs.size()) + " " + std::to_string(n) + "-grams, " +
                             std::to_string(count) + " announced");
    }
    return Status::Ok();
  }

  Status ParseNgram(int n, ArpaModel::Order* order) {
    std::string_view rest = line_;
    LogProb log_prob = 0, backoff = 0;
    SKALD_RETURN_IF_ERROR(ParseLogProb(NextField(&rest), "log probability", &log_prob));
    if (log_prob > 0) return Status::Corrupt("probability above 1");
    uint32_t words[ArpaModel::kMaxOrder];
    for (int i = 0; i < n; ++i) {
      const std::string_view word = NextField(&rest);
      if (word.empty()) return Status::Corrupt(std::to_string(n) + " words expected");
      if (n == 1) {
        words[0] = static_cast<uint32_t>(model_.words_.size());
        if (!ids_.emplace(word, words[0]).second) {
          return Status::Corrupt("unigram \"" + std::string(word) + "\" is listed twice");
        }
        model_.words_.emplace_back(word);
        if (word == "<s>") model_.sentence_start_ = words[0];
        if (word == "</s>") model_.sentence_end_ = words[0];
        if (word == "<unk>" || word == "<UNK>") model_.unknown_ = words[0];
      } else {
        const auto found = ids_.find(word);
        if (found == ids_.end())
          return Status::Corrupt("word \"" + std::string(word) + "\" is not among the unigrams");
        words[i] = found->second;
      }
    }
    if (const std::string_view field = NextField(&rest); !field.empty()) {
      SKALD_RETURN_IF_ERROR(ParseLogProb(field, "back-off weight", &backoff));
      if (!NextField(&rest).empty())
        return Status::Corrupt("more fields than a " + std::to_string(n) + "-gram has");
    }
    const std::span<const uint32_t> ngram(words, n);
    if (n > 1 && !model_.Find(ngram.first(n - 1)))
      return Status::Corrupt("context of this n-gram is not listed");
    uint32_t& slot = order->slots[ArpaModel::FindSlot(*order, ngram)];
    if (slot != 0) return Status::Corrupt("n-gram is listed twice");
    order->words.insert(order->words.end(), ngram.begin(), ngram.end());
    order->log_probs.push_back(log_prob);
    order->backoffs.push_back(backoff);
    slot = static_cast<uint32_t>(order->log_probs.size());
    return Status::Ok();
  }

  std::string_view text_, line_;
  size_t line_number_ = 0;
  std::vector<size_t> counts_;
  std::unordered_map<std::string_view, uint32_t> ids_;
  ArpaModel model_;
};

size_t ArpaModel::FindSlot(const Order& order, std::span<const uint32_t> words) {
  uint64_t hash = words.size();
  for (const uint32_t word : words) {
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 29;
  }
  const size_t mask = order.slots.size() - 1;
  size_t slot = hash & mask;
  while (order.slots[slot] != 0) {
    const uint32_t* listed = order.words.data() + (order.slots[slot] - 1) * words.size();
    if (std::equal(words.begin(), words.end(), listed)) break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

uint32_t ArpaModel::FindWord(std::string_view word) const {
  const auto found = std::find(words_.begin(), words_.end(), word);
  return found == words_.end() ? kNoWord : static_cast<uint32_t>(found - words_.begin());
}

LogProb ArpaModel::RarestWord() const {
  LogProb least = 0;
  for (uint32_t word = 0; word < words_.size(); ++word) {
    const bool is_mark = word == sentence_start_ || word == sentence_end_ || word == unknown_;
    if (!is_mark && orders_[0].log_probs[word] != kImpossible) {
      least = std::min(least, orders_[0].log_probs[word]);
    }
  }
  return least;
}

void ArpaModel::AddWord(const std::string& word, LogProb log_prob) {
  if (FindWord(word) != kNoWord) return;
  Order& unigrams = orders_[0];
  words_.push_back(word);
  unigrams.words.push_back(static_cast<uint32_t>(words_.size() - 1));
  unigrams.log_probs.push_back(log_prob);
  unigrams.backoffs.push_back(0);
  if (2 * words_.size() > unigrams.slots.size()) {
    unigrams.slots.assign(2 * unigrams.slots.size(), 0);
    for (uint32_t index = 0; index + 1 < words_.size(); ++index) {
      unigrams.slots[FindSlot(unigrams, {&index, 1})] = index + 1;
    }
  }
  const uint32_t index = unigrams.words.back();
  unigrams.slots[FindSlot(unigrams, {&index, 1})] = index + 1;
}

std::optional<uint32_t> ArpaModel::Find(std::span<const uint32_t> words) const {
  const Order& order = orders_[words.size() - 1];
  const uint32_t entry = order.slots[FindSlot(order, words)];
  return entry == 0 ? std::nullopt : std::optional<uint32_t>(entry - 1);
}

StatusOr<ArpaModel> ArpaModel::Parse(std::string_view text) { return ArpaParser(text).Parse(); }

StatusOr<ArpaModel> ArpaModel::Read(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const std::string text, ReadMaybeGzippedFile(path));
  auto model = Parse(text);
  if (!model.ok()) return std::move(model).status().InFile(path);
  return model;
}

}  // namespace skald
