#include "engine/keyword_index.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <deque>
#include <filesystem>
#include <fmt/format.h>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/utf8.h"
#include "decoder/kws/index_folder.h"
#include "decoder/kws/query_evaluator.h"
#include "engine/keyword_expansion.h"

namespace skald {
namespace {

/// Hits below this count for nothing in a query's threshold, so that it does not depend on min_score.
constexpr double kCountedScore = 0.01;
/// Sums of scores as integers do not depend on their order.
constexpr double kScoreUnits = 1e9;

/// Length of the segments that Replicate writes [s].
constexpr double kReplicatedSegmentS = 1000 * 3600.0;

/// The hits of one segment.
struct SegmentHits {
  Status status;
  std::vector<SegmentHit> hits;
  int64_t score_sum = 0;  // in 1 / kScoreUnits, of those above kCountedScore
};

/// A hit with what orders it.
struct RankedHit {
  const SegmentHit* hit;
  std::string_view path;
  size_t segment;

  bool operator<(const RankedHit& other) const {
    if (hit->score != other.hit->score) return hit->score > other.hit->score;
    return std::tie(path, hit->track, hit->channel, hit->start_s, hit->end_s) <
           std::tie(other.path, other.hit->track, other.hit->channel, other.hit->start_s, other.hit->end_s);
  }
};

bool IsWord(const Query& query) { return query.kind == Query::Kind::kPhrase && query.slots.size() == 1; }

double Threshold(double count, double audio_s, double beta) {
  const double denominator = audio_s + (beta - 1) * count;
  return denominator > 0 ? beta * count / denominator : 0;
}

/// Maps the threshold to 0.5, 0 to 0 and 1 to 1: multiplies the odds.
double Normalized(double score, double threshold) {
  const double numerator = (1 - threshold) * score;
  const double denominator = numerator + (1 - score) * threshold;
  return denominator > 0 ? numerator / denominator : score;
}

}  // namespace

Status KeywordSearchOptions::Validate() const {
  if (!(min_score >= 0 && min_score <= 1))
    return Status::InvalidArgument("the threshold must be within 0 to 1");
  if (context_words < 0 || context_words > 1000) {
    return Status::InvalidArgument("the context must be within 0 to 1000 words");
  }
  if (!(max_gap_s >= 0 && max_gap_s <= 1e6))
    return Status::InvalidArgument("the largest gap must not be negative");
  if (!(lead_in_s >= 0 && lead_in_s <= 1e6))
    return Status::InvalidArgument("the lead-in must not be negative");
  if (threads < 0 || threads > 1024) return Status::InvalidArgument("threads must be within 0 to 1024");
  if (!(beta >= 1 && beta <= 1e9)) return Status::InvalidArgument("beta must be within 1 to 1e9");
  return Status::Ok();
}

struct KeywordIndex::State {
  explicit State(IndexFolder folder_in) : folder(std::move(folder_in)) {}

  IndexFolder folder;
  IndexFolder::View view;
  std::vector<std::unordered_set<uint64_t>> removed;  // by segment
  double audio_s = 0;
  std::string pronunciations_path;
  std::mutex expansion_mutex;
  std::unique_ptr<KeywordExpansion> expansion;  // made when it is needed first; guarded by expansion_mutex

  Status Refresh();
  bool IsIndexed(const std::string& word) const;
  /// The first word of the query, taken literally, that is nowhere in the index; empty: there is none.
  std::string MissingWord(const Query& query) const;
  StatusOr<ExpandedQuery> Expand(const Query& query);
  SegmentHits SearchSegment(size_t s, const Query& query, const EvaluationOptions& options) const;
  std::vector<SegmentHits> SearchSegments(const Query& query, const EvaluationOptions& options,
                                          int threads) const;
  StatusOr<std::vector<RankedHit>> Rank(const std::vector<SegmentHits>& found, double min_score,
                                        size_t max_hits) const;
};

Status KeywordIndex::State::Refresh() {
  SKALD_ASSIGN_OR_RETURN(view, folder.OpenView());
  removed.assign(view.segments.size(), {});
  expansion.reset();  // it knows the words of before
  audio_s = 0;
  for (const CatalogueSegment& segment : view.snapshot.segments) audio_s += segment.audio_s;
  for (const RemovedFile& file : view.snapshot.removed) {
    const auto place = std::lower_bound(view.snapshot.segments.begin(), view.snapshot.segments.end(),
                                        file.segment_id, [](const auto& s, int64_t id) { return s.id < id; });
    if (place == view.snapshot.segments.end() || place->id != file.segment_id) continue;
    removed[static_cast<size_t>(place - view.snapshot.segments.begin())].insert(file.id);
    audio_s -= file.audio_s;
  }
  audio_s = std::max(0.0, std::round(audio_s * 1000) / 1000);  // whatever the order of the sum
  return Status::Ok();
}

bool KeywordIndex::State::IsIndexed(const std::string& word) const {
  bool found = false;
  for (const IndexSegment& segment : view.segments) {
    if (!found) segment.FindTerms(word, [&](uint32_t) { found = true; });
  }
  return found;
}

StatusOr<ExpandedQuery> KeywordIndex::State::Expand(const Query& query) {
  std::lock_guard lock(expansion_mutex);
  if (expansion == nullptr) {
    std::set<std::string> vocabulary;
    for (const IndexSegment& segment : view.segments) {
      for (uint32_t term = 0; term < segment.info().term_count; ++term)
        vocabulary.insert(ToUpper(segment.term(term)));
    }
    SKALD_ASSIGN_OR_RETURN(
        expansion, KeywordExpansion::Create(pronunciations_path, {vocabulary.begin(), vocabulary.end()}));
  }
  return expansion->Expand(query, [&](const std::string& word) { return IsIndexed(word); });
}

std::string KeywordIndex::State::MissingWord(const Query& query) const {
  for (const Query::Slot& slot : query.slots) {
    if (slot.size() == 1 && slot[0].find_first_of("*?") == std::string::npos && !IsIndexed(slot[0]))
      return slot[0];
  }
  for (const Query& part : query.parts) {
    std::string missing = MissingWord(part);
    if (!missing.empty()) return missing;
  }
  return "";
}

SegmentHits KeywordIndex::State::SearchSegment(size_t s, const Query& query,
                                               const EvaluationOptions& options) const {
  SegmentHits result;
  auto hits = EvaluateQuery(view.segments[s], query, options);
  if (!hits.ok()) {
    result.status = std::move(hits).status();
    return result;
  }
  result.hits = std::move(hits).value();
  if (!removed[s].empty()) {
    const auto gone = [&](const SegmentHit& hit) {
      const auto source = view.segments[s].Source(hit.source);
      if (!source.ok()) result.status = source.status();
      return source.ok() && removed[s].count(source->file_id) != 0;
    };
    result.hits.erase(std::remove_if(result.hits.begin(), result.hits.end(), gone), result.hits.end());
  }
  for (const SegmentHit& hit : result.hits) {
    if (hit.score >= kCountedScore) result.score_sum += std::llround(hit.score * kScoreUnits);
  }
  return result;
}

std::vector<SegmentHits> KeywordIndex::State::SearchSegments(const Query& query,
                                                             const EvaluationOptions& options,
                                                             int threads) const {
  std::vector<SegmentHits> found(view.segments.size());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t s = next++; s < found.size(); s = next++) found[s] = SearchSegment(s, query, options);
  };
  if (threads == 0) threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  std::vector<std::thread> workers;
  for (size_t i = 1; i < std::min(static_cast<size_t>(threads), found.size()); ++i)
    workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  return found;
}

StatusOr<std::vector<RankedHit>> KeywordIndex::State::Rank(const std::vector<SegmentHits>& found,
                                                           double min_score, size_t max_hits) const {
  std::vector<RankedHit> ranked;
  for (size_t s = 0; s < found.size(); ++s) {
    uint32_t source_number = 0;
    std::string_view path;
    for (const SegmentHit& hit : found[s].hits) {
      if (hit.score < min_score) continue;
      if (path.data() == nullptr || hit.source != source_number) {
        SKALD_ASSIGN_OR_RETURN(const IndexSource source, view.segments[s].Source(hit.source));
        path = source.path;
        source_number = hit.source;
      }
      ranked.push_back({&hit, path, s});
    }
  }
  const size_t listed = max_hits == 0 ? ranked.size() : std::min(max_hits, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(listed), ranked.end());
  return ranked;
}

KeywordIndex::KeywordIndex(std::unique_ptr<State> state) : state_(std::move(state)) {}
KeywordIndex::KeywordIndex(KeywordIndex&&) noexcept = default;
KeywordIndex& KeywordIndex::operator=(KeywordIndex&&) noexcept = default;
KeywordIndex::~KeywordIndex() = default;

StatusOr<KeywordIndex> KeywordIndex::Open(const std::string& folder) {
  SKALD_ASSIGN_OR_RETURN(IndexFolder index_folder, IndexFolder::Open(folder));
  auto state = std::make_unique<State>(std::move(index_folder));
  SKALD_RETURN_IF_ERROR(state->Refresh());
  return KeywordIndex(std::move(state));
}

Status KeywordIndex::Refresh() { return state_->Refresh(); }

void KeywordIndex::SetPronunciations(const std::string& path) {
  std::lock_guard lock(state_->expansion_mutex);
  state_->pronunciations_path = path;
  state_->expansion.reset();
}

StatusOr<KeywordSearchResult> KeywordIndex::Search(const std::string& text,
                                                   const KeywordSearchOptions& options) const {
  SKALD_RETURN_IF_ERROR(options.Validate());
  SKALD_ASSIGN_OR_RETURN(Query query, ParseQuery(text));
  KeywordSearchResult result;
  result.query = text;
  result.kind = IsWord(query) ? "word" : "phrase";
  if (const std::string missing = state_->MissingWord(query); !missing.empty()) {
    result.tried = missing + " is nowhere in the index";
    if (options.oov == OovSearch::kAuto && state_->pronunciations_path.empty()) {
      result.tried += ", and no pronunciations are known to look for it by its sound";
    } else if (options.oov == OovSearch::kAuto) {
      SKALD_ASSIGN_OR_RETURN(ExpandedQuery expanded, state_->Expand(query));
      if (expanded.changed) result.kind = "oov";
      query = std::move(expanded.query);
      result.tried += "; " + expanded.tried;
    }
  } else {
    result.tried = "its words are in the index, but not as asked for";
  }
  const EvaluationOptions evaluation{std::min(options.min_score, kCountedScore), options.max_gap_s};
  const std::vector<SegmentHits> found = state_->SearchSegments(query, evaluation, options.threads);
  int64_t score_sum = 0;
  for (const SegmentHits& segment : found) {
    if (!segment.status.ok()) return segment.status;
    score_sum += segment.score_sum;
  }
  result.threshold = Threshold(static_cast<double>(score_sum) / kScoreUnits, state_->audio_s, options.beta);

  SKALD_ASSIGN_OR_RETURN(const std::vector<RankedHit> ranked,
                         state_->Rank(found, options.min_score, options.max_hits));
  result.hit_count = ranked.size();
  if (result.hit_count > 0) {
    result.tried.clear();
  } else if (std::any_of(found.begin(), found.end(), [](const SegmentHits& s) { return !s.hits.empty(); })) {
    result.tried += fmt::format("; there are hits with scores below {:g}", options.min_score);
  }
  const size_t listed = options.max_hits == 0 ? ranked.size() : std::min(options.max_hits, ranked.size());
  result.hits.reserve(listed);
  for (size_t i = 0; i < listed; ++i) {
    const SegmentHit& from = *ranked[i].hit;
    KeywordHit hit;
    hit.file = ranked[i].path;
    hit.track = static_cast<int>(from.track);
    hit.channel = static_cast<int>(from.channel);
    hit.start_s = from.start_s;
    hit.end_s = from.end_s;
    hit.play_s = std::max(0.0, from.start_s - options.lead_in_s);
    hit.score = from.score;
    hit.normalized_score = Normalized(from.score, result.threshold);
    hit.decision = from.score >= result.threshold;
    SKALD_ASSIGN_OR_RETURN(hit.context,
                           HitContext(state_->view.segments[ranked[i].segment], from, options.context_words));
    result.hits.push_back(std::move(hit));
  }
  return result;
}

StatusOr<KeywordIndexInfo> KeywordIndex::Info() {
  KeywordIndexInfo info;
  SKALD_ASSIGN_OR_RETURN(info.files, state_->folder.catalogue().FileCount());
  info.removed_files = static_cast<int64_t>(state_->view.snapshot.removed.size());
  info.audio_s = state_->audio_s;
  for (size_t s = 0; s < state_->view.segments.size(); ++s) {
    const CatalogueSegment& known = state_->view.snapshot.segments[s];
    const IndexSegmentInfo& segment = state_->view.segments[s].info();
    info.segments.push_back({known.name, segment.source_count, segment.utterance_count, segment.term_count,
                             static_cast<int64_t>(segment.arc_count), static_cast<int64_t>(segment.bytes),
                             segment.audio_s, segment.floor});
    info.bytes += static_cast<int64_t>(segment.bytes);
  }
  return info;
}

StatusOr<std::vector<std::string>> KeywordIndex::Files() {
  SKALD_ASSIGN_OR_RETURN(const std::vector<CatalogueFile> files, state_->folder.catalogue().Files());
  std::vector<std::string> paths;
  for (const CatalogueFile& file : files) paths.push_back(file.path);
  return paths;
}

Status KeywordIndex::Verify(const std::string& folder) {
  SKALD_ASSIGN_OR_RETURN(IndexFolder index_folder, IndexFolder::Open(folder));
  return index_folder.OpenView(/*verify_all=*/true).status();
}

StatusOr<int64_t> KeywordIndex::Remove(const std::string& folder, const std::vector<std::string>& paths) {
  SKALD_ASSIGN_OR_RETURN(IndexFolder index_folder, IndexFolder::Open(folder));
  return index_folder.catalogue().RemoveFiles(paths);
}

StatusOr<int64_t> KeywordIndex::Merge(const std::string& folder) {
  { SKALD_RETURN_IF_ERROR(IndexFolder::Open(folder).status()); }  // do not make one
  SKALD_ASSIGN_OR_RETURN(IndexFolder index_folder, IndexFolder::OpenForWriting(folder));
  SKALD_ASSIGN_OR_RETURN(const size_t merged,
                         index_folder.Merge([](const CatalogueSegment&) { return true; }));
  return static_cast<int64_t>(merged);
}

StatusOr<int64_t> KeywordIndex::Absorb(const std::string& folder, const std::string& other) {
  SKALD_ASSIGN_OR_RETURN(IndexFolder source, IndexFolder::Open(other));
  std::error_code error;
  if (std::filesystem::equivalent(folder, other, error)) {
    return Status::InvalidArgument("an index cannot absorb itself").InFile(folder);
  }
  SKALD_ASSIGN_OR_RETURN(const IndexFolder::View view, source.OpenView());
  SKALD_ASSIGN_OR_RETURN(const std::vector<CatalogueFile> known, source.catalogue().Files());
  std::unordered_map<uint64_t, const CatalogueFile*> by_id;
  for (const CatalogueFile& file : known) by_id.emplace(file.id, &file);

  SKALD_ASSIGN_OR_RETURN(IndexFolder target, IndexFolder::OpenForWriting(folder));
  if (known.empty()) return int64_t{0};
  SKALD_ASSIGN_OR_RETURN(uint64_t id, target.catalogue().ReserveFileIds(known.size()));
  SKALD_ASSIGN_OR_RETURN(IndexFolder::NewSegment written, target.CreateSegment());
  std::vector<CatalogueFile> files;
  for (const IndexSegment& segment : view.segments) {
    SKALD_RETURN_IF_ERROR(written.writer.AddSegment(segment, [&](IndexSource* source_file) {
      const auto found = by_id.find(source_file->file_id);
      if (found == by_id.end()) return false;  // removed, or added after the view was opened
      files.push_back(*found->second);
      files.back().id = source_file->file_id = id++;
      by_id.erase(found);
      return true;
    }));
  }
  const auto count = static_cast<int64_t>(files.size());
  SKALD_RETURN_IF_ERROR(target.CommitSegment(std::move(written), std::move(files)));
  return count;
}

Status KeywordIndex::Replicate(const std::string& folder, const std::string& to, int copies) {
  SKALD_ASSIGN_OR_RETURN(IndexFolder source, IndexFolder::Open(folder));
  SKALD_ASSIGN_OR_RETURN(const IndexFolder::View view, source.OpenView());
  SKALD_ASSIGN_OR_RETURN(IndexFolder target, IndexFolder::OpenForWriting(to));
  double audio_s = 0;
  for (const IndexSegment& segment : view.segments) audio_s += segment.info().audio_s;
  const int copies_of_segment = std::max(1, static_cast<int>(kReplicatedSegmentS / std::max(1.0, audio_s)));
  std::deque<std::string> paths;  // views of them stay valid
  for (int copy = 0; copy < copies;) {
    SKALD_ASSIGN_OR_RETURN(IndexFolder::NewSegment written, target.CreateSegment());
    std::vector<CatalogueFile> files;
    paths.clear();
    for (int n = 0; n < copies_of_segment && copy < copies; ++n, ++copy) {
      for (const IndexSegment& segment : view.segments) {
        SKALD_ASSIGN_OR_RETURN(uint64_t id, target.catalogue().ReserveFileIds(segment.info().source_count));
        SKALD_RETURN_IF_ERROR(written.writer.AddSegment(segment, [&](IndexSource* file) {
          file->file_id = id++;
          file->path = paths.emplace_back(fmt::format("copy{}/{}", copy, file->path));
          files.push_back({file->file_id, paths.back(), 0, 0, 0, file->duration_s});
          return true;
        }));
      }
    }
    SKALD_RETURN_IF_ERROR(target.CommitSegment(std::move(written), std::move(files)));
  }
  return Status::Ok();
}

}  // namespace skald
