#include "decoder/search/stable_path.h"

#include <gtest/gtest.h>
#include <random>

#include "decoder/lattice/best_path.h"
#include "decoder/search/beam_search.h"
#include "search_test_support.h"
#include "support/test_environment.h"
#include "support/tolerances.h"
#include "test_graph.h"

namespace skald::test {
namespace {

struct Stream {
  TestGraph graph;
  int frames = 0;
  std::vector<float> scores;
  SearchOptions options;

  explicit Stream(std::mt19937_64& random) {
    RandomGraphShape shape;
    shape.states = 20 + static_cast<int>(random() % 100);
    shape.units = 3 + static_cast<int>(random() % 20);
    shape.words = 10;
    shape.emitting_arcs = 4;
    graph = RandomGraph(shape, random);
    frames = 20 + static_cast<int>(random() % 200);
    scores = RandomScores(frames, shape.units, 0.6, 3.0, random);
    options.beam = 6;
    options.lattice_beam = 3;
    options.prune_interval_frames = 1 + static_cast<int>(random() % 20);
    options.collapse_blanks = random() % 2 == 0;
  }
  ScoreView rows(int64_t first, int64_t count) const {
    return ScoreView(scores.data(), frames, graph.units).Rows(first, count);
  }
};

void Append(std::vector<PathStep> more, std::vector<PathStep>* path) {
  path->insert(path->end(), more.begin(), more.end());
}

/// Cost of the steps, blanks of collapsed frames filled in.
double Cost(const std::vector<PathStep>& path, const Stream& stream, const GraphImage& image) {
  double cost = 0;
  int64_t next_row = 0;
  uint16_t unit = 0;
  for (const PathStep& step : path) {
    for (; next_row < step.frame; ++next_row) cost += double{stream.rows(next_row, 1).Row(0)[0]};
    if (step.cell == kEntryCell) continue;
    if (step.cell < kEntryCell) {
      const GraphArc& arc = image.arc(step.cell);
      cost += double{arc.cost};
      if (arc.unit == 0) continue;
      unit = arc.unit;
    } else if (step.cell == kBlankCell) {
      unit = 0;
    }
    cost += double{stream.rows(next_row++, 1).Row(0)[unit]};
  }
  for (; next_row < stream.frames; ++next_row) cost += double{stream.rows(next_row, 1).Row(0)[0]};
  return cost;
}

/// Ends the search: the steps cost what its best path does.
void ExpectBestPath(const std::vector<PathStep>& path, const Stream& stream, const GraphImage& image,
                    BeamSearch* search, int round) {
  const auto lattice = search->Finish();
  ASSERT_TRUE(lattice.ok());
  const BestPathResult best = BestPath(*lattice);
  const uint32_t last = best.arcs.empty() ? 0 : lattice->arcs[best.arcs.back()].destination;
  ASSERT_NEAR(Cost(path, stream, image) + double{lattice->states[last].final_cost}, best.cost,
              kPathCostF32Abs)
      << "round " << round;
}

TEST(StablePath, SettlesTheBestPathPieceByPiece) {
  std::mt19937_64 random(PropertySeed());
  int64_t settled_early = 0;
  for (int round = 0; round < 60; ++round) {
    const Stream stream(random);
    const GraphImage image = stream.graph.Image();
    BeamSearch search(image, stream.options);
    search.Begin();
    StablePath stable;
    stable.Begin();
    std::vector<PathStep> path;
    const int64_t chunk = 1 + static_cast<int64_t>(random() % 10);
    for (int64_t first = 0; first < stream.frames; first += chunk) {
      const int64_t count = std::min<int64_t>(chunk, stream.frames - first);
      ASSERT_TRUE(search.Advance(stream.rows(first, count)).ok());
      Append(stable.Settle(search.history(), search.Hypotheses()), &path);
      ASSERT_LE(stable.settled_frame(search.history()), first + count);
    }
    settled_early += stable.settled_frame(search.history());
    Append(stable.Finish(search.history(), search.BestToken(true)), &path);
    ExpectBestPath(path, stream, image, &search, round);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(settled_early, 0);
}

TEST(StablePath, DecidedPathsAreFollowedToTheEnd) {
  std::mt19937_64 random(PropertySeed());
  int dropped = 0;
  for (int round = 0; round < 60; ++round) {
    const Stream stream(random);
    const GraphImage image = stream.graph.Image();
    BeamSearch search(image, stream.options);
    search.Begin();
    StablePath stable;
    stable.Begin();
    std::vector<PathStep> path;
    for (int64_t first = 0; first < stream.frames; first += 3) {
      const int64_t count = std::min<int64_t>(3, stream.frames - first);
      ASSERT_TRUE(search.Advance(stream.rows(first, count)).ok());
      Append(stable.Settle(search.history(), search.Hypotheses()), &path);
      std::vector<uint8_t> alive = search.Hypotheses();
      const size_t before = static_cast<size_t>(std::count(alive.begin(), alive.end(), 1));
      Append(stable.Decide(search.history(), search.BestToken(false), first + count - 4, alive), &path);
      const size_t after = static_cast<size_t>(std::count(alive.begin(), alive.end(), 1));
      ASSERT_GE(after, 1u);
      dropped += after < before;
      search.Keep(alive);
    }
    Append(stable.Finish(search.history(), search.BestToken(true)), &path);
    ExpectBestPath(path, stream, image, &search, round);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(dropped, 0);
}

}  // namespace
}  // namespace skald::test
