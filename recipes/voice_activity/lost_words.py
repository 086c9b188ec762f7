#!/usr/bin/env python3
"""Counts reference words that a transcription lost against another of the same files: words that the first has right and that are
missing from the second.

usage: lost_words.py REFERENCE BEFORE AFTER

REFERENCE: lines `UTTERANCE WORDS`; BEFORE, AFTER: folders of Skald's JSON transcripts, named by utterance.
"""
import json
import pathlib
import re
import sys


def normalized(text):
    return re.findall(r"[A-Z0-9']+", text.upper())


def hypothesis(folder, utterance):
    transcript = json.loads((folder / (utterance + ".json")).read_text())
    return [word for segment in transcript["segments"] for word in normalized(segment["text"])]


def right_words(reference, words):
    """Positions of the reference that a least-errors alignment with `words` has right."""
    rows = [[0] * (len(words) + 1) for _ in range(len(reference) + 1)]
    for i in range(len(reference) + 1):
        for j in range(len(words) + 1):
            if i == 0 or j == 0:
                rows[i][j] = i + j
            else:
                rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (reference[i - 1] != words[j - 1]))
    right, i, j = set(), len(reference), len(words)
    while i > 0 and j > 0:
        if rows[i][j] == rows[i - 1][j - 1] + (reference[i - 1] != words[j - 1]):
            if reference[i - 1] == words[j - 1]:
                right.add(i - 1)
            i, j = i - 1, j - 1
        elif rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return right


def main():
    references, before, after = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    words = lost = gained = 0
    losers = []
    for line in references.read_text().splitlines():
        utterance, _, text = line.partition(" ")
        reference = normalized(text)
        right_before = right_words(reference, hypothesis(before, utterance))
        right_after = right_words(reference, hypothesis(after, utterance))
        words += len(reference)
        lost += len(right_before - right_after)
        gained += len(right_after - right_before)
        if right_before - right_after:
            losers.append(f"{utterance}: {' '.join(reference[i] for i in sorted(right_before - right_after))}")
    print(f"{words} words; lost {lost} ({100 * lost / words:.3f} %), gained {gained} ({100 * gained / words:.3f} %)")
    for loser in losers:
        print("  lost in", loser)


if __name__ == "__main__":
    main()
