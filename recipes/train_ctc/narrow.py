#!/usr/bin/env python3
"""Makes a smaller bundle: feed-forward layers of fewer hidden units, chosen and fitted so that a corpus sounds the same to it.

usage: narrow.py OUT_FOLDER BUNDLE WIDTH CORPUS_FOLDER [--minutes M] [--name NAME]

Layer by layer, on what the narrowed layers below make of the corpus: hidden units are left out, always those without which least
squares comes nearest to what the wide encoder had after the layer (optimal brain surgeon, Hassibi and Stork 1993), and the second
matrix is fitted again to those that stay. Training goes on from the result (`start_from`). The corpus needs text, which is not used.
"""
import argparse
import json
import pathlib
import tempfile

import torch

import bundles
import config as config_module
import corpus
import examples
from architectures.whisper_encoder import pooled
from ctc_model import CtcModel
from features import SAMPLE_RATE_HZ, log_mel
from units import Units

RIDGE = 1e-6  # of the mean of the gram matrix' diagonal


def fitted(gram, products, width):
    """Hidden units to keep, and the weights [width, outputs] and bias [outputs] fitted to them.

    gram [hidden + 1, hidden + 1] and products [hidden + 1, outputs]: sums over frames of the outer products of the hidden
    activations, a 1 behind them, with themselves and with the wanted outputs. float64.
    """
    hidden = len(gram) - 1
    gram = gram + RIDGE * gram.diagonal().mean() * torch.eye(hidden + 1, dtype=gram.dtype)
    inverse, gone = torch.linalg.inv(gram), torch.zeros(hidden, dtype=torch.bool)
    weights = inverse @ products
    for _ in range(hidden - width):
        rises = weights[:-1].square().sum(1) / inverse.diagonal()[:-1]  # of the squared error, were this unit left out
        unit = int(torch.where(gone, torch.inf, rises).argmin())
        row = inverse[unit] / inverse[unit, unit]
        weights.addr_(row, weights[unit].clone(), alpha=-1)
        inverse.addr_(row, inverse[unit].clone(), alpha=-1)
        inverse[unit, unit], gone[unit] = 1, True
    kept = (~gone).nonzero().flatten()
    columns = torch.cat([kept, torch.tensor([hidden])])
    solution = torch.linalg.solve(gram[columns][:, columns], products[columns])
    return kept, solution[:-1], solution[-1]


def narrow_layer(layer, width, middle, wanted):
    """Narrows a layer in place. middle, wanted: lists of [frames, width of the model], what its feed-forward part gets, and what
    should come out of it."""
    hidden = layer.fc1.out_features
    gram = torch.zeros(hidden + 1, hidden + 1, dtype=torch.float64)
    products = torch.zeros(hidden + 1, layer.fc2.out_features, dtype=torch.float64)
    for x, y in zip(middle, wanted):
        active = torch.cat([layer.hidden(x), torch.ones(len(x), 1)], 1)
        gram += active.T @ active
        products += active.T @ (y - x)
    kept, weights, bias = fitted(gram, products, width)
    first, second = torch.nn.Linear(layer.fc1.in_features, width), torch.nn.Linear(width, layer.fc2.out_features)
    first.weight.data, first.bias.data = layer.fc1.weight[kept].clone(), layer.fc1.bias[kept].clone()
    second.weight.data, second.bias.data = weights.T.float().contiguous(), bias.float()
    layer.fc1, layer.fc2 = first, second


@torch.no_grad()
def narrow(encoder, wide, width, features):
    """Narrows the feed-forward layers of `encoder`, which starts as a copy of `wide`, on features [frames, bins] each."""
    encoder.first_trained_layer = wide.first_trained_layer = 0
    ours = [encoder.lower(one[None], torch.tensor([len(one)])) for one in features]
    theirs = list(ours)
    for index, (layer, wide_layer) in enumerate(zip(encoder.layers, wide.layers)):
        middle = [layer.attended(x, None) for x, _ in ours]
        theirs = [(wide_layer(x, None), count) for x, count in theirs]
        narrow_layer(layer, width, [x[0] for x in middle], [x[0] for x, _ in theirs])
        ours = [(x + layer.fc2(layer.hidden(x)), count) for x, (_, count) in zip(middle, ours)]
        lost = sum(float((x - y).square().sum()) for (x, _), (y, _) in zip(ours, theirs))
        whole = sum(float((y - y.mean(1, keepdim=True)).square().sum()) for y, _ in theirs)
        print(f"layer {index}: {100 * lost / whole:.2f} % of the variance of its output lost", flush=True)
        if index == encoder.pool_after_layer:
            ours, theirs = ([pooled(x, count) for x, count in both] for both in (ours, theirs))


def architecture_of(description):
    """As a config has it, of what bundle.json says."""
    sizes = description["architecture"]
    pool = {"pool_after_layer": sizes["pool_after_layer"]} if "pool_after_layer" in sizes else {}
    return {"type": "whisper-encoder", "width": sizes["model_width"], "layers": sizes["layers"],
            "feed_forward_width": sizes["feed_forward_width"], **pool}


def features_of(folder, minutes):
    """Log-mels of a corpus folder's utterances, evenly from all of it."""
    with tempfile.TemporaryDirectory() as scratch:
        corpus.pack(folder, scratch)
        packed = corpus.Packed(scratch, [pathlib.Path(folder).name])
        utterances = list(examples.usable(packed.utterances, 30))
        mean_s = sum(one["samples"] for one in utterances) / SAMPLE_RATE_HZ / max(1, len(utterances))
        step = max(1, int(len(utterances) * mean_s / (minutes * 60)))
        return [log_mel(torch.from_numpy(packed.samples(one)))[: 30 * examples.FRAMES_PER_S] for one in utterances[::step]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("bundle", type=pathlib.Path)
    parser.add_argument("width", type=int, help="hidden units of each feed-forward layer that stay; a multiple of 64")
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=30, help="of the corpus; more: better fitted, 60 MB of memory a minute")
    parser.add_argument("--name", help="of the bundle (default: that of OUT_FOLDER)")
    options = parser.parse_args()
    description = json.loads((options.bundle / "bundle.json").read_text(encoding="utf-8"))
    wide_sizes, heads = architecture_of(description), list(description["heads"])
    if not 0 < options.width <= wide_sizes["feed_forward_width"] or options.width % 64:
        parser.error(f"WIDTH {options.width}: not a multiple of 64 up to {wide_sizes['feed_forward_width']}")
    units = Units(options.bundle, heads)
    wide, model = (CtcModel(wide_sizes, units.sizes()).eval() for _ in range(2))
    for one in (wide, model):
        bundles.load_into(one, options.bundle)
    narrow(model.encoder, wide.encoder, options.width, features_of(options.corpus, options.minutes))
    config = config_module.Config(
        name=options.name or pathlib.Path(options.out).name, start_from=str(options.bundle.resolve()),
        units_from=str(options.bundle.resolve()), architecture={**wide_sizes, "feed_forward_width": options.width},
        heads=dict.fromkeys(heads, 1.0), data=config_module.Data(train=[str(options.corpus)], validation=[]))
    bundles.write(options.out, config.name, config, model.state_dict())


if __name__ == "__main__":
    main()
