#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <unordered_map>
#include <utility>
#include <vector>

#include "decoder/graph/check_graph.h"

namespace skald {
namespace {

/// What an emitting arc says, without its cost.
struct Step {
  uint16_t unit;
  uint16_t flags;
  bool operator==(const Step&) const = default;
};

/// A path through the image: what it spells and says.
struct Sentence {
  std::vector<Step> steps;
  std::vector<uint32_t> words;  ///< of the image's word table
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class PathChecker {
 public:
  PathChecker(const GraphImage& image, const ArpaModel& model, const Lexicon& lexicon,
              const GraphOptions& options, uint64_t seed)
      : image_(image), model_(model), lexicon_(lexicon), options_(options), random_(seed) {
    std::unordered_map<std::string_view, uint32_t> model_ids, lexicon_ids;
    for (uint32_t word = 0; word < model.words().size(); ++word) model_ids.emplace(model.words()[word], word);
    for (uint32_t word = 0; word < lexicon.words().size(); ++word)
      lexicon_ids.emplace(lexicon.words()[word], word);
    image_of_model_.assign(model.words().size(), 0);
    for (uint32_t word = 0; word < image.word_count(); ++word) {
      const auto in_model = model_ids.find(image.word(word));
      const auto in_lexicon = lexicon_ids.find(image.word(word));
      const bool is_known = word != 0 && in_model != model_ids.end() && in_lexicon != lexicon_ids.end();
      model_word_.push_back(is_known ? in_model->second : ArpaModel::kNoWord);
      lexicon_word_.push_back(is_known ? in_lexicon->second : 0);
      if (is_known) image_of_model_[in_model->second] = word;
    }
  }

  StatusOr<GraphPathReport> Check(int samples, double tolerance) {
    for (uint32_t word = 1; word < image_.word_count(); ++word) {
      if (model_word_[word] == ArpaModel::kNoWord) {
        return Status::Corrupt("word \"" + std::string(image_.word(word)) + "\" is not in model and lexicon");
      }
    }
    for (int sample = 0; sample < samples; ++sample) {
      SKALD_RETURN_IF_ERROR(CheckSampledSentence(tolerance));
      SKALD_RETURN_IF_ERROR(CheckSampledPath(tolerance));
    }
    return report_;
  }

 private:
  size_t Below(size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random_); }

  /// All spellings of an image word.
  std::span<const Lexicon::Entry> Spellings(uint32_t image_word) const {
    const auto& entries = lexicon_.entries();
    const auto [begin, end] =
        std::equal_range(entries.begin(), entries.end(), Lexicon::Entry{lexicon_word_[image_word], {}},
                         [](const Lexicon::Entry& a, const Lexicon::Entry& b) { return a.word < b.word; });
    return {begin, end};
  }

  Status CheckSampledSentence(double tolerance) {
    // Listed n-grams in a row: some words are then listed after their history, some need backing off.
    Sentence sentence;
    const size_t length = Below(9);
    for (int tries = 0; sentence.words.size() < length && tries < 100; ++tries) {
      const int n = 1 + static_cast<int>(Below(model_.order()));
      if (model_.count(n) == 0) continue;
      for (const uint32_t word : model_.ngram(n, Below(model_.count(n)))) {
        if (image_of_model_[word] != 0) sentence.words.push_back(image_of_model_[word]);
      }
    }
    for (size_t i = 0; i < sentence.words.size(); ++i) {
      const auto spellings = Spellings(sentence.words[i]);
      if (i > 0 && lexicon_.separator()) sentence.steps.push_back({*lexicon_.separator(), kArcWordSeparator});
      const auto& units = spellings[Below(spellings.size())].units;
      for (size_t u = 0; u < units.size(); ++u) {
        sentence.steps.push_back({units[u], static_cast<uint16_t>(u == 0 ? kArcWordStart : 0)});
      }
    }
    ++report_.sentences;
    return Compare(sentence, kInfinity, tolerance);
  }

  Status CheckSampledPath(double tolerance) {
    Sentence sentence;
    double cost = 0;
    uint32_t block = image_.info().start_block;
    const size_t length = 1 + Below(8);
    for (int step = 0;; ++step) {
      const StateHeader& header = image_.header(block);
      const bool wants_to_end = sentence.words.size() >= length;
      if (wants_to_end && header.flags & kStateFinal) break;
      if (step > 100000) return Status::Ok();  // unlucky walk; the next one will end
      const size_t emitting = header.emitting_arcs(), epsilons = header.epsilon_arcs();
      if (emitting + epsilons == 0) {
        if (header.flags & kStateFinal) break;
        return Status::Corrupt("path ends in state " + std::to_string(header.orig_state) +
                               ", which is not final");
      }
      const bool take_epsilon = epsilons > 0 && (emitting == 0 || wants_to_end || Below(8) == 0);
      const GraphArc& arc = take_epsilon ? image_.epsilon_arcs(block)[Below(epsilons)]
                                         : image_.emitting_arcs(block)[Below(emitting)];
      if (arc.unit != 0) sentence.steps.push_back({arc.unit, arc.flags});
      if (arc.word != 0) sentence.words.push_back(arc.word);
      cost += arc.cost;
      block = arc.next_block;
    }
    ++report_.image_paths;
    if (!Spells(sentence))
      return Status::Corrupt("units of a path do not spell its words: " + Text(sentence));
    return Compare(sentence, cost + image_.header(block).final_cost, tolerance);
  }

  /// Whether the steps are spellings of the words, with separators exactly between them.
  bool Spells(const Sentence& sentence) const {
    size_t at = 0;
    for (size_t i = 0; i < sentence.words.size(); ++i) {
      if (i > 0 && lexicon_.separator()) {
        if (at >= sentence.steps.size() ||
            sentence.steps[at++] != Step{*lexicon_.separator(), kArcWordSeparator}) {
          return false;
        }
      }
      std::vector<uint16_t> units;
      for (; at < sentence.steps.size() && sentence.steps[at].flags == (units.empty() ? kArcWordStart : 0);
           ++at) {
        units.push_back(sentence.steps[at].unit);
      }
      const auto spellings = Spellings(sentence.words[i]);
      if (std::none_of(spellings.begin(), spellings.end(),
                       [&](const auto& entry) { return entry.units == units; })) {
        return false;
      }
    }
    return at == sentence.steps.size();
  }

  Status Compare(const Sentence& sentence, double path_cost, double tolerance) {
    const double expected = ReferenceCost(sentence.words);
    const double found = ImageCost(sentence);
    const double allowed = tolerance + 1e-6 * std::abs(expected);
    const double difference = std::abs(found - expected);
    if (!(difference <= allowed) || path_cost < found - allowed) {
      return Status::Corrupt("cost " + std::to_string(found) + " (on the path " + std::to_string(path_cost) +
                             "), the sources say " + std::to_string(expected) + ": " + Text(sentence));
    }
    report_.largest_difference = std::max(report_.largest_difference, difference);
    return Status::Ok();
  }

  /// Least cost over the image's paths with these steps and words.
  double ImageCost(const Sentence& sentence) const {
    using Key = std::pair<uint32_t, size_t>;  // block, words said
    const auto& words = sentence.words;
    std::map<Key, double> here, next;
    const auto relax = [&](std::map<Key, double>* costs, Key from, double cost, const GraphArc& arc) {
      if (arc.word != 0 && (from.second >= words.size() || words[from.second] != arc.word)) return false;
      const Key to{arc.next_block, from.second + (arc.word != 0)};
      const auto [entry, is_new] = costs->emplace(to, cost + arc.cost);
      if (!is_new && entry->second <= cost + arc.cost) return false;
      entry->second = cost + arc.cost;
      return true;
    };
    here[{image_.info().start_block, 0}] = 0;
    for (size_t at = 0;; ++at) {
      std::vector<Key> open;
      for (const auto& [key, cost] : here) open.push_back(key);
      while (!open.empty()) {
        const Key key = open.back();
        open.pop_back();
        for (const GraphArc& arc : image_.epsilon_arcs(key.first)) {
          if (relax(&here, key, here[key], arc))
            open.push_back({arc.next_block, key.second + (arc.word != 0)});
        }
      }
      if (at == sentence.steps.size()) break;
      next.clear();
      for (const auto& [key, cost] : here) {
        for (const GraphArc& arc : image_.emitting_arcs(key.first)) {
          if (Step{arc.unit, arc.flags} == sentence.steps[at]) relax(&next, key, cost, arc);
        }
      }
      std::swap(here, next);
    }
    double best = kInfinity;
    for (const auto& [key, cost] : here) {
      if (key.second == words.size()) best = std::min(best, cost + image_.header(key.first).final_cost);
    }
    return best;
  }

  /// Least cost of a sentence over all choices of backing off, from the listed n-grams alone.
  double ReferenceCost(const std::vector<uint32_t>& image_words) const {
    const size_t longest = std::min(options_.max_order, model_.order());
    std::map<std::vector<uint32_t>, LogProb> here, next;
    std::vector<uint32_t> start;
    if (longest > 1 && model_.sentence_start() != ArpaModel::kNoWord) start = {model_.sentence_start()};
    here[start] = 0;
    const auto offer = [](std::map<std::vector<uint32_t>, LogProb>* costs, std::vector<uint32_t> history,
                          LogProb cost) {
      const auto [entry, is_new] = costs->emplace(std::move(history), cost);
      if (!is_new) entry->second = std::min(entry->second, cost);
    };
    LogProb end_cost = INT64_MAX;
    for (size_t i = 0; i <= image_words.size(); ++i) {
      const bool is_end = i == image_words.size();
      const uint32_t word = is_end ? model_.sentence_end() : model_word_[image_words[i]];
      for (size_t size = longest - 1; size > 0;
           --size) {  // long histories back off before short ones are looked at
        for (const auto& [history, cost] : std::map(here)) {
          if (history.size() != size) continue;
          const auto index = model_.Find(history);
          const LogProb backoff = index ? model_.backoff(static_cast<int>(size), *index) : 0;
          offer(&here, {history.begin() + 1, history.end()}, cost - backoff);
        }
      }
      next.clear();
      for (const auto& [context, cost] : here) {
        std::vector<uint32_t> history = context;
        history.push_back(word);
        const auto index = model_.Find(history);
        if (!index) continue;
        const LogProb log_prob = model_.log_prob(static_cast<int>(history.size()), *index);
        if (log_prob == ArpaModel::kImpossible) continue;
        if (is_end) end_cost = std::min(end_cost, cost - log_prob);
        if (history.size() == longest) history.erase(history.begin());
        offer(&next, std::move(history), cost - log_prob);
      }
      std::swap(here, next);
    }
    if (end_cost == INT64_MAX) return kInfinity;
    return static_cast<double>(end_cost) * kNatsPerLogProb * options_.language_model_weight +
           options_.word_penalty * static_cast<double>(image_words.size());
  }

  std::string Text(const Sentence& sentence) const {
    std::string text = "\"";
    for (const uint32_t word : sentence.words) {
      if (text.size() > 1) text += ' ';
      text += image_.word(word);
    }
    text += "\" spelled";
    for (const Step& step : sentence.steps) {
      text += ' ';
      text += image_.unit(step.unit);
    }
    return text;
  }

  const GraphImage& image_;
  const ArpaModel& model_;
  const Lexicon& lexicon_;
  const GraphOptions& options_;
  std::mt19937_64 random_;
  std::vector<uint32_t> model_word_, lexicon_word_;  ///< of each image word
  std::vector<uint32_t> image_of_model_;             ///< of each model word; 0: none
  GraphPathReport report_;
};

}  // namespace

StatusOr<GraphPathReport> CheckGraphPaths(const GraphImage& image, const ArpaModel& model,
                                          const Lexicon& lexicon, const GraphOptions& options, uint64_t seed,
                                          int samples, double tolerance) {
  return PathChecker(image, model, lexicon, options, seed).Check(samples, tolerance);
}

}  // namespace skald
