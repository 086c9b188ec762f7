#include <fmt/format.h>
#include <utility>

#include "decoder/search/beam_search.h"
#include "engine/benchmark_stages.h"
#include "engine/device_segment_search.h"
#include "engine/segment_search.h"

namespace skald {
namespace {

/// Of the survivors of one stream after the other.
uint64_t JoinHash(uint64_t hash, const RawLattice& lattice) {
  return hash * 1099511628211u + SurvivorHash(lattice);
}

struct SearchRun {
  uint64_t hash = 0;
  SearchStatistics sum;
};

StatusOr<SearchRun> SearchOnCpu(const Recognizer& recognizer, const std::vector<ScoreRows>& streams) {
  SearchRun run;
  BeamSearch search(recognizer.graph(), recognizer.search_options());
  for (const ScoreRows& stream : streams) {
    search.Begin(recognizer.boosts());
    SKALD_RETURN_IF_ERROR(search.Advance(stream.nll));
    SKALD_ASSIGN_OR_RETURN(const RawLattice lattice, search.Finish());
    run.hash = JoinHash(run.hash, lattice);
    Add(search.statistics(), &run.sum);
  }
  return run;
}

DeviceSearchCounts Counts(const Recognizer& recognizer) {
  DeviceSearchCounts sum;
  for (const auto& search : recognizer.device_searches()) {
    const DeviceSearchCounts counts = search->counts();
    sum.lanes += counts.lanes;
    sum.channels += counts.channels;
    sum.launches += counts.launches;
    sum.repeated_launches += counts.repeated_launches;
    sum.output_bytes += counts.output_bytes;
    sum.device_s += counts.device_s;
    Add(counts.search, &sum.search);
  }
  return sum;
}

/// One thread drives all searches in turn.
StatusOr<uint64_t> SearchOnDevice(const Recognizer& recognizer, const std::vector<ScoreRows>& streams) {
  std::vector<SearchedSegment> done;
  size_t next = 0;
  for (bool busy = true; busy;) {
    busy = false;
    for (const auto& search : recognizer.device_searches()) {
      while (next < streams.size() && search->free_channels() > 0) {
        ScoreSegment segment;
        segment.pieces.push_back(streams[next]);
        search->Begin(next++, std::move(segment));
      }
      if (search->idle()) continue;
      search->Step(&done);
      busy = true;
    }
  }
  std::sort(done.begin(), done.end(), [](const auto& a, const auto& b) { return a.ticket < b.ticket; });
  uint64_t hash = 0;
  for (const SearchedSegment& segment : done) {
    if (!segment.lattice.ok()) return segment.lattice.status();
    hash = JoinHash(hash, *segment.lattice);
  }
  return hash;
}

void DescribeFrames(const SearchStatistics& sum, BenchmarkResult* result) {
  const int64_t searched = std::max<int64_t>(1, sum.frames - sum.collapsed_frames);
  const auto per_frame = [&](int64_t count) {
    return fmt::format("{:.0f}", static_cast<double>(count) / static_cast<double>(searched));
  };
  const double share = 100.0 * static_cast<double>(sum.collapsed_frames) / static_cast<double>(sum.frames);
  result->details.insert(
      result->details.end(),
      {{"frames", fmt::format("{}", sum.frames)},
       {"frames/s", fmt::format("{:.0f}", static_cast<double>(sum.frames) / result->median_s())},
       {"collapsed frames", fmt::format("{:.1f} %", share)},
       {"frames searched", fmt::format("{}", searched)},
       {"tokens/frame searched", per_frame(sum.tokens)},
       {"arcs tried/frame searched", per_frame(sum.arcs_tried)},
       {"arcs kept/frame searched", per_frame(sum.arcs_kept)},
       {"links made/frame searched", per_frame(sum.links_made)},
       {"tokens", fmt::format("{}", sum.tokens)}});
}

}  // namespace

Status BenchmarkSearch(Recognizer* recognizer, const std::vector<Window>& windows,
                       const BenchmarkOptions& benchmark, BenchmarkResult* result) {
  std::vector<ScoreRows> scores;
  ScorerTiming timing;
  SKALD_RETURN_IF_ERROR(
      ScoreAll(recognizer->first_scorer(), windows, recognizer->batch_s(), &scores, &timing));
  std::vector<ScoreRows> streams;
  for (int copy = 0; copy < benchmark.copies; ++copy) {
    streams.insert(streams.end(), scores.begin(), scores.end());
  }
  result->audio_s *= benchmark.copies;
  uint64_t hash = 0;
  if (recognizer->device_searches().empty()) {
    SearchRun run;
    SKALD_RETURN_IF_ERROR(Measure(benchmark, result, [&]() -> Status {
      SKALD_ASSIGN_OR_RETURN(run, SearchOnCpu(*recognizer, streams));
      return Status::Ok();
    }));
    hash = run.hash;
    DescribeFrames(run.sum, result);
  } else {
    std::vector<ScoreRows> resident;
    for (const ScoreRows& rows : scores) {
      SKALD_ASSIGN_OR_RETURN(ScoreRows copy,
                             CopyToDevice(rows, recognizer->device_searches().front()->device()));
      resident.push_back(std::move(copy));
    }
    for (size_t i = 0; i < streams.size(); ++i) streams[i] = resident[i % resident.size()];
    DeviceSearchCounts before, after;
    std::vector<double> device_s;
    SKALD_RETURN_IF_ERROR(Measure(benchmark, result, [&]() -> Status {
      before = Counts(*recognizer);
      SKALD_ASSIGN_OR_RETURN(hash, SearchOnDevice(*recognizer, streams));
      after = Counts(*recognizer);
      device_s.push_back(after.device_s - before.device_s);
      return Status::Ok();
    }));
    device_s.erase(device_s.begin(), device_s.begin() + benchmark.warm_up_runs);
    std::sort(device_s.begin(), device_s.end());
    SearchStatistics last = after.search;
    last.frames -= before.search.frames;
    last.collapsed_frames -= before.search.collapsed_frames;
    last.tokens -= before.search.tokens;
    last.arcs_tried -= before.search.arcs_tried;
    last.arcs_kept -= before.search.arcs_kept;
    last.links_made -= before.search.links_made;
    DescribeFrames(last, result);
    result->details.insert(
        result->details.end(),
        {{"lanes", fmt::format("{}", after.lanes)},
         {"channels", fmt::format("{}", after.channels)},
         {"launches", fmt::format("{}", after.launches - before.launches)},
         {"launches repeated", fmt::format("{}", after.repeated_launches - before.repeated_launches)},
         {"device seconds, by events", fmt::format("{:.4f}", device_s[device_s.size() / 2])},
         {"output MB",
          fmt::format("{:.2f}", static_cast<double>(after.output_bytes - before.output_bytes) / 1e6)}});
    if (benchmark.check) {
      std::vector<ScoreRows> on_host;
      for (const ScoreRows& stream : streams) {
        SKALD_ASSIGN_OR_RETURN(ScoreRows copy, CopyToHost(stream));
        on_host.push_back(std::move(copy));
      }
      SKALD_ASSIGN_OR_RETURN(const SearchRun cpu, SearchOnCpu(*recognizer, on_host));
      result->details.push_back({"survivor hash of the CPU", fmt::format("{:016x}", cpu.hash)});
      if (cpu.hash != hash) {
        return Status(StatusCode::kDeviceError,
                      fmt::format("the survivors differ: hash {:016x} on the device, {:016x} on the CPU",
                                  hash, cpu.hash));
      }
    }
  }
  result->details.push_back({"survivor hash", fmt::format("{:016x}", hash)});
  return Status::Ok();
}

}  // namespace skald
