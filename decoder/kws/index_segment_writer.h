#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "decoder/kws/index_segment.h"
#include "decoder/kws/posterior_lattice.h"

namespace skald {

/// Writes an index segment. Nothing is at `path` before Commit() has returned; a writer that is destroyed or
/// killed before leaves nothing that a reader would take for a segment. Memory: the postings, about 0.3 MB
/// for an hour of speech. The same calls give the same bytes. Not thread safe.
class IndexSegmentWriter {
 public:
  static StatusOr<IndexSegmentWriter> Create(const std::string& path);
  IndexSegmentWriter(IndexSegmentWriter&&) noexcept;
  IndexSegmentWriter& operator=(IndexSegmentWriter&&) noexcept;
  ~IndexSegmentWriter();

  /// The utterances that follow belong to this source.
  void AddSource(const IndexSource& source);
  /// Utterances of a source come in the order of (track, channel, time). `spelling` names the words of
  /// `lattice`. `floor` is what the lattice was pruned with. A lattice without arcs is left out. Fails with
  /// kIo.
  Status AddUtterance(uint32_t track, uint32_t channel, double start_s, const PosteriorLattice& lattice,
                      const std::function<std::string_view(uint32_t)>& spelling, double floor);
  /// Every source of `segment` for which `keep` says so, with its utterances; `keep` may change the source.
  Status AddSegment(const IndexSegment& segment, const std::function<bool(IndexSource*)>& keep);

  uint32_t source_count() const;
  /// Bytes in memory, about.
  size_t memory_bytes() const;
  Status Commit();

 private:
  struct State;
  explicit IndexSegmentWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace skald
