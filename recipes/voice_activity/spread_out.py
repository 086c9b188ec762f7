#!/usr/bin/env python3
"""Joins the utterances of a corpus to long recordings with long pauses, as archives have them: between two utterances lie 5 to 60 s of
silence, hiss, room noise or music.

usage: spread_out.py CORPUS_FOLDER NON_SPEECH_FOLDER OUT_FOLDER [--utterances 30] [--level-db -20]

CORPUS_FOLDER has audio/ and text, NON_SPEECH_FOLDER is of make_non_speech.py. OUT_FOLDER gets audio/ (one file for each run of
utterances) and text. Needs ffmpeg. The same files every time.
"""
import argparse
import array
import pathlib
import random
import subprocess

RATE = 16000
FILLERS = ("silence", "white-46dB", "pink-46dB", "brown-26dB", "music", "hum")


def decode(path):
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-f", "s16le", "-ac", "1", "-ar", str(RATE), "-"]
    return array.array("h", subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def encode(samples, path):
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "-", str(path)]
    subprocess.run(command, check=True, input=samples.tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("non_speech", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--utterances", type=int, default=30, help="in one recording")
    parser.add_argument("--recordings", type=int, default=10)
    parser.add_argument("--level-db", type=float, default=-20, help="of music and hum between utterances")
    arguments = parser.parse_args()
    chooser = random.Random(11)
    references = dict(line.split(" ", 1) for line in (arguments.corpus / "text").read_text().splitlines() if " " in line)
    audio = {path.stem: path for path in sorted((arguments.corpus / "audio").iterdir()) if path.stem in references}
    names = sorted(audio)
    chooser.shuffle(names)
    gain = 10 ** (arguments.level_db / 20)
    fillers = {name: decode(arguments.non_speech / (name + ".flac")) for name in FILLERS}
    for name in ("music", "hum"):
        fillers[name] = array.array("h", (int(gain * sample) for sample in fillers[name]))
    (arguments.out / "audio").mkdir(parents=True, exist_ok=True)
    lines = []
    for index in range(arguments.recordings):
        samples, words = array.array("h"), []
        for name in names[index * arguments.utterances : (index + 1) * arguments.utterances]:
            filler = fillers[chooser.choice(FILLERS)]
            length = chooser.randrange(5 * RATE, 60 * RATE)
            begin = chooser.randrange(0, len(filler) - length)
            samples += filler[begin : begin + length] + decode(audio[name])
            words.append(references[name].strip())
        if not words:
            break
        encode(samples, arguments.out / "audio" / f"recording{index}.flac")
        lines.append(f"recording{index} {' '.join(words)}")
    (arguments.out / "text").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
