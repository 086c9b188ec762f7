#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "decoder/kws/byte_stream.h"
#include "decoder/kws/occurrences.h"

namespace skald {

/// A term at one place of one utterance; its arcs there are grouped.
struct Posting {
  uint32_t utterance = 0;
  Occurrence occurrence;
};

/// Collects the postings of one term, by rising (utterance, start).
class PostingListWriter {
 public:
  void Add(uint32_t utterance, const Occurrence& occurrence);
  uint32_t count() const { return count_; }
  /// The list as bytes (docs/formats.md); `number` is that of its term.
  std::string Finish(uint32_t number) const;
  /// Bytes in memory.
  size_t size() const { return entries_.bytes().size() + skips_.size() * sizeof(Skip); }

 private:
  struct Skip {
    uint32_t utterance;  ///< of the last posting before
    uint32_t offset;     ///< of the block in entries_
  };
  ByteWriter entries_;
  std::vector<Skip> skips_;
  uint32_t count_ = 0;
  uint32_t last_utterance_ = 0;
};

/// Reads a list; after ok() has become false there is nothing more to read. Blocks of postings that a caller
/// is not interested in are skipped without being read.
class PostingListReader {
 public:
  static constexpr uint32_t kBlock = 128;

  /// Checks the checksum; where it does not match, ok() is false. `number` is that of the term,
  /// `utterance_count` bounds what is believed.
  PostingListReader(std::span<const std::byte> bytes, uint32_t number, uint32_t utterance_count);
  /// What the list says is its length, unchecked but never more than its bytes can hold.
  static uint32_t Count(std::span<const std::byte> bytes);

  /// Reads the next posting; false at the end, and where the list is damaged.
  bool Next(Posting* posting);
  /// Reads the first posting (from the present place on) whose utterance is at least `utterance`.
  bool SkipTo(uint32_t utterance, Posting* posting);
  bool ok() const { return ok_ && reader_.ok(); }

 private:
  void EnterBlock(uint32_t block);
  uint32_t SkipUtterance(uint32_t block) const;

  std::span<const std::byte> skips_, entries_;
  uint32_t count_ = 0;
  uint32_t utterance_count_;
  uint32_t next_ = 0;  ///< postings read so far
  uint32_t last_utterance_ = 0;
  bool ok_ = true;
  ByteReader reader_{{}};
};

}  // namespace skald
