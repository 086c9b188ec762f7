#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "decoder/graph/graph_image.h"
#include "decoder/lattice/raw_lattice.h"
#include "decoder/search/stable_path.h"

namespace skald {

/// A word on a settled path: frames [start_frame, end_frame), as PathWord.
struct SettledWord {
  uint32_t word = 0;
  int64_t start_frame = 0;
  int64_t end_frame = 0;
};

/// Collects the settled steps of a segment and hands out each word once it is known and over. Labels may sit
/// on other arcs than a word's units (see BestPath): the k-th label belongs to the k-th word start. Not
/// thread safe.
class LiveWords {
 public:
  /// A word is over where the next word or a separator begins, or `silent_frames` blanks follow it.
  LiveWords(const GraphImage& graph, int64_t silent_frames) : graph_(graph), silent_frames_(silent_frames) {}

  /// A new segment begins; what is left of the one before is dropped.
  void Begin();
  /// Takes the next steps; the path is settled up to row `settled_frame`.
  std::vector<SettledWord> Push(std::span<const PathStep> steps, int64_t settled_frame);
  /// The segment is over: what is left.
  std::vector<SettledWord> Finish();

 private:
  struct Span {
    int64_t start_frame = 0;
    int64_t end_frame = 0;
    bool over = false;
  };

  void Take(const PathStep& step);

  const GraphImage& graph_;
  const int64_t silent_frames_;
  std::deque<uint32_t> labels_;
  std::deque<Span> spans_;
  bool in_word_ = false;  ///< whether the last unit belongs to the last span
  int64_t last_frame_ = 0;
};

}  // namespace skald
