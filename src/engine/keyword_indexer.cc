#include "engine/keyword_indexer.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <mutex>
#include <optional>
#include <sys/stat.h>
#include <tuple>
#include <utility>
#include <vector>

#include "base/stopwatch.h"
#include "decoder/graph/graph_image.h"
#include "decoder/kws/index_folder.h"
#include "decoder/kws/posterior_lattice.h"
#include "decoder/kws/probability_code.h"
#include "decoder/lattice/word_lattice.h"
#include "engine/pipeline.h"

namespace skald {
namespace {

/// Numbers of files that are taken from the catalogue at once.
constexpr uint64_t kReservedFileIds = 64;
/// So many segments of about the same size are merged into one.
constexpr int64_t kMergeCount = 8;
/// The largest class of segments that are merged when a run ends, whatever their number.
constexpr int kMergedAtFinish = 1;
/// Length beyond which segments are left alone.
constexpr double kLargestMergedS = 2000 * 3600.0;

/// One utterance, ready to be stored.
struct IndexedUtterance {
  int track = 0;
  int channel = 0;
  double start_s = 0;
  PosteriorLattice lattice;
};

/// What has come of a file so far.
struct WaitingFile {
  double frame_shift_s = 0;
  std::vector<IndexedUtterance> utterances;
};

/// Segments of one class differ in length by less than a factor of eight.
int SizeClass(double audio_s) {
  int size_class = 0;
  for (double limit_s = 900; audio_s >= limit_s; limit_s *= static_cast<double>(kMergeCount)) ++size_class;
  return size_class;
}

void DescribeMedia(const std::string& path, CatalogueFile* file) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return;  // standard input, a URL
  file->bytes = info.st_size;
  file->modified_ns = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

}  // namespace

Status KeywordIndexerOptions::Validate() const {
  if (!(commit_every_s >= 0)) return Status::InvalidArgument("commit_every_s must not be negative");
  return PosteriorLatticeOptions{posterior_scale, posterior_floor}.Validate();
}

struct KeywordIndexer::State {
  State(IndexFolder folder_in, const GraphImage& graph_in, const KeywordIndexerOptions& options_in)
      : folder(std::move(folder_in)), graph(graph_in), options(options_in) {}

  IndexFolder folder;
  const GraphImage& graph;
  const KeywordIndexerOptions options;

  std::mutex mutex;
  std::map<size_t, WaitingFile> waiting;  // by file of the run; guarded by mutex

  double processor_s = 0;  // guarded by mutex

  size_t next_file = 0;  // of the run
  uint64_t next_file_id = 0, free_file_ids = 0;
  std::optional<IndexFolder::NewSegment> segment;
  std::vector<CatalogueFile> files;  // in `segment`
  Stopwatch since_commit;
  int64_t files_added = 0;

  void Take(const SegmentLattice& segment_lattice);
  Status MergeSmallSegments();
  Status Commit();
};

KeywordIndexer::KeywordIndexer(std::unique_ptr<State> state) : state_(std::move(state)) {}
KeywordIndexer::KeywordIndexer(KeywordIndexer&&) noexcept = default;
KeywordIndexer& KeywordIndexer::operator=(KeywordIndexer&&) noexcept = default;
KeywordIndexer::~KeywordIndexer() = default;

StatusOr<KeywordIndexer> KeywordIndexer::Open(const std::string& folder, const GraphImage& graph,
                                              const KeywordIndexerOptions& options) {
  SKALD_RETURN_IF_ERROR(options.Validate());
  SKALD_ASSIGN_OR_RETURN(IndexFolder index_folder, IndexFolder::OpenForWriting(folder));
  return KeywordIndexer(std::make_unique<State>(std::move(index_folder), graph, options));
}

int64_t KeywordIndexer::files_added() const { return state_->files_added; }
double KeywordIndexer::processor_s() const {
  std::lock_guard lock(state_->mutex);
  return state_->processor_s;
}

StatusOr<bool> KeywordIndexer::IsUpToDate(const std::string& path) {
  SKALD_ASSIGN_OR_RETURN(const auto known, state_->folder.catalogue().FindFile(path));
  if (!known.has_value()) return false;
  CatalogueFile now;
  DescribeMedia(path, &now);
  return now.modified_ns != 0 && now.modified_ns == known->modified_ns && now.bytes == known->bytes;
}

LatticeSink KeywordIndexer::lattice_sink() {
  return [state = state_.get()](const SegmentLattice& lattice) { state->Take(lattice); };
}

/// Adds the processor time of the calling thread during its life.
class ProcessorTime {
 public:
  explicit ProcessorTime(KeywordIndexer::State* state) : state_(state), start_s_(Now()) {}
  ~ProcessorTime() {
    std::lock_guard lock(state_->mutex);
    state_->processor_s += Now() - start_s_;
  }
  ProcessorTime(const ProcessorTime&) = delete;
  ProcessorTime& operator=(const ProcessorTime&) = delete;

 private:
  static double Now() {
    struct timespec now {};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }
  KeywordIndexer::State* const state_;
  const double start_s_;
};

void KeywordIndexer::State::Take(const SegmentLattice& from) {
  const ProcessorTime time(this);
  IndexedUtterance utterance;
  utterance.track = from.track;
  utterance.channel = from.channel;
  utterance.start_s = from.clock.Seconds(from.first_frame);
  utterance.lattice =
      MakePosteriorLattice(DeterminizeWords(from.lattice), {options.posterior_scale, options.posterior_floor},
                           1 / kProbabilityStepsPerNat);
  if (utterance.lattice.arcs.empty()) return;
  std::lock_guard lock(mutex);
  WaitingFile& file = waiting[from.file_index];
  file.frame_shift_s = from.clock.frame_shift_s;
  file.utterances.push_back(std::move(utterance));
}

Status KeywordIndexer::AddFile(const FileResult& result) {
  State& state = *state_;
  const ProcessorTime time(&state);
  WaitingFile waiting;
  {
    std::lock_guard lock(state.mutex);
    if (const auto place = state.waiting.find(state.next_file); place != state.waiting.end()) {
      waiting = std::move(place->second);
      state.waiting.erase(place);
    }
    ++state.next_file;
  }
  if (!result.status.ok()) return Status::Ok();
  std::sort(waiting.utterances.begin(), waiting.utterances.end(), [](const auto& a, const auto& b) {
    return std::tie(a.track, a.channel, a.start_s) < std::tie(b.track, b.channel, b.start_s);
  });
  if (!state.segment.has_value()) {
    SKALD_ASSIGN_OR_RETURN(state.segment, state.folder.CreateSegment());
    state.since_commit = Stopwatch();
  }
  CatalogueFile file;
  if (state.free_file_ids == 0) {
    SKALD_ASSIGN_OR_RETURN(state.next_file_id, state.folder.catalogue().ReserveFileIds(kReservedFileIds));
    state.free_file_ids = kReservedFileIds;
  }
  file.id = state.next_file_id++;
  --state.free_file_ids;
  file.path = result.path;
  for (const Transcript& transcript : result.transcripts) {
    file.audio_s = std::max(file.audio_s, transcript.source.duration_s);
  }
  DescribeMedia(result.path, &file);
  IndexSegmentWriter& writer = state.segment->writer;
  writer.AddSource({file.id, file.path, file.audio_s, waiting.frame_shift_s});
  state.files.push_back(std::move(file));
  const auto spelling = [&](uint32_t word) { return state.graph.word(word); };
  for (const IndexedUtterance& utterance : waiting.utterances) {
    SKALD_RETURN_IF_ERROR(writer.AddUtterance(static_cast<uint32_t>(utterance.track),
                                              static_cast<uint32_t>(utterance.channel), utterance.start_s,
                                              utterance.lattice, spelling, state.options.posterior_floor));
  }
  ++state.files_added;
  const bool full = state.since_commit.Seconds() >= state.options.commit_every_s ||
                    writer.memory_bytes() >= state.options.memory_bytes;
  return full ? state.Commit() : Status::Ok();
}

Status KeywordIndexer::State::Commit() {
  if (!segment.has_value()) return Status::Ok();
  IndexFolder::NewSegment finished = std::move(*segment);
  segment.reset();
  SKALD_RETURN_IF_ERROR(folder.CommitSegment(std::move(finished), std::exchange(files, {})));
  return options.merge_small_segments ? MergeSmallSegments() : Status::Ok();
}

Status KeywordIndexer::State::MergeSmallSegments() {
  for (;;) {
    SKALD_ASSIGN_OR_RETURN(const CatalogueSnapshot snapshot, folder.catalogue().Snapshot());
    std::map<int, int64_t> counts;
    for (const CatalogueSegment& known : snapshot.segments) {
      if (known.audio_s < kLargestMergedS) ++counts[SizeClass(known.audio_s)];
    }
    const auto many =
        std::find_if(counts.begin(), counts.end(), [](const auto& c) { return c.second >= kMergeCount; });
    if (many == counts.end()) return Status::Ok();
    SKALD_ASSIGN_OR_RETURN(const size_t merged, folder.Merge([&](const CatalogueSegment& known) {
      return known.audio_s < kLargestMergedS && SizeClass(known.audio_s) == many->first;
    }));
    if (merged < 2) return Status::Ok();  // somebody else was first
  }
}

Status KeywordIndexer::Finish() {
  state_->next_file = 0;
  const ProcessorTime time(state_.get());
  SKALD_RETURN_IF_ERROR(state_->Commit());
  if (!state_->options.merge_small_segments) return Status::Ok();
  return state_->folder
      .Merge([](const CatalogueSegment& known) { return SizeClass(known.audio_s) <= kMergedAtFinish; })
      .status();
}

}  // namespace skald
