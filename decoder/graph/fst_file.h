#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/status.h"

namespace skald {

/// An arc of an FST over tropical weights, as OpenFst's files have it. Labels are at least 0.
struct FstArc {
  int32_t input = 0;   ///< 0: none
  int32_t output = 0;  ///< 0: none
  float cost = 0;
  int32_t next_state = 0;
};

/// An FST in memory: arcs of state s are arcs[first_arc[s]] to arcs[first_arc[s + 1] - 1].
struct FstGraph {
  int64_t start = 0;
  std::vector<float> final_costs;  ///< +infinity: not final
  std::vector<uint64_t> first_arc{0};
  std::vector<FstArc> arcs;

  size_t state_count() const { return final_costs.size(); }
};

/// What the header of an FST file says.
struct FstFileInfo {
  std::string type;      ///< "vector", "const", "ngram", "olabel_lookahead", ...
  std::string arc_type;  ///< "standard", ...
  int64_t states = 0, arcs = 0;
  bool has_symbols = false;
};

/// Reads headers and symbol tables of OpenFst's binary files, and whole FSTs of the types "vector" and
/// "const" over "standard" arcs. Format: OpenFst 1.7, fst.h (FstHeader), symbol-table.cc, vector-fst.h,
/// const-fst.h; little endian. Every size is checked against the file before memory is taken, every arc
/// against the number of states. Failures are kCorrupt or kUnsupported and name file and byte.
StatusOr<FstFileInfo> ReadFstInfo(const std::string& path);
StatusOr<FstGraph> ReadFst(const std::string& path);
/// The output symbols by label; labels without one have an empty name. Empty where the file has none.
StatusOr<std::vector<std::string>> ReadFstOutputSymbols(const std::string& path);
/// Checks the "const" FST inside an "olabel_lookahead" file, which OpenFst reads without looking.
Status CheckLookaheadFst(const std::string& path);

}  // namespace skald
