#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "decoder/combine/system_word.h"
#include "decoder/lattice/confusion_network.h"

namespace skald {

/// What may have been said at one place: words (0: none) with their posteriors as confidences, which sum
/// to 1.
using TimedBin = std::vector<SystemWord>;

/// The bins of a confusion network of a lattice on the common clock (lattice_union.h).
std::vector<TimedBin> TimedBins(const ConfusionNetwork& network);

/// A bin for each word: the word with its confidence, none with what is left to 1.
std::vector<TimedBin> BinsOfWords(std::span<const SystemWord> words);

struct NetworkCombinationOptions {
  /// Bins this far apart in time may still be the same place. Larger: for systems with vague word times.
  double time_slack_s = 0.2;
  /// Factor of the posterior of no word when words are chosen. Larger: more deletions, fewer insertions.
  double null_scale = 1;
};

/// Confusion network combination (Evermann and Woodland, "Posterior probability decoding, confidence
/// estimation and system combination", 2000): aligns networks one after the other with the mean of those
/// before, put the best one first, and takes the mean of the posteriors, weighted with `weights` [networks],
/// 0 or more. Two bins cost 1 - sum over words of p1(w) * p2(w) together, forbidden where their times do not
/// meet; a bin alone costs 1 - p(no word);
/// bins alone at equal cost are ordered by their starts. Networks of weight 0 have no part. O(bins * bins)
/// for each.
std::vector<TimedBin> CombineNetworks(std::span<const std::vector<TimedBin>> networks,
                                      std::span<const double> weights,
                                      const NetworkCombinationOptions& options = {});

/// The likeliest entry of each bin, where that is a word; starts never go back. At equal posteriors the lower
/// word number.
std::vector<SystemWord> LikeliestWords(std::span<const TimedBin> bins,
                                       const NetworkCombinationOptions& options = {});

}  // namespace skald
