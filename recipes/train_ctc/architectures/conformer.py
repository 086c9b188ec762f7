"""Conformer (Gulati et al. 2020) at 25 frames/s: two convolutions of stride 2, then layers of half feed-forward, attention,
convolution, half feed-forward.

Rotary positions (Su et al. 2021) stand for relative ones, and layer norm for batch norm in the convolution: both make
an example's result independent of its batch.
"""
import torch
from torch import nn
from torch.nn import functional

from architectures.padding import halved, valid_frames, without_padding
from features import BINS

HEAD_WIDTH = 64


def rotated(x, angles):
    """Pairs of channels turned by angles [frames, HEAD_WIDTH / 2]; x [batch, heads, frames, HEAD_WIDTH]."""
    first, second = x.chunk(2, -1)
    cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], -1)


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.qkv, self.out = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x, valid, angles):
        batch, frames, width = x.shape
        q, k, v = (part.view(batch, frames, width // HEAD_WIDTH, HEAD_WIDTH).transpose(1, 2)
                   for part in self.qkv(self.norm(x)).chunk(3, -1))
        y = functional.scaled_dot_product_attention(rotated(q, angles), rotated(k, angles), v,
                                                    attn_mask=valid[:, None, None, :])
        return self.out(y.transpose(1, 2).reshape(batch, frames, width))


class Convolution(nn.Module):
    def __init__(self, width, kernel):
        super().__init__()
        self.norm, self.inner_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.expand, self.project = nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)

    def forward(self, x, counts):
        x = without_padding(functional.glu(self.expand(self.norm(x)), -1), counts)
        x = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        return self.project(functional.silu(self.inner_norm(x)))


def feed_forward(width, inner):
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, inner), nn.SiLU(), nn.Linear(inner, width))


class Layer(nn.Module):
    def __init__(self, width, feed_forward_width, kernel):
        super().__init__()
        self.first, self.second = (feed_forward(width, feed_forward_width) for _ in range(2))
        self.attention, self.convolution = Attention(width), Convolution(width, kernel)
        self.norm = nn.LayerNorm(width)

    def forward(self, x, counts, valid, angles):
        x = x + 0.5 * self.first(x)
        x = x + self.attention(x, valid, angles)
        x = x + self.convolution(x, counts)
        return self.norm(x + 0.5 * self.second(x))


class Conformer(nn.Module):
    def __init__(self, width=256, layers=12, feed_forward_width=1024, kernel=31):
        super().__init__()
        self.width = width
        self.subsample = nn.ModuleList([nn.Conv1d(BINS, width, 3, stride=2, padding=1),
                                        nn.Conv1d(width, width, 3, stride=2, padding=1)])
        self.layers = nn.ModuleList(Layer(width, feed_forward_width, kernel) for _ in range(layers))
        self.register_buffer("rates", 10000.0 ** (-torch.arange(HEAD_WIDTH // 2) / (HEAD_WIDTH // 2)), persistent=False)

    def depth_of(self, parameter):
        return int(parameter.split(".")[1]) if parameter.startswith("layers.") else -1

    def forward(self, features, counts):
        x = features
        for convolution in self.subsample:
            x = functional.silu(convolution(without_padding(x, counts).transpose(1, 2))).transpose(1, 2)
            counts = halved(counts)
        valid = valid_frames(counts, x.shape[1])
        angles = torch.arange(x.shape[1], device=x.device)[:, None] * self.rates
        for layer in self.layers:
            x = layer(x, counts, valid, angles)
        return x, counts
