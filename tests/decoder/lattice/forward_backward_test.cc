#include "decoder/lattice/forward_backward.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>

#include "lattice_builder.h"
#include "support/test_environment.h"
#include "support/tolerances.h"

namespace skald::test {
namespace {

TEST(ForwardBackward, PosteriorsOfEachFrameSumToOne) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 50; ++round) {
    const RawLattice lattice =
        RandomLattice(1 + static_cast<int>(random() % 60), 1 + static_cast<int>(random() % 6), random);
    const double scale = std::uniform_real_distribution<double>(0.1, 2.0)(random);
    const LatticePosteriors posteriors = ForwardBackward(lattice, scale);
    std::vector<double> sum(static_cast<size_t>(lattice.frames), 0.0);
    for (size_t a = 0; a < lattice.arcs.size(); ++a) {
      ASSERT_GE(posteriors.arc_posterior[a], 0.0);
      ASSERT_LE(posteriors.arc_posterior[a], 1.0);
      if (lattice.consumes_frame(lattice.arcs[a])) {
        sum[static_cast<size_t>(lattice.states[lattice.arcs[a].source].frame)] += posteriors.arc_posterior[a];
      }
    }
    for (const double total : sum) ASSERT_NEAR(total, 1.0, kPosteriorSumAbs);
  }
}

TEST(ForwardBackward, EqualsEnumeration) {
  std::mt19937_64 random(PropertySeed());
  for (int round = 0; round < 30; ++round) {
    const RawLattice lattice = RandomLattice(1 + static_cast<int>(random() % 5), 3, random);
    const double scale = 0.7;
    std::vector<double> through(lattice.arcs.size(), 0.0);
    double sum = 0;
    std::vector<uint32_t> path;
    std::function<void(uint32_t, double)> walk = [&](uint32_t state, double cost) {
      const double probability = std::exp(-scale * (cost + double{lattice.states[state].final_cost}));
      sum += probability;
      for (const uint32_t arc : path) through[arc] += probability;
      for (uint32_t a = lattice.first_arc[state]; a < lattice.first_arc[state + 1]; ++a) {
        path.push_back(a);
        walk(lattice.arcs[a].destination,
             cost + double{lattice.arcs[a].graph_cost} + double{lattice.arcs[a].acoustic_cost});
        path.pop_back();
      }
    };
    walk(0, 0.0);
    const LatticePosteriors posteriors = ForwardBackward(lattice, scale);
    ASSERT_NEAR(posteriors.total, -std::log(sum), kPathCostAbs);
    for (size_t a = 0; a < through.size(); ++a) {
      ASSERT_NEAR(posteriors.arc_posterior[a], through[a] / sum, kPosteriorSumAbs);
    }
  }
}

}  // namespace
}  // namespace skald::test
