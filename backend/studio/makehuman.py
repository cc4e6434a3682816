"""Reads the CC0 MakeHuman data (the folder `mpfb2`): mesh, shapes, rigs and skin weights as arrays."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

# share of each macro shape in the figure that we ship: an average adult, more man than woman
SHAPE = {
    f"macrodetails/{people}-{sex}-young": share / 3
    for people in ("african", "asian", "caucasian")
    for sex, share in (("male", 0.7), ("female", 0.3))
} | {
    "macrodetails/universal-male-young-averagemuscle-averageweight": 0.7,
    "macrodetails/universal-female-young-averagemuscle-averageweight": 0.3,
}


class Figure:
    """The base mesh in its shape, in metres, Z up, facing -Y.

    points (N,3) includes helper geometry and joint cubes; groups {name: [face, ...]}, a face
    being a list of indices of points.
    """

    def __init__(self, folder: Path, shape=SHAPE):
        self.folder = Path(folder)
        points, self.groups = [], {}
        group = None
        for line in (self.folder / "3dobjs/base.obj").read_text().splitlines():
            words = line.split()
            if not words:
                continue
            if words[0] == "v":
                points.append([float(w) for w in words[1:4]])
            elif words[0] in ("g", "o"):
                group = self.groups.setdefault(words[1], [])
            elif words[0] == "f":
                group.append([int(w.split("/")[0]) - 1 for w in words[1:]])
        points = np.array(points)
        for target, share in shape.items():
            with gzip.open(self.folder / "targets" / f"{target}.target.gz", "rt") as lines:
                for line in lines:
                    if line.strip() and not line.startswith("#"):
                        index, x, y, z = line.split()
                        points[int(index)] += share * np.array([float(x), float(y), float(z)])
        # decimetres with Y up become metres with Z up
        self.points = np.stack([points[:, 0], -points[:, 2], points[:, 1]], 1) * 0.1

    def members(self, group: str) -> np.ndarray:
        return np.unique(np.concatenate([np.array(face) for face in self.groups[group]]))

    def place(self, spec: dict) -> np.ndarray:
        """Where a bone's end lies, by the rule that the rig file gives for it."""
        strategy = spec["strategy"]
        if strategy == "VERTEX":
            return self.points[spec["vertex_index"]]
        if strategy == "MEAN":
            return self.points[spec["vertex_indices"]].mean(0)
        if strategy == "CUBE":
            return self.points[self.members(spec["cube_name"])].mean(0)
        if strategy == "XYZ":
            return np.array([self.points[v, axis] for axis, v in enumerate(spec["vertex_indices"])])
        raise ValueError(f"{spec} places a bone in a way that is not known here.")

    def rig(self, file: str) -> dict:
        """{bone: {"parent", "head" (3,), "tail" (3,), "roll", "use_connect"}}, parents first."""
        data = json.loads((self.folder / "rigs" / f"{file}.json").read_text())
        data = data.get("bones", data)
        ordered, waiting = {}, sorted(data)
        while waiting:
            ready = [name for name in waiting if (data[name].get("parent") or None) in {None, *ordered}]
            for name in ready:
                bone = data[name]
                ordered[name] = {
                    "parent": bone.get("parent") or None,
                    "head": self.place(bone["head"]),
                    "tail": self.place(bone["tail"]),
                    "roll": _roll(bone, self.place(bone["head"]), self.place(bone["tail"])),
                    "use_connect": bool(bone.get("use_connect")),
                }
            waiting = [name for name in waiting if name not in ordered]
        return ordered

    def weights(self, file: str) -> dict:
        """{bone: (N,) weight of each point}."""
        data = json.loads((self.folder / "rigs" / f"{file}.json").read_text())["weights"]
        out = {}
        for bone, pairs in data.items():
            out[bone] = np.zeros(len(self.points))
            for index, weight in pairs:
                out[bone][index] = weight
        return out


def _roll(bone: dict, head: np.ndarray, tail: np.ndarray) -> float:
    """The bone's roll (rad), from the number in the file or from the axis to be aligned.

    A roll of zero is the shortest turn from +Y to the bone, as in Blender.
    """
    strategy = bone.get("roll_strategy")
    if not strategy:
        return float(bone["roll"])
    y = (tail - head) / np.linalg.norm(tail - head)
    if strategy == "ALIGN_X_WORLD_X":
        z = np.cross([1.0, 0.0, 0.0], y)
    elif strategy == "ALIGN_Z_WORLD_Z":
        z = np.array([0.0, 0.0, 1.0])
    else:
        raise ValueError(f"Roll strategy {strategy} is not known here.")
    z = z - (z @ y) * y
    turn = 1 + y[1]
    if turn < 1e-6:
        raise ValueError("The roll of a bone along -Y cannot be told from its direction.")
    zero = np.array([-y[0] * y[2] / turn, -y[2], 1 - y[2] ** 2 / turn])
    return float(np.arctan2(y @ np.cross(zero, z), zero @ z))
