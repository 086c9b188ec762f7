#!/usr/bin/env python3
"""Transcribes files with faster-whisper (as recipes/compare_faster_whisper sets it up) into a CTM file with confidences.

usage: peer_ctm.py LIST_OF_FILES CTM [THREADS]
"""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "compare_faster_whisper"))
from faster_whisper import WhisperModel  # noqa: E402
from transcribe import model_folder, normalised  # noqa: E402


def ctm_lines(name, segments):
    for segment in segments:
        for word in segment.words:
            # "1066" becomes several words, which share its time.
            parts = normalised(word.word).split()
            for i, part in enumerate(parts):
                share = (word.end - word.start) / len(parts)
                yield f"{name} 1 {word.start + i * share:.3f} {share:.3f} {part} {word.probability:.3f}\n"


def main():
    paths = pathlib.Path(sys.argv[1]).read_text().split("\n")
    with tempfile.TemporaryDirectory() as folder, open(sys.argv[2], "w", buffering=1) as out:
        model = WhisperModel(model_folder(pathlib.Path(folder)), device="cpu", compute_type="int8",
                             cpu_threads=int(sys.argv[3]) if len(sys.argv) > 3 else 2)
        for path in filter(None, paths):
            segments, _ = model.transcribe(path, language="en", beam_size=1, word_timestamps=True, condition_on_previous_text=False)
            out.writelines(ctm_lines(pathlib.Path(path).stem, segments))


if __name__ == "__main__":
    main()
