#!/usr/bin/env python3
"""Packs corpus folders for training: NAME.pcm (int16 samples, 16 kHz) and NAME.jsonl (one utterance a line) for each.

usage: corpus.py OUT_FOLDER CORPUS_FOLDER...

A corpus folder holds audio/ (any media), text (`UTTERANCE WORDS` a line) and, optionally, utt2spk. Utterances without text
or audio are left out and counted. A corpus that is packed already is left alone.
"""
import argparse
import json
import os
import pathlib

import numpy as np

import media


def _table(path):
    if not path.exists():
        return {}
    pairs = (line.split(maxsplit=1) for line in path.read_text(encoding="utf-8").splitlines())
    return {pair[0]: pair[1].strip() for pair in pairs if len(pair) == 2}


def pack(corpus, out):
    """Writes OUT/NAME.pcm and .jsonl of a corpus folder; the .jsonl comes last and whole."""
    corpus, out = pathlib.Path(corpus), pathlib.Path(out)
    manifest = out / f"{corpus.name}.jsonl"
    if manifest.exists():
        return
    texts, speakers = _table(corpus / "text"), _table(corpus / "utt2spk")
    if not texts:
        raise ValueError(f"{corpus}/text: missing or empty")
    files = {path.stem: path for path in sorted((corpus / "audio").rglob("*")) if path.is_file()}
    entries, position = [], 0
    with open(out / f"{corpus.name}.pcm", "wb") as pcm:
        for utterance in sorted(texts.keys() & files.keys()):
            samples = media.read(str(files[utterance]))
            samples.astype("<i2").tofile(pcm)
            entries.append({"utterance": utterance, "speaker": speakers.get(utterance, utterance), "corpus": corpus.name,
                            "first_sample": position, "samples": len(samples), "text": texts[utterance]})
            position += len(samples)
    part = manifest.with_suffix(".part")
    part.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    os.replace(part, manifest)
    hours = position / media.SAMPLE_RATE_HZ / 3600
    print(f"{corpus.name}: {len(entries)} utterances, {hours:.2f} h, {len(texts) - len(entries)} without audio")


class Packed:
    """Utterances of packed corpora and their samples, read when asked for."""

    def __init__(self, folder, names):
        self.folder = pathlib.Path(folder)
        self.utterances = [json.loads(line) for name in names
                           for line in (self.folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        self._pcm = {}

    def samples(self, utterance):
        """float32 [count] in [-1, 1]."""
        name = utterance["corpus"]
        if name not in self._pcm:
            self._pcm[name] = np.memmap(self.folder / f"{name}.pcm", dtype="<i2", mode="r")
        first = utterance["first_sample"]
        return self._pcm[name][first : first + utterance["samples"]].astype(np.float32) / 32768


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("corpora", nargs="+")
    options = parser.parse_args()
    pathlib.Path(options.out).mkdir(parents=True, exist_ok=True)
    for corpus in options.corpora:
        pack(corpus, options.out)
