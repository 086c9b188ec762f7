#!/usr/bin/env python3
"""Makes tokenizer_golden.json: what the tokenizers of CTC models make of random paths of units, and of the best units of the
golden checkpoints in tests/models/golden/hf.

usage: make_tokenizer_golden.py        needs: pip install torch transformers==5.24.0 tokenizers sentencepiece

"tokenizers": for each its units in the order of a bundle (blank first), its word_separator and word_start_marker, and paths (a
unit a frame) with their texts. "checkpoints": the text of each golden window. Control tokens are taken out of the text, and
spaces are made one between words and none around them.
"""
import io
import json
import pathlib
import random
import re
import tempfile

import sentencepiece
import torch
import transformers as tf
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
CHECKPOINTS = HERE.parent.parent / "models/golden/hf"
TEXT = (HERE.parent.parent.parent / "README.md").read_text().splitlines() + ["Größe über naïve façade, don't stop: 3 × 4 = 12"] * 5
CONTROL = re.compile(r"<s>|</s>|<unk>|<pad>|\[PAD\]|\[UNK\]")


def plain(text):
    return " ".join(CONTROL.sub("", text).split())


def wav2vec2(vocabulary, **special):
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "vocab.json").write_text(json.dumps(vocabulary))
        return tf.Wav2Vec2CTCTokenizer(f"{folder}/vocab.json", **special)


def characters():
    symbols = ["<pad>", "<s>", "</s>", "<unk>", "|"] + list("ETAONIHSRDLUMWCFGYPBVK'XJQZ")
    tokenizer = wav2vec2({symbol: i for i, symbol in enumerate(symbols)})
    return symbols, 0, "|", "", tokenizer.decode


def long_characters():
    """Tokens of several letters, other letters, the blank last."""
    symbols = ["|", "a", "e", "sch", "ß", "ü", "'", "-", "日", "본", "ch", "[UNK]", "[PAD]"]
    tokenizer = wav2vec2({symbol: i for i, symbol in enumerate(symbols)}, pad_token="[PAD]", unk_token="[UNK]",
                         bos_token=None, eos_token=None)
    return symbols, len(symbols) - 1, "|", "", tokenizer.decode


def parakeet(model, trainer, decoder=None):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoder or decoders.Metaspace()
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer.add_special_tokens(["<pad>"])
    fast = tf.ParakeetTokenizer(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>")
    symbols = [fast.convert_ids_to_tokens(i) for i in range(len(fast))]
    return symbols, fast.pad_token_id, "", "▁", fast.decode


def parakeet_bpe():
    return parakeet(models.BPE(unk_token="<unk>"), trainers.BpeTrainer(vocab_size=150, special_tokens=["<unk>"]))


def parakeet_unigram():
    return parakeet(models.Unigram(), trainers.UnigramTrainer(vocab_size=150, special_tokens=["<unk>"], unk_token="<unk>"))


def sentencepieces():
    """Bytes stand for characters without a piece."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(TEXT), model_writer=model, vocab_size=400, byte_fallback=True,
                                             model_type="bpe", bos_id=-1, eos_id=-1, minloglevel=2)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    symbols = [processor.id_to_piece(i) for i in range(len(processor))] + ["<blank>"]

    def decode(ids):
        merged = [a for a, b in zip(ids, [None] + ids) if a != b]
        return processor.decode([i for i in merged if i != len(symbols) - 1 and i != processor.unk_id()])

    bytes_of = {i for i in range(len(processor)) if processor.is_byte(i)}
    return symbols, len(symbols) - 1, "", "▁", decode, bytes_of


def random_path(rng, units, blank, bytes_of, symbols):
    """Runs of units; blanks, repeats after blanks and separators are frequent. Bytes come as whole characters."""
    path, unit = [], blank
    usual = [u for u in range(units) if u not in bytes_of]
    by_byte = {int(symbols[u][3:5], 16): u for u in bytes_of}
    for _ in range(rng.randint(0, 40)):
        kind = rng.random()
        if bytes_of and kind < 0.1:
            for byte in rng.choice("日ß é∞").encode():
                path += [by_byte[byte]] * rng.randint(1, 2) + [blank]
            continue
        if kind < 0.35:
            unit = blank
        elif kind < 0.5 and "|" in symbols:
            unit = symbols.index("|")
        elif kind > 0.6:
            unit = rng.choice(usual)
        path += [unit] * rng.randint(1, 3)
    return path


def tokenizer_case(name, make, rng):
    symbols, blank, separator, marker, decode, *rest = make()
    bytes_of = rest[0] if rest else set()
    order = [blank] + [i for i in range(len(symbols)) if i != blank]
    number = {unit: i for i, unit in enumerate(order)}
    paths = [random_path(rng, len(symbols), blank, bytes_of, symbols) for _ in range(60)]
    return {"name": name, "units": [symbols[i] for i in order], "word_separator": separator, "word_start_marker": marker,
            "paths": [[number[u] for u in path] for path in paths], "texts": [plain(decode(path)) for path in paths]}


def checkpoint_texts(folder):
    blank = json.loads((folder / "config.json").read_text())["pad_token_id"]
    if (folder / "tokenizer.json").exists():
        tokenizer = tf.ParakeetTokenizer.from_pretrained(folder)
        tokenizer.backend_tokenizer.decoder = decoders.Metaspace()  # as published ones have
        decode = tokenizer.decode
    else:
        vocabulary = json.loads((folder / "vocab.json").read_text())
        decode = wav2vec2(vocabulary, pad_token=next(k for k, v in vocabulary.items() if v == blank)).decode
    golden = load_file(folder / "golden.safetensors")
    texts = []
    for window in range(2):
        scores = golden[f"log_probs.{window}"]
        order = [blank] + [i for i in range(scores.shape[1]) if i != blank]
        texts.append(plain(decode([order[int(i)] for i in scores.argmax(-1)])))
    return texts


def main():
    rng = random.Random(1)
    makers = (characters, long_characters, parakeet_bpe, parakeet_unigram, sentencepieces)
    golden = {"tokenizers": [tokenizer_case(make.__name__, make, rng) for make in makers],
              "checkpoints": {folder.name: checkpoint_texts(folder) for folder in sorted(CHECKPOINTS.iterdir())}}
    lines = json.dumps(golden, ensure_ascii=False, separators=(",", ":")).replace(',"paths"', ',\n"paths"').replace(
        ',"texts"', ',\n"texts"').replace('},{"name"', '},\n{"name"').replace('"checkpoints"', '\n"checkpoints"')
    (HERE / "tokenizer_golden.json").write_text(lines + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
