#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "decoder/search/token_table.h"

namespace skald {

/// A kept transition between two tokens.
struct TokenLink {
  uint32_t source;       ///< token of the record before (emitting links), of the same record (others)
  uint32_t destination;  ///< token of the same record
  uint32_t cell;         ///< graph arc, or k*Cell
  float slack;           ///< cost through this link minus the cost of the destination, nats, at least 0
  float acoustic_cost;   ///< nats as given to the search; 0 where no score is read
};

/// Tokens and links of all frames so far, pruned from time to time to those on paths within the lattice beam.
/// Each record stands for one frame and the run of collapsed frames after it, in which every token that is
/// not an entry state took a blank at no loss. Record 0 holds the tokens before the first frame. Not thread
/// safe.
class LinkHistory {
 public:
  struct Record {
    int64_t frame = 0;  ///< score rows consumed before the tokens
    size_t first_token = 0;
    size_t first_link = 0;
    size_t first_other_link =
        0;  ///< emitting links before, epsilon and entry links from here, by ascending rank
    size_t first_collapsed = 0;  ///< into collapsed_costs()
  };

  /// `lattice_beam` in nats, greater than 0, may be infinite.
  explicit LinkHistory(float lattice_beam) : lattice_beam_(lattice_beam) {}

  void Clear();

  /// Appends the record of the frame after the last one.
  void Append(std::span<const TokenKey> tokens, std::span<const TokenLink> emitting_links,
              std::span<const TokenLink> other_links);
  void AppendCollapsedFrame(float blank_cost) { collapsed_costs_.push_back(blank_cost); }

  /// Prunes what came after `first_record` assuming that every token of the last record may be on the best
  /// path: removes only what no final pruning would keep. The last record's tokens keep their numbers.
  void PruneSince(size_t first_record);
  /// Prunes all, given how far each token of the last record is from the best complete path (+infinity: not
  /// on any).
  void PruneAll(std::span<const float> last_extra_cost);

  size_t record_count() const { return records_.size(); }
  const Record& record(size_t r) const { return records_[r]; }
  std::span<const TokenKey> tokens(size_t r) const;
  std::span<const TokenLink> emitting_links(size_t r) const;
  std::span<const TokenLink> other_links(size_t r) const;
  /// Blank costs of the frames collapsed after record r.
  std::span<const float> collapsed_costs(size_t r) const;
  /// Frames consumed, collapsed ones included.
  int64_t frames() const;
  size_t link_count() const { return links_.size(); }

 private:
  size_t EndToken(size_t r) const;
  size_t EndLink(size_t r) const;
  void Sweep(size_t first_record, std::span<const float> last_extra_cost);
  void Compact(size_t first_record, bool keep_last_tokens);

  float lattice_beam_;
  std::vector<Record> records_;
  std::vector<TokenKey> tokens_;
  std::vector<TokenLink> links_;
  std::vector<float> collapsed_costs_;
  std::vector<float> extra_cost_;     // scratch: of the tokens of the swept records
  std::vector<uint32_t> new_number_;  // scratch: of the tokens of the swept records
};

}  // namespace skald
