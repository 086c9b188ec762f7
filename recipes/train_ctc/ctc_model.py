"""An encoder with one linear CTC head for each kind of unit, and the sum of their losses."""
import torch
from torch import nn
from torch.nn import functional

import architectures


class CtcModel(nn.Module):
    """architecture as in config.Config; head_sizes: units of each head, blank (0) among them."""

    def __init__(self, architecture, head_sizes):
        super().__init__()
        self.encoder = architectures.build(architecture)
        self.ctc = nn.ModuleDict({head: nn.Linear(self.encoder.width, size) for head, size in head_sizes.items()})

    def forward(self, features, counts, lowered=False):
        """Logits of each head [batch, frames', units] and frames' [batch]; lowered: features are what encoder.lower returned."""
        encoded, counts = self.encoder.upper(features, counts) if lowered else self.encoder(features, counts)
        return {head: layer(encoded) for head, layer in self.ctc.items()}, counts


def ctc_loss_sum(logits, counts, targets):
    """Sum over the batch of -log P(target); examples without a target or with too few frames for it count nothing.

    logits [batch, frames, units] in any precision; targets: unit numbers or None for each example.
    """
    rows = [row for row, target in enumerate(targets) if target]
    if not rows:
        return logits.float().sum() * 0
    log_probabilities = functional.log_softmax(logits[rows].float(), -1).transpose(0, 1)
    flat = torch.tensor([unit for row in rows for unit in targets[row]], device=logits.device)
    lengths = torch.tensor([len(targets[row]) for row in rows], device=logits.device)
    return functional.ctc_loss(log_probabilities, flat, counts[rows], lengths, reduction="sum", zero_infinity=True)


def target_counts(batch_targets, heads):
    """Units of each head in a list of targets (dicts head -> numbers or None)."""
    return {head: sum(len(targets[head] or ()) for targets in batch_targets) for head in heads}


def collapsed(best_units):
    """Greedy CTC: repeats merged, blanks dropped."""
    return [unit for previous, unit in zip([0, *best_units], best_units) if unit != 0 and unit != previous]
