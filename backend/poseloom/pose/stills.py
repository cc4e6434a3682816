"""Single pictures of one person: turned as each was seen, on one skeleton, on one floor."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

import numpy as np

from ..motion import quat
from ..motion.contacts import foot_points
from ..motion.layouts import layout
from ..motion.skeleton import motion_fk
from ..motion.types import Keypoints, Motion, Skeleton
from . import landmarks
from .lift import Lifted
from .root import FOCAL, translation

# the canonical joints that `landmarks.JOINTS` are
_JOINTS = tuple(f"{name}_{s}" for name in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot") for s in "lr")
_CENTRAL = 0.5  # of its size a person in the corner of the picture loses, beside one in the middle
_SMALL = 0.6  # less large than the one chosen by that, and nobody takes the one for the other
# how far the joints' pixels are moved to where the lifter of stills has them, how much farther in depth knees lie from the
# line between hip and ankle than it says, which leaves legs too straight, and how much of the errors that it expects
# counts; by least error on pictures of subjects 08 and 17, the first as small as it costs them nothing: of real people
# pixels are better shoulders
_NEARER, _BENT, _DOUBT = 0.35, 1.3, 0.25
SURE = 0.5  # mean score of the joints below which a pose is a guess


def faced(motion: Motion, seen: Keypoints) -> Motion:
    """`motion` of one frame, turned about z as the person stands to the camera: who looks into it faces -Y; the pelvis
    above x = y = 0.

    seen: BlazePose's points with depth, of the same frame.
    """
    points = landmarks.in_camera_axes(
        np.array(seen.xyz, np.float64), np.array(seen.xy, np.float64), seen.size, FOCAL * max(seen.size)
    )[0, list(landmarks.JOINTS)]
    joints = motion_fk(motion)[1][0, [motion.skeleton.index(name) for name in _JOINTS]]
    (ax, ay), (bx, by) = ((p - p.mean(axis=0))[:, :2].T for p in (joints, points))
    turn = quat.from_axis_angle([0.0, 0.0, 1.0], np.arctan2(np.sum(ax * by - ay * bx), np.sum(ax * bx + ay * by)))
    lrot = np.array(motion.lrot, np.float64)
    lrot[:, 0] = quat.multiply(turn, lrot[:, 0])
    return motion.with_(lrot=lrot, root=motion.root * [0.0, 0.0, 1.0])


def agreed(seen: Keypoints, lifted: Lifted) -> tuple[Keypoints, Lifted]:
    """Both as the solver is to believe them: BlazePose's points with depth, their pixels nearer to the lifted joints.

    The lifter of stills knows of the whole body where each pixel is wrong; rays of wrong pixels would undo that.
    """
    focal_px, main = FOCAL * max(seen.size), list(landmarks.JOINTS)
    xy, xyz, score = (np.array(x, np.float64) for x in (seen.xy, seen.xyz, seen.score))
    joints = landmarks.in_camera_axes(lifted.xyz[:, [lifted.names.index(name) for name in _JOINTS]], xy, seen.size, focal_px)
    # the solver moves the hips' pixels into the joints
    inner = landmarks.centred(landmarks.in_camera_axes(xyz, xy, seen.size, focal_px), xy)[1][:, main]
    places = joints + translation(joints, inner, score[:, main], seen.size, focal_px)[:, None]
    pixels = places[..., [0, 2]] / places[..., 1:2] * [focal_px, -focal_px] + 0.5 * np.array(seen.size)
    xy[:, main] += _NEARER * (pixels - inner)
    bent = np.array(lifted.xyz, np.float64)
    for s in "lr":
        hip, knee, ankle = (lifted.names.index(f"{joint}_{s}") for joint in ("thigh", "shin", "foot"))
        line = 0.5 * (bent[:, hip, 1] + bent[:, ankle, 1])
        bent[:, knee, 1] = line + _BENT * (bent[:, knee, 1] - line)
    return replace(seen, xy=xy), replace(lifted, xyz=bent, score=lifted.score**_DOUBT)


def alike(motions: list[Motion]) -> Motion:
    """One motion, a row for each of `motions` of one frame, on bones of the middle length of theirs.

    The lowest part of each body stays as high as it was.
    """
    bodies = [motion.skeleton for motion in motions]
    body = Skeleton(
        bodies[0].names, bodies[0].parents, np.median([b.offsets for b in bodies], axis=0), np.median([b.tips for b in bodies], axis=0)
    )
    poses = [_on(motion, body) for motion in motions]
    curves = set.intersection(*(set(pose.curves) for pose in poses))
    return replace(
        poses[0],
        **{name: np.concatenate([getattr(pose, name) for pose in poses]) for name in ("lrot", "root", "contact", "score")},
        curves={name: np.concatenate([pose.curves[name] for pose in poses]) for name in sorted(curves)},
    )


def _on(motion: Motion, body: Skeleton) -> Motion:
    moved = motion.with_(skeleton=body)
    rise = _lowest(motion) - _lowest(moved)
    return moved.with_(root=motion.root + [0.0, 0.0, rise])


def _lowest(motion: Motion) -> float:
    return float(min(motion_fk(motion)[1][..., 2].min(), foot_points(motion)[..., 2].min()))


def most_central(people: list[Keypoints]) -> tuple[int, int]:
    """(which of the people of one picture is meant where nobody says so: the large one near its middle; how many there
    are that could be meant)."""
    size = np.array(people[0].size, float)
    said, long = [], []
    for person in people:
        points = person.xy[0][np.isfinite(person.xy[0]).all(axis=-1)]
        low, high = points.min(axis=0), points.max(axis=0)
        off = np.linalg.norm(0.5 * (low + high) - 0.5 * size) / np.linalg.norm(0.5 * size)
        long.append(np.linalg.norm(high - low))
        said.append(long[-1] * (1.0 - _CENTRAL * off))
    chosen = int(np.argmax(said))
    return chosen, int(np.sum(np.array(long) > _SMALL * long[chosen]))


def sureness(person: Keypoints) -> Optional[float]:
    """The mean score 0..1 of shoulders, elbows, wrists, hips, knees and ankles that its layout has."""
    names = layout(person.layout).names
    limbs = [f"{joint}_{s}" for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for s in "lr"]
    at = [names.index(name) for name in limbs if name in names]
    return float(person.score[0, at].mean()) if at else None
