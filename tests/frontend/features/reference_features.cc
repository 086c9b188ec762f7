#include "frontend/features/reference_features.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

namespace skald::test {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;

double ToMel(bool slaney, double hz) {
  if (!slaney) return 1127 * std::log(1 + hz / 700);
  return hz < 1000 ? hz * 3 / 200 : 15 + 27 * std::log(hz / 1000) / std::log(6.4);
}

double ToHz(double slaney_mel) {
  return slaney_mel < 15 ? slaney_mel * 200 / 3 : 1000 * std::pow(6.4, (slaney_mel - 15) / 27);
}

std::vector<double> Power(const std::vector<double>& frame, int fft_size) {
  std::vector<double> cosine(fft_size), sine(fft_size);
  for (int i = 0; i < fft_size; ++i) {
    cosine[i] = std::cos(kTurn * i / fft_size);
    sine[i] = std::sin(kTurn * i / fft_size);
  }
  std::vector<double> power;
  for (int k = 0; k <= fft_size / 2; ++k) {
    double re = 0, im = 0;
    for (size_t i = 0; i < frame.size(); ++i) {
      re += frame[i] * cosine[k * i % fft_size];
      im -= frame[i] * sine[k * i % fft_size];
    }
    power.push_back(re * re + im * im);
  }
  return power;
}

std::vector<double> LogMel(const FeatureOptions& options, const std::vector<double>& power) {
  const bool whisper = options.kind == FeatureKind::kWhisperLogMel;
  const double high_hz = options.high_hz > 0 ? options.high_hz : 8000 + options.high_hz;
  const double low = ToMel(whisper, options.low_hz), high = ToMel(whisper, high_hz);
  std::vector<double> values;
  for (int m = 0; m < options.mel_bins; ++m) {
    double edge[3];
    for (int e = 0; e < 3; ++e) {
      edge[e] = low + (m + e) * (high - low) / (options.mel_bins + 1);
      if (whisper) edge[e] = ToHz(edge[e]);
    }
    double sum = 0;
    for (size_t k = 0; k < power.size() - (whisper ? 0 : 1); ++k) {
      const double hz = 16000.0 * static_cast<double>(k) / options.fft_size;
      const double x = whisper ? hz : ToMel(false, hz);
      const double rise = (x - edge[0]) / (edge[1] - edge[0]), fall = (edge[2] - x) / (edge[2] - edge[1]);
      sum += power[k] * std::max(0.0, std::min(rise, fall)) * (whisper ? 2 / (edge[2] - edge[0]) : 1);
    }
    values.push_back(whisper ? std::log10(std::max(sum, 1e-10)) : std::log(std::max(sum, 0x1p-23)));
  }
  return values;
}

std::vector<std::vector<double>> Whisper(const FeatureOptions& options, std::vector<double> x) {
  if (x.empty()) return {};
  if (x.size() < 480) x.resize(480);
  const int n = options.fft_size;
  std::vector<double> padded(x.begin() + 1, x.begin() + 1 + n / 2);
  std::reverse(padded.begin(), padded.end());
  padded.insert(padded.end(), x.begin(), x.end());
  for (int i = 0; i < n / 2; ++i) padded.push_back(x[x.size() - 2 - i]);
  std::vector<std::vector<double>> rows;
  double maximum = -1e300;
  for (size_t t = 0; t < x.size() / options.frame_shift_samples; ++t) {
    std::vector<double> frame;
    for (int i = 0; i < n; ++i) {
      frame.push_back(padded[t * options.frame_shift_samples + i] * (0.5 - 0.5 * std::cos(kTurn * i / n)));
    }
    rows.push_back(LogMel(options, Power(frame, n)));
    maximum = std::max(maximum, *std::max_element(rows.back().begin(), rows.back().end()));
  }
  for (auto& row : rows) {
    for (double& value : row) value = (std::max(value, maximum - 8) + 4) / 4;
  }
  return rows;
}

std::vector<std::vector<double>> Fbank(const FeatureOptions& options, const std::vector<double>& x) {
  const auto samples = static_cast<int64_t>(x.size());
  const int64_t length = options.frame_length_samples, shift = options.frame_shift_samples;
  std::vector<std::vector<double>> rows;
  for (int64_t t = 0;; ++t) {
    const int64_t start = options.snip_edges ? t * shift : t * shift + shift / 2 - length / 2;
    if (options.snip_edges ? start + length > samples : t >= (samples + shift / 2) / shift) return rows;
    std::vector<double> frame;
    for (int64_t i = start; i < start + length; ++i) {
      const int64_t period = 2 * samples;  // the mirrored signal repeats: x[0] .. x[n-1] x[n-1] .. x[0]
      const int64_t position = (i % period + period) % period;
      frame.push_back(32768 * x[position < samples ? position : period - 1 - position]);
    }
    double mean = 0;
    for (double value : frame) mean += value / static_cast<double>(length);
    if (options.remove_dc_offset) {
      for (double& value : frame) value -= mean;
    }
    std::vector<double> windowed;
    for (int64_t i = 0; i < length; ++i) {
      const double emphasised = frame[i] - options.preemphasis * frame[std::max<int64_t>(i - 1, 0)];
      const double hann =
          0.5 - 0.5 * std::cos(kTurn * static_cast<double>(i) / static_cast<double>(length - 1));
      windowed.push_back(emphasised * std::pow(hann, 0.85));
    }
    rows.push_back(LogMel(options, Power(windowed, options.fft_size)));
  }
}

}  // namespace

std::vector<std::vector<double>> ReferenceFeatures(const FeatureOptions& options, PcmView samples) {
  const std::vector<double> x(samples.begin(), samples.end());
  return options.kind == FeatureKind::kWhisperLogMel ? Whisper(options, x) : Fbank(options, x);
}

}  // namespace skald::test
