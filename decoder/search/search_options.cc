#include "decoder/search/search_options.h"

#include <cmath>

namespace skald {

Status SearchOptions::Validate() const {
  // Scores reach 1e6, where f32 resolves 0.25: a smaller beam could round to nothing and keep no token at
  // all.
  if (!(beam >= 0.5f)) return Status::InvalidArgument("beam must be at least 0.5");
  if (!(lattice_beam > 0)) return Status::InvalidArgument("lattice_beam must be greater than 0");
  if (max_active < 1) return Status::InvalidArgument("max_active must be at least 1");
  if (min_active < 0 || (min_active > 0 && min_active >= max_active)) {
    return Status::InvalidArgument("min_active must be within 0 to max_active - 1");
  }
  if (max_arcs_per_frame < 1) return Status::InvalidArgument("max_arcs_per_frame must be at least 1");
  if (!std::isfinite(word_penalty)) return Status::InvalidArgument("word_penalty must be a number");
  if (prune_interval_frames < 0) return Status::InvalidArgument("prune_interval_frames must not be negative");
  if (initial_tokens < 1 || initial_tokens > (1 << 26)) {
    return Status::InvalidArgument("initial_tokens must be between 1 and 67108864");
  }
  return Status::Ok();
}

}  // namespace skald
