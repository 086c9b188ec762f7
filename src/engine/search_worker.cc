#include "engine/search_worker.h"

#include <map>
#include <utility>

#include "base/log.h"
#include "base/stopwatch.h"

namespace skald {

void LatticeReader::Describe(LatticeJob* job, WorkerOccupancy* occupancy) const {
  StreamJob* stream = job->stream;
  FileJob* file = stream->file;
  Stopwatch watch;
  if (!job->lattice.ok()) {
    file->Fail(job->lattice.status());
  } else {
    if (context_.lattice_sink) {
      context_.lattice_sink(
          {file->index, stream->track, stream->channel, stream->clock, job->first_frame, *job->lattice});
    }
    Segment segment = describer_.Describe(*job->lattice, job->first_frame, stream->clock);
    segment.channel = stream->channel;
    std::lock_guard lock(stream->mutex);
    stream->segments[static_cast<size_t>(job->segment_index)] = std::move(segment);
  }
  const double describe_s = watch.Seconds();
  occupancy->busy(PipelineStage::kDescribe) += describe_s;
  {
    std::lock_guard lock(file->mutex);
    file->timing.search_s += job->search_s + describe_s;
  }
  results_->Release(file);
}

void SearchWorker::Search(SegmentJob* job) {
  Stopwatch watch;
  LatticeJob lattice{job->stream, job->segment.index, job->segment.first_frame, search_.Search(job->segment)};
  job->segment = {};
  scheduler_->ScoresReleased();
  lattice.search_s = watch.Seconds();
  occupancy_->busy(PipelineStage::kSearch) += lattice.search_s;
  reader_.Describe(&lattice, occupancy_);
}

void SearchOnDevice(DeviceSegmentSearch* search, Scheduler* scheduler, WorkerOccupancy* occupancy) {
  const double device_s_before = search->counts().device_s;
  std::map<uint64_t, LatticeJob> under_way;
  uint64_t next_ticket = 0;
  for (;;) {
    std::vector<SegmentJob> jobs = scheduler->NextDeviceSegments(static_cast<size_t>(search->free_channels()),
                                                                 search->idle(), occupancy);
    if (jobs.empty() && search->idle()) break;
    SecondsTo busy(&occupancy->busy(PipelineStage::kSearch));
    for (SegmentJob& job : jobs) {
      under_way[next_ticket] = {job.stream, job.segment.index, job.segment.first_frame};
      search->Begin(next_ticket++, std::move(job.segment));
    }
    std::vector<SearchedSegment> searched;
    search->Step(&searched);
    for (SearchedSegment& segment : searched) {
      LatticeJob job = std::move(under_way.extract(segment.ticket).mapped());
      if (segment.lattice.status().code() == StatusCode::kDeviceOutOfMemory) {
        Log(LogLevel::kWarning, segment.lattice.status().ToString() + ": a segment goes to the CPU");
        scheduler->PushSegmentForCpu({job.stream, std::move(segment.segment)});
      } else {
        job.lattice = std::move(segment.lattice);
        job.search_s = segment.search_s;
        scheduler->PushLattice(std::move(job));
      }
      scheduler->ScoresReleased();
      scheduler->Done();
    }
  }
  occupancy->device_s += search->counts().device_s - device_s_before;
}

}  // namespace skald
