#pragma once

#include <string>

namespace skald {

/// A word or a phrase that the user expects to hear.
struct BoostRequest {
  std::string phrase;  ///< words between spaces
  /// Nats taken off for every occurrence. Larger finds more of them and hears them where they were not said;
  /// negative hears the phrase less often.
  double weight = kDefaultWeight;
  /// How the words are said, in units of the model's head, for a phrase of one word only. Empty: as the
  /// lexicon has it, else as it is written.
  std::string spelling;

  static constexpr double kDefaultWeight = 4.0;  ///< nats
};

}  // namespace skald
