"""The table of how sure the estimator was, beside a file that is written without Blender."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from poseloom.key_poses import Keys
from poseloom.motion.bvh import motion_to_rig, write_bvh
from poseloom.motion.skeleton import standard
from poseloom.motion.types import Motion
from poseloom.pipelines import Account, Character, Extras, put

SURE = np.linspace(0.0, 1.0, 6)


@pytest.fixture
def motion():
    still = np.tile([1.0, 0.0, 0.0, 0.0], (6, 22, 1))
    return Motion(standard(), still, np.tile([0.0, 0.0, 0.96], (6, 1)), 10.0, score=np.tile(SURE[:, None], (1, 22)))


@pytest.mark.parametrize("keys, frames", [
    (None, [1, 2, 3, 4, 5, 6]),
    (Keys(seconds=(0.0, 0.2, 0.5)), [1, 3, 6]),
])  # fmt: skip
def test_a_bvh_skeleton_gets_a_table_too(motion, keys, frames, tmp_path):
    write_bvh(tmp_path / "body.bvh", *motion_to_rig(motion))
    character = Character(path=tmp_path / "body.bvh")
    for confidence in ("csv", "none", None):
        out = tmp_path / f"{confidence}.bvh"
        put(motion, "clip", character, out, Extras(confidence=confidence), Account({}), keys=keys)
    (table,) = tmp_path.glob("*.csv")
    assert table.name == "csv.confidence.csv"
    head, *rows = csv.reader(table.open())
    assert head == ["frame", "time_s", *motion.skeleton.names]
    assert [int(row[0]) for row in rows] == frames
    for frame, row in zip(frames, rows):
        assert float(row[1]) == pytest.approx((frame - 1) / 10) and float(row[-1]) == pytest.approx(SURE[frame - 1], abs=1e-3)
