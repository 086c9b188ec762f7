#include "decoder/lattice/kaldi_binary.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <utility>

namespace skald {
namespace {

// OpenFst's FstHeader and VectorFst, Kaldi's CompactLatticeWeight; everything little endian, as on the
// machines that write it.
constexpr int32_t kFstMagic = 2125659606;
constexpr std::string_view kFstType = "vector", kArcType = "compactlattice44";
constexpr int32_t kFstVersion = 2;
constexpr uint64_t kExpandedAndMutable = 3;
constexpr int32_t kSymbolTables = 3;
/// Bytes of a state without arcs and frames, and of an arc without frames.
constexpr size_t kLeastStateBytes = 20, kLeastArcBytes = 24;

template <typename T>
void Append(T value, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void AppendString(std::string_view text, std::string* bytes) {
  Append(static_cast<int32_t>(text.size()), bytes);
  *bytes += text;
}

void AppendWeight(const CompactLattice::Weight& weight, std::string* bytes) {
  Append(weight.graph_cost, bytes);
  Append(weight.acoustic_cost, bytes);
  Append(static_cast<int32_t>(weight.alignment.size()), bytes);
  for (const int32_t id : weight.alignment) Append(id, bytes);
}

/// Takes values off the front of an archive. After a failure everything is 0 and `failure` tells what was
/// first.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return failure_.ok(); }
  bool at_end() const { return position_ == bytes_.size(); }
  size_t remaining() const { return bytes_.size() - position_; }
  Status failure() const { return failure_; }

  void Fail(Status status) {
    if (ok()) failure_ = std::move(status).At(fmt::format("byte {}", position_));
  }
  template <typename T>
  T Take(const char* what) {
    T value = {};
    if (ok() && remaining() < sizeof(T)) {
      Fail(Status::Corrupt(fmt::format("the archive ends inside {}", what)));
    }
    if (!ok()) return value;
    std::memcpy(&value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }
  /// A number of things of at least `least_bytes` each.
  template <typename T>
  size_t TakeCount(const char* what, size_t least_bytes) {
    const size_t before = position_;
    const T count = Take<T>(what);
    if (ok() && (count < 0 || static_cast<uint64_t>(count) > remaining() / least_bytes)) {
      position_ = before;
      Fail(Status::Corrupt(fmt::format("{} of {} reaches beyond the end of the archive", what, count)));
    }
    return ok() ? static_cast<size_t>(count) : 0;
  }
  std::string_view TakeString(const char* what) {
    const size_t size = TakeCount<int32_t>(what, 1);
    position_ += size;
    return bytes_.substr(position_ - size, size);
  }
  /// Up to the next space, which is taken too.
  std::string_view TakeKey() {
    const std::string_view rest = bytes_.substr(position_);
    const size_t size = rest.find_first_of(" \t\n");
    if (size == 0 || size == rest.npos || rest[size] != ' ') {
      Fail(Status::Corrupt("no key with one space behind it"));
      return {};
    }
    position_ += size + 1;
    return rest.substr(0, size);
  }

 private:
  std::string_view bytes_;
  size_t position_ = 0;
  Status failure_;
};

CompactLattice::Weight TakeWeight(ByteReader* reader) {
  CompactLattice::Weight weight;
  weight.graph_cost = reader->Take<float>("a weight");
  weight.acoustic_cost = reader->Take<float>("a weight");
  weight.alignment.resize(reader->TakeCount<int32_t>("the number of frames", sizeof(int32_t)));
  for (int32_t& id : weight.alignment) id = reader->Take<int32_t>("an alignment");
  return weight;
}

bool IsFinite(const CompactLattice::Weight& weight) {
  return std::isfinite(weight.graph_cost) && std::isfinite(weight.acoustic_cost);
}

/// The weight of a state in which no path ends.
bool IsZero(const CompactLattice::Weight& weight) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  return weight.graph_cost == kInfinity && weight.acoustic_cost == kInfinity && weight.alignment.empty();
}

/// Checks the header up to the start state.
void TakeHeader(ByteReader* reader) {
  const auto refuse = [&](std::string what) { reader->Fail(Status::Unsupported(std::move(what))); };
  if (reader->Take<int32_t>("the header") != kFstMagic) {
    reader->Fail(Status::Corrupt("no binary FST: its first number is another"));
  }
  const std::string_view fst_type = reader->TakeString("the type of the FST");
  if (fst_type != kFstType) refuse("an FST of another type than vector");
  const std::string_view arc_type = reader->TakeString("the type of the arcs");
  if (arc_type != kArcType) refuse("arcs of another type than compactlattice44");
  const auto version = reader->Take<int32_t>("the header");
  if (version != kFstVersion) refuse(fmt::format("version {} of the vector FST", version));
  if ((reader->Take<int32_t>("the header") & kSymbolTables) != 0) refuse("an FST with symbol tables");
  reader->Take<uint64_t>("the header");  // properties: what matters of them is checked below
}

StatusOr<CompactLattice> TakeLattice(ByteReader* reader) {
  CompactLattice lattice;
  lattice.key = std::string(reader->TakeKey());
  TakeHeader(reader);
  const auto start = reader->Take<int64_t>("the header");
  const size_t count = reader->TakeCount<int64_t>("the number of states", kLeastStateBytes);
  reader->Take<int64_t>("the header");  // number of arcs: writers leave it at 0
  // States are named by uint32_t; the start changes places with state 0.
  if (count > std::numeric_limits<int32_t>::max()) reader->Fail(Status::Corrupt("too many states"));
  if (count == 0) reader->Fail(Status::Corrupt("the lattice has no states"));
  if (start < 0 || static_cast<uint64_t>(start) >= count) {
    reader->Fail(Status::Corrupt(fmt::format("start state {} of {}", start, count)));
  }
  if (!reader->ok()) return reader->failure();
  const auto number = [start](uint32_t state) {
    return state == 0 ? static_cast<uint32_t>(start) : state == start ? 0 : state;
  };
  lattice.states.resize(count);
  for (uint32_t s = 0; s < count && reader->ok(); ++s) {
    CompactLattice::Weight final_weight = TakeWeight(reader);
    if (IsFinite(final_weight)) {
      lattice.states[number(s)] = {true, std::move(final_weight)};
    } else if (!IsZero(final_weight)) {
      reader->Fail(Status::Corrupt("a final cost that is not finite"));
    }
    const size_t arcs = reader->TakeCount<int64_t>("the number of arcs", kLeastArcBytes);
    for (size_t a = 0; a < arcs && reader->ok(); ++a) {
      CompactLattice::Arc arc;
      arc.source = number(s);
      arc.word = reader->Take<int32_t>("an arc");
      if (reader->Take<int32_t>("an arc") != arc.word)
        reader->Fail(Status::Corrupt("an arc with two labels"));
      if (arc.word < 0) reader->Fail(Status::Corrupt("a negative word"));
      arc.weight = TakeWeight(reader);
      if (!IsFinite(arc.weight)) reader->Fail(Status::Corrupt("a cost that is not finite"));
      const auto destination = reader->Take<int32_t>("an arc");
      if (destination < 0 || static_cast<size_t>(destination) >= count) {
        reader->Fail(Status::Corrupt(fmt::format("an arc to state {} of {}", destination, count)));
      }
      arc.destination = number(static_cast<uint32_t>(destination));
      lattice.arcs.push_back(std::move(arc));
    }
  }
  if (!reader->ok()) return reader->failure();
  return SortTopologically(std::move(lattice));
}

}  // namespace

std::string WriteKaldiBinary(const CompactLattice& lattice) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::string bytes;
  Append(kFstMagic, &bytes);
  AppendString(kFstType, &bytes);
  AppendString(kArcType, &bytes);
  Append(kFstVersion, &bytes);
  Append(int32_t{0}, &bytes);  // flags
  Append(kExpandedAndMutable, &bytes);
  Append(int64_t{lattice.states.empty() ? -1 : 0}, &bytes);
  Append(static_cast<int64_t>(lattice.states.size()), &bytes);
  Append(int64_t{0}, &bytes);  // number of arcs: as OpenFst leaves it
  size_t a = 0;
  for (uint32_t s = 0; s < lattice.states.size(); ++s) {
    const CompactLattice::State& state = lattice.states[s];
    AppendWeight(state.is_final ? state.final_weight : CompactLattice::Weight{kInfinity, kInfinity, {}},
                 &bytes);
    size_t end = a;
    while (end < lattice.arcs.size() && lattice.arcs[end].source == s) ++end;
    Append(static_cast<int64_t>(end - a), &bytes);
    for (; a < end; ++a) {
      const CompactLattice::Arc& arc = lattice.arcs[a];
      Append(arc.word, &bytes);
      Append(arc.word, &bytes);
      AppendWeight(arc.weight, &bytes);
      Append(static_cast<int32_t>(arc.destination), &bytes);
    }
  }
  return bytes;
}

std::string WriteKaldiBinary(std::span<const CompactLattice> lattices) {
  std::string archive;
  for (const CompactLattice& lattice : lattices) archive += lattice.key + ' ' + WriteKaldiBinary(lattice);
  return archive;
}

StatusOr<std::vector<CompactLattice>> ReadKaldiBinary(std::string_view archive) {
  std::vector<CompactLattice> lattices;
  ByteReader reader(archive);
  while (!reader.at_end()) {
    SKALD_ASSIGN_OR_RETURN(CompactLattice lattice, TakeLattice(&reader));
    lattices.push_back(std::move(lattice));
  }
  return lattices;
}

}  // namespace skald
