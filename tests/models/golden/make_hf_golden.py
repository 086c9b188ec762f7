#!/usr/bin/env python3
"""Makes hf/: small random checkpoints as transformers saves them, with features and log probabilities of their own forward
pass (PyTorch, f32, one window at a time), for the tests of the importer and of the networks.

usage: make_hf_golden.py FOLDER [NAME...]      needs: pip install torch transformers==5.24.0 tokenizers

Each FOLDER/NAME has the checkpoint and golden.safetensors: for window w of two of different lengths samples.w [n],
features.w [frames, bins] as the feature extractor gives them, log_probs.w [frames, units] with the blank's column first.
"""
import json
import os
import pathlib
import sys

import numpy as np
import torch
import transformers as tf
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "recipes/import_hf"))
from whisper_encoder_ctc import WhisperEncoderCtc  # noqa: E402

WINDOWS = (11237, 6400)
CHARACTERS = ["<pad>", "<s>", "</s>", "<unk>", "|"] + list("ETAONIHSRDLUMWCFGYPBVK'XJQZ")


def samples(index):
    """Tones that come and go in noise, as 16-bit audio has them."""
    rng = np.random.default_rng(index)
    t = np.arange(WINDOWS[index]) / 16000
    wave = sum(a * np.sin(2 * np.pi * f * t) * (np.sin(2 * np.pi * r * t) > 0)
               for a, f, r in ((0.3, 220, 3.1), (0.2, 870, 2.3), (0.1, 2900, 5.7)))
    return torch.from_numpy(np.round((wave + rng.normal(0, 0.02, t.shape)) * 32767).astype(np.float32) / 32768)


def randomise(model, seed):
    """Weights large enough that every one of them matters in the result."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in list(model.named_parameters()) + list(model.named_buffers()):
        if not value.is_floating_point() or "inv_freq" in name or "embed_positions" in name:
            continue
        noise = torch.randn(value.shape, generator=generator)
        with torch.no_grad():
            if "running_var" in name or name.endswith("original0"):
                value.copy_(1 + 0.3 * noise.abs())
            elif value.dim() == 1 and name.endswith("weight"):
                value.copy_(1 + 0.2 * noise)
            elif value.dim() == 1 or "bias_" in name:
                value.copy_(0.2 * noise)
            else:
                value.copy_(noise * (1.5 / np.sqrt(value[0].numel())))
    return model.eval()


def wav2vec2_like(folder, model_class, config_class, seed, **changes):
    sizes = dict(vocab_size=len(CHARACTERS), hidden_size=32, num_hidden_layers=2, num_attention_heads=1,
                 intermediate_size=48, conv_dim=[16] * 7, num_conv_pos_embeddings=12, num_conv_pos_embedding_groups=4,
                 pad_token_id=0)
    model = randomise(model_class(config_class(**{**sizes, **changes})), seed)
    model.save_pretrained(folder)
    blank = model.config.pad_token_id
    characters = CHARACTERS[1:] if blank else CHARACTERS  # the blank last: "[PAD]" has the last ID
    vocabulary = {symbol: i for i, symbol in enumerate(characters + (["[PAD]"] if blank else []))}
    with open(f"{folder}/vocab.json", "w") as file:
        json.dump(vocabulary, file)
    with open(f"{folder}/tokenizer_config.json", "w") as file:
        json.dump({"word_delimiter_token": "|", "pad_token": "[PAD]" if blank else "<pad>"}, file)
    normalise = changes.get("feat_extract_norm") == "layer"
    extractor = tf.Wav2Vec2FeatureExtractor(do_normalize=normalise)
    extractor.save_pretrained(folder)
    return model, lambda x: {"input_values": extractor(x.numpy(), sampling_rate=16000, return_tensors="pt").input_values}


def wav2vec2_group(folder):
    return wav2vec2_like(folder, tf.Wav2Vec2ForCTC, tf.Wav2Vec2Config, 1)


def wav2vec2_layer(folder):
    return wav2vec2_like(folder, tf.Wav2Vec2ForCTC, tf.Wav2Vec2Config, 2, feat_extract_norm="layer", conv_bias=True,
                         do_stable_layer_norm=True, pad_token_id=31, num_conv_pos_embeddings=11, num_attention_heads=2)


def hubert(folder):
    model, inputs = wav2vec2_like(folder, tf.HubertForCTC, tf.HubertConfig, 3, feat_proj_layer_norm=False)
    # The names that weight norms had before PyTorch 2, as in the published checkpoints; in two shards.
    state = {k.replace("parametrizations.weight.original0", "weight_g").replace("parametrizations.weight.original1",
                                                                                "weight_v"): v.contiguous()
             for k, v in model.state_dict().items()}
    os.remove(f"{folder}/model.safetensors")
    names = sorted(state)
    index = {}
    for shard, part in enumerate((names[::2], names[1::2]), 1):
        file = f"model-0000{shard}-of-00002.safetensors"
        save_file({k: state[k] for k in part}, f"{folder}/{file}")
        index.update({k: file for k in part})
    with open(f"{folder}/model.safetensors.index.json", "w") as file:
        json.dump({"metadata": {}, "weight_map": index}, file)
    return model, inputs


def parakeet(folder, **changes):
    pieces = ["<unk>", "▁"] + list("abcdefghij") + ["ab", "▁c", "▁ca", "de", "abde"]
    merges = [("a", "b"), ("▁", "c"), ("▁c", "a"), ("d", "e"), ("ab", "de")]
    encoder = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48, conv_kernel_size=5,
                   subsampling_conv_channels=16)
    config = tf.ParakeetCTCConfig(vocab_size=len(pieces) + 1, pad_token_id=len(pieces),
                                  encoder_config={**encoder, **changes})
    model = randomise(tf.ParakeetForCTC(config), 4 + len(changes))
    tokenizer = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, merges, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(["<pad>"])
    fast = tf.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>")
    processor = tf.ParakeetProcessor(tf.ParakeetFeatureExtractor(), fast) if hasattr(tf, "ParakeetProcessor") else None
    model.save_pretrained(folder)
    processor.save_pretrained(folder)

    def inputs(x):
        batch = tf.ParakeetFeatureExtractor()(x.numpy(), sampling_rate=16000, return_tensors="pt")
        frames = int(batch["attention_mask"].sum())
        return {"input_features": batch["input_features"][:, :frames]}

    return model, inputs


def parakeet_without_biases(folder):
    return parakeet(folder, attention_bias=False, convolution_bias=False, scale_input=False)


def whisper(folder):
    config = tf.WhisperConfig(d_model=64, encoder_layers=1, encoder_attention_heads=1, encoder_ffn_dim=96,
                              decoder_layers=1, decoder_attention_heads=1, decoder_ffn_dim=16, num_mel_bins=80,
                              max_source_positions=64, pad_token_id=0, vocab_size=64, bos_token_id=1, eos_token_id=2,
                              decoder_start_token_id=1)
    model = randomise(WhisperEncoderCtc(config, len(CHARACTERS)), 6)
    os.makedirs(folder, exist_ok=True)
    config.save_pretrained(folder)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, f"{folder}/model.safetensors")
    with open(f"{folder}/vocab.json", "w") as file:
        json.dump({symbol: i for i, symbol in enumerate(CHARACTERS)}, file)
    extractor = tf.WhisperFeatureExtractor(feature_size=80)

    def inputs(x):
        # Reflected at the window's end, as Skald's features are; cut before the frame that lies beyond.
        features = extractor._np_extract_fbank_features(x.numpy()[None], "cpu")
        return {"input_features": torch.from_numpy(np.asarray(features, dtype=np.float32))}

    return model, inputs


MODELS = {f.__name__: f for f in (wav2vec2_group, wav2vec2_layer, hubert, parakeet, parakeet_without_biases, whisper)}


def make(folder, name):
    model, inputs = MODELS[name](folder)
    blank = model.config.pad_token_id
    golden = {}
    for window in range(len(WINDOWS)):
        x = samples(window)
        with torch.no_grad():
            arguments = inputs(x)
            log_probs = torch.log_softmax(model(**arguments).logits[0], -1)
        order = [blank] + [i for i in range(log_probs.shape[1]) if i != blank]
        features = next(iter(arguments.values()))[0]
        if name == "whisper":
            features = features.T
        golden[f"samples.{window}"] = x
        golden[f"features.{window}"] = (features[:, None] if features.dim() == 1 else features).contiguous().float()
        golden[f"log_probs.{window}"] = log_probs[:, order].contiguous().float()
    save_file(golden, f"{folder}/golden.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    root = sys.argv[1]
    for model_name in sys.argv[2:] or MODELS:
        os.makedirs(f"{root}/{model_name}", exist_ok=True)
        make(f"{root}/{model_name}", model_name)
