#include "decoder/kws/occurrences.h"

#include <algorithm>
#include <tuple>

namespace skald {

void GroupOccurrences(std::vector<Occurrence>* occurrences) {
  std::sort(occurrences->begin(), occurrences->end(), [](const Occurrence& a, const Occurrence& b) {
    return std::tie(a.start_frame, a.end_frame, b.probability) <
           std::tie(b.start_frame, b.end_frame, a.probability);
  });
  size_t spans = 0;
  for (const Occurrence& next : *occurrences) {
    Occurrence* last = spans > 0 ? &(*occurrences)[spans - 1] : nullptr;
    if (last != nullptr && last->start_frame == next.start_frame && last->end_frame == next.end_frame) {
      last->probability += next.probability;
    } else {
      (*occurrences)[spans++] = next;
    }
  }
  occurrences->resize(spans);
  size_t groups = 0;
  for (size_t i = 0; i < occurrences->size();) {
    Occurrence best = (*occurrences)[i];
    double sum = best.probability;
    for (++i; i < occurrences->size(); ++i) {
      const Occurrence& next = (*occurrences)[i];
      if (next.start_frame >= std::max(best.end_frame, best.start_frame + 1)) break;
      sum += next.probability;
      if (next.probability > best.probability) best = next;
    }
    best.probability = std::min(1.0, sum);
    (*occurrences)[groups++] = best;
  }
  occurrences->resize(groups);
}

}  // namespace skald
