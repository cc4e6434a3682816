"""The LAFAN1 in-betweening protocol (Harvey et al. 2020) on packed clips.

30 fps; windows of 65 frames every 40; ten known frames, a gap, one key; positions centred on the ground
over the window, facing -Y at the last of the ten; z-scores with training statistics.
"""

from __future__ import annotations

import numpy as np

from ..motion import quat
from ..motion.skeleton import PARENTS, fk
from . import metrics, window
from .data import PAST, Pack

LENGTH, EVERY, GAPS = 65, 40, (5, 15, 30, 45)


def windows(pack: Pack, every: int = EVERY) -> tuple:
    """(lrot (N,65,J,4), root (N,65,3), offsets (N,J,3)) of all clips, normalised as above."""
    first, clip = [], []
    for c in range(len(pack.names)):
        starts = np.arange(pack.start[c], pack.start[c + 1] - LENGTH + 1, every)
        first.append(starts)
        clip.append(np.full(len(starts), c))
    first, clip = np.concatenate(first), np.concatenate(clip)
    rows = first[:, None] + np.arange(LENGTH)
    lrot, root, _, _ = window.to_anchor(pack.lrot[rows].astype(np.float64), pack.root[rows].astype(np.float64), PAST - 1)
    root = root - root.mean(axis=1, keepdims=True) * [1.0, 1.0, 0.0]
    return lrot, root, pack.offsets[clip].astype(np.float64)


def pose(lrot, root, offsets):
    """(grot (N,T,J,4), gpos (N,T,J,3))."""
    lpos = np.repeat(offsets[:, None], lrot.shape[1], axis=1)
    lpos[:, :, 0] = root
    return fk(lrot, lpos, PARENTS)


def statistics(pack: Pack) -> tuple:
    """Mean and standard deviation (J,3) of global positions in training windows."""
    gpos = pose(*windows(pack, every=20))[1]
    return gpos.mean(axis=(0, 1)), gpos.std(axis=(0, 1))


def interpolation(lrot, root, offsets, known):
    return window.interpolate(lrot, root, window.segments(known))


def zero_velocity(lrot, root, offsets, known):
    last = np.maximum.accumulate(np.where(known, np.arange(len(known)), 0))
    return lrot[:, last], root[:, last]


def score(fill, wins: tuple, stats: tuple, gaps=GAPS) -> dict:
    """{gap: {"l2q", "l2p", "npss", "slide_cm_s"}} of fill(lrot, root, offsets, known) -> (lrot, root)."""
    lrot, root, offsets = wins
    rows = {}
    for gap in gaps:
        known = np.r_[np.ones(PAST, bool), np.zeros(gap, bool), True]
        hole = slice(PAST, PAST + gap)
        cut = lrot[:, : len(known)], root[:, : len(known)]
        truth_rot, truth_pos = pose(*cut, offsets)
        rot, pos = pose(*fill(*cut, offsets, known), offsets)
        rows[gap] = {
            "l2q": metrics.l2q(rot[:, hole], truth_rot[:, hole]),
            "l2p": metrics.l2p(pos[:, hole], truth_pos[:, hole], *stats),
            "npss": metrics.npss(_unrolled(rot)[:, hole], _unrolled(truth_rot)[:, hole]),
            "slide_cm_s": metrics.foot_slide(pos, truth_pos, fps=30.0),
        }
    return rows


def _unrolled(grot):
    return np.swapaxes(quat.unroll(np.swapaxes(grot, 0, 1)), 0, 1)


def ratios(rows: dict, base: dict, names=("l2p", "l2q", "npss", "slide_cm_s")) -> dict:
    """{"l2p_ratio_5": ...} of one method's rows to the baseline's."""
    return {f"{n}_ratio_{gap}": rows[gap][n] / base[gap][n] for n in names for gap in rows}
