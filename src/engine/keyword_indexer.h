#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "engine/file_result.h"

namespace skald {

class GraphImage;

/// What is put into an index, and how often it is committed.
struct KeywordIndexerOptions {
  /// Words with a smaller probability cannot be found. Smaller: more can be found, a larger index.
  double posterior_floor = 1e-3;
  /// Costs are multiplied by this before they become probabilities. Smaller: flatter, more alternatives.
  double posterior_scale = 0.7;
  /// What was indexed becomes visible, and safe from a crash, at least this often [s]. Smaller: more and
  /// smaller segments, which are merged again.
  double commit_every_s = 60;
  /// Postings in memory at most [bytes].
  size_t memory_bytes = size_t{512} << 20;
  /// Merge small segments, so that there are never many; false leaves that to KeywordIndex::Merge.
  bool merge_small_segments = true;

  Status Validate() const;  ///< kInvalidArgument names the field that is out of range
};

/// Puts the lattices of a recognizer's run into a keyword index. Its two functions are the sinks of
/// Recognizer::TranscribeFiles:
///
///     KeywordIndexer indexer = KeywordIndexer::Open(folder, recognizer.graph(), options).value();
///     recognizer.TranscribeFiles(paths, media, [&](FileResult r) { indexer.AddFile(r, ...); }, {},
///                                indexer.lattice_sink());
///     indexer.Finish();
///
/// A file is in the index when the segment that holds it has been committed, all of it or not at all; a file
/// of the same path that was there is replaced in the same moment. What is stored depends on the lattices
/// only, not on threads. The graph outlives the indexer.
class KeywordIndexer {
 public:
  /// Makes the index where there is none. Fails as KeywordIndex::Open does.
  static StatusOr<KeywordIndexer> Open(const std::string& folder, const GraphImage& graph,
                                       const KeywordIndexerOptions& options = {});
  KeywordIndexer(KeywordIndexer&&) noexcept;             ///< the other is then only fit to be destroyed
  KeywordIndexer& operator=(KeywordIndexer&&) noexcept;  ///< the other is then only fit to be destroyed
  ~KeywordIndexer();

  /// Whether the index holds this very file: same path, size and time of modification.
  StatusOr<bool> IsUpToDate(const std::string& path);

  /// To be called with every lattice of the run, from any thread.
  LatticeSink lattice_sink();
  /// To be called with every result of the run, in order; failed files are not indexed. Fails with kIo.
  Status AddFile(const FileResult& result);
  /// Commits what is not yet; to be called after every run. Another run may follow.
  Status Finish();

  int64_t files_added() const;  ///< since it was opened
  /// Processor time that went into the index, beyond recognition [s].
  double processor_s() const;

 private:
  friend class ProcessorTime;
  struct State;
  explicit KeywordIndexer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace skald
