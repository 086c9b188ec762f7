"""Keeps on disk what the layers that stay as they are make of each micro-batch, so that they run once instead of every epoch.

With the lower half of an encoder kept (`first_trained_layer`), training on stored activations is several times faster. The
augmentation of an example is then that of the first time it is seen: `activation_copies` says how many variants there are.
"""
import hashlib
import json
import os
import pathlib
import random

import torch

import config as config_module
import examples


class ActivationStore:
    """A folder of one file per micro-batch, bfloat16. Another configuration of data or frozen layers is another folder."""

    def __init__(self, folder, config, encoder, device):
        settings = config_module.as_dict(config)
        decisive = {name: settings[name] for name in
                    ("start_from", "start_layers", "units_from", "architecture", "data", "augmentation")}
        decisive.update({name: settings["training"][name] for name in ("batch_s", "seed", "first_trained_layer")})
        key = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]
        self._folder, self._encoder, self._device = pathlib.Path(folder) / f"activations-{key}", encoder, device
        self._folder.mkdir(parents=True, exist_ok=True)

    def batch(self, epoch, copy, number):
        """Micro-batch `number` of an examples.Epoch with activations in place of features; computed where it is missing."""
        path = self._folder / f"{copy:03d}-{number:06d}.pt"
        targets = [example.targets for example in epoch.batches[number]]
        if path.exists():
            stored = torch.load(path, weights_only=True)
            rows = stored["rows"].split(stored["counts"].tolist())
            return _batch(rows, stored["counts"], targets, stored["audio_s"])
        batch = epoch[number]
        with torch.no_grad(), torch.autocast(self._device.type, dtype=torch.bfloat16):
            features, counts = self._encoder.lower(batch.features.to(self._device), batch.frames.to(self._device))
        features, counts = features.bfloat16().cpu(), counts.cpu()
        rows = [row[:count] for row, count in zip(features, counts.tolist())]
        part = path.with_suffix(f".part{os.getpid()}")
        torch.save({"rows": torch.cat(rows), "counts": counts, "audio_s": batch.audio_s}, part)
        os.replace(part, path)
        return _batch(rows, counts, targets, batch.audio_s)


def _batch(rows, counts, targets, audio_s):
    features = torch.nn.utils.rnn.pad_sequence([row.float() for row in rows], batch_first=True)
    return examples.Batch(features, counts, targets, audio_s, lowered=True)


class StoredEpoch(torch.utils.data.Dataset):
    """The micro-batches of one of the stored copies, in an order of their own for each epoch."""

    def __init__(self, store, copies, packed, utterances, config, units, epoch):
        self._store, self._copy = store, epoch % copies
        self._epoch = examples.Epoch(packed, utterances, config, units, self._copy)
        self._numbers = list(range(len(self._epoch)))
        random.Random(config.training.seed * 100003 + epoch).shuffle(self._numbers)
        self.batches = [self._epoch.batches[number] for number in self._numbers]

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, place):
        return self._store.batch(self._epoch, self._copy, self._numbers[place])
