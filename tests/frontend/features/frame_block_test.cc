#include "frontend/features/frame_block.h"

#include <gtest/gtest.h>
#include <memory>
#include <new>
#include <random>
#include <vector>

#include "support/test_environment.h"

namespace skald::internal {
namespace {

struct AlignedFree {
  void operator()(float* pointer) const { ::operator delete[](pointer, std::align_val_t(64)); }
};
using AlignedFloats = std::unique_ptr<float, AlignedFree>;

AlignedFloats AllocateAligned(size_t count) {
  return AlignedFloats(static_cast<float*>(::operator new[](count * sizeof(float), std::align_val_t(64))));
}

/// Features [bins] of one frame that stands in lane `lane`, with other frames beside it.
std::vector<float> RunInLane(const FrameBlockCode& code, const FrameBlockPlan& plan, int bins,
                             const float* frame, const float* other, int lane) {
  const float* frames[kMaximumLanes];
  for (int i = 0; i < code.lanes; ++i) frames[i] = i == lane ? frame : other;
  const AlignedFloats scratch = AllocateAligned(ScratchFloats(plan, code.lanes));
  const AlignedFloats output = AllocateAligned(static_cast<size_t>(bins) * code.lanes);
  code.run(plan, frames, scratch.get(), output.get());
  std::vector<float> values;
  for (int bin = 0; bin < bins; ++bin) values.push_back(output.get()[bin * code.lanes + lane]);
  return values;
}

TEST(FrameBlockTest, EveryInstructionSetAndLaneGivesTheSameBits) {
  std::mt19937_64 random(test::PropertySeed());
  std::normal_distribution<float> normal(0, 0.1f);
  const FrameBlockCodes usable = UsableFrameBlockCodes();
  const FrameBlockCode& portable = *usable.codes[usable.count - 1];
  FeatureOptions with_energy = KaldiFbankOptions();
  with_energy.use_energy = true;
  for (const FeatureOptions& options :
       {WhisperLogMelOptions(), KaldiFbankOptions(), with_energy, KaldiMfccOptions()}) {
    const FeatureTables tables = MakeFeatureTables(options);
    const FrameBlockPlan plan = MakeFrameBlockPlan(options, tables);
    std::vector<float> frame(400), other(400);
    for (int i = 0; i < 400; ++i) {
      frame[i] = normal(random);
      other[i] = normal(random);
    }
    const auto expected = RunInLane(portable, plan, options.bins(), frame.data(), frame.data(), 0);
    for (int c = 0; c < usable.count; ++c) {
      const FrameBlockCode& code = *usable.codes[c];
      for (int lane = 0; lane < code.lanes; ++lane) {
        EXPECT_EQ(RunInLane(code, plan, options.bins(), frame.data(), other.data(), lane), expected)
            << code.name << " lane " << lane;
      }
    }
  }
}

}  // namespace
}  // namespace skald::internal
