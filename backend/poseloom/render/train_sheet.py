"""The sheet of samples that training leaves: reference, points of the pose wanted, made picture, true picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch.nn import functional as F

from ..motion import png
from .encoding import BODY
from .train_data import Batch

_ROWS = 8


def sheet(path: Path, batch: Batch, found) -> None:
    """The first eight pairs of the batch, two beside each other."""
    bells = batch.pose[1][:_ROWS, :BODY].max(dim=1, keepdim=True).values
    guide = F.interpolate(bells, size=found.shape[2:], mode="bilinear").expand(-1, 3, -1, -1) * 2 - 1
    tiles = [x[:_ROWS].float().clamp(-1, 1) for x in (batch.rgb[0], guide, found, batch.rgb[1])]
    rows = np.concatenate([t.permute(0, 2, 3, 1).numpy() for t in tiles], axis=2)
    half = len(rows) // 2
    picture = np.concatenate([np.concatenate(rows[:half]), np.concatenate(rows[half : 2 * half])], axis=1)
    png.write(path, ((picture + 1) * 127.5).round().astype(np.uint8))
