#!/usr/bin/env python3
"""Vosk and Skald over a folder of 16 kHz WAV files: see README.md. Needs the package vosk."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import wave

ENDLESS = "".join(f"--endpoint.rule{rule}.min-trailing-silence=100000\n" for rule in (1, 2, 3, 4)) + \
    "--endpoint.rule5.min-utterance-length=100000\n"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def vosk_model(model, folder):
    """A copy of the model's options, links to the rest: no dither, no endpoints."""
    os.makedirs(f"{folder}/conf")
    for name in os.listdir(model):
        if name != "conf":
            os.symlink(f"{model}/{name}", f"{folder}/{name}")
    lines = [line for line in read(f"{model}/conf/model.conf").splitlines() if "endpoint.rule" not in line]
    with open(f"{folder}/conf/model.conf", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n" + ENDLESS)
    with open(f"{folder}/conf/mfcc.conf", "w", encoding="utf-8") as file:
        file.write(read(f"{model}/conf/mfcc.conf").rstrip() + "\n--dither=0\n")
    return folder


def run_vosk(folder, files):
    import vosk
    vosk.SetLogLevel(-1)
    model = vosk.Model(folder)
    results, seconds = {}, 0.0
    for path in files:
        with wave.open(path) as audio:
            samples = audio.readframes(audio.getnframes())
        start = time.process_time()
        recognizer = vosk.KaldiRecognizer(model, 16000)
        recognizer.SetWords(True)
        recognizer.AcceptWaveform(samples)
        result = json.loads(recognizer.FinalResult())
        seconds += time.process_time() - start
        results[name_of(path)] = [(w["word"], w["start"], w["end"], w["conf"]) for w in result.get("result", [])]
    return results, seconds


def run_skald(skald, bundle, folder, out, extra):
    """One thread, no segments cut: pauses of any length belong to a segment."""
    command = [skald, "transcribe", "--model", bundle, "--device", "cpu", "--precision", "f32", "--threads", "1", "--pause", "20",
               "--format", "json", "--out", out, "--progress", "none", *extra, folder]
    subprocess.run(command, check=True)
    results, seconds = {}, 0.0
    for root, _, names in os.walk(out):
        for name in names:
            if not name.endswith(".json"):
                continue
            transcript = json.loads(read(os.path.join(root, name)))
            words = [w for s in transcript.get("segments", []) for w in s["words"]]
            results[name_of(transcript["source"]["path"])] = [(w["word"], w["start"], w["end"], w["confidence"]) for w in words]
            timing = transcript["timing"]
            seconds += timing["features_s"] + timing["model_s"] + timing["search_s"] + timing["decode_s"]
    return results, seconds


def name_of(path):
    return os.path.splitext(os.path.basename(path))[0]


def alignment(a, b):
    """Pairs of equal words of the best alignment, and the number of differences."""
    cost = [[i + j if i * j == 0 else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            cost[i][j] = min(cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1][0] != b[j - 1][0]))
    pairs, i, j = [], len(a), len(b)
    while i and j:
        if cost[i][j] == cost[i - 1][j - 1] + (a[i - 1][0] != b[j - 1][0]):
            i, j = i - 1, j - 1
            if a[i][0] == b[j][0]:
                pairs.append((a[i], b[j]))
        elif cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return pairs, cost[-1][-1]


def median(values):
    values = sorted(values)
    return values[len(values) // 2] if values else float("nan")


def report(title, wanted, found):
    pairs, differences, words, same = [], 0, 0, 0
    for name, reference in wanted.items():
        both, wrong = alignment(reference, found.get(name, []))
        pairs += both
        differences += wrong
        words += len(reference)
        same += wrong == 0
    confidence = [abs(a[3] - b[3]) for a, b in pairs]
    print(f"{title}: same text in {same} of {len(wanted)} files ({100 * same / max(1, len(wanted)):.1f} %), "
          f"{differences} differences in {words} words ({100 * differences / max(1, words):.2f} %)")
    print(f"  words in both: confidences differ by {sum(confidence) / max(1, len(confidence)):.3f} on average, {median(confidence):.3f} median; "
          f"starts by {median(abs(a[1] - b[1]) for a, b in pairs):.3f} s, ends by {median(abs(a[2] - b[2]) for a, b in pairs):.3f} s (medians)")
    return same / max(1, len(wanted)), differences / max(1, words)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skald", required=True)
    parser.add_argument("--model", required=True, help="Vosk model folder")
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--most-differences", type=float, help="exit with 1 where more than this share of words differs from Vosk")
    parser.add_argument("folder")
    options = parser.parse_args()
    files = sorted(os.path.join(options.folder, f) for f in os.listdir(options.folder) if f.endswith(".wav"))
    audio_s = 0.0
    for path in files:
        with wave.open(path) as audio:
            audio_s += audio.getnframes() / audio.getframerate()
    model = os.path.realpath(options.model)
    with tempfile.TemporaryDirectory() as work:
        skald, skald_s = run_skald(options.skald, options.bundle, options.folder, f"{work}/skald", [])
        vosk, vosk_s = run_vosk(vosk_model(model, f"{work}/model"), files)
    print(f"{len(files)} files, {audio_s:.0f} s; x real time: Skald {audio_s / skald_s:.1f}, Vosk {audio_s / vosk_s:.1f}")
    _, differences = report("Skald and Vosk", vosk, skald)
    if options.most_differences is not None and differences > options.most_differences:
        sys.exit(1)


if __name__ == "__main__":
    main()
