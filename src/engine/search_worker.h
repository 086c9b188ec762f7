#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "engine/device_segment_search.h"
#include "engine/pipeline.h"
#include "engine/pipeline_state.h"
#include "engine/result_collector.h"
#include "engine/scheduler.h"
#include "engine/segment_describer.h"
#include "engine/segment_search.h"

namespace skald {

/// Takes a lattice, or scores where there is no graph, to the words of its segment and into its stream.
/// Thread safe.
class SegmentReader {
 public:
  /// References are kept.
  SegmentReader(const PipelineContext& context, ResultCollector* results)
      : context_(context), results_(results) {
    if (context.graph == nullptr) return;
    describer_.emplace(*context.graph, context.options.description, context.rescorer);
    if (!context.heads.empty()) combiner_.emplace(context.heads, context.options.description);
  }

  /// Describes a lattice.
  void Describe(LatticeJob* job, WorkerOccupancy* occupancy) const;
  /// Describes scores on the host, greedily.
  void Describe(const SegmentJob& job, WorkerOccupancy* occupancy) const;

 private:
  StatusOr<Segment> DescribeLattices(const LatticeJob& job) const;
  void Put(StreamJob* stream, int64_t segment_index, StatusOr<Segment> segment, double search_s) const;

  const PipelineContext& context_;
  std::optional<SegmentDescriber> describer_;  // where there is a graph
  std::optional<HeadCombiner> combiner_;       // where there are several heads
  ResultCollector* const results_;
};

/// Searches segments on the CPU. Belongs to one thread.
class SearchWorker {
 public:
  SearchWorker(const PipelineContext& context, const SegmentReader& reader, Scheduler* scheduler,
               WorkerOccupancy* occupancy)
      : reader_(reader), scheduler_(scheduler), occupancy_(occupancy) {
    for (const CombinedHead& head : context.heads) {
      searches_.emplace_back(head.graph, head.search, head.boost, head.first_column);
    }
    if (searches_.empty() && context.graph != nullptr)
      searches_.emplace_back(*context.graph, context.options.search, context.boost);
  }

  /// Searches and describes.
  void Search(SegmentJob* job);

 private:
  StatusOr<std::vector<RawLattice>> SearchHeads(const ScoreSegment& segment);

  std::deque<SegmentSearch> searches_;  // of each head; none: segments are read greedily
  const SegmentReader& reader_;
  Scheduler* const scheduler_;
  WorkerOccupancy* const occupancy_;
};

/// Takes segments through a device's search until all work is done. Lattices go back to the scheduler;
/// segments that the device has no memory for go to the CPU. Where the device fails, all its segments go to
/// others; the failure is returned.
Status SearchOnDevice(DeviceSegmentSearch* search, Scheduler* scheduler, WorkerOccupancy* occupancy);

}  // namespace skald
