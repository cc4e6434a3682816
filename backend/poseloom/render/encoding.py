"""One person's guides as the embedded model reads them: bells about joints, and where on which limb each cell lies."""

from __future__ import annotations

import numpy as np

from ..motion import openpose
from ..motion.pictures import Guides

BODY = 18
LIMBS = tuple((openpose.BODIES[BODY].index(a), openpose.BODIES[BODY].index(b)) for a, b in openpose.LIMBS[BODY])
CELLS, FINE = 32, 64  # along each side of the picture, whatever its size; where frames are painted
CHANNELS = 3 * BODY + 6 * len(LIMBS)
# of the picture's side: standard deviation of bells, and across limbs
_BELL, _LIMB = 0.03, 0.035
_DEPTH_M = 0.5
_TRUNK = [openpose.BODIES[BODY].index(f"{name}_{side}") for name in ("shoulder", "hip") for side in "lr"]


def encode(xy, away, seen, side: float, cells: int = CELLS) -> np.ndarray:
    """(N,CHANNELS,cells,cells) float32 of N people, each in a square picture of `side` pixels.

    xy (N,18,2) pixels, away (N,18) metres along the camera's axis, seen (N,18), as in `Guides`; NaN for what is not
    known.  First three maps a joint: a Gaussian bell, the bell times 1 seen or 0 hidden, and times how much farther than
    the trunk it is.  Then six a limb, each weighted by a Gaussian of the distance from it: 1, the limb's direction (x, y),
    how far along it (-1..1), how far across, and how much farther than the trunk.  Depth is in half metres, at most 2.
    """
    xy = np.asarray(xy, np.float32) / np.float32(side)
    known = np.isfinite(xy).all(axis=-1)
    xy, behind = np.where(known[..., None], xy, np.float32(0)), _behind(away)
    at = (np.arange(cells, dtype=np.float32) + np.float32(0.5)) / np.float32(cells)
    out = np.empty((len(xy), CHANNELS, cells, cells), np.float32)
    joints, limbs = np.split(out, [3 * BODY], axis=1)
    _bells(joints.reshape(-1, 3, BODY, cells, cells), xy, known, np.asarray(seen, np.float32), behind, at)
    _limbs(limbs.reshape(-1, 6, len(LIMBS), cells, cells), xy, known, behind, at)
    return out


def of_guides(guides: Guides, person: int = 0) -> np.ndarray:
    """(CHANNELS,CELLS,CELLS) of one person of square guides."""
    return encode(*(a[person : person + 1, :BODY] for a in (guides.xy, guides.away, guides.seen)), guides.size[0])[0]


def _behind(away) -> np.ndarray:
    """(N,18) how much farther away than the trunk, 0 where not known."""
    away = np.asarray(away, np.float32)
    trunk = away[:, _TRUNK]
    count = np.isfinite(trunk).sum(axis=1)
    middle = np.nansum(trunk, axis=1) / np.maximum(count, 1)
    out = (away - middle[:, None]) / np.float32(_DEPTH_M)
    return np.where(np.isfinite(out) & (count > 0)[:, None], out.clip(-2.0, 2.0), np.float32(0)).astype(np.float32)


def _bells(out, xy, known, seen, behind, at) -> None:
    fall = np.exp((at - xy[..., None]) ** 2 / np.float32(-2 * _BELL**2))  # along x and along y
    np.multiply(fall[:, :, 1, :, None], (fall[:, :, 0] * known[..., None])[:, :, None, :], out=out[:, 0])
    np.multiply(out[:, 0], seen[..., None, None], out=out[:, 1])
    np.multiply(out[:, 0], behind[..., None, None], out=out[:, 2])


def _limbs(out, xy, known, behind, at) -> None:
    a, b = (list(ends) for ends in zip(*LIMBS))
    line = xy[:, b] - xy[:, a]
    length = np.maximum(np.hypot(line[..., 0], line[..., 1]), np.float32(1e-4))
    ux, uy = (line / length[..., None]).transpose(2, 0, 1)[..., None, None]
    dx = at[None, None, None, :] - xy[:, a, 0, None, None]
    dy = at[None, None, :, None] - xy[:, a, 1, None, None]
    along = dx * ux + dy * uy
    across = dx * uy - dy * ux
    long = length[..., None, None]
    inside = along.clip(0.0, long)
    near = np.exp(((along - inside) ** 2 + across**2) / np.float32(-2 * _LIMB**2))
    near *= (known[:, a] & known[:, b])[..., None, None]
    share = inside / long
    deep = behind[:, a, None, None] + share * (behind[:, b] - behind[:, a])[..., None, None]
    values = (1.0, ux, uy, 2 * share - 1, across / np.float32(_LIMB), deep)
    for i, value in enumerate(values):
        np.multiply(near, value, out=out[:, i])
