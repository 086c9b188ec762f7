#include "engine/segment_describer.h"

#include <utility>
#include <vector>

#include "decoder/lattice/best_path.h"
#include "decoder/lattice/forward_backward.h"
#include "decoder/lattice/word_confidence.h"

namespace skald {

Segment SegmentDescriber::Describe(const RawLattice& lattice, int64_t first_frame,
                                   const FrameClock& clock) const {
  const BestPathResult path = BestPath(lattice);
  const std::vector<double> confidences = WordConfidences(lattice, ForwardBackward(lattice), path);

  Segment result;
  double confidence_sum = 0;
  for (size_t i = 0; i < path.words.size(); ++i) {
    const PathWord& path_word = path.words[i];
    Word word;
    word.text = std::string(graph_.word(path_word.word));
    word.start_s = clock.Seconds(first_frame + path_word.start_frame);
    word.end_s = clock.Seconds(first_frame + path_word.end_frame);
    word.confidence = confidences[i];
    confidence_sum += word.confidence;
    if (!result.text.empty()) result.text += ' ';
    result.text += word.text;
    result.words.push_back(std::move(word));
  }
  if (!result.words.empty()) {
    result.start_s = result.words.front().start_s;
    result.end_s = result.words.back().end_s;
    result.confidence = confidence_sum / static_cast<double>(result.words.size());
  }
  return result;
}

}  // namespace skald
