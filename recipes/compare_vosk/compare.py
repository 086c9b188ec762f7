#!/usr/bin/env python3
"""Vosk and Skald over a folder of 16 kHz WAV files: see README.md. Needs the package vosk."""
import argparse
import json
import os
import resource
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
    """Words of each file, words of the best path of each file, seconds of processor time for the former."""
    import vosk
    vosk.SetLogLevel(-1)
    model = vosk.Model(folder)
    words, best_paths, seconds = {}, {}, 0.0
    for path in files:
        with wave.open(path) as audio:
            samples = audio.readframes(audio.getnframes())
        start = time.process_time()
        recognizer = vosk.KaldiRecognizer(model, 16000)
        recognizer.SetWords(True)
        recognizer.AcceptWaveform(samples)
        result = json.loads(recognizer.FinalResult())
        seconds += time.process_time() - start
        words[name_of(path)] = [(w["word"], w["start"], w["end"], w["conf"]) for w in result.get("result", [])]
        # Asked for alternatives, Vosk gives those of least cost; else the words of least risk.
        recognizer = vosk.KaldiRecognizer(model, 16000)
        recognizer.SetMaxAlternatives(1)
        recognizer.AcceptWaveform(samples)
        best_paths[name_of(path)] = untimed(json.loads(recognizer.FinalResult())["alternatives"][0]["text"])
    return words, best_paths, seconds


def untimed(text):
    return [(word,) for word in text.split()]


def run_skald(skald, bundle, folder, out):
    """As run_vosk. One thread, no segments cut: pauses of any length belong to a segment."""
    command = [skald, "transcribe", "--model", bundle, "--device", "cpu", "--precision", "f32", "--threads", "1", "--pause", "20",
               "--format", "json", "--nbest", "1", "--out", out, "--progress", "none", folder]
    subprocess.run(command, check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # its start and reading the files included
    results, best_paths = {}, {}
    for root, _, names in os.walk(out):
        for name in names:
            if not name.endswith(".json"):
                continue
            transcript = json.loads(read(os.path.join(root, name)))
            name = name_of(transcript["source"]["path"])
            segments = transcript.get("segments", [])
            results[name] = [(w["word"], w["start"], w["end"], w["confidence"]) for s in segments for w in s["words"]]
            best_paths[name] = untimed(" ".join(s["nbest"][0]["text"] for s in segments if s["nbest"]))
    return results, best_paths, used.ru_utime + used.ru_stime


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
    """Prints how texts agree; returns the share of words that differ, and the words that both have."""
    pairs, differences, words, same = [], 0, 0, 0
    for name, reference in wanted.items():
        both, wrong = alignment(reference, found.get(name, []))
        pairs += both
        differences += wrong
        words += len(reference)
        same += wrong == 0
    print(f"{title}: same text in {same} of {len(wanted)} files ({100 * same / max(1, len(wanted)):.1f} %), "
          f"{differences} differences in {words} words ({100 * differences / max(1, words):.2f} %)")
    return differences / max(1, words), pairs


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skald", required=True)
    parser.add_argument("--model", required=True, help="Vosk model folder")
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--most-differences", type=float, nargs=2, metavar=("BEST_PATH", "LEAST_RISK"),
                        help="exit with 1 where more than these shares of words differ from Vosk")
    parser.add_argument("folder")
    options = parser.parse_args()
    files = sorted(os.path.join(options.folder, f) for f in os.listdir(options.folder) if f.endswith(".wav"))
    audio_s = 0.0
    for path in files:
        with wave.open(path) as audio:
            audio_s += audio.getnframes() / audio.getframerate()
    model = os.path.realpath(options.model)
    with tempfile.TemporaryDirectory() as work:
        skald, skald_best, skald_s = run_skald(options.skald, options.bundle, options.folder, f"{work}/skald")
        vosk, vosk_best, vosk_s = run_vosk(vosk_model(model, f"{work}/model"), files)
    print(f"{len(files)} files, {audio_s:.0f} s; x real time in processor time: Skald {audio_s / skald_s:.1f}, Vosk {audio_s / vosk_s:.1f}")
    of_best_path, _ = report("Best path", vosk_best, skald_best)
    of_least_risk, pairs = report("Words of least risk", vosk, skald)
    confidence = [abs(a[3] - b[3]) for a, b in pairs]
    print(f"  words in both: confidences differ by {sum(confidence) / max(1, len(confidence)):.3f} on average, {median(confidence):.3f} median; "
          f"starts by {median(abs(a[1] - b[1]) for a, b in pairs):.3f} s, ends by {median(abs(a[2] - b[2]) for a, b in pairs):.3f} s (medians)")
    limits = options.most_differences
    if limits is not None and (of_best_path > limits[0] or of_least_risk > limits[1]):
        sys.exit(1)


if __name__ == "__main__":
    main()
