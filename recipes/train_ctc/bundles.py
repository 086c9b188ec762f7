#!/usr/bin/env python3
"""Writes a bundle that skald reads (models/bundle/FORMAT.md) from checkpoints.

usage: bundles.py OUT_FOLDER CHECKPOINT_OR_BUNDLE... [--weights average|last]

The weights are the mean of the checkpoints' averages (or of their last weights) and of bundles of the same sizes: that of a run and
of what it started from makes fewer errors than either (Wortsman et al. 2022). Heads that not all of them have are left out. Units,
words, pronunciations and language model are copied from the bundle that the first checkpoint's config names. Only
"whisper-encoder" runs in the engine.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys

import torch
from safetensors.torch import load_file, save_file

import averages
import checkpoints
import config as config_module

LARGEST_HALF = 65504


def read_weights(bundle):
    """{name: float32 tensor} of a bundle."""
    bundle = pathlib.Path(bundle)
    description = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    return {name: tensor.float() for name, tensor in load_file(bundle / description["architecture"]["weights"]).items()}


def load_into(model, bundle, layers=()):
    """Copies a bundle's weights into a CtcModel of the same sizes; heads that the model lacks are passed over.

    layers: those of the bundle that become the model's, in this order; empty: all.
    """
    weights = _with_heads(read_weights(bundle), model.ctc)
    if layers:
        weights = _with_layers(weights, layers, bundle)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"{bundle}: its weights do not fit the architecture of the config: {error}") from None


def _with_heads(weights, heads):
    return {name: tensor for name, tensor in weights.items() if not name.startswith("ctc.") or name.split(".")[1] in heads}


def _with_layers(weights, layers, bundle):
    prefix = "encoder.layers."
    chosen = {name: tensor for name, tensor in weights.items() if not name.startswith(prefix)}
    for index, layer in enumerate(layers):
        of_layer = {name: tensor for name, tensor in weights.items() if name.startswith(f"{prefix}{layer}.")}
        if not of_layer:
            raise ValueError(f"{bundle}: there is no layer {layer}")
        chosen.update({name.replace(f"{prefix}{layer}.", f"{prefix}{index}.", 1): tensor for name, tensor in of_layer.items()})
    return chosen


def write(out, name, config, weights, new_heads=()):
    """Writes a bundle folder of {name: tensor}. Raises ValueError where the engine could not read it.

    new_heads: {name: entry of config.json} of heads that the bundle config.units_from lacks; their files are in the folder.
    """
    if config.architecture["type"] != "whisper-encoder":
        raise ValueError(f"architecture {config.architecture['type']}: the engine runs whisper-encoder only")
    source, out = config_module.project_path(config.units_from), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    description = json.loads((source / "bundle.json").read_text(encoding="utf-8"))
    for file in description["files"]:
        if file != description["architecture"]["weights"]:
            shutil.copyfile(source / file, out / file)
    largest = max(float(tensor.abs().max()) for tensor in weights.values())
    if not largest < LARGEST_HALF:
        raise ValueError(f"a weight of {largest} does not fit 16 bits")
    save_file({key: tensor.half().contiguous() for key, tensor in weights.items()}, out / "model.safetensors",
              metadata={"format": "pt", "name": name})

    settings = json.loads((source / "config.json").read_text(encoding="utf-8"))
    pool = config.architecture.get("pool_after_layer")
    settings.update(name=name, dtype="float16", d_model=config.architecture.get("width", 512),
                    n_heads=config.architecture.get("width", 512) // 64, n_layers=config.architecture.get("layers", 6),
                    ffn_dim=config.architecture.get("feed_forward_width", 2048), frame_rate=50 if pool is None else 25)
    for member in ("pool_after_layer", "pool"):
        settings.pop(member, None)
    if pool is not None:
        settings["pool_after_layer"] = pool
    settings["heads"] = {"default": _kept(settings["heads"]["default"], config.heads),
                         **{head: settings["heads"][head] for head in config.heads}, **dict(new_heads)}
    if "card" in settings:  # what was measured, was measured with other weights
        corpora = dict.fromkeys(pathlib.Path(path).name for path in config.data.train)
        started = f"Started from {pathlib.Path(config.start_from).name}. " if config.start_from else ""
        settings["card"] = {**settings["card"], "data": f"{started}Trained on {', '.join(corpora)}"}
        settings["card"].pop("word_error_rates", None)
    (out / "config.json").write_text(json.dumps(settings, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    command = [sys.executable, config_module.PROJECT / "models" / "make_bundle.py", out, "--licence", description["licence"],
               "--search-head", _kept(description["search_head"], config.heads)]
    for head in config.heads:
        for member in ("lm_scale", "word_penalty", "blank_penalty"):
            if member in description["heads"][head]:
                command += [f"--{member.replace('_', '-')}", f"{head}={description['heads'][head][member]}"]
    subprocess.run(command, check=True)


def _kept(head, heads):
    """A default head, or the first of the trained ones where it is not among them."""
    return head if head in heads else next(iter(heads))


def weights_of(source, which):
    """Weights of a checkpoint's state ("average" or "last") or of a bundle folder."""
    if isinstance(source, pathlib.Path):
        return read_weights(source)
    return source["average"]["average"] if which == "average" else source["model"]


def mean_with_common_heads(weights, heads):
    """The mean of several {name: tensor}, and those of the heads that all of them have."""
    common = [head for head in heads if all(f"ctc.{head}.weight" in one for one in weights)]
    return averages.mean_of([_with_heads(one, common) for one in weights]), common


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("sources", nargs="+", type=pathlib.Path, metavar="CHECKPOINT_OR_BUNDLE")
    parser.add_argument("--weights", choices=("average", "last"), default="average")
    parser.add_argument("--name", help="of the bundle (default: the config's)")
    options = parser.parse_args()
    sources = [checkpoints.read(path) if path.is_file() else path for path in options.sources]
    config = next((config_module.from_dict(source["config"]) for source in sources if isinstance(source, dict)), None)
    if config is None:
        parser.error("no checkpoint among the sources: settings and units come from its config")
    weights, heads = mean_with_common_heads([weights_of(source, options.weights) for source in sources], config.heads)
    config.heads = {head: config.heads[head] for head in heads}
    write(options.out, options.name or config.name, config, weights)


if __name__ == "__main__":
    main()
