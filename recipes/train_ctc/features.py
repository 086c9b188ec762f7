"""Whisper log-mel features, equal to those of the engine (frontend/features): 80 bins, one frame per 10 ms."""
import functools
import math

import torch

SAMPLE_RATE_HZ = 16000
FRAME_LENGTH = 400  # samples
FRAME_SHIFT = 160  # samples
BINS = 80
FLOOR = 1e-10  # mel energies below are raised to it
RANGE_BELOW_MAXIMUM = 8.0  # in log10: what lies further below the segment's maximum is raised


def _mel_of_hz(hz):
    """Slaney's scale: linear to 1 kHz, logarithmic above."""
    return torch.where(hz < 1000.0, hz * 3 / 200, 15 + 27 * torch.log(hz.clamp(min=1e-9) / 1000) / math.log(6.4))


def _hz_of_mel(mel):
    return torch.where(mel < 15, mel * 200 / 3, 1000 * torch.exp((mel - 15) * math.log(6.4) / 27))


@functools.cache
def mel_filters():
    """[BINS, FRAME_LENGTH / 2 + 1] triangles of equal area, edges evenly spaced on the mel scale from 0 to 8 kHz."""
    nyquist_hz = torch.tensor(SAMPLE_RATE_HZ / 2, dtype=torch.float64)
    edges_hz = _hz_of_mel(torch.linspace(0, 1, BINS + 2, dtype=torch.float64) * _mel_of_hz(nyquist_hz))
    lower, centre, upper = (edges_hz[i : i + BINS, None] for i in range(3))
    bin_hz = torch.arange(FRAME_LENGTH // 2 + 1) * (SAMPLE_RATE_HZ / FRAME_LENGTH)
    rising = (bin_hz - lower) / (centre - lower)
    falling = (upper - bin_hz) / (upper - centre)
    return (torch.minimum(rising, falling).clamp(min=0) * 2 / (upper - lower)).float()


@functools.cache
def _window():
    return torch.hann_window(FRAME_LENGTH, periodic=True)


def log_mel(samples):
    """[frames, BINS] of float samples [count] in [-1, 1]; frames = count / FRAME_SHIFT, rounded down.

    Fewer than 480 samples are padded with zeros to 480. The maximum is taken over the whole segment, so a segment's features
    are not those of its parts.
    """
    if samples.numel() < 3 * FRAME_SHIFT:
        samples = torch.nn.functional.pad(samples, (0, 3 * FRAME_SHIFT - samples.numel()))
    spectrum = torch.stft(samples, FRAME_LENGTH, FRAME_SHIFT, window=_window(), center=True, pad_mode="reflect",
                          return_complex=True)
    power = spectrum[:, : samples.numel() // FRAME_SHIFT].abs() ** 2
    energies = (mel_filters() @ power).clamp(min=FLOOR).log10()
    energies = torch.maximum(energies, energies.max() - RANGE_BELOW_MAXIMUM)
    return ((energies + 4) / 4).T.contiguous()
