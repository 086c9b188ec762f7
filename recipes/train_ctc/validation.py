"""Loss and greedy error rates of a model on whole utterances."""
import torch

import examples
from ctc_model import collapsed, ctc_loss_sum


def edit_distance(reference, hypothesis):
    """Fewest insertions, deletions and substitutions between two sequences."""
    row = list(range(len(hypothesis) + 1))
    for i, expected in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, found in enumerate(hypothesis, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (expected != found))
    return row[-1]


@torch.no_grad()
def evaluate(model, packed, utterances, units, heads, batch_s, processes):
    """{"loss_HEAD": per unit, "error_HEAD": %}: word error rate where the units spell words, unit error rate for phones.

    The processes share the utterances; each gets the whole result.
    """
    sums = {head: [0.0, 0, 0, 0] for head in heads}  # loss, units, errors, what the errors are counted against
    device = processes.device
    mine = utterances[processes.rank :: processes.count]
    for batch_utterances, batch in examples.plain_batches(packed, mine, units, heads, batch_s):
        with torch.autocast(device.type, dtype=torch.bfloat16):
            logits, counts = model(batch.features.to(device), batch.frames.to(device))
        for head in heads:
            targets = [one[head] for one in batch.targets]
            one = sums[head]
            one[0] += float(ctc_loss_sum(logits[head], counts, targets))
            best = logits[head].argmax(-1).tolist()
            for utterance, target, units_found, count in zip(batch_utterances, targets, best, counts.tolist()):
                if target is None:
                    continue
                found = units.text(head, collapsed(units_found[:count])).split()
                expected = units.text(head, target).split()
                one[1] += len(target)
                one[2] += edit_distance(expected, found)
                one[3] += len(expected)
    result = {}
    for head in heads:
        loss, count, errors, length = processes.sum(sums[head])
        result[f"loss_{head}"] = round(loss / max(1, count), 4)
        result[f"error_{head}"] = round(100 * errors / max(1, length), 2)
    return result
