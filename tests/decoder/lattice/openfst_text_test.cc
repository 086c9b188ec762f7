#include "decoder/lattice/openfst_text.h"

#include <gtest/gtest.h>

#include "decoder/lattice/compact_lattice.h"
#include "decoder/lattice/kaldi_text.h"

namespace skald::test {
namespace {

TEST(OpenFstText, CostsAreSums) {
  const auto read = ReadKaldiText("k\n0 1 5 1.5,2,3\n1 0.25,0.5,4\n\n");
  EXPECT_EQ(WriteOpenFstText(ToWordLattice((*read)[0]).value()), "0\t1\t5\t5\t3.5\n1\t0.75\n");
}

}  // namespace
}  // namespace skald::test
