"""Averages of weights: the moving one that training keeps, and the mean of checkpoints.

With a steady learning rate the average is several points of word error rate better than the weights of the moment.
"""
import contextlib

import torch


class MovingAverage:
    """Exponential moving average of a model's parameters, float32, on their device."""

    def __init__(self, model, decay):
        self._decay, self._updates = decay, 0
        self._average = {name: parameter.detach().float().clone() for name, parameter in model.named_parameters()}

    @torch.no_grad()
    def update(self, model):
        """To be called after every optimiser step. Early on it forgets faster, so that it is an average of all steps so far."""
        self._updates += 1
        share = 1 - min(self._decay, self._updates / (self._updates + 10))
        for name, parameter in model.named_parameters():
            self._average[name].lerp_(parameter.float(), share)

    @contextlib.contextmanager
    def in_place_of(self, model):
        """The model with averaged weights inside the block; its own come back at the end."""
        parameters = dict(model.named_parameters())
        own = {name: parameter.detach().clone() for name, parameter in parameters.items()}
        try:
            _set(parameters, self._average)
            yield
        finally:
            _set(parameters, own)

    def state(self):
        return {"updates": self._updates, "average": self._average}

    def load(self, state):
        self._updates = state["updates"]
        for name, value in state["average"].items():
            self._average[name].copy_(value)


@torch.no_grad()
def _set(parameters, values):
    for name, parameter in parameters.items():
        parameter.copy_(values[name])


def mean_of(states):
    """Mean of several {name: tensor}, tensor by tensor."""
    return {name: sum(state[name].float() for state in states) / len(states) for name in states[0]}
