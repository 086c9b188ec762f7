#!/usr/bin/env python3
"""Makes a corpus folder of synthetic speech: sentences drawn from a language model, spoken by free voices.

usage: synthesize.py OUT_FOLDER ARPA HOURS [--voices LIST] [--seed N] [--processes N]

Voices: `hibari` (PyPI hibari-tts 0.2.1, Apache-2.0; 130 times real time on one core) and `flite:NAME` (Debian flite; awb, rms, slt, kal);
a share may follow each after `=`. Pitch and formants are moved together by resampling, so that one voice stands for many.
What is spoken depends on the seed only. Run again after a stop, it speaks what is missing.
"""
import argparse
import functools
import io
import multiprocessing
import os
import pathlib
import random
import subprocess
import wave

import av
import numpy as np

import media
from features import SAMPLE_RATE_HZ
from sentences import SentenceSampler

MEAN_UTTERANCE_S = 6.0  # to know how many to draw; the hours are met to some percent
FLITE = {"lowest_shift": 0.9, "highest_shift": 1.15}
HIBARI = {"lowest_shift": 0.82, "highest_shift": 1.31}


def shifted(samples, rate_hz, factor):
    """float32 [count] at rate_hz -> int16 at 16 kHz, frequencies times factor, duration divided by it."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
    peak = max(1e-3, float(np.abs(samples).max()))
    frame = av.AudioFrame.from_ndarray((samples / peak * 20000).astype(np.int16)[None], format="s16", layout="mono")
    frame.sample_rate = int(rate_hz * factor)
    parts = resampler.resample(frame) + resampler.resample(None)
    return np.concatenate([part.to_ndarray().reshape(-1) for part in parts])


@functools.cache
def hibari():
    try:
        from hibari import Hibari
    except ImportError:
        raise SystemExit("voice hibari: needs `pip install hibari-tts==0.2.1` in this Python") from None
    return Hibari(threads=1)


def spoken_by_hibari(text, pace, generator):
    return hibari()(text + ".", speed=pace, seed=int(generator.integers(2**31))), 24000


def spoken_by_flite(voice, text, pace):
    command = ["flite", "-voice", voice, "-t", text, "-o", "/dev/stdout", "--setf", f"duration_stretch={1 / pace:.3f}"]
    wav = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return media.read(io.BytesIO(wav)).astype(np.float32), SAMPLE_RATE_HZ


def speak(path, words, voice, seed):
    """Writes the words as a WAV file; returns the speaker's name: a voice and its shift in steps of a tenth."""
    generator = np.random.default_rng(seed)
    range_ = FLITE if voice.startswith("flite:") else HIBARI
    shift = float(np.exp(generator.uniform(np.log(range_["lowest_shift"]), np.log(range_["highest_shift"]))))
    speaker = f"synthetic-{voice.replace(':', '-')}-{shift:.1f}"
    if path.exists():
        return speaker
    pace = generator.uniform(0.85, 1.2) / shift
    text = " ".join(words).lower()
    samples, rate_hz = (spoken_by_flite(voice.split(":")[1], text, pace) if voice.startswith("flite:")
                        else spoken_by_hibari(text, pace, generator))
    part = path.with_suffix(".part")
    with wave.open(str(part), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(shifted(samples, rate_hz, shift).tobytes())
    os.replace(part, path)
    return speaker


def voice_shares(text):
    """{voice: share} of `NAME[=SHARE],...`."""
    shares = {}
    for entry in text.split(","):
        name, _, share = entry.partition("=")
        if name != "hibari" and not name.startswith("flite:"):
            raise ValueError(f"voice {name}: neither hibari nor flite:NAME")
        shares[name] = float(share or 1)
    return shares


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("arpa")
    parser.add_argument("hours", type=float)
    parser.add_argument("--voices", type=voice_shares, default="hibari")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    audio = options.out / "audio"
    audio.mkdir(parents=True, exist_ok=True)
    sampler, order = SentenceSampler(options.arpa), random.Random(options.seed)
    jobs = []
    for number in range(int(options.hours * 3600 / MEAN_UTTERANCE_S)):
        words = sampler.sentence(order)
        voice = order.choices(list(options.voices), list(options.voices.values()))[0]
        jobs.append((audio / f"synthetic-{options.seed}-{number:06d}.wav", words, voice, [options.seed, number]))
    with multiprocessing.Pool(options.processes) as pool:
        speakers = pool.starmap(speak, jobs, chunksize=50)
    for name, values in (("text", [" ".join(words) for _, words, _, _ in jobs]), ("utt2spk", speakers)):
        lines = [f"{job[0].stem} {value}\n" for job, value in zip(jobs, values)]
        (options.out / name).write_text("".join(lines), encoding="utf-8")
    print(f"{options.out}: {len(jobs)} utterances, {len(set(speakers))} voices")


if __name__ == "__main__":
    main()
