#pragma once

#include "base/cuda/device_buffer.h"
#include "decoder/search/boost_automaton.h"

namespace skald {

/// A boost automaton in device memory. Any number of streams and searches on the same device share one.
/// Move-only; const members may be called from any thread. The host's automaton outlives it.
class CudaBoostAutomaton {
 public:
  /// Queues the copy on the context's stream: searches on other streams need an event after it. Fails with
  /// kDeviceOutOfMemory where the automaton does not fit.
  static StatusOr<CudaBoostAutomaton> Upload(DeviceContext context, const BoostAutomaton& automaton) {
    CudaBoostAutomaton device(automaton);
    SKALD_ASSIGN_OR_RETURN(device.states_,
                           DeviceBuffer<BoostState>::Create(automaton.states().size(), "boosted phrases"));
    SKALD_ASSIGN_OR_RETURN(device.arcs_,
                           DeviceBuffer<BoostArc>::Create(automaton.arcs().size(), "boosted phrases"));
    SKALD_RETURN_IF_ERROR(device.states_.CopyFrom(context, automaton.states()));
    SKALD_RETURN_IF_ERROR(device.arcs_.CopyFrom(context, automaton.arcs()));
    return device;
  }

  const BoostAutomaton& host() const { return *host_; }
  BoostTable table() const { return {states_.data(), arcs_.data()}; }

 private:
  explicit CudaBoostAutomaton(const BoostAutomaton& host) : host_(&host) {}

  const BoostAutomaton* host_;
  DeviceBuffer<BoostState> states_;
  DeviceBuffer<BoostArc> arcs_;
};

}  // namespace skald
