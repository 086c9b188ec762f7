#!/usr/bin/env python3
"""Times the same network on the same audio in Skald, PyTorch and onnxruntime: see README.md.

usage: compare.py SKALD WORK_FOLDER [--sizes whisper-base,wav2vec2-base,...] [--threads 1,2] [--precisions f32,bf16] [--rounds 5]
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import numpy as np
import onnxruntime
import torch
import transformers as tf

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "import_hf"))
import compare_sizes  # noqa: E402
import golden  # noqa: E402
from whisper_encoder_ctc import WhisperEncoderCtc  # noqa: E402

SECONDS = 10
LARGEST_ONNX_PARAMETERS = 400e6  # a file holds no more: larger graphs have files of their own for their weights


class Logits(torch.nn.Module):
    """A model of transformers with a tensor as its result."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, inputs):
        return self.model(inputs).logits


def make_whisper(folder):
    torch.manual_seed(0)
    config = tf.WhisperConfig(d_model=512, encoder_layers=6, encoder_attention_heads=8, encoder_ffn_dim=2048, decoder_layers=1,
                              decoder_attention_heads=8, decoder_ffn_dim=64, num_mel_bins=80, pad_token_id=0, vocab_size=64, bos_token_id=1, eos_token_id=2,
                              decoder_start_token_id=1)
    model = WhisperEncoderCtc(config, 32).eval()
    config.save_pretrained(folder)
    from safetensors.torch import save_file
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, f"{folder}/model.safetensors")
    names = {f"u{i}": i for i in range(1, 31)}
    names.update({"<pad>": 0, "|": 31})
    pathlib.Path(folder, "vocab.json").write_text(json.dumps(names))
    return model


def load(folder, size):
    """The network and its input for the recording."""
    samples = golden.read_wav(f"{folder}/recording.wav")
    if size == "whisper-base":
        model = make_whisper(folder)
        features = tf.WhisperFeatureExtractor(feature_size=80)._np_extract_fbank_features(samples[None], "cpu")
        return Logits(model), torch.from_numpy(np.asarray(features, dtype=np.float32))
    compare_sizes.make_checkpoint(folder, compare_sizes.SIZES[size])
    model = tf.AutoModelForCTC.from_pretrained(folder, dtype=torch.float32).eval()
    batch = tf.AutoFeatureExtractor.from_pretrained(folder)(samples, sampling_rate=16000, return_tensors="pt")
    if "input_features" in batch:
        return Logits(model), batch["input_features"][:, : int(batch["attention_mask"].sum())]
    return Logits(model), batch["input_values"]


def export(model, inputs, path):
    parameters = sum(p.numel() for p in model.parameters())
    large = parameters > LARGEST_ONNX_PARAMETERS
    try:
        torch.onnx.export(model, (inputs,), path, dynamo=True, external_data=large, verbose=False)
    except Exception as error:  # exporters know not every network
        return f"not exported: {type(error).__name__}"
    return path


def time_skald(skald, bundle, recording, precision, threads):
    command = [skald, "bench", "model", "--device", "cpu", "--model", bundle, "--precision", precision, "--threads", str(threads),
               "--warm-up", "1", "--repeats", "3", "--json", recording]
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return 1000 * result["median_s"]


def time_torch(model, inputs):
    times = []
    with torch.inference_mode():
        for _ in range(4):
            start = time.perf_counter()
            model(inputs)
            times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[1:])


def time_onnx(session, inputs):
    values = {session.get_inputs()[0].name: inputs.numpy()}
    times = []
    for _ in range(4):
        start = time.perf_counter()
        session.run(None, values)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[1:])


def compare(options, size):
    folder = f"{options.work}/{size}"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    recording = f"{folder}/recording.wav"
    compare_sizes.recording(recording, SECONDS, 1)
    model, inputs = load(folder, size)
    bundle = f"{folder}/bundle"
    subprocess.run([options.skald, "model", "import", "hf", folder, bundle], check=True, stdout=subprocess.DEVNULL)
    graph = export(model, inputs, f"{folder}/model.onnx")
    if not os.path.exists(graph):
        print(f"{size}: {graph}", flush=True)
    for threads in options.threads:
        torch.set_num_threads(threads)
        session = None
        if os.path.exists(graph):
            settings = onnxruntime.SessionOptions()
            settings.intra_op_num_threads = threads
            session = onnxruntime.InferenceSession(graph, settings, providers=["CPUExecutionProvider"])
        for precision in options.precisions:
            dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[precision]
            cast, cast_inputs = model.to(dtype), inputs.to(dtype)
            times = {"skald": [], "torch": [], "onnxruntime": []}
            for _ in range(options.rounds):
                times["skald"].append(time_skald(options.skald, bundle, recording, precision, threads))
                times["torch"].append(time_torch(cast, cast_inputs))
                if session is not None and precision == "f32":
                    times["onnxruntime"].append(time_onnx(session, inputs))
            model.to(torch.float32)
            medians = {name: statistics.median(values) for name, values in times.items() if values}
            print(f"{size} {precision} {threads} threads: " + ", ".join(
                f"{name} {ms:.0f} ms" + (f" ({ms / medians['skald']:.2f})" if name != "skald" else "")
                for name, ms in medians.items()), flush=True)
    shutil.rmtree(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("skald")
    parser.add_argument("work")
    parser.add_argument("--sizes", type=lambda text: text.split(","), default=["whisper-base", "wav2vec2-base", "parakeet-0.6b"])
    parser.add_argument("--threads", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2])
    parser.add_argument("--precisions", type=lambda text: text.split(","), default=["f32", "bf16"])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for name in arguments.sizes:
        compare(arguments, name)
