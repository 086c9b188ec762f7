#include "decoder/combine/time_offset.h"

#include <algorithm>

#include "decoder/combine/rover.h"

namespace skald {

std::vector<double> WordTimeOffsets(const std::vector<SystemWord>& reference,
                                    const std::vector<SystemWord>& words) {
  const std::vector<SystemWord> systems[] = {reference, words};
  const auto slots = AlignForRover(systems);
  std::vector<double> offsets;
  if (!slots.ok()) return offsets;
  for (const RoverSlot& slot : *slots) {
    if (slot[0].word.word == 0 || slot[0].word.word != slot[1].word.word) continue;
    const SystemWord& a = slot[0].system == 0 ? slot[0].word : slot[1].word;
    const SystemWord& b = slot[0].system == 0 ? slot[1].word : slot[0].word;
    offsets.push_back((b.start_s + b.end_s - a.start_s - a.end_s) / 2);
  }
  return offsets;
}

double MedianOffset(std::vector<double> offsets) {
  if (offsets.empty()) return 0;
  const auto middle = offsets.begin() + static_cast<ptrdiff_t>((offsets.size() - 1) / 2);
  std::nth_element(offsets.begin(), middle, offsets.end());
  return *middle;
}

}  // namespace skald
