#include "engine/search_worker.h"

#include <map>
#include <utility>

#include "base/log.h"
#include "base/stopwatch.h"
#include "engine/greedy_describer.h"

namespace skald {

StatusOr<Segment> SegmentReader::DescribeLattices(const LatticeJob& job) const {
  SKALD_RETURN_IF_ERROR(job.lattices.status());
  const StreamJob& stream = *job.stream;
  if (context_.lattice_sink) {
    context_.lattice_sink({stream.file->index, stream.track, stream.channel, stream.clock, job.first_frame,
                           job.lattices->front()});
  }
  return combiner_ ? combiner_->Describe(*job.lattices, job.first_frame, stream.clock)
                   : describer_->Describe(job.lattices->front(), job.first_frame, stream.clock);
}

void SegmentReader::Describe(LatticeJob* job, WorkerOccupancy* occupancy) const {
  const Stopwatch watch;
  StatusOr<Segment> segment = DescribeLattices(*job);
  const double describe_s = watch.Seconds();
  occupancy->busy(PipelineStage::kDescribe) += describe_s;
  Put(job->stream, job->segment_index, std::move(segment), job->search_s + describe_s);
}

void SegmentReader::Describe(const SegmentJob& job, WorkerOccupancy* occupancy) const {
  const Stopwatch watch;
  StatusOr<Segment> segment = DescribeGreedily(context_.unit_spellings, job.segment, job.stream->clock);
  const double search_s = watch.Seconds();
  occupancy->busy(PipelineStage::kSearch) += search_s;
  Put(job.stream, job.segment.index, std::move(segment), search_s);
}

void SegmentReader::Put(StreamJob* stream, int64_t segment_index, StatusOr<Segment> segment,
                        double search_s) const {
  FileJob* const file = stream->file;
  if (segment.ok()) {
    segment->channel = stream->channel;
    file->segments.Put(stream->track, stream->number, segment_index, *std::move(segment));
  } else {
    file->Fail(segment.status());
  }
  {
    std::lock_guard lock(file->mutex);
    file->timing.search_s += search_s;
  }
  results_->Release(file);
}

void SearchWorker::Search(SegmentJob* job) {
  if (searches_.empty()) {
    reader_.Describe(*job, occupancy_);
    job->segment = {};
    scheduler_->ScoresReleased();
    return;
  }
  Stopwatch watch;
  LatticeJob lattice{job->stream, job->segment.index, job->segment.first_frame};
  // Scores are on a device only where its search gave up.
  if (Status status = MoveToHost(&job->segment); status.ok()) {
    lattice.lattices = SearchHeads(job->segment);
  } else {
    lattice.lattices = status;
  }
  job->segment = {};
  scheduler_->ScoresReleased();
  lattice.search_s = watch.Seconds();
  occupancy_->busy(PipelineStage::kSearch) += lattice.search_s;
  reader_.Describe(&lattice, occupancy_);
}

StatusOr<std::vector<RawLattice>> SearchWorker::SearchHeads(const ScoreSegment& segment) {
  std::vector<RawLattice> lattices;
  for (SegmentSearch& search : searches_) {
    SKALD_ASSIGN_OR_RETURN(RawLattice lattice, search.Search(segment));
    lattices.push_back(std::move(lattice));
  }
  return lattices;
}

namespace {

/// Hands the segments that a search is done with to whoever is next.
void PassOn(std::vector<SearchedSegment>* searched, std::map<uint64_t, LatticeJob>* under_way,
            Scheduler* scheduler, Status* failure) {
  for (SearchedSegment& segment : *searched) {
    LatticeJob job = std::move(under_way->extract(segment.ticket).mapped());
    if (segment.lattice.status().code() == StatusCode::kDeviceError) *failure = segment.lattice.status();
    if (segment.segment.has_value()) {
      Log(LogLevel::kWarning, segment.lattice.status().ToString() + ": a segment goes to the CPU");
      scheduler->PushSegmentForCpu({job.stream, *std::move(segment.segment)});
    } else {
      if (segment.lattice.ok()) {
        job.lattices = std::vector<RawLattice>();
        job.lattices->push_back(*std::move(segment.lattice));
      } else {
        job.lattices = segment.lattice.status();
      }
      job.search_s = segment.search_s;
      scheduler->PushLattice(std::move(job));
    }
    scheduler->ScoresReleased();
    scheduler->Done();
  }
}

}  // namespace

Status SearchOnDevice(DeviceSegmentSearch* search, Scheduler* scheduler, WorkerOccupancy* occupancy) {
  const double device_s_before = search->counts().device_s;
  std::map<uint64_t, LatticeJob> under_way;
  uint64_t next_ticket = 0;
  Status failure;
  for (;;) {
    std::vector<SegmentJob> jobs = scheduler->NextDeviceSegments(
        search->device(), static_cast<size_t>(search->free_channels()), search->idle(), occupancy);
    if (jobs.empty() && search->idle()) break;
    SecondsTo busy(&occupancy->busy(PipelineStage::kSearch));
    std::vector<SearchedSegment> searched;
    for (SegmentJob& job : jobs) {
      under_way[next_ticket] = {job.stream, job.segment.index, job.segment.first_frame};
      // Windows of one segment may have been scored on several devices.
      if (Status status = MoveToHost(&job.segment, search->device()); status.ok()) {
        search->Begin(next_ticket, std::move(job.segment));
      } else {
        searched.push_back({next_ticket, status, std::nullopt, 0});
      }
      ++next_ticket;
    }
    search->Step(&searched);
    PassOn(&searched, &under_way, scheduler, &failure);
    if (!failure.ok()) scheduler->GiveUpSearching(search->device());
  }
  occupancy->device_s += search->counts().device_s - device_s_before;
  return failure;
}

}  // namespace skald
