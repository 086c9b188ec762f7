#include "decoder/lattice/compact_lattice.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>

#include "decoder/lattice/nbest.h"

namespace skald {
namespace {

constexpr uint32_t kNone = 0xFFFFFFFFu;
constexpr int32_t kBlankId = 1;

/// Score column + 1 of each frame that the raw arcs consume, from *first on.
std::vector<int32_t> FramesOf(const RawLattice& raw, std::span<const uint32_t> raw_arcs, int32_t* first) {
  std::vector<int32_t> ids;
  for (const uint32_t a : raw_arcs) {
    const RawLatticeArc& arc = raw.arcs[a];
    if (!raw.consumes_frame(arc)) continue;
    if (ids.empty()) *first = raw.states[arc.source].frame;
    ids.push_back(arc.unit + 1);
  }
  return ids;
}

/// The ids of [begin, end), blanks where the raw arcs say nothing.
std::vector<int32_t> Alignment(const RawLattice& raw, std::span<const uint32_t> raw_arcs, int32_t begin,
                               int32_t end) {
  int32_t first = 0;
  const std::vector<int32_t> ids = FramesOf(raw, raw_arcs, &first);
  std::vector<int32_t> alignment;
  for (int32_t frame = begin; frame < end; ++frame) {
    const bool known = frame >= first && frame - first < static_cast<int32_t>(ids.size());
    alignment.push_back(known ? ids[static_cast<size_t>(frame - first)] : kBlankId);
  }
  return alignment;
}

/// Frames of the nodes that never fall along an arc: those of the nodes on the best path as they are, others
/// moved where a path that is not the best one to them comes from a later node.
std::vector<int32_t> RisingFrames(const WordLattice& words) {
  std::vector<int32_t> latest(words.nodes.size(), static_cast<int32_t>(words.frames));
  std::vector<char> on_best_path(words.nodes.size(), 0);
  for (const WordPath& path : NBest(words, 1)) {
    on_best_path[0] = 1;
    for (const uint32_t a : path.arcs) on_best_path[words.arcs[a].destination] = 1;
  }
  for (uint32_t n = static_cast<uint32_t>(words.nodes.size()); n-- > 0;) {
    if (on_best_path[n]) latest[n] = words.nodes[n].frame;
    for (const WordLatticeArc& arc : words.arcs_of(n)) {
      latest[n] = std::min(latest[n], latest[arc.destination]);
    }
  }
  std::vector<int32_t> frames(words.nodes.size());
  for (uint32_t n = 0; n < words.nodes.size(); ++n) {
    frames[n] = std::min(latest[n], std::max(frames[n], words.nodes[n].frame));
    for (const WordLatticeArc& arc : words.arcs_of(n)) {
      frames[arc.destination] = std::max(frames[arc.destination], frames[n]);
    }
  }
  return frames;
}

std::span<const uint32_t> RawArcs(const WordLattice& words, const WordLattice::Link& link) {
  return std::span(words.raw_arcs).subspan(link.first_raw_arc, link.raw_arc_count);
}

void AppendWeight(const CompactLattice::Weight& weight, std::string* text) {
  fmt::format_to(std::back_inserter(*text), "{},{},", weight.graph_cost, weight.acoustic_cost);
  for (size_t i = 0; i < weight.alignment.size(); ++i) {
    fmt::format_to(std::back_inserter(*text), "{}{}", i == 0 ? "" : "_", weight.alignment[i]);
  }
}

/// As HTK's label files quote: backslashes, white space and a quote in front stand behind a backslash.
std::string HtkString(std::string_view word) {
  std::string quoted;
  for (const char c : word) {
    const bool is_quote = quoted.empty() && (c == '"' || c == '\'');
    if (is_quote || c == '\\' || c == ' ' || c == '\t') quoted += '\\';
    quoted += c;
  }
  return quoted;
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

  /// Sorts states topologically.
  StatusOr<CompactLattice> Finish() {
    const size_t count = lattice_.states.size();
    if (count == 0) return Status::Corrupt(fmt::format("lattice '{}' has no states", lattice_.key));
    std::stable_sort(lattice_.arcs.begin(), lattice_.arcs.end(),
                     [](const auto& a, const auto& b) { return a.source < b.source; });
    std::vector<size_t> next(count + 1, 0);
    for (const auto& arc : lattice_.arcs) ++next[arc.source + 1];
    for (size_t s = 0; s < count; ++s) next[s + 1] += next[s];
    const std::vector<size_t> first = next;

    // Depth first from the start; states in the order in which they are left, backwards.
    enum Mark : char { kNew, kOpen, kDone };
    std::vector<char> mark(count, kNew);
    std::vector<uint32_t> stack = {0}, left;
    mark[0] = kOpen;
    while (!stack.empty()) {
      const uint32_t state = stack.back();
      if (next[state] == first[state + 1]) {
        mark[state] = kDone;
        left.push_back(state);
        stack.pop_back();
        continue;
      }
      const uint32_t to = lattice_.arcs[next[state]++].destination;
      if (mark[to] == kOpen) return Status::Corrupt(fmt::format("lattice '{}' has a cycle", lattice_.key));
      if (mark[to] == kDone) continue;
      mark[to] = kOpen;
      stack.push_back(to);
    }
    std::reverse(left.begin(), left.end());
    CompactLattice sorted;
    sorted.key = std::move(lattice_.key);
    std::vector<uint32_t> number(count, kNone);
    for (uint32_t n = 0; n < left.size(); ++n) number[left[n]] = n;
    for (const uint32_t state : left) {
      for (size_t a = first[state]; a < first[state + 1]; ++a) {
        CompactLattice::Arc& arc = lattice_.arcs[a];
        arc.source = number[state];
        arc.destination = number[arc.destination];
        sorted.arcs.push_back(std::move(arc));
      }
      sorted.states.push_back(std::move(lattice_.states[state]));
    }
    return sorted;
  }

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

CompactLattice ToCompactLattice(const RawLattice& raw, const WordLattice& words, std::string key) {
  CompactLattice lattice;
  lattice.key = std::move(key);
  const std::vector<int32_t> frames = RisingFrames(words);
  for (size_t a = 0; a < words.arcs.size(); ++a) {
    const WordLatticeArc& arc = words.arcs[a];
    const WordLattice::Link& link = words.links[words.first_link[a] + words.best_element[arc.destination]];
    lattice.arcs.push_back(
        {arc.source,
         arc.destination,
         static_cast<int32_t>(arc.word),
         {static_cast<float>(arc.graph_cost), static_cast<float>(arc.acoustic_cost),
          Alignment(raw, RawArcs(words, link), frames[arc.source], frames[arc.destination])}});
  }
  for (size_t n = 0; n < words.nodes.size(); ++n) {
    const WordLatticeNode& node = words.nodes[n];
    CompactLattice::State state;
    state.is_final = node.is_final();
    if (state.is_final) {
      state.final_weight = {static_cast<float>(node.final_graph_cost),
                            static_cast<float>(node.final_acoustic_cost),
                            Alignment(raw, RawArcs(words, words.final_links[n]), frames[n],
                                      static_cast<int32_t>(words.frames))};
    }
    lattice.states.push_back(std::move(state));
  }
  return lattice;
}

StatusOr<WordLattice> ToWordLattice(const CompactLattice& lattice) {
  const auto broken = [&](std::string reason) {
    return Status::Corrupt(std::move(reason)).At(fmt::format("lattice '{}'", lattice.key));
  };
  WordLattice words;
  std::vector<int64_t> frames(lattice.states.size(), -1);
  if (!frames.empty()) frames[0] = 0;
  std::optional<int64_t> length;
  size_t a = 0;
  for (uint32_t s = 0; s < lattice.states.size(); ++s) {
    const CompactLattice::State& state = lattice.states[s];
    WordLatticeNode node;
    node.frame = static_cast<int32_t>(frames[s]);
    if (state.is_final) {
      node.final_graph_cost = state.final_weight.graph_cost;
      node.final_acoustic_cost = state.final_weight.acoustic_cost;
      const int64_t end = frames[s] + static_cast<int64_t>(state.final_weight.alignment.size());
      if (length.value_or(end) != end) return broken("paths have different numbers of frames");
      length = end;
    }
    words.nodes.push_back(node);
    words.first_arc.push_back(static_cast<uint32_t>(words.arcs.size()));
    for (; a < lattice.arcs.size() && lattice.arcs[a].source == s; ++a) {
      const CompactLattice::Arc& from = lattice.arcs[a];
      const int64_t end = frames[s] + static_cast<int64_t>(from.weight.alignment.size());
      int64_t& there = frames[from.destination];
      if (there >= 0 && there != end) return broken("paths to one state have different numbers of frames");
      there = end;
      if (from.word == 0) {
        return Status::Unsupported("an arc has no word").At(fmt::format("lattice '{}'", lattice.key));
      }
      WordLatticeArc arc;
      arc.source = s;
      arc.destination = from.destination;
      arc.word = static_cast<uint32_t>(from.word);
      arc.start_frame = static_cast<int32_t>(frames[s]);
      arc.end_frame = static_cast<int32_t>(end);
      arc.graph_cost = from.weight.graph_cost;
      arc.acoustic_cost = from.weight.acoustic_cost;
      words.arcs.push_back(arc);
    }
    const auto begin = words.arcs.begin() + words.first_arc.back();
    std::sort(begin, words.arcs.end(), [](const auto& x, const auto& y) { return x.word < y.word; });
    const auto same = [](const auto& x, const auto& y) { return x.word == y.word; };
    if (std::adjacent_find(begin, words.arcs.end(), same) != words.arcs.end()) {
      return Status::Unsupported("two arcs of one state have the same word: the lattice is not deterministic")
          .At(fmt::format("lattice '{}'", lattice.key));
    }
  }
  words.first_arc.push_back(static_cast<uint32_t>(words.arcs.size()));
  words.frames = length.value_or(0);
  words.effective_beam = std::numeric_limits<float>::infinity();
  return words;
}

std::string WriteKaldiText(std::span<const CompactLattice> lattices) {
  std::string text;
  const auto out = std::back_inserter(text);
  for (const CompactLattice& lattice : lattices) {
    fmt::format_to(out, "{}\n", lattice.key);
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
    text += '\n';
  }
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

std::string WriteOpenFstText(const WordLattice& words) {
  std::string text;
  const auto out = std::back_inserter(text);
  for (uint32_t n = 0; n < words.nodes.size(); ++n) {
    for (const WordLatticeArc& arc : words.arcs_of(n)) {
      fmt::format_to(out, "{}\t{}\t{}\t{}\t{}\n", n, arc.destination, arc.word, arc.word,
                     static_cast<float>(arc.cost()));
    }
    if (words.nodes[n].is_final()) {
      fmt::format_to(out, "{}\t{}\n", n, static_cast<float>(words.nodes[n].final_cost()));
    }
  }
  return text;
}

std::string WriteHtkSlf(const WordLattice& words, std::string_view key,
                        const std::function<std::string_view(uint32_t)>& spelling, double frame_shift_s) {
  const auto is_final = [](const WordLatticeNode& node) { return node.is_final(); };
  const auto ends = std::count_if(words.nodes.begin(), words.nodes.end(), is_final);
  std::string text =
      fmt::format("VERSION=1.0\nUTTERANCE={}\nlmscale=1.0 wdpenalty=0.0 acscale=1.0\nN={} L={}\n", key,
                  words.nodes.size() + 1, words.arcs.size() + static_cast<size_t>(ends));
  const auto out = std::back_inserter(text);
  const std::vector<int32_t> frames = RisingFrames(words);
  for (size_t n = 0; n < frames.size(); ++n) {
    fmt::format_to(out, "I={} t={:.3f}\n", n, frames[n] * frame_shift_s);
  }
  fmt::format_to(out, "I={} t={:.3f}\n", frames.size(), static_cast<double>(words.frames) * frame_shift_s);
  for (size_t a = 0; a < words.arcs.size(); ++a) {
    const WordLatticeArc& arc = words.arcs[a];
    fmt::format_to(out, "J={} S={} E={} W={} a={} l={}\n", a, arc.source, arc.destination,
                   HtkString(spelling(arc.word)), 0.0f - static_cast<float>(arc.acoustic_cost),
                   0.0f - static_cast<float>(arc.graph_cost));
  }
  size_t link = words.arcs.size();
  for (size_t n = 0; n < words.nodes.size(); ++n) {
    const WordLatticeNode& node = words.nodes[n];
    if (!node.is_final()) continue;
    fmt::format_to(out, "J={} S={} E={} W=!NULL a={} l={}\n", link++, n, words.nodes.size(),
                   0.0f - static_cast<float>(node.final_acoustic_cost),
                   0.0f - static_cast<float>(node.final_graph_cost));
  }
  return text;
}

}  // namespace skald
