#include "decoder/lattice/kaldi_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>

namespace skald {
namespace {

void AppendWeight(const CompactLattice::Weight& weight, std::string* text) {
  fmt::format_to(std::back_inserter(*text), "{},{},", weight.graph_cost, weight.acoustic_cost);
  for (size_t i = 0; i < weight.alignment.size(); ++i) {
    fmt::format_to(std::back_inserter(*text), "{}{}", i == 0 ? "" : "_", weight.alignment[i]);
  }
}

template <typename T>
bool Parse(std::string_view field, T* value) {
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), *value);
  return error == std::errc() && end == field.data() + field.size();
}

std::string_view TakeUntil(std::string_view separators, std::string_view* rest) {
  const size_t end = std::min(rest->find_first_of(separators), rest->size());
  const std::string_view field = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return field;
}

bool ParseWeight(std::string_view field, CompactLattice::Weight* weight) {
  if (std::count(field.begin(), field.end(), ',') != 2) return false;
  if (!Parse(TakeUntil(",", &field), &weight->graph_cost) || !std::isfinite(weight->graph_cost)) return false;
  if (!Parse(TakeUntil(",", &field), &weight->acoustic_cost) || !std::isfinite(weight->acoustic_cost)) {
    return false;
  }
  if (!field.empty() && field.back() == '_') return false;
  while (!field.empty()) {
    weight->alignment.emplace_back();
    if (!Parse(TakeUntil("_", &field), &weight->alignment.back())) return false;
  }
  return true;
}

/// Collects the lines of one lattice.
class LatticeReader {
 public:
  explicit LatticeReader(std::string key) { lattice_.key = std::move(key); }

  Status AddLine(std::string_view line) {
    std::vector<std::string_view> fields;
    while (!line.empty()) {
      const std::string_view field = TakeUntil(" \t", &line);
      if (!field.empty()) fields.push_back(field);
    }
    int32_t name = 0;
    if (fields.size() > 4) return Status::Corrupt("more than four fields");
    if (!Parse(fields[0], &name) || name < 0) return Status::Corrupt("the state is no number");
    const uint32_t state = Number(name);
    CompactLattice::Weight weight;
    const bool has_weight = fields.size() % 2 == 0;  // left out where it is one
    if (has_weight && !ParseWeight(fields.back(), &weight)) {
      return Status::Corrupt("the weight is not GRAPH_COST,ACOUSTIC_COST,ID_ID_...");
    }
    if (fields.size() <= 2) {
      if (lattice_.states[state].is_final) return Status::Corrupt("a second final weight of the same state");
      lattice_.states[state] = {true, std::move(weight)};
      return Status::Ok();
    }
    CompactLattice::Arc arc;
    int32_t destination = 0;
    if (!Parse(fields[1], &destination) || destination < 0) {
      return Status::Corrupt("the state that the arc leads to is no number");
    }
    if (!Parse(fields[2], &arc.word) || arc.word < 0) return Status::Corrupt("the word is no number");
    arc.source = state;
    arc.destination = Number(destination);
    arc.weight = std::move(weight);
    lattice_.arcs.push_back(std::move(arc));
    return Status::Ok();
  }

  StatusOr<CompactLattice> Finish() { return SortTopologically(std::move(lattice_)); }

 private:
  uint32_t Number(int32_t name) {
    const auto [place, is_new] = numbers_.try_emplace(name, static_cast<uint32_t>(lattice_.states.size()));
    if (is_new) lattice_.states.emplace_back();
    return place->second;
  }
  CompactLattice lattice_;
  std::unordered_map<int32_t, uint32_t> numbers_;
};

}  // namespace

std::string WriteKaldiText(const CompactLattice& lattice) {
  std::string text;
  const auto out = std::back_inserter(text);
  size_t a = 0;
  for (uint32_t s = 0; s < lattice.states.size(); ++s) {
    for (; a < lattice.arcs.size() && lattice.arcs[a].source == s; ++a) {
      const CompactLattice::Arc& arc = lattice.arcs[a];
      fmt::format_to(out, "{}\t{}\t{}\t", arc.source, arc.destination, arc.word);
      AppendWeight(arc.weight, &text);
      text += '\n';
    }
    if (!lattice.states[s].is_final) continue;
    fmt::format_to(out, "{}\t", s);
    AppendWeight(lattice.states[s].final_weight, &text);
    text += '\n';
  }
  return text + '\n';
}

std::string WriteKaldiText(std::span<const CompactLattice> lattices) {
  std::string text;
  for (const CompactLattice& lattice : lattices) text += lattice.key + '\n' + WriteKaldiText(lattice);
  return text;
}

StatusOr<std::vector<CompactLattice>> ReadKaldiText(std::string_view text) {
  std::vector<CompactLattice> lattices;
  std::optional<LatticeReader> reader;
  for (int line_number = 1; !text.empty(); ++line_number) {
    std::string_view line = TakeUntil("\n", &text);
    const std::string position = fmt::format("line {}", line_number);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) {
      line.remove_suffix(1);
    }
    if (!reader.has_value()) {
      if (line.empty()) continue;
      if (line.find_first_of(" \t") != line.npos) {
        return Status::Corrupt("the key of a lattice stands alone in its line").At(position);
      }
      reader.emplace(std::string(line));
    } else if (!line.empty()) {
      Status status = reader->AddLine(line);
      if (!status.ok()) return std::move(status).At(position);
    } else {
      StatusOr<CompactLattice> lattice = reader->Finish();
      if (!lattice.ok()) return std::move(lattice).status().At(position);
      lattices.push_back(std::move(lattice).value());
      reader.reset();
    }
  }
  if (reader.has_value())
    return Status::Corrupt("the archive ends inside a lattice: no empty line behind it");
  return lattices;
}

}  // namespace skald
