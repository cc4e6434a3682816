"""Feet held where an animator says that they stand."""

from __future__ import annotations

import numpy as np

from ..motion.contacts import find_contacts, foot_points, lock_feet, runs
from ..motion.types import Motion, Rig, RigMotion
from . import from_rig
from .cycle import stepped
from .floor import grounded

_LOOSE_M_S, _LOOSE_M = (0.5, 1.5), (0.06, 0.12)


def relock(motion: RigMotion, rig: Rig, down) -> RigMotion:
    """`motion` whose left and right feet stand still where `down` (T,2) is True; hips and legs alone change.

    Which of heel and ball stands is seen by their height and speed.
    """
    before = from_rig(motion, rig)
    level = np.array([[0.0, 0.0, 1.0]]) * (grounded(before).root[:1, 2] - before.root[:1, 2])
    body = before.with_(root=before.root + level)
    contact = np.zeros((len(body), 6))
    contact[:, :4] = parts_down(body, down)
    locked = lock_feet(body.with_(contact=contact))
    return stepped(motion, rig, before, locked.with_(root=locked.root - level))


def parts_down(motion: Motion, down) -> np.ndarray:
    """(T,4) 1 for left and right heel, left and right ball that stand while their foot is `down` (T,2).

    At least one of both always does: the lower one where neither seems to.
    """
    points, down = foot_points(motion), np.asarray(down, bool)
    out = np.zeros((len(motion), 4))
    for side in (0, 1):
        pair = points[:, [side, 2 + side]]
        rests = find_contacts(pair, motion.fps, floor=pair[..., 2].min(), speed_m_s=_LOOSE_M_S, height_m=_LOOSE_M) > 0.5
        for start, end in runs(down[:, side]):
            here = rests[start:end]
            none = ~here.any(axis=1)
            lower = pair[start:end, :, 2].argmin(axis=1)
            here[none, lower[none]] = True
            out[start:end, [side, 2 + side]] = here
    return out
