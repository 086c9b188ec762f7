#include "decoder/lattice/htk_slf.h"

#include <gtest/gtest.h>

#include "decoder/lattice/compact_lattice.h"
#include "decoder/lattice/kaldi_text.h"

namespace skald::test {
namespace {

TEST(HtkSlf, NodesHaveTimesAndLinksWords) {
  const auto read = ReadKaldiText("k\n0 1 1 1.5,2,3_1\n1 2 2 0.5,1,4\n1 0.25,0.5,4\n2\n\n");
  const WordLattice words = ToWordLattice((*read)[0]).value();
  const auto spelling = [](uint32_t word) { return word == 1 ? "'TIS" : "IT'S"; };
  EXPECT_EQ(WriteHtkSlf(words, "k", spelling, 0.02),
            "VERSION=1.0\nUTTERANCE=k\nlmscale=1.0 wdpenalty=0.0 acscale=1.0\nN=4 L=4\n"
            "I=0 t=0.000\nI=1 t=0.040\nI=2 t=0.060\nI=3 t=0.060\n"
            "J=0 S=0 E=1 W=\\'TIS a=-2 l=-1.5\nJ=1 S=1 E=2 W=IT'S a=-1 l=-0.5\n"
            "J=2 S=1 E=3 W=!NULL a=-0.5 l=-0.25\nJ=3 S=2 E=3 W=!NULL a=0 l=0\n");
}

}  // namespace
}  // namespace skald::test
