#include "decoder/kws/posting_list.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "decoder/kws/probability_code.h"

namespace skald {
namespace {

constexpr uint64_t kMaxFrame = 1u << 28;
/// At least.
constexpr size_t kBytesOfPosting = 4;

}  // namespace

void PostingListWriter::Add(uint32_t utterance, const Occurrence& occurrence) {
  if (count_ % PostingListReader::kBlock == 0) {
    skips_.push_back({last_utterance_, static_cast<uint32_t>(entries_.bytes().size())});
  }
  entries_.Varint(utterance - last_utterance_);
  entries_.Varint(static_cast<uint32_t>(std::max(0, occurrence.start_frame)));
  entries_.Varint(static_cast<uint32_t>(std::max(0, occurrence.end_frame - occurrence.start_frame)));
  entries_.Varint(ProbabilityCode(occurrence.probability));
  last_utterance_ = utterance;
  ++count_;
}

std::string PostingListWriter::Finish(uint32_t number) const {
  ByteWriter head;
  head.Varint(count_);
  std::string body = std::move(head.bytes());
  if (skips_.size() > 1) {  // the first block needs none
    body.append(reinterpret_cast<const char*>(skips_.data() + 1), (skips_.size() - 1) * sizeof(Skip));
  }
  body += entries_.bytes();
  ByteWriter list;
  list.Fixed(static_cast<uint32_t>(Xxh64(std::as_bytes(std::span(body)), number)));
  return list.bytes() + body;
}

uint32_t PostingListReader::Count(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  (void)reader.Fixed<uint32_t>();
  return reader.Count(bytes.size() / kBytesOfPosting);
}

PostingListReader::PostingListReader(std::span<const std::byte> bytes, uint32_t number,
                                     uint32_t utterance_count)
    : utterance_count_(utterance_count) {
  ByteReader head(bytes);
  const uint32_t checksum = head.Fixed<uint32_t>();
  const uint32_t count = head.Count(bytes.size() / kBytesOfPosting);
  const size_t skip_bytes = count == 0 ? 0 : size_t{(count - 1) / kBlock} * sizeof(uint32_t) * 2;
  if (!head.ok() || skip_bytes > head.left() ||
      static_cast<uint32_t>(Xxh64(bytes.subspan(sizeof checksum), number)) != checksum) {
    ok_ = false;
    return;
  }
  count_ = count;
  skips_ = bytes.last(head.left()).first(skip_bytes);
  entries_ = bytes.last(head.left()).subspan(skip_bytes);
  reader_ = ByteReader(entries_);
}

uint32_t PostingListReader::SkipUtterance(uint32_t block) const {
  uint32_t utterance = 0;
  std::memcpy(&utterance, skips_.data() + size_t{block - 1} * 8, sizeof utterance);
  return utterance;
}

void PostingListReader::EnterBlock(uint32_t block) {
  uint32_t offset = 0;
  std::memcpy(&offset, skips_.data() + size_t{block - 1} * 8 + 4, sizeof offset);
  if (offset > entries_.size()) {
    ok_ = false;
    next_ = count_;
    return;
  }
  last_utterance_ = SkipUtterance(block);
  reader_ = ByteReader(entries_.subspan(offset));
  next_ = block * kBlock;
}

bool PostingListReader::Next(Posting* posting) {
  if (next_ >= count_) return false;
  const uint64_t utterance = last_utterance_ + reader_.Varint();
  const uint32_t start = reader_.Count(kMaxFrame);
  const uint32_t duration = reader_.Count(kMaxFrame);
  const uint32_t code = reader_.Count(kMaxProbabilityCode);
  if (!reader_.ok() || utterance >= utterance_count_) {
    ok_ = false;
    next_ = count_;
    return false;
  }
  last_utterance_ = static_cast<uint32_t>(utterance);
  posting->utterance = last_utterance_;
  posting->occurrence = {static_cast<int32_t>(start), static_cast<int32_t>(start + duration),
                         ProbabilityOfCode(code)};
  ++next_;
  return true;
}

bool PostingListReader::SkipTo(uint32_t utterance, Posting* posting) {
  // The last block whose predecessor ends before `utterance` is the first that can hold it.
  const uint32_t block = next_ / kBlock;
  const uint32_t blocks = static_cast<uint32_t>(skips_.size() / 8);
  uint32_t low = block, high = blocks;
  while (low < high) {
    const uint32_t middle = low + (high - low + 1) / 2;
    if (SkipUtterance(middle) < utterance) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  if (low > block) EnterBlock(low);
  while (Next(posting)) {
    if (posting->utterance >= utterance) return true;
  }
  return false;
}

}  // namespace skald
