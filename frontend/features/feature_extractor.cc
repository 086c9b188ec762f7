#include "frontend/features/feature_extractor.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/check.h"
#include "frontend/features/feature_tables.h"
#include "frontend/features/frame_block.h"
#include "frontend/features/frame_layout.h"
#include "frontend/features/window_norms.h"

namespace skald {

struct FeatureExtractor::Plan {
  FeatureOptions options;
  FeatureTables tables;
  internal::FrameBlockPlan block;
  const internal::FrameBlockCode* code = nullptr;
};

namespace {

/// `count` floats of this thread, aligned for every vector width; content undefined. Valid until the next
/// call.
float* ThreadScratch(size_t count) {
  constexpr size_t kAlignment = 64;
  thread_local std::vector<float> scratch;
  const size_t needed = count + kAlignment / sizeof(float);
  if (scratch.size() < needed) scratch.resize(needed);
  const auto address = reinterpret_cast<uintptr_t>(scratch.data());
  return reinterpret_cast<float*>((address + kAlignment - 1) / kAlignment * kAlignment);
}

/// Whisper's last step: values more than 8 (80 dB) below the window's maximum are raised, then all are
/// scaled.
void ClampToMaximum(float maximum, MatrixView<float> features) {
  const float floor = maximum - 8.0f;
  for (int64_t row = 0; row < features.rows; ++row) {
    for (float& value : features.Row(row)) value = (std::max(value, floor) + 4.0f) * 0.25f;
  }
}

}  // namespace

StatusOr<FeatureExtractor> FeatureExtractor::Create(const FeatureOptions& options) {
  SKALD_RETURN_IF_ERROR(options.Validate());
  auto plan = std::make_shared<Plan>();
  plan->options = options;
  if (options.kind == FeatureKind::kWaveform) return FeatureExtractor(std::move(plan));
  plan->tables = MakeFeatureTables(options);
  plan->block = internal::MakeFrameBlockPlan(plan->options, plan->tables);
  plan->code = internal::UsableFrameBlockCodes().codes[0];
  return FeatureExtractor(std::move(plan));
}

const FeatureOptions& FeatureExtractor::options() const { return plan_->options; }
int64_t FeatureExtractor::FrameCount(int64_t samples) const {
  return FeatureFrameCount(plan_->options, samples);
}
int FeatureExtractor::bins() const { return plan_->options.bins(); }
double FeatureExtractor::frame_shift_s() const {
  return static_cast<double>(plan_->options.frame_shift_samples) / kSampleRateHz;
}

void FeatureExtractor::Run(PcmView samples, MatrixView<float> features) const {
  const FeatureOptions& options = plan_->options;
  const internal::FrameBlockCode& code = *plan_->code;
  const auto sample_count = static_cast<int64_t>(samples.size());
  const int bin_count = bins();
  SKALD_CHECK(features.rows == FrameCount(sample_count) && features.columns == bin_count,
              "features view does not fit the window");

  if (options.kind == FeatureKind::kWaveform) {
    CopyWaveform(samples, options.normalise_samples, features);
    return;
  }
  const size_t output_floats = static_cast<size_t>(bin_count) * code.lanes;
  const size_t edge_floats = static_cast<size_t>(options.frame_length_samples) * code.lanes;
  float* const output =
      ThreadScratch(output_floats + internal::ScratchFloats(plan_->block, code.lanes) + edge_floats);
  float* const block_scratch = output + output_floats;  // stays aligned: whole vectors of lanes before it
  float* const edge_frames = block_scratch + internal::ScratchFloats(plan_->block, code.lanes);

  const bool nemo = options.kind == FeatureKind::kNemoLogMel;
  const auto tail_factor = static_cast<float>(options.preemphasis);
  float maximum = -std::numeric_limits<float>::infinity();
  const int64_t first_start = FirstFrameStart(options);
  for (int64_t first = 0; first < features.rows; first += code.lanes) {
    const int used = static_cast<int>(std::min<int64_t>(code.lanes, features.rows - first));
    const float* frames[internal::kMaximumLanes];
    for (int lane = 0; lane < code.lanes; ++lane) {
      // Lanes without a frame of their own repeat the last one.
      const int64_t frame = first + std::min(lane, used - 1);
      const int64_t start = first_start + frame * options.frame_shift_samples;
      if (start >= 0 && start + options.frame_length_samples <= sample_count) {
        frames[lane] = samples.data() + start;
        continue;
      }
      float* const copy = edge_frames + static_cast<ptrdiff_t>(lane) * options.frame_length_samples;
      for (int i = 0; i < options.frame_length_samples; ++i) {
        const int64_t source = SourceSample(options, start + i, sample_count);
        copy[i] = source < 0 ? 0.0f : samples[source];
        // Silence after the end begins after preemphasis: samples that preemphasis turns into zeros come
        // before.
        if (nemo && start + i >= sample_count && i > 0) copy[i] = tail_factor * copy[i - 1];
      }
      frames[lane] = copy;
    }
    code.run(plan_->block, frames, block_scratch, output);
    for (int lane = 0; lane < used; ++lane) {
      float* const row = features.Row(first + lane).data();
      for (int bin = 0; bin < bin_count; ++bin) {
        row[bin] = output[static_cast<ptrdiff_t>(bin) * code.lanes + lane];
        maximum = std::max(maximum, row[bin]);
      }
    }
  }
  if (options.kind == FeatureKind::kWhisperLogMel) ClampToMaximum(maximum, features);
  if (nemo) NormaliseBins(features);
}

}  // namespace skald
