#include "frontend/features/cuda_feature_extractor.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/audio.h"
#include "base/check.h"
#include "base/cuda/device_buffer.h"
#include "frontend/features/feature_tables.h"
#include "frontend/features/frame_layout.h"
#include "kernels/features/log_mel.h"
#include "kernels/features/window_norms.h"

namespace skald {
namespace {

/// Calls of Run whose descriptors may wait on the host at the same time.
constexpr size_t kSlots = 4;

/// Owner of a CUDA event. Move-only.
class Event {
 public:
  Event() = default;
  Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  Event& operator=(Event&& other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  ~Event() {
    if (event_ != nullptr) (void)cudaEventDestroy(event_);
  }
  /// Waits for the work before the last Record; returns at once where there was none.
  Status Wait() const {
    return event_ == nullptr ? Status::Ok()
                             : CudaStatus(cudaEventSynchronize(event_), "cudaEventSynchronize");
  }
  Status Record(DeviceContext context) {
    if (event_ == nullptr)
      SKALD_CUDA_RETURN_IF_ERROR(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming));
    return CudaStatus(cudaEventRecord(event_, context.stream), "cudaEventRecord");
  }

 private:
  cudaEvent_t event_ = nullptr;
};

/// Descriptors of one call: the maxima of the windows, then the blocks, so that one copy brings both.
struct Slot {
  PinnedBuffer<std::byte> host;
  Event copied;
};

/// Gathers tables in one piece of memory; every table aligned to 16 bytes.
class TablePacker {
 public:
  template <typename T>
  size_t Add(const std::vector<T>& table) {
    const size_t offset = bytes_.size();
    const auto added = std::as_bytes(std::span<const T>(table));
    bytes_.insert(bytes_.end(), added.begin(), added.end());
    while (bytes_.size() % 16 != 0) bytes_.push_back(std::byte{0});
    return offset;
  }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace

struct CudaFeatureExtractor::State {
  FeatureOptions options;
  LogMelPlan plan = {};
  DeviceBuffer<std::byte> tables;
  int max_windows = 0;
  int64_t max_samples = 0;
  int64_t max_blocks = 0;
  DeviceBuffer<std::byte> descriptors;
  std::array<Slot, kSlots> slots;
  size_t next_slot = 0;

  size_t MaximaBytes() const { return (static_cast<size_t>(max_windows) * sizeof(int) + 15) / 16 * 16; }
};

CudaFeatureExtractor::CudaFeatureExtractor(std::unique_ptr<State> state) : state_(std::move(state)) {}
CudaFeatureExtractor::CudaFeatureExtractor(CudaFeatureExtractor&&) noexcept = default;
CudaFeatureExtractor& CudaFeatureExtractor::operator=(CudaFeatureExtractor&&) noexcept = default;
CudaFeatureExtractor::~CudaFeatureExtractor() = default;

StatusOr<CudaFeatureExtractor> CudaFeatureExtractor::Create(DeviceContext context,
                                                            const FeatureOptions& options) {
  SKALD_RETURN_IF_ERROR(options.Validate());
  SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(context.device));
  auto state = std::make_unique<State>();
  state->options = options;
  if (options.kind == FeatureKind::kWaveform) {
    state->plan.bins = 1;
    return CudaFeatureExtractor(std::move(state));
  }

  const FeatureTables tables = MakeFeatureTables(options);
  std::vector<int> sample_offsets;
  for (int i = 0; i < options.frame_length_samples; ++i) {
    sample_offsets.push_back(LogMelSampleOffset(i, options.frame_shift_samples));
  }
  TablePacker packer;
  const size_t window = packer.Add(tables.window), offsets = packer.Add(sample_offsets);
  const size_t twiddle_real = packer.Add(tables.twiddle_real), twiddle_imag = packer.Add(tables.twiddle_imag);
  const size_t split_real = packer.Add(tables.split_real), split_imag = packer.Add(tables.split_imag);
  const size_t mel_first = packer.Add(tables.mel.first), mel_start = packer.Add(tables.mel.start);
  const size_t mel_weights = packer.Add(tables.mel.weights), dct = packer.Add(tables.dct);
  SKALD_ASSIGN_OR_RETURN(state->tables,
                         DeviceBuffer<std::byte>::Create(packer.bytes().size(), "feature tables"));
  SKALD_RETURN_IF_ERROR(state->tables.CopyFrom(context, packer.bytes()));
  SKALD_CUDA_RETURN_IF_ERROR(cudaStreamSynchronize(context.stream));

  const auto floats = [&](size_t offset) {
    return reinterpret_cast<const float*>(state->tables.data() + offset);
  };
  const auto ints = [&](size_t offset) {
    return reinterpret_cast<const int*>(state->tables.data() + offset);
  };
  const bool whisper = options.kind == FeatureKind::kWhisperLogMel;
  LogMelPlan& plan = state->plan;
  plan.fft_size = options.fft_size;
  plan.frame_length = options.frame_length_samples;
  plan.frame_shift = options.frame_shift_samples;
  plan.sample_pitch = LogMelSamplePitch(options.frame_shift_samples);
  plan.first_start = static_cast<int>(FirstFrameStart(options));
  plan.minimum_samples = options.minimum_samples;
  plan.whisper = whisper;
  plan.zero_ends = options.kind == FeatureKind::kNemoLogMel;
  plan.bins = options.bins();
  plan.mel_bins = options.mel_bins;
  plan.cepstra = tables.dct.empty() ? 0 : options.cepstra;
  plan.mel_output = tables.mel_output;
  plan.energy_output = tables.energy_output;
  plan.remove_dc_offset = !whisper && options.remove_dc_offset;
  plan.raw_energy = options.raw_energy;
  plan.preemphasis = whisper ? 0.0f : static_cast<float>(options.preemphasis);
  plan.sample_scale = tables.sample_scale;
  plan.largest_sample = kLargestSample;
  plan.mel_floor = tables.mel_floor;
  plan.mel_offset = tables.mel_offset;
  plan.energy_floor = tables.energy_floor;
  plan.log_scale = tables.log_scale;
  plan.window = floats(window);
  plan.sample_offsets = ints(offsets);
  plan.twiddle_real = floats(twiddle_real);
  plan.twiddle_imag = floats(twiddle_imag);
  plan.split_real = floats(split_real);
  plan.split_imag = floats(split_imag);
  plan.mel_first = ints(mel_first);
  plan.mel_start = ints(mel_start);
  plan.mel_weights = floats(mel_weights);
  plan.dct = floats(dct);
  if (plan.bins > kLogMelMaximumBins) {
    return Status::Unsupported("features on CUDA have at most " + std::to_string(kLogMelMaximumBins) +
                               " values, not " + std::to_string(plan.bins));
  }
  SKALD_RETURN_IF_ERROR(PrepareLogMel(plan));
  return CudaFeatureExtractor(std::move(state));
}

const FeatureOptions& CudaFeatureExtractor::options() const { return state_->options; }
int64_t CudaFeatureExtractor::FrameCount(int64_t samples) const {
  return FeatureFrameCount(state_->options, samples);
}
int64_t CudaFeatureExtractor::FrameCount(std::span<const PackedWindow> windows) const {
  int64_t frames = 0;
  for (const PackedWindow& window : windows) frames += FrameCount(window.samples);
  return frames;
}
int CudaFeatureExtractor::bins() const { return state_->plan.bins; }
double CudaFeatureExtractor::frame_shift_s() const {
  return static_cast<double>(state_->options.frame_shift_samples) / kSampleRateHz;
}

Status CudaFeatureExtractor::Setup(DeviceContext context, int max_windows, int64_t max_samples) {
  if (max_windows < 1 || max_samples < 1) {
    return Status::InvalidArgument("features of at most " + std::to_string(max_windows) + " windows and " +
                                   std::to_string(max_samples) + " samples: nothing to do");
  }
  State& state = *state_;
  SKALD_CUDA_RETURN_IF_ERROR(cudaSetDevice(context.device));
  for (Slot& slot : state.slots) SKALD_RETURN_IF_ERROR(slot.copied.Wait());
  SKALD_CUDA_RETURN_IF_ERROR(cudaStreamSynchronize(context.stream));

  // A window of n samples has at most (n + minimum) / shift + 1 frames, and one block more than whole blocks.
  const FeatureOptions& options = state.options;
  const bool pads = options.kind == FeatureKind::kWhisperLogMel || options.kind == FeatureKind::kNemoLogMel;
  const int64_t minimum = pads ? options.minimum_samples : options.frame_shift_samples;
  const int64_t block_samples = int64_t{options.frame_shift_samples} * kLogMelBlockFrames;
  state.max_windows = 0;  // a failure below leaves room for nothing
  const bool has_blocks = options.kind != FeatureKind::kWaveform;
  const int64_t max_blocks =
      has_blocks ? max_samples / block_samples + max_windows * (minimum / block_samples + 2) : 0;
  const size_t bytes = (static_cast<size_t>(max_windows) * sizeof(int) + 15) / 16 * 16 +
                       static_cast<size_t>(max_blocks) * sizeof(LogMelBlock) +
                       static_cast<size_t>(max_windows) * sizeof(FeatureWindow);
  SKALD_ASSIGN_OR_RETURN(state.descriptors,
                         DeviceBuffer<std::byte>::Create(bytes, "feature block descriptors"));
  for (Slot& slot : state.slots) {
    SKALD_ASSIGN_OR_RETURN(slot.host, PinnedBuffer<std::byte>::Create(bytes, "feature block descriptors"));
  }
  state.max_windows = max_windows;
  state.max_samples = max_samples;
  state.max_blocks = max_blocks;
  return Status::Ok();
}

template <typename Sample>
Status CudaFeatureExtractor::RunAny(DeviceContext context, std::span<const Sample> samples,
                                    std::span<const PackedWindow> windows, MatrixView<float> features) {
  State& state = *state_;
  if (windows.size() > static_cast<size_t>(state.max_windows)) {
    return Status::InvalidArgument("features of " + std::to_string(windows.size()) + " windows, room for " +
                                   std::to_string(state.max_windows));
  }
  int64_t total = 0;
  for (const PackedWindow& window : windows) {
    const auto available = static_cast<int64_t>(samples.size());
    if (window.first_sample < 0 || window.samples < 0 || window.first_sample > available ||
        window.samples > available - window.first_sample) {
      return Status::InvalidArgument("feature window of " + std::to_string(window.samples) +
                                     " samples from " + std::to_string(window.first_sample) +
                                     " is outside of the " + std::to_string(available) + " packed samples");
    }
    total += window.samples;
    if (total > state.max_samples) {
      return Status::InvalidArgument("feature windows have more than the " +
                                     std::to_string(state.max_samples) + " samples there is room for");
    }
  }
  SKALD_CHECK(features.rows == FrameCount(windows) && features.columns == bins(),
              "features view does not fit the windows");
  if (features.rows == 0) return Status::Ok();

  Slot& slot = state.slots[state.next_slot];
  state.next_slot = (state.next_slot + 1) % kSlots;
  SKALD_RETURN_IF_ERROR(slot.copied.Wait());
  auto* const maxima = reinterpret_cast<int*>(slot.host.data());
  auto* const blocks = reinterpret_cast<LogMelBlock*>(slot.host.data() + state.MaximaBytes());
  std::fill_n(maxima, windows.size(), kLogMelNoMaximum);
  int block_count = 0;
  int64_t row = 0;
  for (size_t w = 0; w < windows.size() && state.max_blocks > 0; ++w) {
    const int64_t frames = FrameCount(windows[w].samples);
    for (int64_t first = 0; first < frames; first += kLogMelBlockFrames) {
      SKALD_CHECK(block_count < state.max_blocks, "more blocks than Setup expected");
      const auto count = static_cast<int32_t>(std::min<int64_t>(kLogMelBlockFrames, frames - first));
      blocks[block_count++] = {windows[w].first_sample, windows[w].samples, first, row + first, count,
                               static_cast<int32_t>(w)};
    }
    row += frames;
  }
  const size_t windows_place = state.MaximaBytes() + static_cast<size_t>(block_count) * sizeof(LogMelBlock);
  auto* const feature_windows = reinterpret_cast<FeatureWindow*>(slot.host.data() + windows_place);
  row = 0;
  for (size_t w = 0; w < windows.size(); ++w) {
    const int64_t frames = FrameCount(windows[w].samples);
    feature_windows[w] = {windows[w].first_sample, windows[w].samples, row, frames};
    row += frames;
  }
  const size_t bytes = windows_place + windows.size() * sizeof(FeatureWindow);
  SKALD_RETURN_IF_ERROR(
      state.descriptors.CopyFrom(context, std::span<const std::byte>(slot.host.data(), bytes)));
  SKALD_RETURN_IF_ERROR(slot.copied.Record(context));

  const auto* const device_windows =
      reinterpret_cast<const FeatureWindow*>(state.descriptors.data() + windows_place);
  const auto window_count = static_cast<int64_t>(windows.size());
  if (state.options.kind == FeatureKind::kWaveform) {
    return LaunchWaveform(context, samples.data(), device_windows, window_count, kLargestSample,
                          state.options.normalise_samples, features);
  }
  auto* const device_maxima = reinterpret_cast<int*>(state.descriptors.data());
  auto* const device_blocks =
      reinterpret_cast<const LogMelBlock*>(state.descriptors.data() + state.MaximaBytes());
  SKALD_RETURN_IF_ERROR(
      LaunchLogMel(context, state.plan, samples.data(), device_blocks, block_count, device_maxima, features));
  if (state.options.kind == FeatureKind::kNemoLogMel) {
    return LaunchNormaliseBins(context, device_windows, window_count, features);
  }
  if (!state.plan.whisper) return Status::Ok();
  return LaunchLogMelClamp(context, device_blocks, block_count, device_maxima, features);
}

Status CudaFeatureExtractor::Run(DeviceContext context, std::span<const float> samples,
                                 std::span<const PackedWindow> windows, MatrixView<float> features) {
  return RunAny(context, samples, windows, features);
}

Status CudaFeatureExtractor::Run(DeviceContext context, std::span<const int16_t> samples,
                                 std::span<const PackedWindow> windows, MatrixView<float> features) {
  return RunAny(context, samples, windows, features);
}

}  // namespace skald
