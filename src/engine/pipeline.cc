#include "engine/pipeline.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "engine/beam_warnings.h"
#include "engine/scheduler.h"
#include "engine/segment_search.h"

namespace skald {
namespace {

/// Readers run at most this many files ahead of the first file that is not finished.
constexpr size_t kMaxFilesAhead = 512;
/// Scores that wait for a search at most, half a GiB.
constexpr int64_t kMaxWaitingScores = int64_t{1} << 27;

class Pipeline {
 public:
  Pipeline(const PipelineContext& context, const InputSource& inputs, int64_t files,
           const MediaOptions& media, const ResultSink& sink, const ProgressSink& progress)
      : context_(context),
        inputs_(inputs),
        expected_files_(files),
        media_(media),
        sink_(sink),
        progress_(progress),
        shape_(context.scorers.front()->shape()),
        windows_(context.options.windows),
        describer_(context.graph, context.options.description, context.rescorer),
        scheduler_(Limits(context), !context.device_searches.empty(), [&context] {
          return std::all_of(context.scorers.begin(), context.scorers.end(),
                             [](const auto& scorer) { return scorer->HasRoom(); });
        }) {
    windows_.frame_shift_samples = shape_.frame_shift_samples;
    windows_.window_s = std::min(windows_.window_s, shape_.max_window_s);
  }

  void Run() {
    SKALD_CHECK(context_.search_workers > 0 || context_.scorers.front()->max_begun() == 1,
                "nobody is there to describe lattices");
    std::vector<std::thread> workers;
    for (const auto& scorer : context_.scorers) {
      workers.emplace_back([this, &scorer] { Work(scorer.get()); });
    }
    for (int i = 0; i < context_.search_workers; ++i) workers.emplace_back([this] { Work(nullptr); });
    for (const auto& search : context_.device_searches) {
      workers.emplace_back([this, &search] { SearchOnDevice(search.get()); });
    }
    const size_t reader_count = std::max<size_t>(2, workers.size() / 2);
    std::vector<std::thread> readers;
    for (size_t i = 0; i < reader_count; ++i) readers.emplace_back([this] { Read(); });
    for (std::thread& thread : readers) thread.join();
    scheduler_.CloseWindows();
    for (std::thread& thread : workers) thread.join();
  }

 private:
  static SchedulerLimits Limits(const PipelineContext& context) {
    const RecognizerOptions& options = context.options;
    SchedulerLimits limits;
    limits.scoring_workers = context.scorers.size();
    // Short files average some seconds.
    limits.max_waiting_windows =
        4 * context.scorers.size() * static_cast<size_t>(std::max(1.0, options.batch_s / 4.0));
    limits.max_batch_samples = static_cast<size_t>(options.batch_s * kSampleRateHz);
    limits.max_waiting_frames =
        kMaxWaitingScores / std::max<int64_t>(1, context.scorers.front()->shape().units);
    return limits;
  }

  // ---- Readers ----

  void Read() {
    while (FileJob* file = NextFile()) {
      ReadFile(file);
      Release(file);
    }
  }

  FileJob* NextFile() {
    std::lock_guard inputs_lock(inputs_mutex_);
    {
      std::unique_lock lock(files_mutex_);
      files_delivered_.wait(lock, [&] { return next_file_ < delivered_ + kMaxFilesAhead; });
    }
    std::optional<std::string> path = inputs_();
    if (!path) return nullptr;
    auto file = std::make_unique<FileJob>();
    file->path = std::move(*path);
    std::lock_guard lock(files_mutex_);
    file->index = next_file_++;
    return (files_[file->index] = std::move(file)).get();
  }

  void ReadSamples(FileJob* file, PcmView samples) {
    std::map<std::pair<int, int>, StreamJob*> open_streams;
    double waiting_s = 0;
    PcmBlock block;
    for (size_t first = 0; first < samples.size(); first += block.samples.size()) {
      const PcmView part = samples.subspan(first, std::min<size_t>(kSampleRateHz, samples.size() - first));
      block.first_sample = static_cast<int64_t>(first);
      block.samples.assign(part.begin(), part.end());
      Append(file, block, &open_streams, &waiting_s);
    }
    for (auto& [key, stream] : open_streams) FinishStream(stream, &waiting_s);
    MediaInfo info;
    info.audio_tracks.emplace_back();
    info.audio_tracks[0].sample_rate_hz = kSampleRateHz;
    info.audio_tracks[0].channels = 1;
    DescribeSources(file, info, {});
  }

  void ReadFile(FileJob* file) {
    if (!context_.samples.empty()) return ReadSamples(file, context_.samples[file->index]);
    Stopwatch watch;
    double waiting_s = 0;  // for room in the queue: no part of decoding
    auto reader = MediaReader::Open(file->path, media_);
    if (!reader.ok()) return file->Fail(std::move(reader).status());
    const MediaInfo& info = (*reader)->info();
    std::map<std::pair<int, int>, StreamJob*> open_streams;
    for (;;) {
      StatusOr<std::optional<PcmBlock>> block = (*reader)->Read();
      if (!block.ok()) {
        file->Fail(std::move(block).status());
        break;
      }
      if (!block->has_value() || file->failed) break;
      Append(file, **block, &open_streams, &waiting_s);
    }
    for (auto& [key, stream] : open_streams) FinishStream(stream, &waiting_s);
    if (file->streams.empty()) file->Fail(Status::Corrupt("the audio holds no samples"));
    DescribeSources(file, info, (*reader)->warnings());
    std::lock_guard lock(file->mutex);
    file->timing.decode_s += watch.Seconds() - waiting_s;
  }

  void Append(FileJob* file, const PcmBlock& block, std::map<std::pair<int, int>, StreamJob*>* open_streams,
              double* waiting_s) {
    StreamJob*& stream = (*open_streams)[{block.track, block.channel}];
    if (stream != nullptr && stream->next_sample != block.first_sample) {
      FinishStream(stream, waiting_s);  // a long gap: what follows is a stream of its own
      stream = nullptr;
    }
    if (stream == nullptr) {
      file->streams.push_back(
          std::make_unique<StreamJob>(file, block.track, block.channel, block.first_sample, windows_));
      stream = file->streams.back().get();
      stream->clock = {static_cast<double>(block.first_sample) / kSampleRateHz, shape_.frame_shift_s};
      stream->endpointer = std::make_unique<Endpointer>(
          context_.options.endpoint, shape_.frame_shift_s,
          [this, stream](ScoreSegment segment) { PushSegment(stream, std::move(segment)); });
    }
    for (Window& window : stream->cutter.Push(block.samples))
      PushWindow(stream, std::move(window), waiting_s);
    stream->next_sample += static_cast<int64_t>(block.samples.size());
  }

  void FinishStream(StreamJob* stream, double* waiting_s) {
    if (auto window = stream->cutter.Finish()) PushWindow(stream, std::move(*window), waiting_s);
  }

  void PushWindow(StreamJob* stream, Window window, double* waiting_s) {
    Stopwatch watch;
    ++stream->file->outstanding;
    scheduler_.PushWindow({stream, std::move(window)});
    *waiting_s += watch.Seconds();
  }

  void DescribeSources(FileJob* file, const MediaInfo& info, const std::vector<Warning>& warnings) {
    for (const AudioTrackInfo& track : info.audio_tracks) {
      if (media_.track >= 0 && track.index != media_.track) continue;
      Transcript transcript = context_.prototype;
      transcript.source.path = file->path;
      transcript.source.track = track.index;
      transcript.source.sample_rate_hz = track.sample_rate_hz;
      transcript.source.channels = track.channels;
      // What was decoded counts more than what the container promises.
      int64_t end_sample = 0;
      for (const auto& stream : file->streams) {
        if (stream->track == track.index) end_sample = std::max(end_sample, stream->next_sample);
      }
      transcript.source.duration_s = static_cast<double>(end_sample) / kSampleRateHz;
      transcript.warnings = warnings;
      file->transcripts.push_back(std::move(transcript));
    }
  }

  // ---- Workers ----

  /// A batch that a scorer has, or would not take.
  struct Batch {
    std::vector<WindowJob> jobs;
    std::vector<PcmView> views;
    Status begun;
  };

  void Work(Scorer* scorer) {
    const size_t most_begun = scorer == nullptr ? 0 : static_cast<size_t>(scorer->max_begun());
    // A scorer that works ahead is a device's: its thread shall not be late for it.
    const WorkerKind kind = scorer == nullptr ? WorkerKind::kSearcher
                            : most_begun > 1  ? WorkerKind::kScorer
                                              : WorkerKind::kBoth;
    SegmentSearch search(context_.graph, context_.options.search, context_.boost);
    std::deque<Batch> begun;
    for (;;) {
      Task task = scheduler_.Next(kind, begun.empty());
      if (auto* lattice = std::get_if<LatticeJob>(&task)) {
        Describe(lattice);
        scheduler_.Done();
      } else if (auto* segment = std::get_if<SegmentJob>(&task)) {
        Search(&search, segment);
        scheduler_.Done();
      } else if (auto* windows = std::get_if<std::vector<WindowJob>>(&task)) {
        begun.push_back(BeginBatch(scorer, std::move(*windows)));
        if (begun.size() == most_begun) FinishOldest(scorer, &begun);
      } else if (!begun.empty()) {
        FinishOldest(scorer, &begun);
      } else {
        return;
      }
    }
  }

  Batch BeginBatch(Scorer* scorer, std::vector<WindowJob> jobs) {
    Batch batch;
    batch.jobs = std::move(jobs);
    for (const WindowJob& job : batch.jobs) batch.views.push_back(job.window.samples);
    batch.begun = scorer->Begin(batch.views);
    return batch;
  }

  void FinishOldest(Scorer* scorer, std::deque<Batch>* begun) {
    const Batch batch = std::move(begun->front());
    begun->pop_front();
    std::vector<ScoreRows> scores;
    ScorerTiming timing;
    Status status = batch.begun;
    if (status.ok()) status = scorer->Finish(&scores, &timing);
    if (status.code() == StatusCode::kDeviceOutOfMemory) {
      while (!begun->empty()) FinishOldest(scorer, begun);
      status = ScoreInPieces(scorer, batch.views, &scores, &timing);
    }
    DeliverScores(batch, status, std::move(scores), timing);
    scheduler_.Done();
  }

  /// Scores the batch; where device memory is short, half of it after the other.
  Status ScoreInPieces(Scorer* scorer, std::span<const PcmView> views, std::vector<ScoreRows>* scores,
                       ScorerTiming* timing) {
    Status status = scorer->Score(views, scores, timing);
    if (status.code() != StatusCode::kDeviceOutOfMemory || views.size() < 2) return status;
    std::vector<ScoreRows> second;
    const size_t half = views.size() / 2;
    SKALD_RETURN_IF_ERROR(ScoreInPieces(scorer, views.first(half), scores, timing));
    SKALD_RETURN_IF_ERROR(ScoreInPieces(scorer, views.subspan(half), &second, timing));
    std::move(second.begin(), second.end(), std::back_inserter(*scores));
    return Status::Ok();
  }

  void DeliverScores(const Batch& batch, const Status& status, std::vector<ScoreRows> scores,
                     const ScorerTiming& timing) {
    double batch_samples = 0;
    for (const PcmView view : batch.views) batch_samples += static_cast<double>(view.size());
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
        stream->stitcher.Add({window.index, window.first_frame, window.keep_first_frame,
                              window.keep_end_frame, window.last, std::move(scores[i])},
                             [stream](const ScoreRows& rows) { stream->endpointer->Push(rows); });
        if (stream->stitcher.finished()) stream->endpointer->Finish();
      }
      Report(samples / kSampleRateHz);
      Release(file);
    }
  }

  void PushSegment(StreamJob* stream, ScoreSegment segment) {
    ++stream->file->outstanding;
    stream->segments.emplace_back();  // under the stream's mutex: the endpointer runs in DeliverScores
    scheduler_.PushSegment({stream, std::move(segment)});
  }

  void Search(SegmentSearch* search, SegmentJob* job) {
    Stopwatch watch;
    LatticeJob lattice{job->stream, job->segment.index, job->segment.first_frame,
                       search->Search(job->segment)};
    job->segment = {};
    scheduler_.ScoresReleased();
    lattice.search_s = watch.Seconds();
    Describe(&lattice);
  }

  void SearchOnDevice(DeviceSegmentSearch* search) {
    std::map<uint64_t, LatticeJob> under_way;
    uint64_t next_ticket = 0;
    for (;;) {
      std::vector<SegmentJob> jobs =
          scheduler_.NextDeviceSegments(static_cast<size_t>(search->free_channels()), search->idle());
      if (jobs.empty() && search->idle()) return;
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
          scheduler_.PushSegmentForCpu({job.stream, std::move(segment.segment)});
        } else {
          job.lattice = std::move(segment.lattice);
          job.search_s = segment.search_s;
          scheduler_.PushLattice(std::move(job));
        }
        scheduler_.ScoresReleased();
        scheduler_.Done();
      }
    }
  }

  void Describe(LatticeJob* job) {
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
    {
      std::lock_guard lock(file->mutex);
      file->timing.search_s += job->search_s + watch.Seconds();
    }
    Release(file);
  }

  // ---- Completion ----

  void Release(FileJob* file) {
    if (--file->outstanding == 0) Complete(file);
  }

  void Complete(FileJob* file) {
    FileResult result;
    result.path = file->path;
    result.status = std::move(file->status).InFile(file->path);
    file->timing.wall_s = file->watch.Seconds();
    if (result.status.ok()) {
      for (Transcript& transcript : file->transcripts) {
        for (const auto& stream : file->streams) {
          if (stream->track != transcript.source.track) continue;
          for (Segment& segment : stream->segments) {
            if (!segment.words.empty()) transcript.segments.push_back(std::move(segment));
          }
        }
        std::stable_sort(transcript.segments.begin(), transcript.segments.end(),
                         [](const auto& a, const auto& b) {
                           return std::pair(a.start_s, a.channel) < std::pair(b.start_s, b.channel);
                         });
        for (Warning& warning : BeamWarnings(transcript.segments, context_.options.search.beam,
                                             context_.options.search.lattice_beam)) {
          transcript.warnings.push_back(std::move(warning));
        }
        transcript.timing = file->timing;
        transcript.timing.audio_s = transcript.source.duration_s;
      }
      result.transcripts = std::move(file->transcripts);
    }
    std::lock_guard delivery(delivery_mutex_);
    std::unique_lock lock(files_mutex_);
    finished_.emplace(file->index, std::move(result));
    files_.erase(file->index);
    while (!finished_.empty() && finished_.begin()->first == delivered_) {
      FileResult next = std::move(finished_.begin()->second);
      finished_.erase(finished_.begin());
      lock.unlock();
      sink_(std::move(next));
      lock.lock();
      ++delivered_;
      files_delivered_.notify_all();
    }
    lock.unlock();
    Report(0);
  }

  void Report(double audio_s) {
    if (!progress_) return;
    std::lock_guard lock(progress_mutex_);
    audio_s_ += audio_s;
    int64_t delivered = 0, files = 0;
    {
      std::lock_guard files_lock(files_mutex_);
      delivered = static_cast<int64_t>(delivered_);
      files = std::max(expected_files_, static_cast<int64_t>(next_file_));
    }
    progress_({delivered, files, audio_s_});
  }

  const PipelineContext& context_;
  const InputSource& inputs_;
  const int64_t expected_files_;
  const MediaOptions& media_;
  const ResultSink& sink_;
  const ProgressSink& progress_;
  const ScorerShape shape_;
  WindowOptions windows_;
  const SegmentDescriber describer_;
  Scheduler scheduler_;

  std::mutex delivery_mutex_;  // one result at a time goes to the sink; taken before files_mutex_
  std::mutex inputs_mutex_;    // one reader asks for an input at a time; taken before files_mutex_
  std::mutex files_mutex_;
  std::condition_variable files_delivered_;
  size_t next_file_ = 0;
  size_t delivered_ = 0;
  std::map<size_t, std::unique_ptr<FileJob>> files_;
  std::map<size_t, FileResult> finished_;

  std::mutex progress_mutex_;
  double audio_s_ = 0;
};

}  // namespace

void RunPipeline(const PipelineContext& context, const std::vector<std::string>& paths,
                 const MediaOptions& media, const ResultSink& sink, const ProgressSink& progress) {
  if (paths.empty()) return;
  size_t next = 0;
  const auto inputs = [&]() -> std::optional<std::string> {
    if (next == paths.size()) return std::nullopt;
    return paths[next++];
  };
  RunPipeline(context, inputs, static_cast<int64_t>(paths.size()), media, sink, progress);
}

void RunPipeline(const PipelineContext& context, const InputSource& inputs, int64_t files,
                 const MediaOptions& media, const ResultSink& sink, const ProgressSink& progress) {
  Pipeline(context, inputs, files, media, sink, progress).Run();
}

}  // namespace skald
