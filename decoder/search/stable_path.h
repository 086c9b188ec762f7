#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "decoder/search/link_history.h"

namespace skald {

/// A step of a path: a graph arc (its place in the image) or k*Cell.
struct PathStep {
  uint32_t cell = 0;
  int64_t frame = 0;  ///< score row that it reads; of arcs that read none, the row that comes next
  bool operator==(const PathStep&) const = default;
};

/// The part of the best path that no further score can change, while a search goes on: every hypothesis is
/// traced back along its cheapest links, and where all of them come through one token, the path before it is
/// settled. Blanks of collapsed frames are left out. Belongs to one stream; not thread safe. Cost: the links
/// since the last settled token.
class StablePath {
 public:
  /// A new stream begins.
  void Begin();

  /// The steps settled since the last call, where the tokens of the last record with `alive` [tokens] are the
  /// hypotheses; at least one is.
  std::vector<PathStep> Settle(const LinkHistory& history, std::span<const uint8_t> alive);

  /// Settles the path to `token` of the last record up to the last record that lies at or before row `frame`,
  /// whatever the other hypotheses say, and clears `alive` of those that do not share it: these must not be
  /// followed any more (BeamSearch::Keep).
  std::vector<PathStep> Decide(const LinkHistory& history, uint32_t token, int64_t frame,
                               std::span<uint8_t> alive);

  /// The rest of the path to `token` of the last record; the stream is over.
  std::vector<PathStep> Finish(const LinkHistory& history, uint32_t token);

  /// Rows whose part of the path is settled.
  int64_t settled_frame(const LinkHistory& history) const {
    return settled_records_ == 0 ? 0 : history.record(settled_records_ - 1).frame;
  }

 private:
  /// How a token is reached most cheaply.
  struct Origin {
    uint32_t source = 0;
    uint32_t cell = 0;
    bool same_record = false;
    float slack = 0;
  };

  void Trace(const LinkHistory& history);
  std::span<Origin> origins(size_t record) {
    return std::span(origins_).subspan(first_origin_[record - settled_records_]);
  }
  /// Token of the record before, through which `token` of `record` is reached.
  uint32_t Predecessor(size_t record, uint32_t token);
  /// Steps from the settled token to `token` of `record`, which becomes the settled one.
  std::vector<PathStep> Take(const LinkHistory& history, size_t record, uint32_t token);

  size_t settled_records_ = 0;   // the last of them has the settled token
  std::vector<Origin> origins_;  // of the tokens of the records after these
  std::vector<size_t> first_origin_;
};

}  // namespace skald
