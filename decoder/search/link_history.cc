#include "decoder/search/link_history.h"

#include <algorithm>
#include <limits>

namespace skald {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr uint32_t kDropped = std::numeric_limits<uint32_t>::max();

}  // namespace

void LinkHistory::Clear() {
  records_.clear();
  tokens_.clear();
  links_.clear();
  collapsed_costs_.clear();
}

size_t LinkHistory::EndToken(size_t r) const {
  return r + 1 < records_.size() ? records_[r + 1].first_token : tokens_.size();
}

size_t LinkHistory::EndLink(size_t r) const {
  return r + 1 < records_.size() ? records_[r + 1].first_link : links_.size();
}

std::span<const TokenKey> LinkHistory::tokens(size_t r) const {
  return std::span(tokens_).subspan(records_[r].first_token, EndToken(r) - records_[r].first_token);
}

std::span<const TokenLink> LinkHistory::emitting_links(size_t r) const {
  const Record& record = records_[r];
  return std::span(links_).subspan(record.first_link, record.first_other_link - record.first_link);
}

std::span<const TokenLink> LinkHistory::other_links(size_t r) const {
  const Record& record = records_[r];
  return std::span(links_).subspan(record.first_other_link, EndLink(r) - record.first_other_link);
}

std::span<const float> LinkHistory::collapsed_costs(size_t r) const {
  const size_t end = r + 1 < records_.size() ? records_[r + 1].first_collapsed : collapsed_costs_.size();
  return std::span(collapsed_costs_).subspan(records_[r].first_collapsed, end - records_[r].first_collapsed);
}

int64_t LinkHistory::frames() const {
  if (records_.empty()) return 0;
  return records_.back().frame + static_cast<int64_t>(collapsed_costs(records_.size() - 1).size());
}

void LinkHistory::Append(std::span<const TokenKey> tokens, std::span<const TokenLink> emitting_links,
                         std::span<const TokenLink> other_links) {
  Record record;
  record.frame = records_.empty() ? 0 : frames() + 1;
  record.first_token = tokens_.size();
  record.first_link = links_.size();
  record.first_other_link = links_.size() + emitting_links.size();
  record.first_collapsed = collapsed_costs_.size();
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  links_.insert(links_.end(), emitting_links.begin(), emitting_links.end());
  links_.insert(links_.end(), other_links.begin(), other_links.end());
  records_.push_back(record);
}

void LinkHistory::PruneSince(size_t first_record) {
  std::vector<float> last_extra_cost;
  for (const TokenKey key : tokens(records_.size() - 1)) {
    last_extra_cost.push_back(IsEntry(key) ? kInfinity : 0.0f);
  }
  Sweep(first_record, last_extra_cost);
  Compact(first_record, true);
}

void LinkHistory::PruneAll(std::span<const float> last_extra_cost) {
  Sweep(0, last_extra_cost);
  Compact(0, false);
}

void LinkHistory::Sweep(size_t first_record, std::span<const float> last_extra_cost) {
  const size_t base = records_[first_record].first_token;
  extra_cost_.assign(tokens_.size() - base, kInfinity);
  std::copy(last_extra_cost.begin(), last_extra_cost.end(), extra_cost_.end() - last_extra_cost.size());
  for (size_t r = records_.size(); r-- > first_record;) {
    const Record& record = records_[r];
    float* const here = extra_cost_.data() + (record.first_token - base);
    // Emitting links of the first record come from tokens outside of the sweep.
    float* const before =
        r > first_record ? extra_cost_.data() + (records_[r - 1].first_token - base) : nullptr;
    for (size_t l = EndLink(r); l-- > record.first_link;) {
      TokenLink& link = links_[l];
      const float extra = here[link.destination] + link.slack;
      if (!(extra <= lattice_beam_) || extra == kInfinity) {
        link.slack = kInfinity;
        continue;
      }
      float* const source = l >= record.first_other_link ? here : before;
      if (source != nullptr) source[link.source] = std::min(source[link.source], extra);
    }
  }
}

void LinkHistory::Compact(size_t first_record, bool keep_last_tokens) {
  const size_t base = records_[first_record].first_token;
  new_number_.resize(tokens_.size() - base);
  size_t token_end = base, link_end = records_[first_record].first_link;
  const uint32_t* before = nullptr;
  for (size_t r = first_record; r < records_.size(); ++r) {
    const Record old = records_[r];
    const size_t old_end_token = EndToken(r), old_end_link = EndLink(r);
    const bool keep_tokens = keep_last_tokens && r + 1 == records_.size();
    records_[r].first_token = token_end;
    records_[r].first_link = link_end;
    uint32_t* const numbers = new_number_.data() + (old.first_token - base);
    uint32_t kept = 0;
    for (size_t t = old.first_token; t < old_end_token; ++t) {
      const bool keep = keep_tokens || extra_cost_[t - base] <= lattice_beam_;
      numbers[t - old.first_token] =
          keep && (keep_tokens || extra_cost_[t - base] != kInfinity) ? kept++ : kDropped;
      if (numbers[t - old.first_token] != kDropped) tokens_[token_end++] = tokens_[t];
    }
    for (size_t l = old.first_link; l < old_end_link; ++l) {
      if (l == old.first_other_link) records_[r].first_other_link = link_end;
      TokenLink link = links_[l];
      if (link.slack == kInfinity) continue;
      const bool emitting = l < old.first_other_link;
      link.destination = numbers[link.destination];
      if (!emitting) {
        link.source = numbers[link.source];
      } else if (before != nullptr) {
        link.source = before[link.source];
      }
      links_[link_end++] = link;
    }
    if (old.first_other_link == old_end_link) records_[r].first_other_link = link_end;
    before = numbers;
  }
  tokens_.resize(token_end);
  links_.resize(link_end);
}

}  // namespace skald
