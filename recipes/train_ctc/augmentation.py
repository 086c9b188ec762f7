"""Random changes of audio and features that a recogniser should not mind. All take a numpy Generator and own nothing."""
import numpy as np

import media


def change_speed(samples, factor):
    """Resampled by linear interpolation: factor above 1 is faster and higher."""
    positions = np.arange(int(len(samples) / factor)) * factor
    return np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)


def add_noise(samples, snr_db, slope, random):
    """Noise whose spectrum falls with frequency to the power -slope (0 white, 1 brown), snr_db below the signal."""
    spectrum = np.fft.rfft(random.standard_normal(len(samples)))
    noise = np.fft.irfft(spectrum * np.arange(1, len(spectrum) + 1) ** -slope, len(samples))
    signal_power, noise_power = np.mean(samples**2), np.mean(noise**2)
    return samples + (noise * np.sqrt(signal_power / noise_power * 10 ** (-snr_db / 10))).astype(np.float32)


def augment_audio(samples, options, random):
    """float32 samples [count] -> [another count]; options as in config.Augmentation."""
    if options.speed:
        samples = change_speed(samples, random.uniform(1 - options.speed, 1 + options.speed))
    if random.random() < options.noise_probability:
        snr_db = random.uniform(options.noise_lowest_snr_db, options.noise_highest_snr_db)
        samples = add_noise(samples, snr_db, random.uniform(0, 1), random)
    samples = samples * np.float32(10 ** (random.uniform(-options.gain_db, options.gain_db) / 20))
    samples = samples / max(1.0, float(np.abs(samples).max()))
    if random.random() < options.codec_probability:
        samples = media.through_mp3(samples, int(random.choice(options.codec_kbit_s)))
    return samples


def mask_features(features, options, random):
    """SpecAugment (Park et al. 2019) in place: bands of bins and stretches of frames become the mean. [frames, bins]"""
    frames, bins = features.shape
    mean = features.mean()
    for _ in range(options.frequency_masks):
        width = int(random.integers(0, options.frequency_mask_bins + 1))
        first = int(random.integers(0, bins - width + 1))
        features[:, first : first + width] = mean
    longest = int(options.time_mask_s * 100)
    for _ in range(int(frames / 100 * options.time_masks_per_s + random.random())):
        width = min(int(random.integers(0, longest + 1)), frames // 4)
        first = int(random.integers(0, frames - width + 1))
        features[first : first + width] = mean
