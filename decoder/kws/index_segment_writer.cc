#include "decoder/kws/index_segment_writer.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "decoder/kws/byte_stream.h"
#include "decoder/kws/index_segment_format.h"
#include "decoder/kws/posting_list.h"
#include "decoder/kws/probability_code.h"
#include "decoder/kws/utterance_record.h"

namespace skald {

using index_format::Header;
using index_format::Section;
using index_format::TermRecord;

namespace {

constexpr size_t kBufferBytes = size_t{4} << 20;

/// The lattice as it will be read back.
PosteriorLattice Rounded(const PosteriorLattice& lattice) {
  PosteriorLattice rounded = lattice;
  for (auto& node : rounded.nodes) node.posterior = ProbabilityOfCode(ProbabilityCode(node.posterior));
  for (auto& arc : rounded.arcs) arc.conditional = ProbabilityOfCode(ProbabilityCode(arc.conditional));
  return rounded;
}

template <typename T>
std::span<const std::byte> Bytes(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

}  // namespace

struct IndexSegmentWriter::State {
  struct Term {
    std::string text;
    PostingListWriter postings;
  };

  explicit State(AtomicFile file_in) : file(std::move(file_in)) {}

  uint32_t TermNumber(std::string_view text) {
    const auto [place, is_new] = numbers.try_emplace(std::string(text), static_cast<uint32_t>(terms.size()));
    if (is_new) terms.push_back({std::string(text), {}});
    return place->second;
  }
  Status FlushRecords() {
    SKALD_RETURN_IF_ERROR(file.Write(records));
    records.clear();
    return Status::Ok();
  }
  Status WriteSection(Section section, std::span<const std::byte> bytes) {
    SKALD_RETURN_IF_ERROR(file.Write(std::string(padding(), '\0')));
    header.sections[section] = {file.size(), bytes.size(), Xxh64(bytes)};
    return file.Write(bytes);
  }
  size_t padding() const { return (0 - file.size()) % index_format::kFormat.alignment; }

  AtomicFile file;
  Header header{};
  std::unordered_map<std::string, uint32_t> numbers;
  std::vector<Term> terms;  // by number
  std::string records;      // not yet written
  std::vector<uint64_t> utterance_offsets{0};
  std::string sources;
  std::vector<uint64_t> source_offsets{0};
};

IndexSegmentWriter::IndexSegmentWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
IndexSegmentWriter::IndexSegmentWriter(IndexSegmentWriter&&) noexcept = default;
IndexSegmentWriter& IndexSegmentWriter::operator=(IndexSegmentWriter&&) noexcept = default;
IndexSegmentWriter::~IndexSegmentWriter() = default;

StatusOr<IndexSegmentWriter> IndexSegmentWriter::Create(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  auto state = std::make_unique<State>(std::move(file));
  state->header.floor = 1;
  SKALD_RETURN_IF_ERROR(state->file.Write(std::as_bytes(std::span(&state->header, 1))));
  state->header.sections[index_format::kUtterances].offset = state->file.size();
  return IndexSegmentWriter(std::move(state));
}

uint32_t IndexSegmentWriter::source_count() const { return state_->header.source_count; }

size_t IndexSegmentWriter::memory_bytes() const {
  size_t bytes = state_->records.size() + state_->sources.size() + 8 * state_->utterance_offsets.size();
  for (const State::Term& term : state_->terms) bytes += term.postings.size() + 2 * term.text.size() + 64;
  return bytes;
}

void IndexSegmentWriter::AddSource(const IndexSource& source) {
  State& state = *state_;
  ByteWriter writer;
  writer.Fixed<uint32_t>(0);
  writer.Varint(source.file_id);
  writer.Fixed(source.duration_s);
  writer.Fixed(source.frame_shift_s);
  writer.Text(source.path);
  std::string& record = writer.bytes();
  const uint32_t checksum = static_cast<uint32_t>(
      Xxh64(std::as_bytes(std::span(record)).subspan(sizeof(uint32_t)), state.header.source_count));
  std::memcpy(record.data(), &checksum, sizeof checksum);
  state.sources += record;
  state.source_offsets.push_back(state.sources.size());
  state.header.audio_s += source.duration_s;
  ++state.header.source_count;
}

Status IndexSegmentWriter::AddUtterance(uint32_t track, uint32_t channel, double start_s,
                                        const PosteriorLattice& lattice,
                                        const std::function<std::string_view(uint32_t)>& spelling,
                                        double floor) {
  State& state = *state_;
  SKALD_CHECK(state.header.source_count > 0, "an utterance needs a source");
  if (lattice.arcs.empty()) return Status::Ok();
  PosteriorLattice own = Rounded(lattice);
  std::unordered_map<uint32_t, uint32_t> number_of_word;
  std::vector<std::pair<uint32_t, Occurrence>> occurrences;
  for (auto& arc : own.arcs) {
    const auto [place, is_new] = number_of_word.try_emplace(arc.word, 0);
    if (is_new) place->second = state.TermNumber(spelling(arc.word));
    arc.word = place->second;
    occurrences.push_back({arc.word, {arc.start_frame, arc.end_frame, own.posterior(arc)}});
  }

  const uint32_t number = state.header.utterance_count++;
  std::stable_sort(occurrences.begin(), occurrences.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Occurrence> group;
  for (size_t i = 0; i < occurrences.size();) {
    const uint32_t term = occurrences[i].first;
    group.clear();
    for (; i < occurrences.size() && occurrences[i].first == term; ++i)
      group.push_back(occurrences[i].second);
    GroupOccurrences(&group);
    for (const Occurrence& occurrence : group) state.terms[term].postings.Add(number, occurrence);
    state.header.posting_count += group.size();
  }

  const std::string record =
      EncodeUtterance({state.header.source_count - 1, track, channel, start_s}, own, number);
  state.header.arc_count += own.arcs.size();
  state.header.floor = std::min(state.header.floor, floor);
  state.records += record;
  state.utterance_offsets.push_back(state.utterance_offsets.back() + record.size());
  return state.records.size() < kBufferBytes ? Status::Ok() : state.FlushRecords();
}

Status IndexSegmentWriter::AddSegment(const IndexSegment& segment,
                                      const std::function<bool(IndexSource*)>& keep) {
  PosteriorLattice lattice;
  const auto spelling = [&](uint32_t term) { return segment.term(term); };
  uint32_t source_number = 0;
  bool kept = false;
  const auto add_sources_up_to = [&](uint32_t end) {
    for (; source_number < end; ++source_number) {
      SKALD_ASSIGN_OR_RETURN(IndexSource source, segment.Source(source_number));
      kept = keep(&source);
      if (kept) AddSource(source);
    }
    return Status::Ok();
  };
  for (uint32_t u = 0; u < segment.info().utterance_count; ++u) {
    SKALD_ASSIGN_OR_RETURN(const UtterancePlace place, segment.Utterance(u, &lattice));
    if (place.source + 1 < source_number)
      return Status::Corrupt("utterances are not in the order of sources");
    SKALD_RETURN_IF_ERROR(add_sources_up_to(place.source + 1));
    if (!kept) continue;
    SKALD_RETURN_IF_ERROR(
        AddUtterance(place.track, place.channel, place.start_s, lattice, spelling, segment.info().floor));
  }
  return add_sources_up_to(segment.info().source_count);
}

Status IndexSegmentWriter::Commit() {
  State& state = *state_;
  Header& header = state.header;
  SKALD_RETURN_IF_ERROR(state.FlushRecords());
  header.sections[index_format::kUtterances].size = state.utterance_offsets.back();

  std::vector<std::pair<std::string, uint32_t>> order;  // upper case text and number
  for (uint32_t t = 0; t < state.terms.size(); ++t) order.emplace_back(ToUpper(state.terms[t].text), t);
  std::sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
    return std::tie(a.first, state.terms[a.second].text) < std::tie(b.first, state.terms[b.second].text);
  });
  std::vector<TermRecord> records;
  std::vector<uint32_t> ranks(order.size());
  std::string text;
  SKALD_RETURN_IF_ERROR(state.file.Write(std::string(state.padding(), '\0')));
  auto& postings = header.sections[index_format::kPostings];
  postings.offset = state.file.size();
  for (const auto& [upper, number] : order) {
    const State::Term& term = state.terms[number];
    const std::string list = term.postings.Finish(number);
    ranks[number] = static_cast<uint32_t>(records.size());
    records.push_back({postings.size, static_cast<uint32_t>(text.size()), number});
    text += term.text;
    postings.size += list.size();
    SKALD_RETURN_IF_ERROR(state.file.Write(list));
  }
  SKALD_RETURN_IF_ERROR(state.WriteSection(index_format::kTerms, Bytes(records)));
  SKALD_RETURN_IF_ERROR(state.WriteSection(index_format::kTermRanks, Bytes(ranks)));
  SKALD_RETURN_IF_ERROR(state.WriteSection(index_format::kTermText, std::as_bytes(std::span(text))));
  SKALD_RETURN_IF_ERROR(state.WriteSection(index_format::kUtteranceOffsets, Bytes(state.utterance_offsets)));
  SKALD_RETURN_IF_ERROR(state.WriteSection(index_format::kSources, std::as_bytes(std::span(state.sources))));
  SKALD_RETURN_IF_ERROR(state.WriteSection(index_format::kSourceOffsets, Bytes(state.source_offsets)));

  header.term_count = static_cast<uint32_t>(order.size());
  SealSectionHeader(index_format::kFormat, state.file.size(), &header);
  SKALD_RETURN_IF_ERROR(state.file.WriteAt(0, std::as_bytes(std::span(&header, 1))));
  return state.file.Commit();
}

}  // namespace skald
