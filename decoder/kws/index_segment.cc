#include "decoder/kws/index_segment.h"

#include <cmath>
#include <cstring>
#include <span>

#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "decoder/kws/byte_stream.h"
#include "decoder/kws/index_segment_format.h"

namespace skald {

using index_format::Header;
using index_format::Section;
using index_format::TermRecord;

namespace {

Status CorruptSection(uint32_t section, const char* reason) {
  return CorruptSection(index_format::kFormat, section, reason);
}

/// What sizes and counts of the header say of each other.
Status CheckCounts(const Header& header) {
  const auto check_size = [&](Section section, uint64_t size) {
    return header.sections[section].size == size
               ? Status::Ok()
               : CorruptSection(section, "size does not agree with the counts");
  };
  SKALD_RETURN_IF_ERROR(
      check_size(index_format::kUtteranceOffsets, (uint64_t{header.utterance_count} + 1) * 8));
  SKALD_RETURN_IF_ERROR(check_size(index_format::kSourceOffsets, (uint64_t{header.source_count} + 1) * 8));
  SKALD_RETURN_IF_ERROR(check_size(index_format::kTerms, uint64_t{header.term_count} * sizeof(TermRecord)));
  SKALD_RETURN_IF_ERROR(check_size(index_format::kTermRanks, uint64_t{header.term_count} * 4));
  if (!(header.audio_s >= 0) || !(header.floor > 0))
    return Status::Corrupt("length or floor is out of range");
  return Status::Ok();
}

}  // namespace

struct IndexSegment::State {
  explicit State(MappedFile file_in) : file(std::move(file_in)) {}

  std::span<const std::byte> section(Section section) const {
    return file.bytes().subspan(header.sections[section].offset, header.sections[section].size);
  }
  const TermRecord& record(size_t rank) const { return terms[rank]; }
  std::string_view text(size_t rank) const {
    const size_t begin = terms[rank].text_offset;
    const size_t end = rank + 1 < terms.size() ? terms[rank + 1].text_offset : term_text.size();
    return term_text.substr(begin, end - begin);
  }
  std::span<const std::byte> list(uint32_t term_number) const {
    const size_t rank = ranks[term_number];
    const auto all = section(index_format::kPostings);
    const uint64_t end = rank + 1 < terms.size() ? terms[rank + 1].postings_offset : all.size();
    return all.subspan(terms[rank].postings_offset, end - terms[rank].postings_offset);
  }
  Status CheckTerms() const;
  /// Element i of what `offsets` cuts `records` into.
  StatusOr<std::span<const std::byte>> Record(Section offsets, Section records, uint32_t i) const {
    const auto table = section(offsets);
    const auto data = section(records);
    uint64_t bounds[2];
    if (uint64_t{i} * 8 + sizeof bounds > table.size()) return CorruptSection(offsets, "has no such entry");
    std::memcpy(bounds, table.data() + uint64_t{i} * 8, sizeof bounds);
    if (bounds[0] > bounds[1] || bounds[1] > data.size()) {
      return CorruptSection(offsets, "offsets do not rise").InFile(file.path());
    }
    return data.subspan(bounds[0], bounds[1] - bounds[0]);
  }

  MappedFile file;
  Header header{};
  IndexSegmentInfo info;
  std::span<const TermRecord> terms;
  std::span<const uint32_t> ranks;
  std::string_view term_text;
};

Status IndexSegment::State::CheckTerms() const {
  const uint64_t postings_size = header.sections[index_format::kPostings].size;
  for (size_t rank = 0; rank < terms.size(); ++rank) {
    const TermRecord& term = terms[rank];
    const bool last = rank + 1 == terms.size();
    const uint64_t text_end = last ? term_text.size() : terms[rank + 1].text_offset;
    const uint64_t list_end = last ? postings_size : terms[rank + 1].postings_offset;
    if (term.text_offset > text_end || text_end > term_text.size() || term.number >= terms.size() ||
        ranks[term.number] != rank || term.postings_offset > list_end || list_end > postings_size) {
      return CorruptSection(index_format::kTerms, "entries do not agree");
    }
  }
  return Status::Ok();
}

IndexSegment::IndexSegment(std::unique_ptr<State> state) : state_(std::move(state)) {}
IndexSegment::IndexSegment(IndexSegment&&) noexcept = default;
IndexSegment& IndexSegment::operator=(IndexSegment&&) noexcept = default;
IndexSegment::~IndexSegment() = default;

StatusOr<IndexSegment> IndexSegment::Open(const std::string& path, bool verify_all) {
  SKALD_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  auto state = std::make_unique<State>(std::move(file));
  const Header& header = state->header;
  const auto bytes = state->file.bytes();
  if (Status status = ReadSectionHeader(index_format::kFormat, bytes, &state->header); !status.ok())
    return std::move(status).InFile(path);
  if (Status status = CheckCounts(header); !status.ok()) return std::move(status).InFile(path);
  for (const Section s : {index_format::kTerms, index_format::kTermRanks, index_format::kTermText}) {
    if (Status status = CheckSection(index_format::kFormat, bytes, header.sections, s); !status.ok())
      return std::move(status).InFile(path);
  }
  state->terms = {reinterpret_cast<const TermRecord*>(state->section(index_format::kTerms).data()),
                  header.term_count};
  state->ranks = {reinterpret_cast<const uint32_t*>(state->section(index_format::kTermRanks).data()),
                  header.term_count};
  const auto text = state->section(index_format::kTermText);
  state->term_text = {reinterpret_cast<const char*>(text.data()), text.size()};
  if (Status status = state->CheckTerms(); !status.ok()) return std::move(status).InFile(path);
  state->info = {header.source_count, header.utterance_count, header.term_count, header.posting_count,
                 header.arc_count,    header.start.file_size, header.audio_s,    header.floor};
  IndexSegment segment(std::move(state));
  if (verify_all) SKALD_RETURN_IF_ERROR(segment.VerifyRecords());
  return segment;
}

Status IndexSegment::VerifyRecords() const {
  for (uint32_t term = 0; term < info().term_count; ++term) {
    SKALD_ASSIGN_OR_RETURN(PostingListReader list, Postings(term));
    uint32_t count = 0;
    for (Posting posting; list.Next(&posting);) ++count;
    if (!list.ok() || count != posting_count(term)) {
      return CorruptSection(index_format::kPostings, "a list is damaged").InFile(path());
    }
  }
  PosteriorLattice lattice;
  for (uint32_t u = 0; u < info().utterance_count; ++u)
    SKALD_RETURN_IF_ERROR(Utterance(u, &lattice).status());
  for (uint32_t s = 0; s < info().source_count; ++s) SKALD_RETURN_IF_ERROR(Source(s).status());
  return Status::Ok();
}

const IndexSegmentInfo& IndexSegment::info() const { return state_->info; }
const std::string& IndexSegment::path() const { return state_->file.path(); }

std::string_view IndexSegment::term(uint32_t number) const { return state_->text(state_->ranks[number]); }

bool MatchesPattern(std::string_view text, std::string_view pattern) {
  // Code points, so that `?` is a letter.
  size_t t = 0, p = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    size_t next_t = t, next_p = p;
    const bool more = p < pattern.size();
    if (more && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (more && (NextCodePoint(pattern, next_p), pattern[p] == '?')) {
      NextCodePoint(text, t);
      p = next_p;
    } else if (more && NextCodePoint(text, next_t) == NextCodePoint(pattern, next_p = p)) {
      t = next_t;
      p = next_p;
    } else if (star != std::string_view::npos) {
      NextCodePoint(text, star_text);
      t = star_text;
      p = star + 1;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

void IndexSegment::FindTerms(std::string_view pattern, const std::function<void(uint32_t)>& visit) const {
  const std::string_view prefix = pattern.substr(0, pattern.find_first_of("*?"));
  size_t low = 0, high = state_->terms.size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (ToUpper(state_->text(middle)) < prefix) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  for (; low < state_->terms.size(); ++low) {
    const std::string upper = ToUpper(state_->text(low));
    if (!upper.starts_with(prefix)) return;
    if (prefix.size() == pattern.size()) {
      if (upper != pattern) return;
    } else if (!MatchesPattern(upper, pattern)) {
      continue;
    }
    visit(state_->terms[low].number);
  }
}

uint32_t IndexSegment::posting_count(uint32_t term_number) const {
  return PostingListReader::Count(state_->list(term_number));
}

StatusOr<PostingListReader> IndexSegment::Postings(uint32_t term_number) const {
  PostingListReader list(state_->list(term_number), term_number, state_->info.utterance_count);
  if (!list.ok()) {
    return CorruptSection(index_format::kPostings, "checksum of a list does not match").InFile(path());
  }
  return list;
}

StatusOr<UtterancePlace> IndexSegment::Place(uint32_t utterance) const {
  SKALD_ASSIGN_OR_RETURN(const auto record, state_->Record(index_format::kUtteranceOffsets,
                                                           index_format::kUtterances, utterance));
  auto place = DecodePlace(record, utterance);
  if (place.ok() && place->source >= state_->info.source_count) {
    place = Status::Corrupt("the utterance has a source that the segment lacks");
  }
  if (!place.ok()) {
    return std::move(place).status().InFile(path()).At("utterance " + std::to_string(utterance));
  }
  return place;
}

StatusOr<UtterancePlace> IndexSegment::Utterance(uint32_t utterance, PosteriorLattice* lattice) const {
  SKALD_ASSIGN_OR_RETURN(const auto record, state_->Record(index_format::kUtteranceOffsets,
                                                           index_format::kUtterances, utterance));
  auto place = DecodeUtterance(record, utterance, state_->info.term_count, lattice);
  if (place.ok() && place->source >= state_->info.source_count) {
    place = Status::Corrupt("the utterance has a source that the segment lacks");
  }
  if (!place.ok()) {
    return std::move(place).status().InFile(path()).At("utterance " + std::to_string(utterance));
  }
  return place;
}

StatusOr<IndexSource> IndexSegment::Source(uint32_t number) const {
  SKALD_ASSIGN_OR_RETURN(const auto record,
                         state_->Record(index_format::kSourceOffsets, index_format::kSources, number));
  ByteReader reader(record);
  const uint32_t checksum = reader.Fixed<uint32_t>();
  IndexSource source;
  source.file_id = reader.Varint();
  source.duration_s = reader.Fixed<double>();
  source.frame_shift_s = reader.Fixed<double>();
  source.path = reader.Text();
  if (!reader.ok() || static_cast<uint32_t>(Xxh64(record.subspan(sizeof(uint32_t)), number)) != checksum ||
      !std::isfinite(source.duration_s) || !std::isfinite(source.frame_shift_s)) {
    return CorruptSection(index_format::kSources, "an entry is damaged").InFile(path());
  }
  return source;
}

}  // namespace skald
