#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "decoder/kws/posterior_lattice.h"
#include "decoder/kws/posting_list.h"
#include "decoder/kws/utterance_record.h"

namespace skald {

/// A media file of which a segment holds utterances.
struct IndexSource {
  uint64_t file_id = 0;  ///< names it in the catalogue
  std::string_view path;
  double duration_s = 0;
  double frame_shift_s = 0;  ///< of the frames of its utterances
};

struct IndexSegmentInfo {
  uint32_t source_count = 0;
  uint32_t utterance_count = 0;
  uint32_t term_count = 0;
  uint64_t posting_count = 0;
  uint64_t arc_count = 0;
  uint64_t bytes = 0;
  double audio_s = 0;
  double floor = 0;  ///< smallest posterior floor of its lattices
};

/// An immutable, memory-mapped piece of a keyword index: which words may have been said where, and the
/// posterior lattice of every utterance. docs/formats.md has the layout. Move-only; const members may be
/// called from any thread; views that they return live as long as the segment.
class IndexSegment {
 public:
  /// Checks the header, the bounds of every section and the checksums of the tables of terms. Utterances,
  /// postings and sources carry checksums of their own and are checked whenever they are read; with
  /// `verify_all` every byte is checked now. kCorrupt and kUnsupported name the file and what is wrong.
  static StatusOr<IndexSegment> Open(const std::string& path, bool verify_all = false);
  IndexSegment(IndexSegment&&) noexcept;
  IndexSegment& operator=(IndexSegment&&) noexcept;
  ~IndexSegment();

  const IndexSegmentInfo& info() const;
  const std::string& path() const;

  /// Spelling of the term with this number; `number` below term_count.
  std::string_view term(uint32_t number) const;
  /// Calls `visit` with the number of each term that matches, in dictionary order. `pattern` is in upper case
  /// (ToUpper) and matched without regard to case; `*` stands for any letters, `?` for one.
  void FindTerms(std::string_view pattern, const std::function<void(uint32_t)>& visit) const;
  uint32_t posting_count(uint32_t term_number) const;
  StatusOr<PostingListReader> Postings(uint32_t term_number) const;

  StatusOr<UtterancePlace> Place(uint32_t utterance) const;
  StatusOr<UtterancePlace> Utterance(uint32_t utterance, PosteriorLattice* lattice) const;
  StatusOr<IndexSource> Source(uint32_t source) const;

 private:
  struct State;
  Status VerifyRecords() const;
  explicit IndexSegment(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Whether `text` matches `pattern`, both in the same case: `*` stands for any letters, `?` for one.
bool MatchesPattern(std::string_view text, std::string_view pattern);

}  // namespace skald
