#include "engine/lattice_benchmark.h"

#include <time.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "decoder/lattice/best_path.h"
#include "decoder/lattice/compact_lattice.h"
#include "decoder/lattice/confusion_network.h"
#include "decoder/lattice/forward_backward.h"
#include "decoder/lattice/kaldi_binary.h"
#include "decoder/lattice/nbest.h"
#include "decoder/lattice/word_confidence.h"
#include "decoder/lattice/word_lattice.h"
#include "engine/pipeline.h"
#include "engine/recognizer.h"
#include "engine/rescorer.h"

namespace skald {
namespace {

/// Every raw lattice of the files; `audio_s` gets their seconds.
StatusOr<std::vector<RawLattice>> CollectLattices(Recognizer* recognizer,
                                                  const std::vector<std::string>& paths, double* audio_s) {
  std::vector<RawLattice> lattices;
  std::mutex mutex;
  Status failure;
  recognizer->TranscribeFiles(
      paths, {},
      [&](FileResult file) {
        if (!file.status.ok()) failure = file.status;
        for (const Transcript& transcript : file.transcripts) *audio_s += transcript.source.duration_s;
      },
      {},
      [&](const SegmentLattice& segment) {
        std::lock_guard lock(mutex);
        lattices.push_back(segment.lattice);
      });
  if (!failure.ok()) return failure;
  return lattices;
}

/// Seconds that this thread had a processor: what else runs on the machine hardly shows.
double ThreadSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Median over the runs of the milliseconds that `body` takes for all lattices, for each second of audio.
template <typename Body>
double MedianMs(int repeats, double audio_s, size_t count, Body body) {
  std::vector<double> run_s;
  for (int run = -1; run < repeats; ++run) {  // the first is not counted
    const double start_s = ThreadSeconds();
    for (size_t i = 0; i < count; ++i) body(i);
    if (run >= 0) run_s.push_back(ThreadSeconds() - start_s);
  }
  std::sort(run_s.begin(), run_s.end());
  return 1000 * run_s[run_s.size() / 2] / audio_s;
}

}  // namespace

StatusOr<LatticeBenchmark> RunLatticeBenchmark(const std::vector<std::string>& paths,
                                               const RecognizerOptions& options, int nbest, int repeats) {
  if (nbest < 1 || repeats < 1) return Status::InvalidArgument("n-best lists and repeats must be at least 1");
  RecognizerOptions with_graph = options;
  with_graph.decoding = Decoding::kGraph;
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Recognizer> recognizer, Recognizer::Create(with_graph));
  LatticeBenchmark result;
  SKALD_ASSIGN_OR_RETURN(const std::vector<RawLattice> raws,
                         CollectLattices(recognizer.get(), paths, &result.audio_s));
  if (!(result.audio_s > 0)) return Status::InvalidArgument("the files hold no audio");
  result.segments = static_cast<int64_t>(raws.size());
  result.smallest_lattice_beam = options.search.lattice_beam;
  std::vector<WordLattice> words(raws.size());
  const auto measure = [&](auto body) { return MedianMs(repeats, result.audio_s, raws.size(), body); };

  size_t sum = 0;  // of something from each step, so that none is left out
  result.best_path_ms = measure([&](size_t i) {
    const BestPathResult path = BestPath(raws[i]);
    sum +=
        WordConfidences(raws[i], ForwardBackward(raws[i], options.description.confidence_scale), path.words)
            .size();
  });
  result.determinise_ms = measure([&](size_t i) { words[i] = DeterminizeWords(raws[i]); });
  std::vector<WordLattice> rescored = words;
  if (options.rescoring.enabled) {
    const std::string cache = options.cache_folder.empty() ? DefaultCacheFolder() : options.cache_folder;
    SKALD_ASSIGN_OR_RETURN(
        const std::unique_ptr<LargeLmRescorer> rescorer,
        LargeLmRescorer::Create(recognizer->bundle(), recognizer->graph(), options.rescoring, cache, {}));
    result.rescore_ms = measure([&](size_t i) { rescored[i] = rescorer->Rescore(raws[i], words[i]); });
  }
  result.nbest_ms = measure([&](size_t i) { sum += NBest(rescored[i], static_cast<size_t>(nbest)).size(); });
  MbrOptions mbr;
  mbr.scale = options.description.mbr_scale;
  result.mbr_ms = measure([&](size_t i) { sum += BuildConfusionNetwork(rescored[i], mbr).words.size(); });
  result.compact_ms =
      measure([&](size_t i) { sum += WriteKaldiBinary(ToCompactLattice(raws[i], words[i], "k")).size(); });
  SKALD_CHECK(raws.empty() || sum > 0, "lattices of a transcription hold something");
  for (size_t i = 0; i < raws.size(); ++i) {
    result.words += static_cast<int64_t>(BestPath(raws[i]).words.size());
    result.raw_arcs += static_cast<int64_t>(raws[i].arcs.size());
    result.word_arcs += static_cast<int64_t>(words[i].arcs.size());
    result.smallest_lattice_beam = std::min(result.smallest_lattice_beam, double{words[i].effective_beam});
  }
  return result;
}

}  // namespace skald
