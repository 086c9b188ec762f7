#!/usr/bin/env python3
"""Turns a NeMo archive (.nemo) of a FastConformer with a CTC decoder into a checkpoint folder as Hugging Face's transformers
has it, which `skald model import hf` makes a bundle of.

usage: import_nemo.py ARCHIVE.nemo CHECKPOINT_FOLDER
       skald model import hf CHECKPOINT_FOLDER BUNDLE

Needs: pip install torch safetensors pyyaml (not NeMo). The weights of the archive are a pickle; only tensors are read from it
(torch.load with weights_only). What Skald does not run is refused with its key.
"""
import json
import os
import re
import sys
import tarfile

import torch
import yaml
from safetensors.torch import save_file

# Parts of NeMo's tensor names and what transformers calls them.
NAMES = [
    (r"^encoder\.pre_encode\.conv\.", "encoder.subsampling.layers."),
    (r"^encoder\.pre_encode\.out\.", "encoder.subsampling.linear."),
    (r"^decoder\.decoder_layers\.0\.", "ctc_head."),
    (r"\.conv\.batch_norm\.", ".conv.norm."),
    (r"\.self_attn\.linear_([qkv])\.", r".self_attn.\1_proj."),
    (r"\.self_attn\.linear_out\.", ".self_attn.o_proj."),
    (r"\.self_attn\.linear_pos\.", ".self_attn.relative_k_proj."),
    (r"\.self_attn\.pos_bias_([uv])$", r".self_attn.bias_\1"),
]
# Computed from the settings, so not needed.
LEFT_OUT = re.compile(r"^preprocessor\.|^encoder\.pos_enc\.|^spec_augmentation\.")


class Refused(Exception):
    pass


def require(section, key, default, wanted):
    value = section.get(key, default)
    if value not in wanted:
        raise Refused(f"model_config.yaml: {key} is {value}; Skald runs {' or '.join(map(str, wanted))}")


def member(archive, ending):
    names = [name for name in archive.getnames() if name.endswith(ending)]
    if len(names) != 1:
        raise Refused(f"the archive has {len(names)} files that end in {ending}, not one")
    return names[0]


def checkpoint_config(config, tensors):
    """config.json and preprocessor_config.json of transformers."""
    encoder, features = config["encoder"], config["preprocessor"]
    require(encoder, "subsampling", "striding", ["dw_striding"])
    require(encoder, "subsampling_factor", 4, [8])
    require(encoder, "self_attention_model", "rel_pos", ["rel_pos"])
    require(encoder, "conv_norm_type", "batch_norm", ["batch_norm"])
    require(encoder, "causal_downsampling", False, [False])
    require(encoder, "reduction", None, [None])
    require(encoder, "att_context_size", [-1, -1], [[-1, -1]])
    require(features, "normalize", "per_feature", ["per_feature"])
    require(features, "window", "hann", ["hann"])
    require(features, "log", True, [True])
    rate = features.get("sample_rate", 16000)
    bias = encoder.get("use_bias", True)
    outputs = tensors["ctc_head.weight"].shape[0]
    model = {
        "architectures": ["ParakeetForCTC"],
        "model_type": "parakeet_ctc",
        "vocab_size": outputs,
        "pad_token_id": outputs - 1,  # NeMo's blank is the last output
        "encoder_config": {
            "model_type": "parakeet_encoder",
            "hidden_size": encoder["d_model"],
            "num_hidden_layers": encoder["n_layers"],
            "num_attention_heads": encoder["n_heads"],
            "num_key_value_heads": encoder["n_heads"],
            "intermediate_size": int(encoder["d_model"] * encoder.get("ff_expansion_factor", 4)),
            "hidden_act": "silu",
            "attention_bias": bias,
            "convolution_bias": bias,
            "conv_kernel_size": encoder.get("conv_kernel_size", 31),
            "subsampling_factor": 8,
            "subsampling_conv_channels": tensors["encoder.subsampling.layers.0.weight"].shape[0],
            "num_mel_bins": encoder["feat_in"],
            "scale_input": encoder.get("xscaling", True),
        },
    }
    extractor = {
        "feature_extractor_type": "ParakeetFeatureExtractor",
        "feature_size": features["features"],
        "sampling_rate": rate,
        "hop_length": round(features.get("window_stride", 0.01) * rate),
        "win_length": round(features.get("window_size", 0.02) * rate),
        "n_fft": features.get("n_fft") or 512,
        "preemphasis": features.get("preemph", 0.97),
    }
    return model, extractor


def convert(archive_path, folder):
    with tarfile.open(archive_path) as archive:  # plain or gzip; nothing is unpacked under the archive's own names
        config = yaml.safe_load(archive.extractfile(member(archive, "model_config.yaml")))
        weights = torch.load(archive.extractfile(member(archive, "model_weights.ckpt")), map_location="cpu",
                             weights_only=True)
        tokenizer = archive.extractfile(member(archive, "tokenizer.model")).read()
    tensors = {}
    for name, tensor in weights.items():
        if LEFT_OUT.search(name):
            continue
        for pattern, replacement in NAMES:
            name = re.sub(pattern, replacement, name)
        tensors[name] = tensor.contiguous()
    if "ctc_head.weight" not in tensors:
        raise Refused("the model has no CTC decoder (decoder.decoder_layers.0.weight)")
    model, extractor = checkpoint_config(config, tensors)
    os.makedirs(folder)
    for name, content in (("config.json", model), ("preprocessor_config.json", extractor)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
    with open(os.path.join(folder, "tokenizer.model"), "wb") as file:
        file.write(tokenizer)
    save_file(tensors, os.path.join(folder, "model.safetensors"))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        convert(*sys.argv[1:])
    except (Refused, OSError, tarfile.TarError, KeyError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
