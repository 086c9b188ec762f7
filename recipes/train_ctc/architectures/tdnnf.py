"""TDNN-F (Povey et al. 2018): each layer goes through a narrow bottleneck whose matrix is kept semi-orthogonal.

Convolutions only, so it is cheap and streams. Layer norm stands for batch norm. The last third of the layers runs at
25 frames/s.
"""
import torch
from torch import nn
from torch.nn import functional

from architectures.padding import halved, without_padding
from features import BINS


class Layer(nn.Module):
    def __init__(self, width, bottleneck, step):
        super().__init__()
        self.narrow = nn.Conv1d(width, bottleneck, 2, dilation=step, bias=False)
        self.wide = nn.Conv1d(bottleneck, width, 2, dilation=step)
        self.norm = nn.LayerNorm(width)
        self.step = step

    def forward(self, x, counts):
        y = self.narrow(functional.pad(without_padding(x, counts).transpose(1, 2), (self.step, 0)))  # t - step, t
        y = without_padding(y.transpose(1, 2), counts).transpose(1, 2)
        y = self.wide(functional.pad(y, (0, self.step)))  # t, t + step
        return 0.66 * x + self.norm(functional.relu(y.transpose(1, 2)))


def orthogonal_step(matrix):
    """One step of semi-orthogonal descent (ibid., section 2.2) on matrix [rows, columns], rows <= columns, in place.

    The scale is free: rows are pulled to be orthogonal to each other and of one common length.
    """
    product = matrix @ matrix.T
    trace, squares = torch.trace(product), (product**2).sum()
    scale_squared = squares / trace
    rate = 0.125 if squares * matrix.shape[0] < 1.02 * trace**2 else 0.0625  # slower while far from it
    matrix.sub_(4 * rate / scale_squared * (product - scale_squared * torch.eye(len(matrix), device=matrix.device)) @ matrix)


class Tdnnf(nn.Module):
    def __init__(self, width=512, bottleneck=96, layers=12):
        super().__init__()
        self.width = width
        self.first = nn.Conv1d(BINS, width, 5, stride=2, padding=2)
        self.pool_before = layers - layers // 3
        self.layers = nn.ModuleList(Layer(width, bottleneck, 1 if index < 3 else 3) for index in range(layers))

    def depth_of(self, parameter):
        return int(parameter.split(".")[1]) if parameter.startswith("layers.") else -1

    @torch.no_grad()
    def after_update(self, step):
        """To be called after every optimiser step: every fourth time the bottlenecks are pulled back."""
        if step % 4 == 0:
            for layer in self.layers:
                weight = layer.narrow.weight
                orthogonal_step(weight.view(weight.shape[0], -1))

    def forward(self, features, counts):
        x = functional.relu(self.first(features.transpose(1, 2))).transpose(1, 2)
        counts = halved(counts)
        for index, layer in enumerate(self.layers):
            if index == self.pool_before:
                x, counts = without_padding(x, counts)[:, ::2], halved(counts)
            x = layer(x, counts)
        return x, counts
