"""Real rigs as arrays, from the records in tests/data/rigs (made by backend/studio/record_rigs.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from poseloom.motion import quat
from poseloom.motion.types import Rig

FOLDER = Path(__file__).parent / "data" / "rigs"


def record(name: str) -> Rig:
    """The rig called `name`, with the axes that Blender gives bones of these heads, tails and rolls."""
    bones = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["bones"]
    names = [bone[0] for bone in bones]
    heads, tails = (np.array([bone[i] for bone in bones], float) for i in (2, 3))
    along = tails - heads
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    turn = quat.multiply(
        quat.from_axis_angle(along, np.array([bone[4] for bone in bones])), quat.between([0.0, 1.0, 0.0], along)
    )
    rest = np.tile(np.eye(4), (len(bones), 1, 1))
    rest[:, :3, :3], rest[:, :3, 3] = quat.to_matrix(turn), heads
    return Rig(names, [names.index(b[1]) if b[1] else -1 for b in bones], rest, tails, name=name)


def renamed(rig: Rig, change) -> Rig:
    """`rig` with every bone called change(name)."""
    return rig.with_(bones=tuple(change(bone) for bone in rig.bones), roles={})
