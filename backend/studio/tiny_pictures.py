"""Small drawn pictures of one figure that walks, hops and waves before a plain wall, with all that is known of them.

Body, skin, hair and shoes are always the same; clothes, wall and lamp are chosen at random for each picture, so that a
model that learns them has something to decide: what is not told by the pose map comes out of its noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bodies import Body, bone_of
from raster import photograph, project

from poseloom.motion import openpose, quat
from poseloom.motion.pictures import Guides
from poseloom.motion.skeleton import JOINTS, standard
from poseloom.motion.types import Camera, Motion
from poseloom.render import guides
from poseloom.retarget import to_rig

_FINE = 2
_SKIN, _HAIR, _SHOES = (0.62, 0.36, 0.26), (0.06, 0.03, 0.02), (0.05, 0.05, 0.06)
_X, _Y, _Z = np.eye(3)
_LOOK = guides.Look(hands=False, face=False)
_TURNED = ("head", "foot_l", "foot_r")


@dataclass(frozen=True)
class Look:
    """What a picture is free to choose, colours linear: shirt, hoops over it, trousers, wall, and where light comes from."""

    shirt: np.ndarray
    hoops: np.ndarray
    trousers: np.ndarray
    wall: np.ndarray
    light: np.ndarray

    @classmethod
    def random(cls, rng) -> "Look":
        light = np.array([rng.uniform(-0.8, 0.8), -1.0, rng.uniform(0.4, 1.2)])
        shirt = _colour(rng)
        hoops = _colour(rng) if rng.random() < 0.5 else shirt
        return cls(shirt, hoops, _colour(rng), 0.3 + 0.6 * _colour(rng), light / np.linalg.norm(light))


def _colour(rng):
    return rng.uniform(0.04, 0.9) * (1.0 - rng.uniform(0.0, 0.9, 3))


def walking(rng, frames: int, fps: float = 12.0, hop: bool = False) -> Motion:
    """A walk in place, or hops, with a stride, swing and heading of its own; the arms may wave."""
    t = np.arange(frames) / fps
    phase = 2 * np.pi * (t * rng.uniform(0.7, 1.1) + rng.random())
    stride, swing = rng.uniform(0.25, 0.6), rng.uniform(0.2, 0.8)
    heading, raised = rng.uniform(-1.1, 1.1), rng.uniform(0.0, 1.6, 2) * (rng.random(2) < 0.4)
    lrot = np.tile([1.0, 0.0, 0.0, 0.0], (frames, len(JOINTS), 1))
    for side, (letter, sign) in enumerate((("l", 1.0), ("r", -1.0))):
        step = phase if hop else phase + (0.0 if sign > 0 else np.pi)
        thigh = 0.25 * stride * (1 - np.cos(step)) if hop else stride * np.sin(step)
        knee = 1.2 * stride * (1 - np.cos(step)) / 2 if hop else 0.9 * stride * (1 + np.cos(step))
        arm = swing * (np.cos(step) if hop else -np.sin(step)) - raised[side]
        lrot[:, JOINTS.index(f"thigh_{letter}")] = quat.from_axis_angle(_X, -thigh)
        lrot[:, JOINTS.index(f"shin_{letter}")] = quat.from_axis_angle(_X, knee)
        down = quat.from_axis_angle(_Y, np.full(frames, 1.25 * sign))
        lrot[:, JOINTS.index(f"upper_arm_{letter}")] = quat.multiply(quat.from_axis_angle(_X, arm), down)
        bend = 0.25 + 0.35 * swing * (1 + np.sin(step)) + 0.5 * raised[side]
        lrot[:, JOINTS.index(f"forearm_{letter}")] = quat.from_axis_angle(_Z, -bend * sign)
    lrot[:, 0] = quat.from_axis_angle(_Z, heading + 0.08 * np.sin(phase))
    root = np.zeros((frames, 3)) + [rng.uniform(-0.12, 0.12), 0.0, standard().offsets[0, 2]]
    root[:, 2] += 0.25 * np.maximum(-np.cos(phase), 0.0) if hop else 0.0
    return Motion(standard(), lrot, root, fps)


class Stage:
    """The body before its camera; pictures of size² pixels."""

    def __init__(self, size: int = 64):
        self.body, self.size = Body.named("average"), size
        self.K = np.array([[1.9 * size, 0.0, size / 2], [0.0, 1.9 * size, size / 2], [0.0, 0.0, 1.0]])
        self.world = np.eye(4)
        self.world[:3, :3] = np.stack([_X, _Z, -_Y], 1)  # looks along +y, with z up
        self.world[:3, 3] = [0.0, -4.1, 0.92]

    def play(self, motion: Motion) -> np.ndarray:
        """(T,B,4,4) the body's bones, as high over the floor as its hips are said to be over their rest."""
        bones = self.body.pose(to_rig(motion, self.body.recognition.rig))
        up = motion.root[:, 2] - motion.skeleton.offsets[0, 2]
        for t, pose in enumerate(bones):
            pose[:, 2, 3] += up[t] - self.body.skin(pose)[:, 2].min()
        return bones

    def draw(self, pose, look: Look) -> tuple:
        """rgb (H,W,3) uint8 and the body's mask (H,W) 0..1 of bones `pose` (B,4,4)."""
        points = self.body.skin(pose)
        seen = photograph(points, self.body.triangles, np.diag([_FINE, _FINE, 1.0]) @ self.K, self.world,
                          (self.size * _FINE,) * 2)  # fmt: skip
        normal, rest = np.split(
            seen.blend(np.concatenate([self.body.normals(points), self.body.vertices], 1), self.body.triangles), 2, axis=1
        )
        paint = {"skin": _SKIN, "lips": _SKIN, "hair": _HAIR, "shoes": _SHOES, "soles": _SHOES,
                 "shirt": look.shirt, "trousers": look.trousers}  # fmt: skip
        palette = np.array([paint.get(name, (0.1, 0.1, 0.1)) for name in self.body.region_names])
        region = self.body.region[seen.triangle]
        albedo = palette[region]
        hoop = (region == self.body.region_names.index("shirt")) & (rest[:, 2] % 0.16 < 0.08)
        albedo[hoop] = look.hoops
        sheet = np.zeros((self.size * _FINE, self.size * _FINE, 4))
        sheet[seen.row, seen.column, :3] = albedo * (0.35 + 0.75 * np.clip(normal @ look.light, 0.0, 1.0))[:, None]
        sheet[seen.row, seen.column, 3] = 1.0
        sheet = sum(sheet[i::_FINE, j::_FINE] for i in range(_FINE) for j in range(_FINE)) / _FINE**2
        height = np.linspace(1.0, 0.0, self.size)[:, None, None]
        wall = look.wall * np.where(height < 0.13, 0.55, 0.75 + 0.25 * height) * np.ones((1, self.size, 1))
        light = wall * (1 - sheet[..., 3:]) + sheet[..., :3]
        rgb = np.clip(light, 0.0, 1.0) ** (1 / 2.2)
        return (rgb * 255 + 0.5).astype(np.uint8), sheet[..., 3]

    def guides(self, pose, frame: int = 0) -> Guides:
        """The guides of bones `pose` (B,4,4), as those of a rig are made."""
        rig, places = self.body.recognition.rig, self.body.joints(pose[None])
        turns = {}
        for name in _TURNED:
            bone = rig.index(bone_of(name))
            turns[name] = quat.from_matrix(pose[bone, :3, :3] @ rig.rest[bone, :3, :3].T)[None]
        points = openpose.points(dict(zip(JOINTS, places.swapaxes(0, 1))), turns, self.body.height_m)
        return guides.make(frame, [1], points, Camera(self.K, self.world, (self.size,) * 2), _LOOK)

    def backward(self, before, after) -> tuple:
        """Where each pixel of the frame `after` (bones) was in `before`: xy (H,W,2) px, and whether it was seen (H,W)."""
        old, new = self.body.skin(before), self.body.skin(after)
        grid = np.stack(np.meshgrid(np.arange(self.size) + 0.5, np.arange(self.size) + 0.5), -1)
        depth = np.full((self.size, self.size), np.inf)
        was = photograph(old, self.body.triangles, self.K, self.world, (self.size,) * 2)
        depth[was.row, was.column] = was.depth
        now = photograph(new, self.body.triangles, self.K, self.world, (self.size,) * 2)
        seen, xy = ~np.isfinite(depth), grid.copy()
        place = now.blend(old, self.body.triangles)
        there = project(place, self.K, self.world)
        column, row = np.clip(there, 0, self.size - 1).astype(int).T
        xy[now.row, now.column] = there
        # 4 cm: about what depth changes over a pixel of a limb's side
        seen[now.row, now.column] = np.abs(place[:, 1] - self.world[1, 3] - depth[row, column]) < 0.04
        return xy, seen
