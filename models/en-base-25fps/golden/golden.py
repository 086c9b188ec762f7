#!/usr/bin/env python3
"""Golden vectors: straight-line forward pass of the exported model, float32 arithmetic on the float16 weights.
usage: golden.py MODELDIR OUTDIR name=audio.wav ...   (16 kHz mono 16-bit wav)
writes per name: NAME.mel.npy (80,Tm) f32, NAME.logprobs_{char,bpe,phone}.npy (T,V) f32, NAME.txt (greedy output of the heads)
needs numpy, torch, safetensors; shares no code with the training scripts."""
import sys, json, math, wave
import numpy as np, torch
from safetensors import safe_open

def read_wav(p):
    with wave.open(p) as w:
        assert w.getframerate() == 16000 and w.getnchannels() == 1 and w.getsampwidth() == 2
        return np.frombuffer(w.readframes(w.getnframes()), "<i2").astype(np.float64) / 32768.0

def mel_filters():
    def hz(m): return m * 200.0 / 3.0 if m < 15.0 else 1000.0 * math.exp((m - 15.0) * math.log(6.4) / 27.0)
    top = 15.0 + math.log(8000.0 / 1000.0) * 27.0 / math.log(6.4)
    e = [hz(top * i / 81.0) for i in range(82)]
    W = np.zeros((80, 201))
    for m in range(80):
        for k in range(201):
            f = k * 40.0
            W[m, k] = max(0.0, min((f - e[m]) / (e[m + 1] - e[m]), (e[m + 2] - f) / (e[m + 2] - e[m + 1]))) * 2.0 / (e[m + 2] - e[m])
    return W

def features(x):
    if len(x) < 480: x = np.concatenate([x, np.zeros(480 - len(x))])
    n = len(x); p = np.concatenate([x[1:201][::-1], x, x[-201:-1][::-1]])          # reflect, edge sample not repeated
    win = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    P = np.stack([np.abs(np.fft.rfft(p[160 * t:160 * t + 400] * win)) ** 2 for t in range(n // 160)], 1)
    L = np.log10(np.maximum(mel_filters() @ P, 1e-10))
    return ((np.maximum(L, L.max() - 8.0) + 4.0) / 4.0).astype(np.float32)

def forward(w, cfg, mel):
    t = lambda k: w[k]
    x = torch.from_numpy(mel)[None]
    x = torch.nn.functional.gelu(torch.nn.functional.conv1d(x, t("encoder.conv1.weight"), t("encoder.conv1.bias"), padding=1))
    x = torch.nn.functional.gelu(torch.nn.functional.conv1d(x, t("encoder.conv2.weight"), t("encoder.conv2.bias"), stride=2, padding=1))
    x = x[0].T                                                                        # (T, 512)
    T = x.shape[0]; i = torch.arange(256, dtype=torch.float64); f = torch.exp(-math.log(10000.0) / 255 * i)
    a = torch.arange(T, dtype=torch.float64)[:, None] * f[None]
    x = x + torch.cat([a.sin(), a.cos()], 1).float()
    ln = lambda v, k: torch.nn.functional.layer_norm(v, (512,), t(k + ".weight"), t(k + ".bias"), 1e-5)
    for l in range(cfg["n_layers"]):
        p = f"encoder.layers.{l}."
        y = ln(x, p + "self_attn_layer_norm")
        q = (y @ t(p + "self_attn.q_proj.weight").T + t(p + "self_attn.q_proj.bias")).view(T, 8, 64).transpose(0, 1)
        k = (y @ t(p + "self_attn.k_proj.weight").T).view(T, 8, 64).transpose(0, 1)
        v = (y @ t(p + "self_attn.v_proj.weight").T + t(p + "self_attn.v_proj.bias")).view(T, 8, 64).transpose(0, 1)
        o = (torch.softmax(q @ k.transpose(1, 2) * 0.125, -1) @ v).transpose(0, 1).reshape(T, 512)
        x = x + o @ t(p + "self_attn.out_proj.weight").T + t(p + "self_attn.out_proj.bias")
        y = ln(x, p + "final_layer_norm")
        y = torch.nn.functional.gelu(y @ t(p + "fc1.weight").T + t(p + "fc1.bias"))   # erf GELU
        x = x + y @ t(p + "fc2.weight").T + t(p + "fc2.bias")
        if l == cfg.get("pool_after_layer"):                                              # mean of frame pairs, an odd last frame stays alone
            x = torch.cat([(x[0:T - 1:2] + x[1:T:2]) * 0.5, x[T - 1:] if T % 2 else x[:0]]); T = x.shape[0]
    y = ln(x, "encoder.layer_norm")
    return {h: torch.log_softmax(y @ t(f"ctc.{h}.weight").T + t(f"ctc.{h}.bias"), -1).numpy() for h in ("char", "bpe", "phone")}

def greedy(lp, tok):
    sep = " " if "NG" in tok and "|" not in tok and len(tok) == 40 else ""; o, p = [], -1
    for i in lp.argmax(-1):
        if i != p and i != 0: o.append(tok[i])
        p = i
    return " ".join(sep.join(o).replace("|", " ").replace("\u2581", " ").split())

if __name__ == "__main__":
    d, out = sys.argv[1:3]; cfg = json.load(open(d + "/config.json")); w = {}
    with safe_open(d + "/model.safetensors", "pt") as s:
        for k in s.keys(): w[k] = s.get_tensor(k).float()
    tok = {h: [l.rstrip("\n").rsplit(" ", 1)[0] for l in open(f"{d}/tokens_{h}.txt", encoding="utf8")] for h in ("char", "bpe", "phone")}
    for a in sys.argv[3:]:
        n, p = a.split("=", 1); m = features(read_wav(p)); lp = forward(w, cfg, m)
        np.save(f"{out}/{n}.mel.npy", m)
        for h in lp: np.save(f"{out}/{n}.logprobs_{h}.npy", lp[h])
        T = {h: greedy(lp[h], tok[h]) for h in lp}
        open(f"{out}/{n}.txt", "w").write(f"default({cfg['heads']['default']}): {T[cfg['heads']['default']]}\n" + "".join(f"{h}: {T[h]}\n" for h in T))
        print(n, m.shape, {h: lp[h].shape for h in lp}, T)
