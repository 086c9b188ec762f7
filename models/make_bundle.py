#!/usr/bin/env python3
"""Writes bundle.json (models/bundle/FORMAT.md) of a model folder from its config.json and the files in it.

usage: make_bundle.py FOLDER --licence TEXT [--lm-scale HEAD=W] [--word-penalty HEAD=W] [--blank-penalty HEAD=W]

To ship a better model with the same layout: replace model.safetensors, config.json and tokens_*.txt, run this, commit.
Uses the standard library only. Every file of the folder is listed with size and SHA-256, documents and config.json aside.
"""
import argparse, hashlib, json, os, sys

NOT_LISTED = {"bundle.json", "config.json"}


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def first_present(folder, *names):
    return next((name for name in names if os.path.exists(os.path.join(folder, name))), None)


def settings(pairs):
    return {head: float(value) for head, value in (pair.split("=", 1) for pair in pairs)}


def combination(text):
    """An entry of "head_combinations" from HEAD=WEIGHT,HEAD=WEIGHT:MAP_FILE."""
    heads, path = text.split(":", 1)
    with open(path, encoding="utf-8") as file:
        return {"heads": [[head, float(weight)] for head, weight in (pair.split("=") for pair in heads.split(","))],
                "confidence_map": json.load(file)}


def make(folder, licence, lm_scales, word_penalties, blank_penalties, confidence_maps, combinations, search_head):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    if config["type"] != "whisper-encoder-ctc":
        sys.exit(f"{folder}/config.json: unknown type {config['type']}")
    features = config["features"]
    pool = config.get("pool_after_layer")
    bundle = {
        "skald_bundle": 1,
        "name": config["name"],
        "licence": licence,
        "language": config["language"],
        **({"card": config["card"]} if "card" in config else {}),
        "architecture": {
            "type": config["type"],
            "weights": "model.safetensors",
            "feature_bins": config["n_mels"],
            "model_width": config["d_model"],
            "attention_heads": config["n_heads"],
            "feed_forward_width": config["ffn_dim"],
            "layers": config["n_layers"],
            "max_positions": config["positions"]["max"],
            "layer_norm_epsilon": config["layer_norm_eps"],
            **({} if pool is None else {"pool_after_layer": pool}),
        },
        "features": {
            "type": "whisper-log-mel",
            "bins": config["n_mels"],
            "sample_rate_hz": features["sample_rate"],
            "frame_length_samples": features["n_fft"],
            "frame_shift_samples": features["hop"],
        },
        "frame_shift_s": (2 if pool is None else 4) * features["hop"] / features["sample_rate"],
        "heads": {},
        "search_head": search_head or config["heads"].get("wfst", config["heads"]["default"]),
        "greedy_head": config["heads"]["default"],
    }
    for name, head in config["heads"].items():
        if not isinstance(head, dict):
            continue
        entry = {"units_file": head["tokens"], "units": head["size"], "blank": head["blank"]}
        for key in ("word_separator", "word_start_marker", "sentencepiece"):
            if key in head:
                entry[key] = head[key]
        if "word_separator" not in head and "word_start_marker" not in head:
            entry["uses_pronunciations"] = True
        if name in lm_scales:
            entry["lm_scale"] = lm_scales[name]
        if name in word_penalties:
            entry["word_penalty"] = word_penalties[name]
        if name in blank_penalties:
            entry["blank_penalty"] = blank_penalties[name]
        if name in confidence_maps:
            with open(confidence_maps[name], encoding="utf-8") as file:
                entry["confidence_map"] = json.load(file)
        bundle["heads"][name] = entry
    if combinations:
        bundle["head_combinations"] = combinations
    for key, names in {
        "words": ("words.txt.gz", "words.txt"),
        "pronunciations": ("pronunciations.txt.gz",),
        "lm": ("lm.arpa.gz",),
        "lm_large": ("lm-large.arpa.gz",),
    }.items():
        present = first_present(folder, *names)
        if present:
            bundle[key] = present
    bundle["files"] = {
        name: {"bytes": os.path.getsize(os.path.join(folder, name)), "sha256": sha256(os.path.join(folder, name))}
        for name in sorted(os.listdir(folder))
        if os.path.isfile(os.path.join(folder, name)) and name not in NOT_LISTED and not name.endswith(".md")
    }
    temporary = os.path.join(folder, "bundle.json.part")
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(bundle, file, indent=1, ensure_ascii=False)
        file.write("\n")
    os.replace(temporary, os.path.join(folder, "bundle.json"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--licence", required=True)
    parser.add_argument("--lm-scale", action="append", default=[], metavar="HEAD=W")
    parser.add_argument("--word-penalty", action="append", default=[], metavar="HEAD=W")
    parser.add_argument("--blank-penalty", action="append", default=[], metavar="HEAD=W")
    parser.add_argument("--confidence-map", action="append", default=[], metavar="HEAD=FILE",
                        help="as recipes/calibrate_confidences writes it")
    parser.add_argument("--combination", action="append", default=[], type=combination, metavar="HEAD=W,HEAD=W:FILE",
                        help="confidence map of combined heads, likewise")
    parser.add_argument("--search-head", help="head of the graph search (default: as config.json says)")
    options = parser.parse_args()
    make(options.folder, options.licence, settings(options.lm_scale), settings(options.word_penalty),
         settings(options.blank_penalty), dict(pair.split("=", 1) for pair in options.confidence_map),
         options.combination, options.search_head)
