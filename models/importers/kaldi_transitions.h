#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "models/importers/kaldi_reader.h"

namespace skald {

/// What a transition-id of Kaldi stands for.
struct KaldiTransition {
  int32_t phone = 0;
  int32_t pdf = 0;         ///< column of the network's output, from 0
  int32_t hmm_state = 0;   ///< of the phone's HMM, from 0
  bool self_loop = false;  ///< stays in the HMM state
};

/// HMM topologies, their pdfs and transitions.
struct KaldiTransitionModel {
  std::vector<KaldiTransition> transitions;  ///< by transition-id; entry 0 is not one
  int32_t pdfs = 0;
};

/// Reads a <TransitionModel>, text or binary, with <Triples> or <Tuples>, and derives what every
/// transition-id stands for. Source: Kaldi, hmm/transition-model.cc, hmm/hmm-topology.cc. Log probabilities
/// are checked and dropped: graphs hold them.
StatusOr<KaldiTransitionModel> ReadKaldiTransitionModel(KaldiReader* reader);

}  // namespace skald
