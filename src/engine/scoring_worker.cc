#include "engine/scoring_worker.h"

#include <iterator>
#include <utility>

#include "base/audio.h"
#include "engine/device_segment_search.h"

namespace skald {

void ScoringWorker::Begin(std::vector<WindowJob> windows) {
  Batch batch;
  batch.jobs = std::move(windows);
  for (const WindowJob& job : batch.jobs) batch.views.emplace_back(job.window.samples, job.ivectors);
  batch.begun = scorer_->Begin(batch.views);
  begun_.push_back(std::move(batch));
  if (begun_.size() == static_cast<size_t>(scorer_->max_begun())) FinishOldest();
}

void ScoringWorker::FinishOldest() {
  Batch batch = std::move(begun_.front());
  begun_.pop_front();
  std::vector<ScoreRows> scores;
  ScorerTiming timing;
  Status status = batch.begun;
  if (status.ok()) status = scorer_->Finish(&scores, &timing);
  if (status.code() == StatusCode::kDeviceOutOfMemory) {
    while (!idle()) FinishOldest();
    if (!lost_.ok()) return Return(&batch);
    status = ScoreInPieces(batch.views, &scores, &timing);
  }
  if (IsDeviceFailure(status) && GiveUp(&batch, status)) return;
  occupancy_->busy(PipelineStage::kFeatures) += timing.features_s;
  occupancy_->busy(PipelineStage::kModel) += timing.model_s;
  if (scorer_->max_begun() > 1) occupancy_->device_s += timing.features_s + timing.model_s;
  Deliver(batch, status, std::move(scores), timing);
  scheduler_->Done();
}

/// False where nobody else scores.
bool ScoringWorker::GiveUp(Batch* batch, const Status& status) {
  if (!scheduler_->GiveUpScoring()) return false;
  lost_ = status;
  while (!idle()) {
    Batch last = std::move(begun_.back());
    begun_.pop_back();
    std::vector<ScoreRows> scores;
    ScorerTiming timing;
    if (last.begun.ok()) (void)scorer_->Finish(&scores, &timing);  // leaves the scorer as it was found
    Return(&last);
  }
  Return(batch);
  return true;
}

void ScoringWorker::Return(Batch* batch) {
  scheduler_->ReturnWindows(std::move(batch->jobs));
  scheduler_->Done();
}

/// Scores the batch; where device memory is short, half of it after the other.
Status ScoringWorker::ScoreInPieces(std::span<const WindowInput> views, std::vector<ScoreRows>* scores,
                                    ScorerTiming* timing) {
  Status status = scorer_->Score(views, scores, timing);
  if (status.code() != StatusCode::kDeviceOutOfMemory || views.size() < 2) return status;
  std::vector<ScoreRows> second;
  const size_t half = views.size() / 2;
  SKALD_RETURN_IF_ERROR(ScoreInPieces(views.first(half), scores, timing));
  SKALD_RETURN_IF_ERROR(ScoreInPieces(views.subspan(half), &second, timing));
  std::move(second.begin(), second.end(), std::back_inserter(*scores));
  return Status::Ok();
}

void ScoringWorker::Deliver(const Batch& batch, const Status& status, std::vector<ScoreRows> scores,
                            const ScorerTiming& timing) {
  double batch_samples = 0;
  for (const WindowInput& view : batch.views) batch_samples += static_cast<double>(view.size());
  for (size_t i = 0; i < batch.jobs.size(); ++i) {
    StreamJob* stream = batch.jobs[i].stream;
    FileJob* file = stream->file;
    const double samples = static_cast<double>(batch.views[i].size());
    if (!status.ok()) {
      file->Fail(status);
    } else {
      const double share = samples / batch_samples;
      {
        std::lock_guard lock(file->mutex);
        file->timing.features_s += share * timing.features_s;
        file->timing.model_s += share * timing.model_s;
      }
      const Window& window = batch.jobs[i].window;
      std::lock_guard lock(stream->mutex);
      stream->stitcher.Add({window.index, window.first_frame, window.keep_first_frame, window.keep_end_frame,
                            window.last, std::move(scores[i])},
                           [stream](const ScoreRows& rows) { stream->endpointer->Push(rows); });
      if (stream->stitcher.finished()) {
        stream->endpointer->Finish();
        file->segments.Close(stream->track, stream->number);
      } else {
        file->segments.Advance(stream->track, stream->number,
                               stream->clock.Seconds(stream->endpointer->first_frame()));
      }
    }
    results_->ReportScored(samples / kSampleRateHz);
    results_->Release(file);
  }
}

}  // namespace skald
