"""Training examples (utterances joined to 16 to 20 s), micro-batches of them, and the order in which they come.

Everything random follows from the seed, the epoch and the example's place in it, so a run that was stopped goes on
exactly as it would have, whatever the number of processes.
"""
import dataclasses
import random

import numpy as np
import torch

import augmentation
import units as units_module
from features import SAMPLE_RATE_HZ, log_mel

SHORTEST_UTTERANCE_S = 0.4
FRAMES_PER_S = 100


@dataclasses.dataclass
class Example:
    utterances: list  # in the order spoken
    duration_s: float
    targets: dict  # head -> unit numbers, or None where the text cannot be written in them


def usable(utterances, longest_s):
    """Utterances of text without digits and of a length that the model takes, words attached."""
    for utterance in utterances:
        duration_s = utterance["samples"] / SAMPLE_RATE_HZ
        words = units_module.words_of(utterance["text"])
        if words and not units_module.has_digits(utterance["text"]) and SHORTEST_UTTERANCE_S < duration_s <= longest_s:
            yield {**utterance, "words": words, "duration_s": duration_s}


def joined(utterances, data, units, heads, seed):
    """Examples of an epoch: utterances of one corpus in random order, joined until shortest_example_s is reached."""
    order = random.Random(seed)
    examples = []
    by_corpus = {}
    for utterance in utterances:
        by_corpus.setdefault(utterance["corpus"], []).append(utterance)
    for corpus in sorted(by_corpus):
        waiting = by_corpus[corpus]
        order.shuffle(waiting := list(waiting))
        group, length_s = [], 0.0
        for utterance in waiting:
            if group and (length_s >= data.shortest_example_s or
                          length_s + utterance["duration_s"] > data.longest_example_s):
                examples.append(_example(group, length_s, units, heads))
                group, length_s = [], 0.0
            group.append(utterance)
            length_s += utterance["duration_s"]
        if group:
            examples.append(_example(group, length_s, units, heads))
    return examples


def _example(group, length_s, units, heads):
    words = [word for utterance in group for word in utterance["words"]]
    return Example(group, length_s, {head: units.encode(head, words) for head in heads})


def micro_batches(examples, batch_s, seed):
    """Lists of examples of similar length, at most batch_s long with their paddings, in random order."""
    order = random.Random(seed)
    examples = sorted(examples, key=lambda example: example.duration_s + order.random())
    batches, batch, longest_s = [], [], 0.0
    for example in examples:
        longest_s = max(longest_s, example.duration_s)
        if batch and (len(batch) + 1) * longest_s > batch_s:
            batches.append(batch)
            batch, longest_s = [], example.duration_s
        batch.append(example)
    if batch:
        batches.append(batch)
    order.shuffle(batches)
    return batches


@dataclasses.dataclass
class Batch:
    features: torch.Tensor  # [batch, frames, bins], zeros after each example's end
    frames: torch.Tensor  # [batch] int64
    targets: list  # per example: head -> unit numbers or None
    audio_s: float
    lowered: bool = False  # features are activations of the layers that stay as they are (activations.py)


def collate(features, targets):
    """One Batch of features [frames, bins] each."""
    frames = torch.tensor([len(one) for one in features])
    padded = torch.zeros(len(features), int(frames.max()), features[0].shape[1])
    for row, one in zip(padded, features):
        row[: len(one)] = one
    return Batch(padded, frames, targets, float(frames.sum()) / FRAMES_PER_S)


class Epoch(torch.utils.data.Dataset):
    """The micro-batches of one epoch by number, augmented when asked for."""

    def __init__(self, packed, utterances, config, units, epoch):
        self._packed, self._config = packed, config
        self._seed = config.training.seed * 100003 + epoch
        examples = joined(utterances, config.data, units, config.heads, self._seed)
        self.batches = micro_batches(examples, config.training.batch_s, self._seed)

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, number):
        features = []
        for place, example in enumerate(self.batches[number]):
            generator = np.random.default_rng([self._seed, number, place])
            samples = np.concatenate([self._packed.samples(utterance) for utterance in example.utterances])
            samples = augmentation.augment_audio(samples, self._config.augmentation, generator)
            one = log_mel(torch.from_numpy(samples))[: 30 * FRAMES_PER_S]
            augmentation.mask_features(one, self._config.augmentation, generator)
            features.append(one)
        return collate(features, [example.targets for example in self.batches[number]])


def plain_batches(packed, utterances, units, heads, batch_s):
    """Batches of whole utterances without augmentation, for validation; yields (utterances, Batch)."""
    single = [Example([one], one["duration_s"], {head: units.encode(head, one["words"]) for head in heads})
              for one in utterances]
    for batch in micro_batches(single, batch_s, 0):
        features = [log_mel(torch.from_numpy(packed.samples(example.utterances[0]))) for example in batch]
        yield [example.utterances[0] for example in batch], collate(features, [example.targets for example in batch])
