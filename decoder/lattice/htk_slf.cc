#include "decoder/lattice/htk_slf.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <vector>

#include "decoder/lattice/node_frames.h"

namespace skald {
namespace {

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

}  // namespace

std::string WriteHtkSlf(const WordLattice& words, std::string_view key,
                        const std::function<std::string_view(uint32_t)>& spelling, double frame_shift_s) {
  const auto is_final = [](const WordLatticeNode& node) { return node.is_final(); };
  const auto ends = std::count_if(words.nodes.begin(), words.nodes.end(), is_final);
  std::string text = "VERSION=1.0\n";
  const auto out = std::back_inserter(text);
  if (!key.empty()) fmt::format_to(out, "UTTERANCE={}\n", key);
  fmt::format_to(out, "lmscale=1.0 wdpenalty=0.0 acscale=1.0\nN={} L={}\n", words.nodes.size() + 1,
                 words.arcs.size() + static_cast<size_t>(ends));
  const std::vector<int32_t> frames = RisingNodeFrames(words);
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
