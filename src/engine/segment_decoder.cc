#include "engine/segment_decoder.h"

#include <utility>

#include "decoder/lattice/best_path.h"
#include "decoder/lattice/forward_backward.h"
#include "decoder/lattice/word_confidence.h"

namespace skald {
SegmentDecoder::SegmentDecoder(const GraphImage& graph, const SearchOptions& options,
                               const ScoreScaling& scaling)
    : graph_(graph), scaling_(scaling), search_(graph, options) {}

StatusOr<Segment> SegmentDecoder::Decode(ScoreSegment* segment, const FrameClock& clock) {
  ScoreMatrix& scores = segment->scores;
  for (int64_t frame = 0; frame < scores.frames; ++frame) {
    const std::span<float> row = scores.mutable_view().Row(frame);
    row[0] += scaling_.blank_penalty;
    for (float& nll : row) nll *= scaling_.acoustic_scale;
  }
  search_.Begin();
  SKALD_RETURN_IF_ERROR(search_.Advance(scores.view()));
  SKALD_ASSIGN_OR_RETURN(const RawLattice lattice, search_.Finish());
  const BestPathResult path = BestPath(lattice);
  const std::vector<double> confidences = WordConfidences(lattice, ForwardBackward(lattice), path);

  Segment result;
  double confidence_sum = 0;
  for (size_t i = 0; i < path.words.size(); ++i) {
    const PathWord& path_word = path.words[i];
    Word word;
    word.text = std::string(graph_.word(path_word.word));
    word.start_s = clock.Seconds(segment->first_frame + path_word.start_frame);
    word.end_s = clock.Seconds(segment->first_frame + path_word.end_frame);
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
