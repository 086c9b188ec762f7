#include "decoder/search/stable_path.h"

#include <algorithm>
#include <limits>

namespace skald {

void StablePath::Begin() { settled_records_ = 0; }

void StablePath::Trace(const LinkHistory& history) {
  origins_.clear();
  first_origin_.clear();
  for (size_t r = settled_records_; r < history.record_count(); ++r) {
    const size_t first = origins_.size();
    first_origin_.push_back(first);
    Origin none;
    none.slack = std::numeric_limits<float>::infinity();
    origins_.resize(first + history.tokens(r).size(), none);
    const auto offer = [&](const TokenLink& link, bool same_record) {
      Origin& origin = origins_[first + link.destination];
      if (link.slack < origin.slack) origin = {link.source, link.cell, same_record, link.slack};
    };
    for (const TokenLink& link : history.emitting_links(r)) offer(link, false);
    for (const TokenLink& link : history.other_links(r)) offer(link, true);
  }
}

uint32_t StablePath::Predecessor(size_t record, uint32_t token) {
  while (origins(record)[token].same_record) token = origins(record)[token].source;
  return origins(record)[token].source;
}

std::vector<PathStep> StablePath::Take(const LinkHistory& history, size_t record, uint32_t token) {
  std::vector<PathStep> steps;
  for (size_t r = record + 1; r-- > settled_records_;) {
    const int64_t frame = history.record(r).frame;
    while (origins(r)[token].same_record) {
      steps.push_back({origins(r)[token].cell, frame});
      token = origins(r)[token].source;
    }
    if (r == 0) break;  // the start
    steps.push_back({origins(r)[token].cell, frame - 1});
    token = origins(r)[token].source;
  }
  std::reverse(steps.begin(), steps.end());
  settled_records_ = record + 1;
  return steps;
}

std::vector<PathStep> StablePath::Settle(const LinkHistory& history, std::span<const uint8_t> alive) {
  Trace(history);
  std::vector<uint32_t> tokens;
  for (uint32_t t = 0; t < alive.size(); ++t) {
    if (alive[t]) tokens.push_back(t);
  }
  for (size_t r = history.record_count(); r-- > settled_records_;) {
    if (tokens.size() == 1) return Take(history, r, tokens.front());
    if (r == 0) break;
    for (uint32_t& token : tokens) token = Predecessor(r, token);
    std::sort(tokens.begin(), tokens.end());
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  }
  return {};
}

std::vector<PathStep> StablePath::Decide(const LinkHistory& history, uint32_t token, int64_t frame,
                                         std::span<uint8_t> alive) {
  size_t record = history.record_count() - 1;
  while (record > settled_records_ && history.record(record).frame > frame) --record;
  if (record < settled_records_ || history.record(record).frame > frame) return {};
  Trace(history);
  const auto ancestor = [&](uint32_t descendant) {
    for (size_t r = history.record_count() - 1; r > record; --r) descendant = Predecessor(r, descendant);
    return descendant;
  };
  const uint32_t decided = ancestor(token);
  for (uint32_t t = 0; t < alive.size(); ++t) {
    if (alive[t]) alive[t] = ancestor(t) == decided;
  }
  return Take(history, record, decided);
}

std::vector<PathStep> StablePath::Finish(const LinkHistory& history, uint32_t token) {
  Trace(history);
  return Take(history, history.record_count() - 1, token);
}

}  // namespace skald
