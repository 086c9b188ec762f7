#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/cuda/device_buffer.h"
#include "base/status.h"
#include "models/layers/cuda/math_handles.h"

namespace skald {

/// An array of int32 that the host fills for each batch and the device reads. The host may run a few batches
/// ahead: it fills pinned memory that no queued copy reads any more. Move-only.
class StagedTable {
 public:
  static StatusOr<StagedTable> Create(int64_t size);

  /// Memory to fill for the next batch; waits where more than 4 batches are queued.
  StatusOr<std::span<int32_t>> Begin();
  /// Queues the copy of what Begin gave.
  Status Upload(DeviceContext context);
  /// On the device.
  int32_t* At(int64_t place) const { return table_.data() + place; }

 private:
  struct Staging {
    PinnedBuffer<int32_t> table;
    MathHandle<cudaEvent_t, cudaEventDestroy> copied;
  };
  std::vector<Staging> stagings_;
  size_t next_ = 0;
  DeviceBuffer<int32_t> table_;
};

}  // namespace skald
