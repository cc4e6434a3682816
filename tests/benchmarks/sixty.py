"""An armature of 60 bones: the Mixamo record with eight ends of fingers."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from rig_records import record  # noqa: E402

COUNT = 60


def sixty_bones():
    """A Rig whose last bones have no role."""
    rig = record("mixamo")
    ends = [i for i in range(len(rig)) if i not in set(rig.parents)][-(COUNT - len(rig)) :]
    assert len(rig) + len(ends) == COUNT
    more = rig.rest[ends].copy()
    more[:, :3, 3] = rig.tails[ends]
    return rig.with_(
        bones=rig.bones + tuple(f"{rig.bones[i]}_end" for i in ends),
        parents=np.concatenate([rig.parents, ends]),
        rest=np.concatenate([rig.rest, more]),
        tails=np.concatenate([rig.tails, 2.0 * rig.tails[ends] - rig.rest[ends, :3, 3]]),
        rotation_mode=("QUATERNION",) * COUNT,
        locked=np.zeros((COUNT, 10), bool), deform=np.ones(COUNT, bool),
        inherit_rotation=np.ones(COUNT, bool), local_location=np.ones(COUNT, bool),
    )  # fmt: skip
