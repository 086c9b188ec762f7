#include "models/layers/cpu/tile_team.h"

#include <barrier>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

namespace skald {
namespace {

TEST(TileTeam, TilesCoverEachRowOnce) {
  for (const int threads : {1, 3}) {
    TileTeam team(threads);
    for (const int64_t rows : {0, 1, 63, 64, 65, 128, 1000}) {
      std::vector<int> calls(static_cast<size_t>(rows));
      const Status status = team.ForTiles(rows, [&](int, TileScratch*, int64_t first, int64_t count) {
        EXPECT_EQ(first % kLinearRowTile, 0);
        EXPECT_TRUE(count == kLinearRowTile || first + count == rows) << first << " + " << count;
        for (int64_t row = first; row < first + count; ++row) ++calls.at(static_cast<size_t>(row));
        return Status::Ok();
      });
      EXPECT_TRUE(status.ok());
      EXPECT_EQ(calls, std::vector<int>(static_cast<size_t>(rows), 1));
    }
  }
}

TEST(TileTeam, WorkersHaveScratchOfTheirOwnForTheLargestLayer) {
  TileTeam team(3);
  team.Prepare(100, 10, {});
  team.Prepare(10, 200, {});
  std::vector<TileScratch*> scratch(3);
  std::barrier everybody(3);
  const Status status = team.For(3, [&](int worker, TileScratch* own, int64_t) {
    everybody.arrive_and_wait();
    scratch.at(static_cast<size_t>(worker)) = own;
    EXPECT_GE(own->narrow.size(), 100u * kLinearRowTile);
    EXPECT_GE(own->wide.size(), 200u * kLinearRowTile);
    return Status::Ok();
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(std::set<TileScratch*>(scratch.begin(), scratch.end()).size(), 3u);
}

TEST(TileTeam, AFailureIsReturnedOnce) {
  for (const int threads : {1, 2, 3}) {
    TileTeam team(threads);
    for (int64_t bad = 0; bad < 5; ++bad) {
      const auto fail_at_bad = [&](int, TileScratch*, int64_t i) {
        return i == bad ? Status::InvalidArgument("tile " + std::to_string(bad)) : Status::Ok();
      };
      EXPECT_EQ(team.For(5, fail_at_bad).reason(), "tile " + std::to_string(bad));
      EXPECT_TRUE(team.For(bad, fail_at_bad).ok()) << "an old failure came back";
    }
  }
}

TEST(TileTeam, PlacesOfRows) {
  EXPECT_EQ(PaddedRows(0), 0);
  EXPECT_EQ(PaddedRows(1), 64);
  EXPECT_EQ(PaddedRows(64), 64);
  EXPECT_EQ(PaddedRows(65), 128);
  std::vector<float> values = {5.0f};
  GrowRows(&values, 65, 3);
  EXPECT_EQ(values.size(), 128u * 3);
  GrowRows(&values, 1, 1);
  EXPECT_EQ(values.size(), 128u * 3);
  EXPECT_EQ(values[0], 5.0f);
  // Windows of 2, 0, 0 and 3 rows: empty ones hold none.
  const std::vector<int64_t> starts = {0, 2, 2, 2, 5};
  const std::vector<size_t> windows = {0, 0, 3, 3, 3};
  for (int64_t row = 0; row < 5; ++row) EXPECT_EQ(WindowOf(starts, row), windows[static_cast<size_t>(row)]);
}

}  // namespace
}  // namespace skald
