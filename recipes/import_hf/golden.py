#!/usr/bin/env python3
"""Gives an imported bundle the golden data that `skald model check` re-runs: recordings, and what transformers (PyTorch, f32)
makes of each of them alone.

usage: golden.py CHECKPOINT BUNDLE WAV...      WAV: 16 kHz, mono, 16-bit

Needs: pip install torch transformers==5.24.0. CHECKPOINT is the folder that `skald model import hf` read.
"""
import os
import shutil
import sys
import wave

import numpy as np
import torch
import transformers as tf


def read_wav(path):
    with wave.open(path) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (16000, 1, 2):
            sys.exit(f"{path}: not 16 kHz mono 16-bit")
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float32) / 32768


def forward(model, extractor, samples):
    """Features [frames, bins] (None where the network takes samples) and log probabilities [frames, units], blank first."""
    batch = extractor(samples, sampling_rate=16000, return_tensors="pt")
    features = None
    if "input_features" in batch:
        frames = int(batch["attention_mask"].sum())
        features = batch["input_features"][:, :frames]
        arguments = {"input_features": features}
    else:
        arguments = {"input_values": batch["input_values"]}
    with torch.no_grad():
        log_probs = torch.log_softmax(model(**arguments).logits[0].float(), -1)
    blank = model.config.pad_token_id
    order = [blank] + [i for i in range(log_probs.shape[1]) if i != blank]
    return None if features is None else features[0].numpy(), log_probs[:, order].numpy()


def main(checkpoint, bundle, *recordings):
    model = tf.AutoModelForCTC.from_pretrained(checkpoint, dtype=torch.float32).eval()
    extractor = tf.AutoFeatureExtractor.from_pretrained(checkpoint)
    os.makedirs(f"{bundle}/golden", exist_ok=True)
    for path in recordings:
        features, log_probs = forward(model, extractor, read_wav(path))
        stem = f"{bundle}/golden/{os.path.splitext(os.path.basename(path))[0]}"
        shutil.copyfile(path, stem + ".wav")
        if features is not None:
            np.save(stem + ".mel.npy", np.ascontiguousarray(features.T, dtype=np.float32))
        np.save(stem + ".logprobs_ctc.npy", log_probs.astype(np.float32))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
