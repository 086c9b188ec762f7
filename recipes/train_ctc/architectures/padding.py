"""What every encoder needs to be exact under padding."""
import torch


def valid_frames(counts, frames):
    """bool [batch, frames]: true before each example's end."""
    return torch.arange(frames, device=counts.device)[None] < counts[:, None]


def without_padding(x, counts):
    """x [batch, frames, width] with zeros after each example's end, as convolutions need it."""
    return x * valid_frames(counts, x.shape[1])[..., None].to(x.dtype)


def halved(counts):
    """Frames after a step of stride 2: rounded up."""
    return torch.div(counts + 1, 2, rounding_mode="floor")
