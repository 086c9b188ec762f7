#include "decoder/lattice/node_frames.h"

#include <algorithm>

#include "decoder/lattice/nbest.h"

namespace skald {

std::vector<int32_t> RisingNodeFrames(const WordLattice& words) {
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

}  // namespace skald
