#include "decoder/kws/proxy_finder.h"

#include <algorithm>
#include <queue>
#include <set>
#include <tuple>
#include <unordered_map>

#include "base/utf8.h"

namespace skald {
namespace {

constexpr uint32_t kNone = 0xFFFFFFFFu;

/// A word at the end of what has been chosen before.
struct Chosen {
  uint32_t word;
  uint32_t before;
  uint32_t count;
};

struct Step {
  double cost;
  uint64_t number;  // earlier ones first among equals
  uint32_t explained;
  uint32_t node;
  uint32_t chosen;
  bool done;

  bool operator>(const Step& other) const {
    return std::tie(cost, number) > std::tie(other.cost, other.number);
  }
};

}  // namespace

ProxyFinder::ProxyFinder(const Lexicon& lexicon, const std::vector<std::string>& vocabulary)
    : vocabulary_(vocabulary), nodes_(1), confusions_(lexicon.units()) {
  std::unordered_map<std::string_view, uint32_t> numbers;
  for (uint32_t w = 0; w < vocabulary_.size(); ++w) numbers.emplace(vocabulary_[w], w);
  std::vector<std::vector<const Lexicon::Entry*>> spellings(vocabulary_.size());
  for (const Lexicon::Entry& entry : lexicon.entries()) {
    const auto place = numbers.find(ToUpper(lexicon.words()[entry.word]));
    if (place != numbers.end()) spellings[place->second].push_back(&entry);
  }
  for (uint32_t w = 0; w < vocabulary_.size(); ++w) {
    for (const Lexicon::Entry* spelling : spellings[w]) {
      uint32_t node = 0;
      for (const uint16_t phone : spelling->units) {
        const auto& children = nodes_[node].children;
        const auto child = std::find_if(children.begin(), children.end(),
                                        [&](uint32_t c) { return nodes_[c].phone == phone; });
        if (child != children.end()) {
          node = *child;
          continue;
        }
        const auto next = static_cast<uint32_t>(nodes_.size());
        nodes_[node].children.push_back(next);
        nodes_.push_back({phone, node, {}, {}});
        node = next;
      }
      nodes_[node].words.push_back(w);
    }
  }
}

std::vector<ProxyPhrase> ProxyFinder::Find(std::span<const uint16_t> phones, const ProxyOptions& options,
                                           const std::string& excluded) const {
  std::vector<ProxyPhrase> proxies;
  std::set<std::vector<std::string>> known;
  std::vector<Chosen> chosen;
  std::priority_queue<Step, std::vector<Step>, std::greater<>> waiting;
  // A place that has been left at a lower cost leads to nothing new but by other words before.
  std::unordered_map<uint64_t, uint32_t> visits;
  uint64_t number = 0;
  const auto push = [&](double cost, uint32_t explained, uint32_t node, uint32_t words, bool done) {
    if (cost <= options.max_cost) waiting.push({cost, number++, explained, node, words, done});
  };
  push(0, 0, 0, kNone, false);
  for (size_t steps = 0;
       !waiting.empty() && steps < options.max_steps && proxies.size() < options.max_proxies; ++steps) {
    const Step step = waiting.top();
    waiting.pop();
    if (step.done) {
      ProxyPhrase proxy;
      for (uint32_t c = step.chosen; c != kNone; c = chosen[c].before)
        proxy.words.push_back(vocabulary_[chosen[c].word]);
      std::reverse(proxy.words.begin(), proxy.words.end());
      if (proxy.words.size() == 1 && proxy.words[0] == excluded) continue;
      proxy.cost = step.cost;
      if (known.insert(proxy.words).second) proxies.push_back(std::move(proxy));
      continue;
    }
    const uint64_t place =
        (uint64_t{step.explained} << 32 | step.node) ^ (uint64_t{step.chosen} * 0x9E3779B97F4A7C15u);
    if (++visits[place] > 1) continue;
    const Node& node = nodes_[step.node];
    const bool left = step.explained < phones.size();
    for (const uint32_t word : node.words) {
      const uint32_t count = step.chosen == kNone ? 1 : chosen[step.chosen].count + 1;
      const double cost = step.cost + (count > 1 ? options.word_cost : 0);
      if (cost > options.max_cost) continue;
      chosen.push_back({word, step.chosen, count});
      const auto last = static_cast<uint32_t>(chosen.size() - 1);
      if (!left) push(cost, step.explained, 0, last, true);
      if (left && count < options.max_words) push(cost, step.explained, 0, last, false);
    }
    if (left) {
      push(step.cost + confusions_.Deletion(phones[step.explained]), step.explained + 1, step.node,
           step.chosen, false);
    }
    for (const uint32_t child : node.children) {
      push(step.cost + confusions_.Insertion(nodes_[child].phone), step.explained, child, step.chosen, false);
      if (left) {
        push(step.cost + confusions_.Substitution(phones[step.explained], nodes_[child].phone),
             step.explained + 1, child, step.chosen, false);
      }
    }
  }
  return proxies;
}

}  // namespace skald
