#include "frontend/media/warning_log.h"

#include <fmt/format.h>
#include <utility>

namespace skald {

void WarningLog::Add(double time_s, std::string what) {
  if (warnings_.size() < kMaxWarnings - 1) {
    warnings_.push_back({time_s, std::move(what)});
    return;
  }
  if (left_out_++ == 0) warnings_.push_back({time_s, {}});
  warnings_.back().what = fmt::format("{} more warnings left out", left_out_);
}

void WarningLog::AddDamagedPacket(int track, double time_s, const std::string& reason) {
  if (damage_.size() <= static_cast<size_t>(track)) damage_.resize(static_cast<size_t>(track) + 1);
  Damage& damage = damage_[static_cast<size_t>(track)];
  if (++damage.packets == 1) {
    damage.reason = reason;
    damage.index = warnings_.size() < kMaxWarnings - 1 ? static_cast<int>(warnings_.size()) : -1;
    Add(time_s, fmt::format("1 damaged packet of track {} skipped: {}", track, reason));
  } else if (damage.index >= 0) {
    warnings_[static_cast<size_t>(damage.index)].what =
        fmt::format("{} damaged packets of track {} skipped: {}", damage.packets, track, damage.reason);
  }
}

void WarningLog::EndDamage(int track) {
  if (static_cast<size_t>(track) < damage_.size()) damage_[static_cast<size_t>(track)] = {};
}

}  // namespace skald
