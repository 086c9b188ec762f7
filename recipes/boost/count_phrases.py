#!/usr/bin/env python3
"""Counts occurrences of phrases in transcripts against reference text.

usage: count_phrases.py CORPUS_FOLDER PHRASES TRANSCRIPT_FOLDER LABEL [SPEAKERS]

An occurrence counts as found as often as the utterance's reference and transcript both have the phrase; more of it in the
transcript are false. SPEAKERS, "1272,777" or "-1272,777", takes only these speakers or all others (utt2spk).
"""
import json
import os
import sys


def occurrences(words, phrase):
    return sum(words[i:i + len(phrase)] == phrase for i in range(len(words) - len(phrase) + 1))


def main():
    corpus, phrases_path, folder, label = sys.argv[1:5]
    speakers = sys.argv[5] if len(sys.argv) > 5 else ""
    listed = set(speakers.lstrip("-").split(",")) - {""}
    speaker_of = dict(line.split() for line in open(os.path.join(corpus, "utt2spk"))) if listed else {}
    phrases = [line.split("\t")[0].split() for line in open(phrases_path) if line.strip() and not line.startswith("#")]
    true = found = false = 0
    audio_s = 0.0
    for line in open(os.path.join(corpus, "text")):
        utterance, *reference = line.split()
        if listed and (speaker_of[utterance] in listed) == speakers.startswith("-"):
            continue
        transcript = json.load(open(os.path.join(folder, utterance + ".json")))
        audio_s += transcript["source"]["duration"]
        words = [word["word"] for segment in transcript["segments"] for word in segment["words"]]
        for phrase in phrases:
            said, heard = occurrences(reference, phrase), occurrences(words, phrase)
            true += said
            found += min(said, heard)
            false += max(0, heard - said)
    print("%s: %d of %d occurrences found (%.1f %%), %d false in %.2f hours"
          % (label, found, true, 100.0 * found / max(true, 1), false, audio_s / 3600))


if __name__ == "__main__":
    main()
