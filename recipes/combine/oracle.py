#!/usr/bin/env python3
"""Writes transcripts whose alternatives are the texts of several systems, for `skald score oracle`.

usage: oracle.py OUT_FOLDER FOLDER_OF_JSON_TRANSCRIPTS...
"""
import json
import pathlib
import sys


def text_of(path):
    return " ".join(segment["text"] for segment in json.loads(path.read_text())["segments"]) if path.exists() else ""


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    folders = [pathlib.Path(folder) for folder in sys.argv[2:]]
    for name in sorted({path.name for folder in folders for path in folder.glob("*.json")}):
        texts = list(dict.fromkeys(text_of(folder / name) for folder in folders))
        segment = {"start": 0, "end": 1, "channel": 0, "text": texts[0], "words": [],
                   "nbest": [{"text": text, "cost": float(rank)} for rank, text in enumerate(texts)]}
        (out / name).write_text(json.dumps({"source": {"path": name}, "segments": [segment]}))


if __name__ == "__main__":
    main()
