#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/audio.h"
#include "base/status.h"
#include "engine/device_list.h"
#include "engine/pipeline_report.h"
#include "engine/score_rows.h"
#include "frontend/segmentation/window_options.h"

namespace skald {

class AcousticModel;
class Bundle;
struct IvectorSource;

/// A window for a scorer. Borrows everything.
struct WindowInput {
  WindowInput(PcmView samples_in, std::span<const float> ivectors_in = {})  // NOLINT: samples are a window
      : samples(samples_in), ivectors(ivectors_in) {}
  WindowInput(const std::vector<float>& samples_in) : samples(samples_in) {}  // NOLINT: as above
  operator PcmView() const { return samples; }                                // NOLINT: as above
  size_t size() const { return samples.size(); }

  PcmView samples;
  /// [IvectorSource::RowCount(samples), i-vector size] where the model takes i-vectors; empty:
  /// they are estimated from this window alone.
  std::span<const float> ivectors;
};

/// What a scorer needs to know of the model.
struct ScorerShape {
  int64_t units = 0;                ///< columns of scores, of all heads
  std::vector<int64_t> head_units;  ///< [heads] columns of each; empty: one head
  double frame_shift_s = 0;
  int64_t frame_shift_samples = 0;
  double max_window_s = 0;
  std::string precision;  ///< what "auto" became
  int device = kCpuDevice;
  double max_batch_s = 0;                         ///< seconds of audio that it takes at once; 0: any number
  std::shared_ptr<const IvectorSource> ivectors;  ///< null: the model takes none
};

/// Seconds that a scorer spent; on a device, the seconds until its results were back.
struct ScorerTiming {
  double features_s = 0;
  double model_s = 0;
};

/// Samples in, scaled scores out: features and acoustic model on one device. A scorer belongs to one thread.
class Scorer {
 public:
  virtual ~Scorer() = default;
  virtual const ScorerShape& shape() const = 0;

  /// Scores of each window [its frames, units]; a window's scores do not depend on the other windows of the
  /// batch. `scores` is resized to the number of windows. kDeviceOutOfMemory: a smaller batch may succeed.
  virtual Status Score(std::span<const WindowInput> windows, std::vector<ScoreRows>* scores,
                       ScorerTiming* timing) = 0;

  /// The same in two steps, so that a device uploads one batch while it computes the one before. Begin takes
  /// a batch, whose samples stay until Finish; Finish gives the scores of the batch begun first, and fails
  /// with what became of it. At most max_begun() batches may be begun and not finished; then no Score.
  virtual int max_begun() const { return 1; }
  virtual Status Begin(std::span<const WindowInput> windows) {
    begun_.emplace_back(windows.begin(), windows.end());
    return Status::Ok();
  }
  virtual Status Finish(std::vector<ScoreRows>* scores, ScorerTiming* timing) {
    const std::vector<WindowInput> windows = std::move(begun_.front());
    begun_.pop_front();
    return Score(windows, scores, timing);
  }

  /// Whether a batch begun now finds room for its scores on the device. Where it does not, they come to the
  /// host. Any thread may ask.
  virtual bool HasRoom() const { return true; }

 private:
  std::deque<std::vector<WindowInput>> begun_;
};

/// The columns of each head with its scaling, one for each head.
std::vector<HeadColumns> ColumnsOfHeads(const ScorerShape& shape, std::span<const ScoreScaling> scaling);

/// `windows` on the scorer's frames and no longer than it takes, overlapping by a fifth of a window at each
/// side where that is less. kUnsupported where the scorer takes windows of less than a second.
StatusOr<WindowOptions> FitWindows(WindowOptions windows, const ScorerShape& shape);

/// How a scorer is made. `precision` as in RecognizerOptions.
struct ScorerOptions {
  std::string precision = "auto";
  /// Heads of the model whose scores are wanted, one at least: side by side in this order, from one pass of
  /// the encoder.
  std::vector<std::string> heads;
  double max_window_s = 30.0;         ///< longest window that will come
  double max_batch_s = 30.0;          ///< seconds of audio in the largest batch
  std::vector<ScoreScaling> scaling;  ///< of each head
  /// CUDA: leave scores on the device, in a pool of fixed size. Else they come to the host. For one head
  /// only.
  bool scores_on_device = false;
};

/// Scorers that keep `threads` CPU threads busy: a few threads to each, since threads that share a batch wait
/// for each other.
StatusOr<std::vector<std::unique_ptr<Scorer>>> MakeCpuScorers(const Bundle& bundle,
                                                              const ScorerOptions& options, int threads);

/// Scorer on a CUDA device; kUnsupported in builds without CUDA.
StatusOr<std::unique_ptr<Scorer>> MakeCudaScorer(const Bundle& bundle, const ScorerOptions& options,
                                                 int device);

/// Usable CUDA devices; 0 in builds without CUDA.
int UsableCudaDevices();

/// A usable CUDA device for people to read: its name and memory.
std::string DescribeDevice(int device);

/// Memory of devices that this process holds, and held at most, by purpose. None in builds without CUDA.
std::vector<DeviceMemoryPart> DeviceMemoryParts();

}  // namespace skald
