#include "engine/greedy_describer.h"

#include <limits>
#include <utility>

#include "base/check.h"
#include "decoder/greedy/greedy_decoder.h"

namespace skald {

StatusOr<Segment> DescribeGreedily(std::span<const std::string> spellings, const ScoreSegment& segment,
                                   const FrameClock& clock) {
  GreedyDecoder decoder(spellings);
  for (const ScoreRows& piece : segment.pieces) {
    SKALD_CHECK(!piece.on_device, "the CPU was to read scores on a device");
    SKALD_RETURN_IF_ERROR(decoder.Advance(piece.nll));
  }
  Segment result;
  // Nothing is pruned.
  result.effective_beam = result.effective_lattice_beam = std::numeric_limits<double>::infinity();
  double confidence_sum = 0;
  for (GreedyWord& found : decoder.Finish()) {
    Word word;
    word.start_s = clock.Seconds(segment.first_frame + found.start_frame);
    word.end_s = clock.Seconds(segment.first_frame + found.end_frame);
    word.confidence = found.confidence;
    confidence_sum += found.confidence;
    result.text += (result.text.empty() ? "" : " ") + found.text;
    word.text = std::move(found.text);
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
