#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "decoder/kws/catalogue.h"
#include "decoder/kws/index_segment.h"
#include "decoder/kws/index_segment_writer.h"

namespace skald {

/// The folder of a keyword index: catalogue.sqlite, segment files, and a lock for writers.
///
/// Why nothing is lost or torn when a writer dies: a segment file gets its name when it is complete and on
/// disk, before the one transaction that makes it known. Files that no transaction made known are left over
/// from a writer that died, and the next writer deletes them. Between naming and transaction writers hold the
/// lock, so none deletes what another is about to make known. Readers need no lock: they take a snapshot of
/// the catalogue and map its segments; where a merge has deleted one meanwhile, they take another snapshot.
class IndexFolder {
 public:
  /// kNotFound where there is no index.
  static StatusOr<IndexFolder> Open(const std::string& folder);
  /// Makes folder and catalogue where they do not exist; deletes what dead writers left over.
  static StatusOr<IndexFolder> OpenForWriting(const std::string& folder);

  Catalogue& catalogue() { return catalogue_; }
  std::string SegmentPath(const std::string& name) const { return folder_ + "/" + name; }

  /// A consistent set of open segments; `segments[i]` is that of `snapshot.segments[i]`.
  struct View {
    CatalogueSnapshot snapshot;
    std::vector<IndexSegment> segments;
  };
  StatusOr<View> OpenView(bool verify_all = false);

  /// A writer for a segment that CommitSegment() will make known under this id.
  struct NewSegment {
    int64_t id = 0;
    std::string name;
    IndexSegmentWriter writer;
  };
  StatusOr<NewSegment> CreateSegment();
  /// Completes the file and makes it known together with `files`.
  Status CommitSegment(NewSegment segment, std::vector<CatalogueFile> files);

  /// Copies what is left of the segments that `choose` names into one, without removed files. Others may read
  /// meanwhile, but not write. Returns how many segments were merged; where that is one with nothing removed,
  /// or none, nothing is done.
  StatusOr<size_t> Merge(const std::function<bool(const CatalogueSegment&)>& choose);

 private:
  IndexFolder(std::string folder, Catalogue catalogue)
      : folder_(std::move(folder)), catalogue_(std::move(catalogue)) {}
  Status DeleteLeftovers();

  std::string folder_;
  Catalogue catalogue_;
};

}  // namespace skald
