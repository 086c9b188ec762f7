#pragma once

#include <string>
#include <vector>

#include "base/results.h"

namespace skald {

/// A list of warnings that a damaged file cannot make grow without bound: what comes after the first
/// kMaxWarnings - 1 is only counted, in the last entry. One thread at a time.
class WarningLog {
 public:
  static constexpr int kMaxWarnings = 100;

  void Add(double time_s, std::string what);

  /// Counts one more damaged packet of `track` near `time_s`; those without EndDamage between them share one
  /// warning.
  void AddDamagedPacket(int track, double time_s, const std::string& reason);
  /// A packet of `track` was decoded: the next damaged one starts a new warning.
  void EndDamage(int track);

  const std::vector<Warning>& warnings() const { return warnings_; }

 private:
  struct Damage {
    int packets = 0;
    int index = -1;  // of the warning that counts them; -1 where it was left out
    std::string reason;
  };
  std::vector<Warning> warnings_;
  std::vector<Damage> damage_;  // by track
  int64_t left_out_ = 0;
};

}  // namespace skald
