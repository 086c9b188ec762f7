"""Checkpoints of a training run: everything that it needs to go on as if it had not been stopped."""
import os
import pathlib

import torch


class Checkpoints:
    """step-NNNNNN.pt files in a folder; the newest few are kept. Each is written beside and renamed: there whole, or not."""

    def __init__(self, folder, kept):
        self._folder, self._kept = pathlib.Path(folder), kept
        self._folder.mkdir(parents=True, exist_ok=True)

    def paths(self):
        """Oldest first."""
        return sorted(self._folder.glob("step-*.pt"))

    def save(self, step, state):
        path = self._folder / f"step-{step:06d}.pt"
        part = path.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, path)
        for old in self.paths()[: -self._kept]:
            old.unlink()
        return path

    def newest(self):
        """State of the newest checkpoint, or None."""
        paths = self.paths()
        return read(paths[-1]) if paths else None


def read(path):
    """State of a checkpoint file; tensors and plain values only, no code is run."""
    return torch.load(path, map_location="cpu", weights_only=True)
