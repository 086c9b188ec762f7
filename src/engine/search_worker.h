#pragma once

#include "engine/device_segment_search.h"
#include "engine/pipeline.h"
#include "engine/pipeline_state.h"
#include "engine/result_collector.h"
#include "engine/scheduler.h"
#include "engine/segment_describer.h"
#include "engine/segment_search.h"

namespace skald {

/// Takes a lattice to the words of its segment and into its stream. Thread safe.
class LatticeReader {
 public:
  /// References are kept.
  LatticeReader(const PipelineContext& context, ResultCollector* results)
      : context_(context),
        describer_(context.graph, context.options.description, context.rescorer),
        results_(results) {}

  void Describe(LatticeJob* job, WorkerOccupancy* occupancy) const;

 private:
  const PipelineContext& context_;
  const SegmentDescriber describer_;
  ResultCollector* const results_;
};

/// Searches segments on the CPU. Belongs to one thread.
class SearchWorker {
 public:
  SearchWorker(const PipelineContext& context, const LatticeReader& reader, Scheduler* scheduler,
               WorkerOccupancy* occupancy)
      : search_(context.graph, context.options.search, context.boost),
        reader_(reader),
        scheduler_(scheduler),
        occupancy_(occupancy) {}

  /// Searches and describes.
  void Search(SegmentJob* job);

 private:
  SegmentSearch search_;
  const LatticeReader& reader_;
  Scheduler* const scheduler_;
  WorkerOccupancy* const occupancy_;
};

/// Takes segments through a device's search until all work is done. Lattices go back to the scheduler;
/// segments that the device has no memory for go to the CPU.
void SearchOnDevice(DeviceSegmentSearch* search, Scheduler* scheduler, WorkerOccupancy* occupancy);

}  // namespace skald
