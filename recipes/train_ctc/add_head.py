#!/usr/bin/env python3
"""Gives a bundle one more head, of a larger set of sub-words, that starts from one it has.

usage: add_head.py OUT_FOLDER BUNDLE NAME UNITS [--from-head HEAD]

The sub-words are a unigram model (Kudo 2018) of the words of the bundle's language model, each as frequent as that says. Fewer errors
are made greedily in long units, because a word that is one unit cannot be misspelt; rare ones need more speech to be learnt.
At first a unit has the scores of the longest unit of the old head that it ends with, and of the probability of that one the share
that its own frequency gives it. Training goes on from the result (`start_from`, `units_from`).
"""
import argparse
import json
import pathlib
import shutil
import tempfile

import sentencepiece
import torch

import bundles
import config as config_module
from narrow import architecture_of
from sentences import word_probabilities
from units import MARKER, Units, read_table

COUNTED = 1e8  # occurrences that the words' counts add up to


def train_sub_words(probabilities, units, out):
    """Writes a sentencepiece model of so many units (0: blank) of {word: probability}; returns the processor."""
    with tempfile.TemporaryDirectory() as scratch:
        table = pathlib.Path(scratch) / "words.tsv"
        counts = ((word, round(probability * COUNTED)) for word, probability in probabilities.items())
        table.write_text("".join(f"{word}\t{count}\n" for word, count in counts if count), encoding="utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(table), input_format="tsv", model_prefix=f"{scratch}/model", vocab_size=units, model_type="unigram",
            character_coverage=1.0, unk_id=0, unk_piece="<blk>", bos_id=-1, eos_id=-1, pad_id=-1,
            normalization_rule_name="identity", minloglevel=2)
        shutil.copyfile(f"{scratch}/model.model", out)
    return sentencepiece.SentencePieceProcessor(model_file=str(out))


def longest_ending(symbol, numbers):
    """The number of the longest unit that a symbol ends with; numbers: of units by symbol. Raises ValueError if there is none."""
    for start in range(len(symbol)):
        if symbol[start:] in numbers:
            return numbers[symbol[start:]]
    raise ValueError(f"no unit of the old head ends {symbol}")


def first_weights(weight, bias, old_symbols, symbols, scores):
    """Weights [units, width] and bias [units] of the new head from those of the old one; scores: log-probabilities of the new
    units; blank is unit 0 of both. The probability of an old unit is shared among those that start from it."""
    numbers = {symbol: number for number, symbol in enumerate(old_symbols) if number}
    sources = torch.tensor([0] + [longest_ending(symbol, numbers) for symbol in symbols[1:]])
    scores = torch.tensor([0.0, *scores[1:]])
    sums = torch.zeros(len(old_symbols)).index_add(0, sources, scores.exp())
    return weight[sources].clone(), bias[sources] + scores - sums[sources].log()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("head", help="name of the new head")
    parser.add_argument("units", type=int, help="of the new head, blank among them; 2 bytes times the width each")
    parser.add_argument("--from-head", default="bpe", help="sub-words that the new head starts from")
    parser.add_argument("--name", help="of the bundle (default: that of OUT)")
    options = parser.parse_args()
    description = json.loads((options.bundle / "bundle.json").read_text(encoding="utf-8"))
    heads = list(description["heads"])
    if options.head in heads or options.from_head not in heads:
        parser.error(f"{options.bundle} has the heads {', '.join(heads)}")
    options.out.mkdir(parents=True, exist_ok=True)
    files = {"sentencepiece": f"{options.head}.model", "tokens": f"tokens_{options.head}.txt"}
    processor = train_sub_words(word_probabilities(options.bundle / description["lm"]), options.units,
                                options.out / files["sentencepiece"])
    symbols = [processor.id_to_piece(number) for number in range(options.units)]
    (options.out / files["tokens"]).write_text("".join(f"{symbol} {number}\n" for number, symbol in enumerate(symbols)),
                                               encoding="utf-8")
    weights = bundles.read_weights(options.bundle)
    old = read_table(options.bundle / description["heads"][options.from_head]["units_file"])
    weights[f"ctc.{options.head}.weight"], weights[f"ctc.{options.head}.bias"] = first_weights(
        *(weights[f"ctc.{options.from_head}.{part}"] for part in ("weight", "bias")), old, symbols,
        [processor.get_score(number) for number in range(options.units)])
    settings = {"weight": f"ctc.{options.head}.weight", **files, "size": options.units, "blank": 0, "word_start_marker": MARKER}
    config = config_module.Config(
        name=options.name or options.out.name, start_from=str(options.bundle.resolve()), units_from=str(options.bundle.resolve()),
        architecture=architecture_of(description), heads=dict.fromkeys(heads, 1.0),
        data=config_module.Data(train=[], validation=[]))
    bundles.write(options.out, config.name, config, weights, {options.head: settings})
    assert Units(options.out, [options.head]).sizes() == {options.head: options.units}


if __name__ == "__main__":
    main()
