"""What the tests of the Python module share: one recognizer for each test program, and the program to compare with."""
import array
import functools
import pathlib
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "cli"))
from skald_process import SAMPLES, SkaldTest, ffmpeg, run  # noqa: E402, F401

import skald  # noqa: E402


@functools.lru_cache(maxsize=None)
def recognizer():
    return skald.Recognizer(device="cpu")


def media():
    """Every sample, sorted."""
    return [path for path in sorted(SAMPLES.iterdir()) if path.suffix in (".mp3", ".opus", ".flac", ".wav", ".mp4")]


def samples_of(path):
    """The samples of a media file, mixed and resampled by ffmpeg, and a WAV file of the same samples."""
    raw = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-ar", "16000", "-ac", "1", "-f", "s16le", "-"],
                         stdout=subprocess.PIPE, check=True).stdout
    integers = array.array("h")
    integers.frombytes(raw)
    return array.array("f", (value / 32768 for value in integers)), raw


def without_timing(json_text):
    """Lines of a JSON transcript but for the one that differs from run to run."""
    lines = json_text.splitlines()
    kept = [line for line in lines if not line.startswith('  "timing":')]
    assert len(kept) == len(lines) - 1
    return kept
