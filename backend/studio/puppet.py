"""The body that we ship, posed in numpy and painted by OpenCV: plain pictures at some twenty a second."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from poseloom.motion.skeleton import JOINTS
from poseloom.motion.types import Rig
from poseloom.retarget import pose_matrices, to_rig
from poseloom.rigs.recognise import recognise

BODY = Path(__file__).resolve().parents[1] / "poseloom" / "assets" / "body.npz"
# the bone whose head is the joint
BONES = {
    "pelvis": "spine05", "spine1": "spine04", "spine2": "spine02", "spine3": "spine01", "neck": "neck01",
    "head": "head", "clavicle": "clavicle", "upper_arm": "upperarm01", "forearm": "lowerarm01", "hand": "wrist",
    "thigh": "upperleg01", "shin": "lowerleg01", "foot": "foot", "toe": "toe2-1",
}  # fmt: skip
# bones below which a length varies, and by how much: standard deviation of the factor
VARIED = {"upperarm": 0.06, "lowerarm": 0.06, "upperleg": 0.06, "lowerleg": 0.06, "spine": 0.05, "clavicle": 0.06}


def bone_of(joint: str) -> str:
    name, _, side = joint.rpartition("_")
    return f"{BONES[name]}.{side.upper()}" if side in ("l", "r") and name else BONES[joint]


@dataclass(frozen=True, eq=False)
class Camera:
    """Place (3,), axes (3,3) as columns right, away, up; focal length and size in pixels."""

    place: np.ndarray
    axes: np.ndarray
    focal_px: float
    size: tuple

    def local(self, points):
        """Points of the world (...,3) in the camera's axes: x right, y away, z up."""
        return (points - self.place) @ self.axes

    def project(self, local):
        """Pixels (...,2) from the top left of points (...,3) in the camera's axes."""
        shift = local[..., [0, 2]] / np.maximum(local[..., 1:2], 0.05) * [self.focal_px, -self.focal_px]
        return shift + 0.5 * np.asarray(self.size)


class Puppet:
    """A person of the shipped mesh with proportions, girth and colours of their own."""

    def __init__(self, rng):
        with np.load(BODY) as z:
            self.vertices, self.regions = z["vertices"].astype(np.float64), z["regions"]
            self.bones = tuple(map(str, z["makehuman.bones"]))
            parents, heads = z["makehuman.parents"].astype(int), z["makehuman.heads"].astype(np.float64)
            tails = z["makehuman.tails"].astype(np.float64)
            group = np.array([self.bones.index(str(g)) for g in z["makehuman.groups"]])
            self.carriers, self.weights = group[z["makehuman.joints"]], z["makehuman.weights"] / 255.0
            ends = np.cumsum(z["sizes"].astype(int))
            loops = z["loops"].astype(int)
            corners = [loops[e - s : e] for s, e in zip(z["sizes"].astype(int), ends)]
            names = list(map(str, z["region_names"]))
        self.quads = np.array([np.resize(c, 4) if len(c) < 4 else c[:4] for c in corners])
        self.parents, self.heads = parents, heads
        rest = np.tile(np.eye(4), (len(heads), 1, 1))
        rest[:, :3, 3] = heads
        rig = Rig(bones=self.bones, parents=parents, rest=rest, tails=tails, name="Puppet")
        self.rig = recognise(rig).rig
        self.stretch = self._proportions(rng)
        colours = {
            "skin": rng.uniform(0.35, 1.0) * np.array([0.95, 0.72, 0.58]),
            "hair": rng.uniform(0.05, 0.5) * np.array([0.9, 0.6, 0.4]),
            "shirt": rng.uniform(0.05, 0.95, 3), "trousers": rng.uniform(0.05, 0.8, 3),
            "shoes": rng.uniform(0.05, 0.9, 3), "soles": np.full(3, 0.7), "eyes": np.full(3, 0.9),
            "iris": np.full(3, 0.1), "lips": np.array([0.6, 0.3, 0.3]),
        }  # fmt: skip
        cloth = 1.0 + 0.05 * rng.normal(size=(len(self.quads), 1))
        self.colours = np.array([colours[names[r]] for r in self.regions]) * cloth

    def _proportions(self, rng):
        """(B,3) factors of each bone along the axes of the world at rest."""
        girth = np.exp(0.08 * rng.normal())
        out = np.ones((len(self.bones), 3))
        factors = {part: np.exp(spread * rng.normal()) for part, spread in VARIED.items()}
        for b, bone in enumerate(self.bones):
            part = next((p for p in VARIED if bone.startswith(p)), None)
            if part is None:
                continue
            along = 0 if part in ("upperarm", "lowerarm", "clavicle") else 2
            out[b] = girth
            out[b, along] = factors[part]
            if part == "clavicle":
                out[b, 1:] = 1.0
        return out

    def perform(self, motion):
        """(vertices (T,V,3), joints (T,22,3)) in the world; the lowest point of each half second is about at 0."""
        moved = to_rig(motion, self.rig)
        pose = pose_matrices(self.rig, moved)
        turn, head = pose[:, :, :3, :3], pose[:, :, :3, 3].copy()
        for b, parent in enumerate(self.parents):
            if parent >= 0:
                step = (self.heads[b] - self.heads[parent]) * self.stretch[parent]
                head[:, b] = head[:, parent] + np.einsum("tij,j->ti", turn[:, parent], step)
        joints = head[:, [self.bones.index(bone_of(j)) for j in JOINTS]]
        out = np.zeros((len(pose), len(self.vertices), 3), np.float32)
        for k in range(4):
            bone = self.carriers[:, k]
            local = (self.vertices - self.heads[bone]) * self.stretch[bone]
            for t in range(len(pose)):
                placed = np.einsum("vij,vj->vi", turn[t, bone], local) + head[t, bone]
                out[t] += self.weights[:, k : k + 1] * placed
        floor = np.percentile(out[..., 2].min(axis=1), 20)
        lift = np.array([0.0, 0.0, floor])
        return out - lift.astype(np.float32), joints - lift

    def paint(self, picture, vertices, camera: Camera, light) -> None:
        """The body drawn over `picture` (H,W,3) uint8, far faces first."""
        local = camera.local(vertices.astype(np.float64))
        corners = camera.project(local)[self.quads]
        a, b = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
        towards = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
        depth = local[self.quads, 1]
        show = np.flatnonzero((towards < 0.0) & (depth.min(axis=1) > 0.1))
        show = show[np.argsort(-depth[show].mean(axis=1))]
        world = vertices[self.quads[show]].astype(np.float64)
        normal = np.cross(world[:, 2] - world[:, 0], world[:, 3] - world[:, 1])
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        shade = 0.35 + 0.15 * normal[:, 2:] + 0.6 * np.clip(normal @ light, 0.0, 1.0)[:, None]
        colours = np.clip(self.colours[show] * shade, 0.0, 1.0) ** (1 / 2.2) * 255.0
        points = np.round(corners[show] * 16.0).astype(np.int32)
        for polygon, colour in zip(points, colours.tolist()):
            cv2.fillConvexPoly(picture, polygon, colour, cv2.LINE_AA, 4)

    def shadow(self, picture, vertices, camera: Camera, light):
        """`picture` with the shadow on the floor."""
        on_floor = vertices - light / max(light[2], 0.2) * vertices[:, 2:]
        local = camera.local(on_floor)
        corners = np.round(camera.project(local)[self.quads[::3]] * 4.0).astype(np.int32)
        mask = np.zeros((picture.shape[0] // 4, picture.shape[1] // 4), np.uint8)
        for polygon in corners[local[self.quads[::3], 1].min(axis=1) > 0.1]:
            cv2.fillConvexPoly(mask, polygon, 255, cv2.LINE_8, 4)
        mask = cv2.GaussianBlur(cv2.dilate(mask, np.ones((3, 3), np.uint8)), (0, 0), 1.2)
        mask = cv2.resize(mask, picture.shape[1::-1]).astype(np.float32)[..., None] / 255.0
        return (picture * (1.0 - 0.45 * mask)).astype(np.uint8)


def room(rng, camera: Camera):
    """(H,W,3) uint8: a textured floor and two walls, as the camera sees them without anybody."""
    width, height = camera.size
    picture = np.zeros((height, width, 3), np.float32)
    tile = 512
    for wall in ("back", "side", "floor"):
        blotches = sum(cv2.resize(rng.normal(size=(n, n, 1)), (tile, tile), interpolation=cv2.INTER_CUBIC) * s
                       for n, s in ((4, 1.0), (16, 0.7), (64, 0.5), (256, 0.3)))  # fmt: skip
        texture = rng.uniform(0.15, 0.85, 3) * (1.0 + rng.uniform(0.03, 0.2) * blotches[..., None])
        for _ in range(int(rng.integers(0, 10))):  # pictures, doors, furniture
            x, y, w, h = rng.integers(0, tile, 2).tolist() + rng.integers(10, 120, 2).tolist()
            cv2.rectangle(texture, (x, y), (x + w, y + h), rng.uniform(0, 1, 3).tolist(), -1)
        far, reach = rng.uniform(2.0, 4.0), 12.0
        if wall == "floor":
            corners = np.array([[-reach, -reach, 0], [reach, -reach, 0], [reach, reach, 0], [-reach, reach, 0]])
        elif wall == "back":
            corners = np.array([[-reach, far, 0], [reach, far, 0], [reach, far, 7], [-reach, far, 7]])
        else:
            corners = np.array([[far, -reach, 0], [far, reach, 0], [far, reach, 7], [far, -reach, 7]])
        away = np.arctan2(camera.axes[1, 1], camera.axes[0, 1]) - np.pi / 2
        c, s = np.cos(away), np.sin(away)
        local = camera.local(corners @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]))
        lens = np.array([[camera.focal_px, width / 2, 0], [0, height / 2, -camera.focal_px], [0, 1, 0]])
        across, up = local[1] - local[0], local[3] - local[0]
        to_picture = lens @ np.stack([across / tile, up / tile, local[0]], axis=1)
        seen = cv2.warpPerspective(texture.astype(np.float32), to_picture, (width, height))
        # the homography also maps what lies behind the camera; only points in front count
        pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height), indexing="xy"), axis=-1)
        rays = np.concatenate([pixels, np.ones((height, width, 1))], axis=-1) @ np.linalg.inv(to_picture).T
        front = rays[..., 2] > 0
        picture = np.where(front[..., None] & (seen.sum(-1, keepdims=True) > 0), seen, picture)
    picture[picture.sum(-1) == 0] = rng.uniform(0.3, 0.9, 3)
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)
