"""The camera that sees a body where a person was seen: what a match view looks through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import BadInput
from . import quat
from .layouts import layout
from .skeleton import JOINTS
from .types import Keypoints

FOCAL = 0.9  # focal length over the picture's longer side where nothing is known: 58 degrees
# canonical joints, and the points that lie at them
_SEEN_AT = {
    f"{joint}_{side}": f"{point}_{side}"
    for side in "lr"
    for joint, point in (
        ("upper_arm", "shoulder"), ("forearm", "elbow"), ("hand", "wrist"),
        ("thigh", "hip"), ("shin", "knee"), ("foot", "ankle"),
    )
}  # fmt: skip
_FRAMES = 240  # as many of a shot tell where the camera stands
_STARTS, _ROUNDS = 8, 40
_TRUST_PX = 0.02  # of the picture's longer side: points further off are believed less


@dataclass(frozen=True, eq=False)
class Shot:
    """A camera from frame `first` on: world (T,4,4) camera to world, looking along -Z with +Y up; focal_px (T,);
    off_px, the median distance of points from where it sees their joints."""

    first: int
    world: np.ndarray
    focal_px: np.ndarray
    off_px: float


def cameras(gpos, keypoints: Keypoints) -> list[Shot]:
    """For each shot of the keypoints the camera to which the body's joints gpos (T,22,3) look as the person did.

    gpos has the keypoints' frames, in metres or any other unit.  The focal length is the usual one; turns and zooms
    of a camera that moved (`Keypoints.view`) are given to this one.  BadInput where the layout has no such points.
    """
    names = layout(keypoints.layout).names
    pairs = [(JOINTS.index(joint), names.index(point)) for joint, point in _SEEN_AT.items() if point in names]
    if len(pairs) < 6:
        raise BadInput("bad_layout", f'The layout "{keypoints.layout}" names too few joints to place a camera.')
    joints, points = (list(column) for column in zip(*pairs))
    xy = np.array(keypoints.xy[:, points], np.float64)
    if keypoints.view is not None:
        xy, _ = through(keypoints.view, xy)
    sure = np.where(np.isfinite(xy).all(axis=-1), keypoints.score[:, points], 0.0)
    gpos = np.asarray(gpos, np.float64)[:, joints]
    focal_px = FOCAL * max(keypoints.size)
    half = 0.5 * np.array(keypoints.size, np.float64)
    edges = [0, *(cut for cut in keypoints.cuts if 0 < cut < len(xy)), len(xy)]
    shots = []
    for first, end in zip(edges[:-1], edges[1:]):
        rows = np.unique(np.linspace(first, end - 1, min(_FRAMES, end - first)).astype(int))
        if sure[rows].sum() < 1.0:
            continue
        turn, place, off = _resected(
            gpos[rows].reshape(-1, 3), (np.nan_to_num(xy[rows]).reshape(-1, 2) - half) / focal_px,
            sure[rows].reshape(-1), _TRUST_PX * max(keypoints.size) / focal_px,
        )  # fmt: skip
        shots.append(_shot(first, end, turn, place, off * focal_px, keypoints.view, focal_px, half))
    if not shots:
        raise BadInput("no_person", "No frame of these keypoints shows a person.", "Choose another clip or person.")
    return shots


def through(view, xy) -> tuple[np.ndarray, np.ndarray]:
    """Pixels xy (T,K,2) through homographies (T,3,3); and (T,K) what is not above 0 behind the camera."""
    whole = np.concatenate([xy, np.ones((*xy.shape[:2], 1))], axis=-1)
    moved = np.einsum("tij,tkj->tki", view, whole)
    ahead = moved[..., 2]
    return moved[..., :2] / np.where(np.abs(ahead) > 1e-9, ahead, np.nan)[..., None], ahead


def _resected(points, uv, sure, trust) -> tuple:
    """(turn (3,3), place (3,), median error) with uv (N,2) = turn @ (points - place), x right, y down, z ahead.

    Gauss-Newton with Cauchy weights, begun all around the body.
    """
    middle = np.average(points, axis=0, weights=sure)
    tall = np.sqrt(np.average(((points - middle) ** 2).sum(axis=-1), weights=sure)) + 1e-9
    seen = np.sqrt(np.average(((uv - np.average(uv, axis=0, weights=sure)) ** 2).sum(axis=-1), weights=sure)) + 1e-9
    best = None
    for yaw in np.arange(_STARTS) * 2.0 * np.pi / _STARTS:
        ahead = np.array([-np.sin(yaw), np.cos(yaw), 0.0])
        turn = np.stack([np.cross(ahead, [0.0, 0.0, 1.0]), [0.0, 0.0, -1.0], ahead])
        offset = np.array([*np.average(uv, axis=0, weights=sure), 1.0]) * tall / seen
        found = _settled(points - middle, uv, sure, turn, offset, trust)
        if best is None or found[2] < best[2]:
            best = found
    turn, offset, _, off = best
    return turn, middle - turn.T @ offset, off


def _settled(points, uv, sure, turn, offset, trust) -> tuple:
    """(turn, offset, cost, median error) of uv = turn @ points + offset, over its depth."""
    cost, off, damp = np.inf, np.inf, 1e-3
    spread = 5.0 * trust
    for _ in range(_ROUNDS):
        arm = points @ turn.T
        x, y, z = (arm + offset).T
        z = np.maximum(z, 1e-3)
        off = uv - np.stack([x / z, y / z], axis=-1)
        far = (off**2).sum(axis=-1)
        weight = sure / (1.0 + far / spread**2)
        slope = np.zeros((len(points), 2, 6))  # d(uv)/d(turn about x y z, offset)
        slope[:, 0, 3], slope[:, 0, 5], slope[:, 1, 4], slope[:, 1, 5] = 1 / z, -x / z**2, 1 / z, -y / z**2
        for axis in range(3):
            move = np.cross(np.eye(3)[axis], arm)
            slope[:, :, axis] = np.einsum("nij,nj->ni", slope[:, :, 3:], move)
        normal = np.einsum("nik,nil,n->kl", slope, slope, weight)
        right = np.einsum("nik,ni,n->k", slope, off, weight)
        step = np.linalg.solve(normal + damp * np.diag(np.diag(normal) + 1e-12), right)
        angle = float(np.linalg.norm(step[:3]))
        step[:3] *= min(1.0, 0.3 / max(angle, 1e-12))
        turn = quat.to_matrix(quat.from_axis_angle(step[:3] / max(np.linalg.norm(step[:3]), 1e-12), np.linalg.norm(step[:3]))) @ turn
        offset = offset + step[3:]
        offset[2] = max(offset[2], 1e-2)
        spread = max(0.8 * spread, trust)
        cost = float((sure * np.log1p(far / trust**2)).sum())
    return turn, offset, cost, float(np.median(np.sqrt(far[sure > 0.3]))) if (sure > 0.3).any() else float(np.sqrt(far).mean())


def _shot(first, end, turn, place, off_px, view, focal_px, half) -> Shot:
    count = end - first
    world, focal = np.tile(np.eye(4), (count, 1, 1)), np.full(count, focal_px)
    world[:, :3, 3] = place
    turns = np.tile(turn.T, (count, 1, 1))
    if view is not None:
        K = np.array([[focal_px, 0.0, half[0]], [0.0, focal_px, half[1]], [0.0, 0.0, 1.0]])
        moved = np.linalg.inv(K) @ view[first:end] @ K  # a turn, its first two rows times the zoom
        lengths = np.linalg.norm(moved, axis=-1)
        zoom = np.sqrt(lengths[:, 0] * lengths[:, 1]) / lengths[:, 2]
        turns, focal = turns @ (moved / lengths[..., None]), focal / zoom
    world[:, :3, :3] = turns * [1.0, -1.0, -1.0]  # to Blender's: up, and backwards
    return Shot(first, world, focal, off_px)
