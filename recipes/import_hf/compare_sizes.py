#!/usr/bin/env python3
"""Compares Skald with transformers at published sizes: makes a checkpoint with random weights, imports it, and re-runs on it the
golden test with recordings of two lengths in one batch; prints the largest difference of log probabilities.

usage: compare_sizes.py SKALD WORK_FOLDER SIZE...     SKALD: the program; SIZE: one of the names below, or all

Needs: pip install torch transformers==5.24.0, and up to 20 GB of disk and memory for parakeet-1.1b. The checkpoint and the
bundle of a size are removed before the next one, unless KEEP=1 is in the environment.
"""
import json
import os
import shutil
import subprocess
import sys
import wave

import numpy as np
import torch
import transformers as tf

import golden

LARGE = dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096,
             feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True)
SIZES = {
    "wav2vec2-base": lambda: tf.Wav2Vec2ForCTC(tf.Wav2Vec2Config()),
    "wav2vec2-large": lambda: tf.Wav2Vec2ForCTC(tf.Wav2Vec2Config(**LARGE)),
    "hubert-large": lambda: tf.HubertForCTC(tf.HubertConfig(**LARGE)),
    "parakeet-0.6b": lambda: tf.ParakeetForCTC(tf.ParakeetCTCConfig()),
    "parakeet-1.1b": lambda: tf.ParakeetForCTC(tf.ParakeetCTCConfig(encoder_config=dict(num_hidden_layers=42))),
}


def recording(path, seconds, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * 16000)) / 16000
    x = sum(0.2 * np.sin(2 * np.pi * f * t) * (np.sin(2 * np.pi * r * t) > 0) for f, r in ((180, 3), (900, 2.3), (2600, 5)))
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(np.round((x + rng.normal(0, 0.02, t.shape)) * 20000).astype("<i2").tobytes())


def write_tokenizer(folder, model):
    """Any names will do."""
    units = model.config.vocab_size
    blank = model.config.pad_token_id
    names = {f"u{i}": i for i in range(units)}
    del names[f"u{blank}"], names[f"u{units - 2}"]
    names.update({"<pad>": blank, "|": units - 2})
    with open(f"{folder}/vocab.json", "w") as file:
        json.dump(names, file)


def make_checkpoint(folder, make):
    torch.manual_seed(0)
    model = make().eval()
    with torch.no_grad():  # the initial weights hardly reach the scores
        model_head = model.lm_head if hasattr(model, "lm_head") else model.ctc_head
        model_head.weight.mul_(20)
    model.save_pretrained(folder)
    write_tokenizer(folder, model)
    if isinstance(model, tf.ParakeetForCTC):
        tf.ParakeetFeatureExtractor().save_pretrained(folder)
    else:
        tf.Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return sum(p.numel() for p in model.parameters())


def compare(skald, work, name):
    folder, bundle = f"{work}/{name}", f"{work}/{name}-bundle"
    for path in (folder, bundle):
        shutil.rmtree(path, ignore_errors=True)
    os.makedirs(folder)
    parameters = make_checkpoint(folder, SIZES[name])
    subprocess.run([skald, "model", "import", "hf", folder, bundle], check=True, stdout=subprocess.DEVNULL)
    recordings = [f"{work}/long.wav", f"{work}/short.wav"]
    recording(recordings[0], 9.37, 1)
    recording(recordings[1], 2.11, 2)
    golden.main(folder, bundle, *recordings)
    check = subprocess.run([skald, "model", "check", bundle], stdout=subprocess.PIPE, text=True)
    print(f"{name}: {parameters / 1e6:.0f} M parameters\n{check.stdout}", flush=True)
    if os.environ.get("KEEP") != "1":
        for path in (folder, bundle):
            shutil.rmtree(path)
    return check.returncode == 0


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    torch.set_num_threads(2)
    sizes = list(SIZES) if sys.argv[3:] == ["all"] else sys.argv[3:]
    sys.exit(0 if all([compare(sys.argv[1], sys.argv[2], name) for name in sizes]) else 1)
