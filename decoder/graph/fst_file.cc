#include "decoder/graph/fst_file.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "base/mapped_file.h"

namespace skald {
namespace {

constexpr int32_t kFstMagic = 2125659606;
constexpr int32_t kSymbolsMagic = 2125658996;
constexpr int32_t kInputSymbols = 1, kOutputSymbols = 2, kAligned = 4;
constexpr size_t kAlignment = 16;
constexpr size_t kMaxName = 4096;
constexpr int64_t kMaxLabel = 100'000'000;

class FstFileReader {
 public:
  explicit FstFileReader(const MappedFile& file) : file_(file), bytes_(file.bytes()) {}

  Status Corrupt(const std::string& reason) const { return Located(Status::Corrupt(reason)); }
  Status Located(Status status) const {
    return std::move(status).InFile(file_.path()).At("byte " + std::to_string(place_));
  }

  template <typename T>
  StatusOr<T> Take() {
    if (bytes_.size() - place_ < sizeof(T)) return Corrupt("the file ends too early");
    T value;
    std::memcpy(&value, bytes_.data() + place_, sizeof value);
    place_ += sizeof value;
    return value;
  }

  StatusOr<std::string> String() {
    SKALD_ASSIGN_OR_RETURN(const int32_t size, Take<int32_t>());
    if (size < 0 || static_cast<size_t>(size) > kMaxName)
      return Corrupt("a name of " + std::to_string(size) + " bytes");
    if (bytes_.size() - place_ < static_cast<size_t>(size)) return Corrupt("the file ends inside a name");
    std::string text(reinterpret_cast<const char*>(bytes_.data() + place_), static_cast<size_t>(size));
    place_ += static_cast<size_t>(size);
    return text;
  }

  /// A header and the symbol tables behind it; those of the output go to `output_symbols` where it is not
  /// null.
  Status Header(std::vector<std::string>* output_symbols) {
    SKALD_ASSIGN_OR_RETURN(const int32_t magic, Take<int32_t>());
    if (magic != kFstMagic) return Corrupt("not an FST in OpenFst's binary format");
    SKALD_ASSIGN_OR_RETURN(info_.type, String());
    SKALD_ASSIGN_OR_RETURN(info_.arc_type, String());
    SKALD_ASSIGN_OR_RETURN(const int32_t version, Take<int32_t>());
    SKALD_ASSIGN_OR_RETURN(flags_, Take<int32_t>());
    version_ = version;
    SKALD_RETURN_IF_ERROR(Take<uint64_t>().status());  // properties
    SKALD_ASSIGN_OR_RETURN(start_, Take<int64_t>());
    SKALD_ASSIGN_OR_RETURN(info_.states, Take<int64_t>());
    SKALD_ASSIGN_OR_RETURN(info_.arcs, Take<int64_t>());
    info_.has_symbols = (flags_ & kOutputSymbols) != 0;
    if ((flags_ & kInputSymbols) != 0) SKALD_RETURN_IF_ERROR(Symbols(nullptr));
    if ((flags_ & kOutputSymbols) != 0) SKALD_RETURN_IF_ERROR(Symbols(output_symbols));
    return Status::Ok();
  }

  StatusOr<FstGraph> Graph() {
    if (info_.arc_type != "standard")
      return Located(Status::Unsupported("an FST of " + info_.arc_type + " arcs"));
    if (info_.type == "vector") return VectorGraph();
    if (info_.type == "const") return ConstGraph();
    return Located(Status::Unsupported("an FST of type " + info_.type + "; known: vector, const"));
  }

  const FstFileInfo& info() const { return info_; }

 private:
  Status Symbols(std::vector<std::string>* symbols) {
    SKALD_ASSIGN_OR_RETURN(const int32_t magic, Take<int32_t>());
    if (magic != kSymbolsMagic) return Corrupt("expected a symbol table");
    SKALD_RETURN_IF_ERROR(String().status());
    SKALD_RETURN_IF_ERROR(Take<int64_t>().status());
    SKALD_ASSIGN_OR_RETURN(const int64_t size, Take<int64_t>());
    if (size < 0 || size > kMaxLabel)
      return Corrupt("a symbol table of " + std::to_string(size) + " entries");
    for (int64_t i = 0; i < size; ++i) {
      SKALD_ASSIGN_OR_RETURN(std::string name, String());
      SKALD_ASSIGN_OR_RETURN(const int64_t label, Take<int64_t>());
      if (label < 0 || label > kMaxLabel)
        return Corrupt("symbol " + name + " has label " + std::to_string(label));
      if (symbols == nullptr) continue;
      if (static_cast<size_t>(label) >= symbols->size()) symbols->resize(static_cast<size_t>(label) + 1);
      (*symbols)[static_cast<size_t>(label)] = std::move(name);
    }
    return Status::Ok();
  }

  Status AddArc(FstGraph* graph) {
    SKALD_ASSIGN_OR_RETURN(const FstArc arc, Take<FstArc>());
    if (arc.input < 0 || arc.output < 0 || arc.next_state < 0 || arc.next_state >= info_.states ||
        !std::isfinite(arc.cost)) {
      return Corrupt("an arc of state " + std::to_string(graph->final_costs.size()) + " is out of range");
    }
    graph->arcs.push_back(arc);
    return Status::Ok();
  }

  Status CheckFinal(float cost) const {
    return std::isnan(cost) || cost == -std::numeric_limits<float>::infinity()
               ? Corrupt("a final cost is not a number")
               : Status::Ok();
  }

  /// Refuses counts that the rest of the file cannot hold.
  Status CheckCounts(uint64_t state_bytes, bool count_arcs) const {
    const uint64_t left = bytes_.size() - place_;
    if (info_.states < 0 || static_cast<uint64_t>(info_.states) > left / state_bytes ||
        (count_arcs && (info_.arcs < 0 || static_cast<uint64_t>(info_.arcs) > left / sizeof(FstArc)))) {
      return Corrupt(std::to_string(info_.states) + " states and " + std::to_string(info_.arcs) +
                     " arcs do not fit into the file");
    }
    if (start_ < 0 || start_ >= info_.states) return Corrupt("the start is no state");
    return Status::Ok();
  }

  StatusOr<FstGraph> VectorGraph() {
    SKALD_RETURN_IF_ERROR(CheckCounts(sizeof(float) + sizeof(int64_t), false));
    FstGraph graph;
    graph.start = start_;
    for (int64_t state = 0; state < info_.states; ++state) {
      SKALD_ASSIGN_OR_RETURN(const float final_cost, Take<float>());
      SKALD_RETURN_IF_ERROR(CheckFinal(final_cost));
      SKALD_ASSIGN_OR_RETURN(const int64_t arcs, Take<int64_t>());
      if (arcs < 0 || static_cast<uint64_t>(arcs) > (bytes_.size() - place_) / sizeof(FstArc)) {
        return Corrupt("state " + std::to_string(state) + " has " + std::to_string(arcs) + " arcs");
      }
      for (int64_t a = 0; a < arcs; ++a) SKALD_RETURN_IF_ERROR(AddArc(&graph));
      graph.final_costs.push_back(final_cost);
      graph.first_arc.push_back(graph.arcs.size());
    }
    return graph;
  }

  void Align() {
    // Version 1 is aligned, whatever its flags say.
    if (version_ == 1 || (flags_ & kAligned) != 0)
      place_ = std::min(bytes_.size(), (place_ + kAlignment - 1) / kAlignment * kAlignment);
  }

  StatusOr<FstGraph> ConstGraph() {
    struct State {
      float final_cost;
      uint32_t first_arc, arcs, input_epsilons, output_epsilons;
    };
    Align();
    SKALD_RETURN_IF_ERROR(CheckCounts(sizeof(State), true));
    FstGraph graph;
    graph.start = start_;
    for (int64_t state = 0; state < info_.states; ++state) {
      SKALD_ASSIGN_OR_RETURN(const State record, Take<State>());
      SKALD_RETURN_IF_ERROR(CheckFinal(record.final_cost));
      if (record.first_arc != graph.first_arc.back() ||
          record.arcs > static_cast<uint64_t>(info_.arcs) - record.first_arc) {
        return Corrupt("the arcs of state " + std::to_string(state) + " are not where those before end");
      }
      graph.final_costs.push_back(record.final_cost);
      graph.first_arc.push_back(graph.first_arc.back() + record.arcs);
    }
    if (graph.first_arc.back() != static_cast<uint64_t>(info_.arcs))
      return Corrupt("states do not have all arcs");
    Align();
    if ((bytes_.size() - place_) / sizeof(FstArc) < static_cast<uint64_t>(info_.arcs)) {
      return Corrupt("the file ends inside the arcs");
    }
    graph.arcs.reserve(static_cast<size_t>(info_.arcs));
    for (int64_t a = 0; a < info_.arcs; ++a) SKALD_RETURN_IF_ERROR(AddArc(&graph));
    return graph;
  }

  const MappedFile& file_;
  const std::span<const std::byte> bytes_;
  size_t place_ = 0;
  int32_t flags_ = 0, version_ = 0;
  int64_t start_ = 0;
  FstFileInfo info_;
};

}  // namespace

StatusOr<FstFileInfo> ReadFstInfo(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  FstFileReader reader(file);
  SKALD_RETURN_IF_ERROR(reader.Header(nullptr));
  return reader.info();
}

StatusOr<FstGraph> ReadFst(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  FstFileReader reader(file);
  SKALD_RETURN_IF_ERROR(reader.Header(nullptr));
  return reader.Graph();
}

StatusOr<std::vector<std::string>> ReadFstOutputSymbols(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  FstFileReader reader(file);
  std::vector<std::string> symbols;
  SKALD_RETURN_IF_ERROR(reader.Header(&symbols));
  return symbols;
}

Status CheckLookaheadFst(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  FstFileReader reader(file);
  SKALD_RETURN_IF_ERROR(reader.Header(nullptr));
  if (reader.info().type != "olabel_lookahead") {
    return reader.Located(
        Status::Unsupported("an FST of type " + reader.info().type + " where olabel_lookahead is needed"));
  }
  // The add-on's own header, then the FST.
  SKALD_RETURN_IF_ERROR(reader.Take<int32_t>().status());
  SKALD_RETURN_IF_ERROR(reader.Header(nullptr));
  return reader.Graph().status();
}

}  // namespace skald
