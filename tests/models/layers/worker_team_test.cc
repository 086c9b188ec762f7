#include "models/layers/cpu/worker_team.h"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace skald {
namespace {

TEST(WorkerTeam, EveryCallHappensOnceInRisingOrderPerWorker) {
  for (const int threads : {1, 2, 3, 8}) {
    WorkerTeam team(threads);
    EXPECT_EQ(team.size(), threads);
    for (const int64_t count : {0, 1, 2, 3, 7, 8, 9, 1000}) {
      std::vector<std::vector<int64_t>> of_worker(static_cast<size_t>(threads));
      team.For(count, [&](int worker, int64_t i) { of_worker.at(static_cast<size_t>(worker)).push_back(i); });
      std::vector<int> calls(static_cast<size_t>(count));
      for (const std::vector<int64_t>& done : of_worker) {
        EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
        for (const int64_t i : done) ++calls.at(static_cast<size_t>(i));
      }
      EXPECT_EQ(calls, std::vector<int>(static_cast<size_t>(count), 1)) << threads << " threads";
    }
  }
}

TEST(WorkerTeam, AllThreadsWorkAtOnce) {
  // Nobody leaves before everybody is here: fewer threads would never end.
  WorkerTeam team(3);
  std::atomic<int> here{0};
  team.For(3, [&](int, int64_t) {
    ++here;
    while (here < 3) std::this_thread::yield();
  });
  EXPECT_EQ(here, 3);
}

}  // namespace
}  // namespace skald
