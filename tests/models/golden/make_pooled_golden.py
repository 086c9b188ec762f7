#!/usr/bin/env python3
"""Scores of models/en-base with pairs of frames averaged after layer 2 (pool_after_layer), for `short` and `jfk`.

usage: make_pooled_golden.py    needs numpy and torch; writes NAME.pool2.logprobs_char.npy beside this file.
The weights were not trained for pooling: the numbers test arithmetic, not recognition.
"""
import json, math, os, struct
import numpy as np, torch
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "../../../models/en-base")
POOL_AFTER = 2


def load_weights():
    with open(os.path.join(MODEL, "model.safetensors"), "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    weights = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            weights[name] = torch.from_numpy(np.frombuffer(data[begin:end], "<f2").reshape(entry["shape"]).astype("f4"))
    return weights


def forward(w, mel):
    def affine(x, name):
        return F.linear(x, w[name + ".weight"], w.get(name + ".bias"))

    def norm(x, name):
        return F.layer_norm(x, (512,), w[name + ".weight"], w[name + ".bias"], 1e-5)

    x = F.gelu(F.conv1d(mel[None], w["encoder.conv1.weight"], w["encoder.conv1.bias"], padding=1))
    x = F.gelu(F.conv1d(x, w["encoder.conv2.weight"], w["encoder.conv2.bias"], padding=1, stride=2))[0].T
    rate = torch.exp(-math.log(10000) / 255 * torch.arange(256, dtype=torch.float64))
    angle = torch.arange(len(x), dtype=torch.float64)[:, None] * rate
    x = x + torch.cat([angle.sin(), angle.cos()], 1).float()
    for layer in range(6):
        p = f"encoder.layers.{layer}."
        y = norm(x, p + "self_attn_layer_norm")
        q, k, v = (affine(y, p + f"self_attn.{c}_proj").view(len(x), 8, 64).transpose(0, 1) for c in "qkv")
        attended = torch.softmax(q @ k.transpose(1, 2) / 8, -1) @ v
        x = x + affine(attended.transpose(0, 1).reshape(len(x), 512), p + "self_attn.out_proj")
        x = x + affine(F.gelu(affine(norm(x, p + "final_layer_norm"), p + "fc1")), p + "fc2")
        if layer == POOL_AFTER:
            x = torch.stack([x[t : t + 2].mean(0) for t in range(0, len(x), 2)])
    return torch.log_softmax(affine(norm(x, "encoder.layer_norm"), "ctc.char"), -1)


if __name__ == "__main__":
    weights = load_weights()
    for name in ("short", "jfk"):
        mel = torch.from_numpy(np.load(os.path.join(MODEL, f"golden/{name}.mel.npy")))
        scores = forward(weights, mel).numpy()
        np.save(os.path.join(HERE, f"{name}.pool{POOL_AFTER}.logprobs_char.npy"), scores)
        print(name, scores.shape)
