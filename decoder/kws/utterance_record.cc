#include "decoder/kws/utterance_record.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/hash.h"
#include "decoder/kws/byte_stream.h"
#include "decoder/kws/probability_code.h"

namespace skald {
namespace {

constexpr uint32_t kMaxNodes = 1u << 24;
constexpr uint32_t kMaxArcs = 1u << 26;
constexpr int32_t kMaxFrame = 1 << 28;

/// Fields with a width of their own in every record.
enum Field : uint32_t {
  kFrameStep,  ///< of a node, from the node before it, zigzag
  kNodeCode,   ///< its posterior
  kDegree,     ///< its arcs
  kNodeStep,   ///< of an arc: destination - source
  kTerm,       ///< place in the record's list of terms
  kStartStep,  ///< first frame of the word from its source's frame, zigzag
  kDuration,   ///< frames
  kArcCode,    ///< conditional probability
  kFieldCount,
};
using Widths = std::array<uint32_t, kFieldCount>;

uint32_t Checksum(std::span<const std::byte> bytes, uint32_t number) {
  return static_cast<uint32_t>(Xxh64(bytes, number));
}

Status Damaged(const char* what) { return Status::Corrupt(what); }

UtterancePlace ReadPlace(ByteReader* reader) {
  UtterancePlace place;
  place.source = reader->Count(0xFFFFFFFFu);
  place.track = reader->Count(0xFFFFFFFFu);
  place.channel = reader->Count(0xFFFFFFFFu);
  place.start_s = reader->Fixed<double>();
  return place;
}

/// The bytes behind the checksum.
StatusOr<std::span<const std::byte>> CheckedBody(std::span<const std::byte> record, uint32_t number) {
  uint32_t checksum = 0;
  if (record.size() < sizeof checksum) return Damaged("utterance is too short");
  std::memcpy(&checksum, record.data(), sizeof checksum);
  const auto body = record.subspan(sizeof checksum);
  if (Checksum(body, number) != checksum) return Damaged("checksum of the utterance does not match");
  return body;
}

}  // namespace

std::string EncodeUtterance(const UtterancePlace& place, const PosteriorLattice& lattice, uint32_t number) {
  std::vector<uint32_t> terms;
  for (const auto& arc : lattice.arcs) terms.push_back(arc.word);
  std::sort(terms.begin(), terms.end());
  terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
  std::vector<uint32_t> degrees(lattice.nodes.size());
  for (const auto& arc : lattice.arcs) ++degrees[arc.source];

  // Once for the widths, once to write.
  const auto visit = [&](auto&& node_field, auto&& arc_field, auto&& flag) {
    int32_t frame = 0;
    for (size_t n = 0; n < lattice.nodes.size(); ++n) {
      node_field(kFrameStep, ZigZag(lattice.nodes[n].frame - frame));
      node_field(kNodeCode, ProbabilityCode(lattice.nodes[n].posterior));
      node_field(kDegree, degrees[n]);
      frame = lattice.nodes[n].frame;
    }
    for (const auto& arc : lattice.arcs) {
      arc_field(kNodeStep, arc.destination - arc.source);
      arc_field(kTerm, static_cast<uint32_t>(std::lower_bound(terms.begin(), terms.end(), arc.word) -
                                             terms.begin()));
      arc_field(kStartStep, ZigZag(arc.start_frame - lattice.nodes[arc.source].frame));
      arc_field(kDuration, static_cast<uint32_t>(std::max(0, arc.end_frame - arc.start_frame)));
      arc_field(kArcCode, ProbabilityCode(arc.conditional));
      flag(arc.on_best_path);
    }
  };
  Widths widths{};
  const auto widen = [&](Field field, uint32_t value) {
    widths[field] = std::max(widths[field], static_cast<uint32_t>(std::bit_width(value)));
  };
  visit(widen, widen, [](bool) {});

  ByteWriter writer;
  writer.Fixed<uint32_t>(0);
  writer.Varint(place.source);
  writer.Varint(place.track);
  writer.Varint(place.channel);
  writer.Fixed(place.start_s);
  writer.Varint(lattice.nodes.size());
  writer.Varint(lattice.arcs.size());
  writer.Varint(terms.size());
  uint32_t before = 0;
  for (const uint32_t term : terms) {
    writer.Varint(term - before);
    before = term;
  }
  for (const uint32_t width : widths) writer.Bits(width, 5);
  const auto write = [&](Field field, uint32_t value) { writer.Bits(value, widths[field]); };
  visit(write, write, [&](bool flag) { writer.Bits(flag ? 1 : 0, 1); });
  writer.AlignBits();

  std::string record = std::move(writer.bytes());
  const uint32_t checksum = Checksum(std::as_bytes(std::span(record)).subspan(sizeof(uint32_t)), number);
  std::memcpy(record.data(), &checksum, sizeof checksum);
  return record;
}

StatusOr<UtterancePlace> DecodePlace(std::span<const std::byte> record, uint32_t number) {
  SKALD_ASSIGN_OR_RETURN(const auto body, CheckedBody(record, number));
  ByteReader reader(body);
  const UtterancePlace place = ReadPlace(&reader);
  if (!reader.ok() || !std::isfinite(place.start_s)) return Damaged("the utterance's place is damaged");
  return place;
}

StatusOr<UtterancePlace> DecodeUtterance(std::span<const std::byte> record, uint32_t number,
                                         uint32_t term_count, PosteriorLattice* lattice) {
  SKALD_ASSIGN_OR_RETURN(const auto body, CheckedBody(record, number));
  ByteReader reader(body);
  const UtterancePlace place = ReadPlace(&reader);
  const uint32_t node_count = reader.Count(std::min<uint64_t>(kMaxNodes, 8 * body.size()));
  const uint32_t arc_count = reader.Count(std::min<uint64_t>(kMaxArcs, 8 * body.size()));
  const uint32_t own_terms = reader.Count(std::min<uint64_t>(arc_count, reader.left()));
  std::vector<uint32_t> terms(own_terms);
  uint64_t term = 0;
  for (uint32_t& entry : terms) {
    term += reader.Varint();
    if (term >= term_count) return Damaged("the utterance has a term that the segment lacks");
    entry = static_cast<uint32_t>(term);
  }
  Widths widths{};
  for (uint32_t& width : widths) width = reader.Bits(5);
  if (!reader.ok() || !std::isfinite(place.start_s)) return Damaged("the utterance is damaged");

  const auto read = [&](Field field) { return reader.Bits(widths[field]); };
  lattice->nodes.resize(node_count);
  lattice->arcs.resize(arc_count);
  int64_t frame = 0;
  uint32_t arcs = 0;
  for (uint32_t n = 0; n < node_count; ++n) {
    frame += UnZigZag(read(kFrameStep));
    if (frame < -kMaxFrame || frame > kMaxFrame) return Damaged("a frame of the utterance is out of range");
    lattice->nodes[n] = {static_cast<int32_t>(frame), ProbabilityOfCode(read(kNodeCode))};
    const uint32_t degree = read(kDegree);
    if (degree > arc_count - arcs) return Damaged("the utterance's nodes have more arcs than it");
    for (uint32_t i = 0; i < degree; ++i) lattice->arcs[arcs++].source = n;
  }
  if (arcs != arc_count) return Damaged("the utterance's nodes have fewer arcs than it");
  for (auto& arc : lattice->arcs) {
    const uint32_t step = read(kNodeStep);
    const uint32_t own_term = read(kTerm);
    const int64_t start = int64_t{lattice->nodes[arc.source].frame} + UnZigZag(read(kStartStep));
    const int64_t end = start + read(kDuration);
    if (step == 0 || step >= node_count - arc.source) return Damaged("an arc of the utterance leads nowhere");
    if (own_term >= own_terms) return Damaged("an arc of the utterance has no term");
    if (start < -kMaxFrame || end > kMaxFrame) return Damaged("a frame of the utterance is out of range");
    arc.destination = arc.source + step;
    arc.word = terms[own_term];
    arc.start_frame = static_cast<int32_t>(start);
    arc.end_frame = static_cast<int32_t>(end);
    arc.conditional = ProbabilityOfCode(read(kArcCode));
    arc.on_best_path = reader.Bits(1) != 0;
  }
  if (!reader.ok()) return Damaged("the utterance is truncated");
  return place;
}

}  // namespace skald
