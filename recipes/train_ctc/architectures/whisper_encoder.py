"""Whisper's audio encoder (Radford et al. 2022), on segments of their own length, with optional pooling of frame pairs.

Parameter names are those of the tensors in a bundle (models/bundle/FORMAT.md), without "encoder.".
"""
import math

import torch
from torch import nn
from torch.nn import functional

from architectures.padding import halved, valid_frames, without_padding
from features import BINS

HEAD_WIDTH = 64


class SelfAttention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.q_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(3))
        self.k_proj = nn.Linear(width, width, bias=False)

    def forward(self, x, mask):
        batch, frames, width = x.shape
        q, k, v = (projection(x).view(batch, frames, width // HEAD_WIDTH, HEAD_WIDTH).transpose(1, 2)
                   for projection in (self.q_proj, self.k_proj, self.v_proj))
        y = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out_proj(y.transpose(1, 2).reshape(batch, frames, width))


class Layer(nn.Module):
    def __init__(self, width, feed_forward_width):
        super().__init__()
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.self_attn = SelfAttention(width)
        self.final_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, feed_forward_width)
        self.fc2 = nn.Linear(feed_forward_width, width)

    def forward(self, x, mask):
        x = self.attended(x, mask)
        return x + self.fc2(self.hidden(x))

    def attended(self, x, mask):
        return x + self.self_attn(self.self_attn_layer_norm(x), mask)

    def hidden(self, x):
        """Activations of the feed-forward part's hidden units."""
        return functional.gelu(self.fc1(self.final_layer_norm(x)))


class WhisperEncoder(nn.Module):
    """pool_after_layer: index from 0 of the layer after which the mean of each pair of frames replaces them (25 frames/s,
    upper layers at half the cost); None: 50 frames/s."""

    def __init__(self, width=512, layers=6, feed_forward_width=2048, max_positions=1500, pool_after_layer=None):
        super().__init__()
        self.width, self.pool_after_layer = width, pool_after_layer
        self.conv1 = nn.Conv1d(BINS, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.layers = nn.ModuleList(Layer(width, feed_forward_width) for _ in range(layers))
        self.layer_norm = nn.LayerNorm(width)
        self.first_trained_layer = 0
        rates = torch.exp(torch.arange(width // 2) * (-math.log(10000) / (width // 2 - 1)))
        angles = torch.arange(max_positions)[:, None] * rates
        self.register_buffer("positions", torch.cat([angles.sin(), angles.cos()], 1), persistent=False)

    def depth_of(self, parameter):
        """Layer of a parameter by name: -1 the convolutions, one past the last the final norm."""
        if parameter.startswith("layers."):
            return int(parameter.split(".")[1])
        return -1 if parameter.startswith("conv") else len(self.layers)

    def forward(self, features, counts):
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.first_trained_layer == 0):
            x, counts = self.lower(features, counts)
        return self.upper(x, counts)

    def lower(self, features, counts):
        """Convolutions and the layers below first_trained_layer."""
        x = functional.gelu(self.conv1(features.transpose(1, 2))).transpose(1, 2)
        x = functional.gelu(self.conv2(without_padding(x, counts).transpose(1, 2))).transpose(1, 2)
        counts = halved(counts)
        return self._through(range(self.first_trained_layer), x + self.positions[: x.shape[1]], counts)

    def upper(self, x, counts):
        """The other layers, on what lower() returned."""
        x, counts = self._through(range(self.first_trained_layer, len(self.layers)), x, counts)
        return self.layer_norm(x), counts

    def _through(self, layers, x, counts):
        for index in layers:
            x = self.layers[index](x, valid_frames(counts, x.shape[1])[:, None, None, :])
            if index == self.pool_after_layer:
                x, counts = pooled(x, counts)
        return x, counts


def pooled(x, counts):
    """Mean of frames 2i and 2i + 1; an odd last frame stays as it is. [batch, frames, width] -> half the frames."""
    x = without_padding(x, counts)
    if x.shape[1] % 2:
        x = functional.pad(x, (0, 0, 0, 1))
    valid = valid_frames(counts, x.shape[1]).to(x.dtype)
    weight = (valid[:, 0::2] + valid[:, 1::2]).clamp(min=1)
    return (x[:, 0::2] + x[:, 1::2]) / weight[..., None], halved(counts)
