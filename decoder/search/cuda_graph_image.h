#pragma once

#include "base/cuda/device_buffer.h"
#include "decoder/graph/graph_image.h"

namespace skald {

/// The cells of a decoding graph in device memory. Any number of searches on the same device share one.
/// Move-only; const members may be called from any thread. The host's image outlives it.
class CudaGraphImage {
 public:
  /// Queues the copy on the context's stream: searches on other streams need an event after it. Fails with
  /// kDeviceOutOfMemory where the graph does not fit.
  static StatusOr<CudaGraphImage> Upload(DeviceContext context, const GraphImage& graph) {
    SKALD_ASSIGN_OR_RETURN(auto cells,
                           DeviceBuffer<GraphCell>::Create(graph.cells().size(), "the decoding graph"));
    SKALD_RETURN_IF_ERROR(cells.CopyFrom(context, graph.cells()));
    return CudaGraphImage(graph, std::move(cells));
  }

  const GraphImage& host() const { return *host_; }
  const GraphCell* cells() const { return cells_.data(); }
  size_t device_bytes() const { return cells_.size() * sizeof(GraphCell); }

 private:
  CudaGraphImage(const GraphImage& host, DeviceBuffer<GraphCell> cells)
      : host_(&host), cells_(std::move(cells)) {}

  const GraphImage* host_;
  DeviceBuffer<GraphCell> cells_;
};

}  // namespace skald
