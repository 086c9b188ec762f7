#include "decoder/lattice/raw_lattice.h"

#include <bit>
#include <gtest/gtest.h>

#include "lattice_builder.h"
#include "support/test_environment.h"

namespace skald::test {
namespace {

TEST(SurvivorHash, ChangesWithEveryProperty) {
  std::mt19937_64 random(PropertySeed());
  const RawLattice lattice = RandomLattice(10, 3, random);
  const uint64_t hash = SurvivorHash(lattice);
  EXPECT_EQ(SurvivorHash(lattice), hash);
  const auto changed = [&](auto change) {
    RawLattice copy = lattice;
    change(&copy, random() % copy.arcs.size());
    return SurvivorHash(copy);
  };
  const auto next_bit = [](float* value) {
    *value = std::bit_cast<float>(std::bit_cast<uint32_t>(*value) ^ 1);
  };
  EXPECT_NE(changed([&](RawLattice* l, size_t a) { next_bit(&l->arcs[a].graph_cost); }), hash);
  EXPECT_NE(changed([&](RawLattice* l, size_t a) { next_bit(&l->arcs[a].acoustic_cost); }), hash);
  EXPECT_NE(changed([](RawLattice* l, size_t a) { ++l->arcs[a].word; }), hash);
  EXPECT_NE(changed([](RawLattice* l, size_t a) { ++l->states[l->arcs[a].destination].unit; }), hash);
  EXPECT_NE(changed([](RawLattice* l, size_t a) { ++l->states[l->arcs[a].source].orig_state; }), hash);
  EXPECT_NE(changed([](RawLattice* l, size_t a) { l->states[l->arcs[a].source].entry ^= true; }), hash);
  EXPECT_NE(changed([&](RawLattice* l, size_t) { next_bit(&l->states.back().final_cost); }), hash);
  EXPECT_NE(changed([](RawLattice* l, size_t a) { l->arcs.erase(l->arcs.begin() + static_cast<long>(a)); }),
            hash);
  EXPECT_EQ(changed([](RawLattice* l, size_t a) { l->arcs[a].cell += 1000; }), hash);
}

TEST(SurvivorHash, NamesReplaceStateNumbers) {
  std::mt19937_64 random(PropertySeed());
  const RawLattice lattice = RandomLattice(10, 3, random);
  RawLattice renamed = lattice;
  std::vector<uint32_t> names(lattice.states.size());
  for (RawLatticeState& state : renamed.states) {
    const uint32_t number = static_cast<uint32_t>(lattice.states.size()) - 1 - state.orig_state;
    names[number] = state.orig_state;
    state.orig_state = number;
  }
  EXPECT_NE(SurvivorHash(renamed), SurvivorHash(lattice));
  EXPECT_EQ(SurvivorHash(renamed, names), SurvivorHash(lattice));
}

}  // namespace
}  // namespace skald::test
