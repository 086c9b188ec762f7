#include <gtest/gtest.h>

#include "cuda_model_fixture.h"

namespace skald {
namespace {

using test::CudaAcousticModelTest;

// The longer golden windows take the emulator a while.
TEST_P(CudaAcousticModelTest, LongerWindowsMatchTheReference) {
  ExpectGolden("jfk", GetParam());
  ExpectGolden("long15", GetParam());
}

INSTANTIATE_TEST_SUITE_P(Precisions, CudaAcousticModelTest,
                         ::testing::Values(Precision::kF32, Precision::kF16, Precision::kBf16),
                         test::NameOfPrecision);

}  // namespace
}  // namespace skald
