"""Where the body of one frame was in another, told by its limbs: enough to carry latents along, and needs no estimator."""

from __future__ import annotations

import numpy as np

from ..motion import openpose
from ..motion.pictures import Guides

_THICK = 0.3  # a limb's reach to its sides as a share of the trunk's length


def carried(before: Guides, after: Guides, size: tuple) -> tuple:
    """Where each cell of `after` was in `before`: place (H,W,2) in 0..1 of the picture's width and height, and weight
    (H,W) 0..1, 1 on a limb's axis and 0 beyond its sides; size (width, height) in cells.

    A limb turns, stretches along itself and moves; a cell goes with the limb it is nearest to.  People and limbs that
    one of the frames does not show have no weight, and neither has what is nobody's.
    """
    grid = np.stack(np.meshgrid(*((np.arange(n) + 0.5) / n for n in size)), -1) * after.size
    place, nearest = grid.copy(), np.ones(grid.shape[:2])
    pairs = _limbs(after.layout) if before.layout == after.layout else ()
    old = {int(person): xy.astype(np.float64) for person, xy in zip(before.people, before.xy)}
    for person, xy in zip(after.people, after.xy.astype(np.float64)):
        if int(person) not in old:
            continue
        was = old[int(person)]
        there = np.isfinite(xy).all(-1) & np.isfinite(was).all(-1)
        lengths = [np.linalg.norm(xy[b] - xy[a]) for a, b in pairs if there[a] and there[b]]
        if not lengths:
            continue
        reach = max(_THICK * max(lengths), 1e-6)
        for a, b in pairs:
            if not (there[a] and there[b]):
                continue
            axis, old_axis = xy[b] - xy[a], was[b] - was[a]
            length, old_length = np.linalg.norm(axis), np.linalg.norm(old_axis)
            if length < 1e-6 or old_length < 1e-6:
                continue
            along = np.clip((grid - xy[a]) @ axis / length**2, 0.0, 1.0)
            beside = grid - xy[a] - along[..., None] * axis
            far = np.linalg.norm(beside, axis=-1) / reach
            turn = _turn(axis / length, old_axis / old_length)
            moved = was[a] + along[..., None] * old_axis + beside @ turn.T
            mine = far < nearest
            nearest[mine], place[mine] = far[mine], moved[mine]
    return place / before.size, 1.0 - nearest


def _limbs(layout: str) -> list:
    body = openpose.body_of(layout)
    names = openpose.BODIES[body]
    return [(names.index(a), names.index(b)) for a, b in openpose.LIMBS[body]]


def _turn(start, end) -> np.ndarray:
    """(2,2) the rotation from one unit vector to another."""
    c, s = start @ end, start[0] * end[1] - start[1] * end[0]
    return np.array([[c, -s], [s, c]])
