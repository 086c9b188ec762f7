#!/usr/bin/env python3
"""Runs Silero's ONNX graph over recordings of the project and writes the probabilities of their chunks, NAME.npy [chunks].

usage: make_golden.py silero_vad_16k_op15.onnx

The graph (models/silero-vad-16k/README.md names it) comes with weights of its own; those of models/silero-vad-16k take their place.
Needs onnx, onnxruntime, safetensors and numpy (made with 1.23.2, 1.32.0, 0.8.0 and 2.4.6).
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
import safetensors.numpy

HERE = pathlib.Path(__file__).resolve().parent
MODELS = HERE.parents[3] / "models"
RECORDINGS = MODELS / "en-base" / "golden"
CHUNK, CONTEXT = 512, 64


def read_wav(path):
    return np.frombuffer(path.read_bytes()[44:], "<i2").astype(np.float32) / 32768


def probabilities(session, samples):
    samples = np.concatenate([np.zeros(CONTEXT, np.float32), samples, np.zeros(-len(samples) % CHUNK, np.float32)])
    state, out = np.zeros((2, 1, 128), np.float32), []
    for begin in range(0, len(samples) - CONTEXT, CHUNK):
        chunk = samples[None, begin : begin + CONTEXT + CHUNK]
        probability, state = session.run(None, {"input": chunk, "state": state, "sr": np.array(16000)})
        out.append(probability[0, 0])
    return np.array(out, np.float32)


def graph_with_weights(path):
    names = {"model.stft.forward_basis_buffer": "stft_conv.weight"}
    for kind in ("weight", "bias"):
        names["model.decoder.decoder.2." + kind] = "final_conv." + kind
        for layer in range(4):
            names[f"model.encoder.{layer}.reparam_conv.{kind}"] = f"conv{layer + 1}.{kind}"
        for side in ("ih", "hh"):
            names[f"model.decoder.rnn.{kind}_{side}"] = f"lstm_cell.{kind}_{side}"
    tensors = safetensors.numpy.load_file(MODELS / "silero-vad-16k" / "model.safetensors")
    model = onnx.load(path)
    for initializer in model.graph.initializer:
        initializer.CopyFrom(onnx.numpy_helper.from_array(tensors[names[initializer.name]], initializer.name))
    return model.SerializeToString()


def main():
    session = onnxruntime.InferenceSession(graph_with_weights(sys.argv[1]))
    for name in ("jfk", "short", "long15"):
        np.save(HERE / (name + ".npy"), probabilities(session, read_wav(RECORDINGS / (name + ".wav"))))


if __name__ == "__main__":
    main()
