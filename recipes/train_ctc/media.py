"""Reads media files and sends audio through a lossy codec, both by FFmpeg's libraries (PyAV)."""
import io

import av
import numpy as np

from features import SAMPLE_RATE_HZ


def read(source):
    """int16 samples at 16 kHz, channels mixed to one, of a path or file object."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
    with av.open(source, metadata_errors="ignore") as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])


def through_mp3(samples, kbit_s):
    """float32 samples [count] encoded as MP3 and decoded: same count, same alignment."""
    pcm = np.clip(np.round(samples * 32767), -32768, 32767).astype(np.int16)
    encoded = io.BytesIO()
    with av.open(encoded, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=SAMPLE_RATE_HZ, layout="mono")
        stream.bit_rate = kbit_s * 1000
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        resampler = av.AudioResampler(format="s16p", layout="mono", rate=SAMPLE_RATE_HZ, frame_size=576)
        for part in resampler.resample(frame) + resampler.resample(None):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    encoded.seek(0)
    decoded = read(encoded).astype(np.float32) / 32768
    return np.pad(decoded, (0, max(0, len(samples) - len(decoded))))[: len(samples)]
