"""A contact sheet: guides, and what was made of them, side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..motion import png
from .shelf import Shelf, picture


def contact_sheet(guides: Shelf, columns: int = 8, width: int = 256) -> Path:
    """sheet.png beside the guides: in the upper row those of `columns` frames evenly spread, below what was made of them."""
    chosen = np.unique(np.linspace(0, len(guides) - 1, columns).round().astype(int))
    rows = [[_small(guides[i].pose, width) for i in chosen], []]
    for i in chosen:
        path = picture(guides.folder, "frames", guides.frames[i])
        rows[1].append(_small(png.read(path), width) if path.is_file() else np.zeros_like(rows[0][0]))
    sheet = np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)
    png.write(guides.folder / "sheet.png", sheet)
    return guides.folder / "sheet.png"


def _small(rgb: np.ndarray, width: int) -> np.ndarray:
    """The picture at this width, each pixel the mean of those it covers."""
    high = max(1, round(rgb.shape[0] * width / rgb.shape[1]))
    out = rgb.astype(np.float64)
    for axis, length in ((0, high), (1, width)):
        edges = np.linspace(0, out.shape[axis], length + 1)
        total = np.concatenate([np.zeros_like(np.take(out, [0], axis)), np.cumsum(out, axis)], axis)
        low = np.minimum(edges.astype(int), out.shape[axis] - 1)
        share = (edges - low).reshape([-1 if a == axis else 1 for a in range(3)])
        at = np.take(total, low, axis) + share * np.take(out, low, axis)
        out = np.diff(at, axis=axis) / np.diff(edges).reshape([-1 if a == axis else 1 for a in range(3)])
    return np.round(out).astype(np.uint8)
