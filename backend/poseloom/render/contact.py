"""A contact sheet: guides, what was made of them, and the poses found again in that."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping

import numpy as np

from ..motion import png
from .scaling import shrunk
from .shelf import Shelf, picture


def chosen(guides: Shelf, columns: int = 8) -> list:
    """The frames, by number, that a sheet shows: evenly spread."""
    return [guides.frames[i] for i in np.unique(np.linspace(0, len(guides) - 1, columns).round().astype(int))]


def contact_sheet(guides: Shelf, columns: int = 8, width: int = 256, again: Mapping[int, np.ndarray] = {}) -> Path:
    """sheet.png beside the guides: guides in the upper row, below what was made of them, and, where `again` has any, the
    poses (H,W,3) that were found in the finished frames, over these."""
    rows: list = [[], [], []]
    for frame in chosen(guides, columns):
        path = picture(guides.folder, "frames", frame)
        guide = png.read(picture(guides.folder, "pose", frame))
        made = png.read(path) if path.is_file() else np.zeros_like(guide)
        found = again.get(frame, np.zeros_like(made))
        over = np.where(found.any(axis=-1, keepdims=True), found, made // 2)
        for row, rgb in zip(rows, (guide, made, over)):
            row.append(shrunk(rgb, width))
    sheet = np.concatenate([np.concatenate(row, axis=1) for row in rows[: 3 if again else 2]], axis=0)
    png.write(guides.folder / "sheet.png", sheet)
    return guides.folder / "sheet.png"
