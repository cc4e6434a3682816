"""How the camera turned and zoomed, by the background: what `--camera moving` asks for."""

from __future__ import annotations

import numpy as np

from ..motion.resection import FOCAL
from ..motion.types import Keypoints
from ..progress import Report, silent
from ..registry import package

_LONGER_SIDE = 480  # pixels of the pictures in which points are followed
_POINTS = 300
_BACK_PX = 0.6  # a point that does not come back to where it was within this was lost
_FEW = 12
_NOISE_PX = 0.7
_ZOOM = 0.004  # a frame, how far zooming usually goes: less than points that hardly tell would make of it
_ROUNDS = 6
_MARGIN = 0.12  # of the person's height, around the points that were seen
_ANYWHERE = 0.005  # how much other points tell
_NEAR = np.array([0.6, 0.12])  # of the person's height, sideways and up: how near the feet floor points tell most


def follow(clip, keypoints: Keypoints, report: Report = silent) -> np.ndarray:
    """(T,3,3) the `view` of keypoints seen in `clip`: homographies to the picture of a camera that stood still.

    From frame to frame the points of the background outside the person's box are followed (Lucas &
    Kanade 1981), and the turn and zoom are taken that explain most of them (Gauss-Newton, Cauchy
    weights).  Points near the feet count most: where the camera also travels, things at other
    distances move differently, and it is the floor under the feet that must stand still.
    """
    cv2 = package("cv2", "Following the background", "pose")
    cv2.setNumThreads(1)
    shrink = min(1.0, _LONGER_SIDE / max(keypoints.size))
    focal_px = FOCAL * max(keypoints.size)
    half = 0.5 * np.array(keypoints.size, np.float64)
    turns, zooms = np.tile(np.eye(3), (len(keypoints), 1, 1)), np.zeros(len(keypoints))
    before = None
    for frame in clip:
        t = frame.index
        if t >= len(keypoints):
            break
        report(t / len(keypoints), f"following the background, frame {t + 1}")
        small = None if shrink == 1.0 else (0, 0)
        grey = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY)
        grey = grey if small is None else cv2.resize(grey, small, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        if before is not None and t not in keypoints.cuts:
            was, now = _followed(cv2, before, grey, _box(keypoints, t - 1) * shrink, _box(keypoints, t) * shrink)
            if len(was) >= _FEW:
                was, now = was / shrink, now / shrink
                near = _ANYWHERE + _nearness(now, _box(keypoints, t))
                turns[t], zooms[t] = _fitted((was - half) / focal_px, (now - half) / focal_px, near, focal_px)
        before = grey
    report(1.0, f"{len(keypoints)} frames")
    edges = [0, *keypoints.cuts, len(keypoints)]
    K = np.array([[focal_px, 0.0, half[0]], [0.0, focal_px, half[1]], [0.0, 0.0, 1.0]])
    return np.concatenate([
        K @ _from_middle(turns[a:b], zooms[a:b]) @ np.linalg.inv(K) for a, b in zip(edges[:-1], edges[1:]) if b > a
    ])  # fmt: skip


def _box(keypoints: Keypoints, t: int) -> np.ndarray:
    """(2,2) the corners of the person's box in frame t, NaN where nobody was seen."""
    xy = keypoints.xy[t]
    xy = xy[np.isfinite(xy).all(axis=-1)]
    if not len(xy):
        return np.full((2, 2), np.nan)
    box = np.stack([xy.min(axis=0), xy.max(axis=0)]).astype(np.float64)
    return box + _MARGIN * (box[1, 1] - box[0, 1]) * np.array([[-1.0], [1.0]])


def _followed(cv2, before, grey, box_before, box) -> tuple:
    """(n,2) places in the picture before and (n,2) in this one of points outside the person's boxes."""
    mask = np.full(before.shape, 255, np.uint8)
    if np.isfinite(box_before).all():
        low, high = np.clip(box_before, 0, None).astype(int)
        mask[low[1] : high[1] + 1, low[0] : high[0] + 1] = 0
    was = cv2.goodFeaturesToTrack(before, _POINTS, 0.01, 7, mask=mask)
    if was is None:
        return np.zeros((0, 2)), np.zeros((0, 2))
    how = dict(winSize=(15, 15), maxLevel=3)
    now, found, _ = cv2.calcOpticalFlowPyrLK(before, grey, was, None, **how)
    back, found_back, _ = cv2.calcOpticalFlowPyrLK(grey, before, now, None, **how)
    was, now, back = was[:, 0], now[:, 0], back[:, 0]
    good = (found[:, 0] > 0) & (found_back[:, 0] > 0) & (np.linalg.norm(was - back, axis=-1) < _BACK_PX)
    if np.isfinite(box).all():
        good &= ~((now > box[0]) & (now < box[1])).all(axis=-1)
    return was[good].astype(np.float64), now[good].astype(np.float64)


def _nearness(places, box) -> np.ndarray:
    """(n,) 0..1 how near to the person's feet, at the bottom of the box, places (n,2) are; 1 where nobody is."""
    if not np.isfinite(box).all():
        return np.ones(len(places))
    tall = max(box[1, 1] - box[0, 1], 1.0)
    feet = np.array([box[:, 0].mean(), box[1, 1] - _MARGIN * tall])
    return np.exp(-0.5 * (((places - feet) / (_NEAR * tall)) ** 2).sum(axis=-1))


def _fitted(was, now, near, focal_px) -> tuple:
    """The rotation (3,3) and the logarithm of the zoom that bring `now` (n,2) to `was` (n,2), tangents of angles.

    The roll comes from how the whole picture rises and falls alone: a camera that travels shifts the
    floor before it faster than that behind, which looks like a roll too.
    """
    noise = _NOISE_PX / focal_px
    whole, _ = _settled(was, now, np.ones(len(now)), np.eye(3), noise, sideways=0.0, roll=1.0)
    roll = np.arctan2(whole[1, 0] - whole[0, 1], whole[0, 0] + whole[1, 1])
    return _settled(was, now, near, _rotation(np.array([0.0, 0.0, roll])), noise, sideways=1.0, roll=0.0)


def _settled(was, now, weight, turn, noise, *, sideways: float, roll: float) -> tuple:
    """The turn and zoom by Gauss-Newton from `turn` on, weights 0 or 1 for what is `sideways` and for more `roll`."""
    zoom, spread = 0.0, 30.0 * noise  # first a rough agreement of many, then a fine one
    weight = weight * (len(weight) / weight.sum())
    held = np.diag([1e-3, 1e-3, 1e-3 if roll else 1e15, _ZOOM**-2])
    for _ in range(_ROUNDS):
        moved = np.column_stack([now, np.ones(len(now))]) @ turn.T
        uv = np.exp(zoom) * moved[:, :2] / moved[:, 2:]
        u, v = uv.T
        one = np.ones_like(u)
        slope = np.stack([
            sideways * np.stack([-u * v, one + u * u, -v, u], -1), np.stack([-one - v * v, u * v, u, v], -1)
        ], axis=1)  # fmt: skip
        off = (was - uv) * [sideways, 1.0]
        trust = weight / (1.0 + (off**2).sum(axis=-1) / spread**2) / noise**2
        normal = np.einsum("nik,nil,n->kl", slope, slope, trust) + held
        right = np.einsum("nik,ni,n->k", slope, off, trust) - np.array([0.0, 0.0, 0.0, zoom * _ZOOM**-2])
        step = np.linalg.solve(normal, right)
        turn, zoom = _rotation(step[:3]) @ turn, float(zoom + step[3])
        spread = max(0.4 * spread, 2.0 * noise)
    return turn, zoom


def _rotation(vector) -> np.ndarray:
    """(3,3) the turn about `vector` by its length (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / max(angle, 1e-12)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross


def _from_middle(turns, zooms) -> np.ndarray:
    """(T,3,3) from each frame to a camera that looks where this one does halfway between its extremes."""
    whole = np.empty_like(turns)
    sum_ = np.eye(3)
    for t, turn in enumerate(turns):
        sum_ = whole[t] = sum_ @ turn
    ahead = whole[:, :, 2]
    yaw, pitch = np.arctan2(ahead[:, 0], ahead[:, 2]), np.arcsin(np.clip(-ahead[:, 1], -1.0, 1.0))
    middle = [0.5 * (angle.min() + angle.max()) for angle in (np.unwrap(yaw), pitch)]
    back = _rotation(np.array([-middle[1], 0.0, 0.0])) @ _rotation(np.array([0.0, -middle[0], 0.0]))
    zoom = np.exp(np.cumsum(zooms))
    scale = np.stack([zoom, zoom, np.ones_like(zoom)], axis=-1)
    return scale[:, :, None] * (back @ whole)
