"""IK controls of a Rigify rig: the limbs lie where the FK controls would put them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import python_of
from rig_records import record
from strategies import motion_on
from test_headless import script

from poseloom import chains
from poseloom.errors import BadInput
from poseloom.motion import quat
from poseloom.motion.bvh import motion_to_rig, write_bvh
from poseloom.motion.skeleton import standard
from poseloom.motion.types import Motion
from poseloom.retarget import ROOTS, from_rig, pose_matrices, skeleton_of, to_rig
from poseloom.rigs.recognise import recognise

HUMAN = "second/rigify_human"
VERSIONS = ["bpy45", *(pytest.param(name, marks=pytest.mark.matrix) for name in ("bpy42", "bpy50", "bpy52"))]


def ik_rig():
    return chains.by_controls(recognise(record(HUMAN)), "ik").rig


@pytest.fixture(params=VERSIONS)
def python(request) -> Path:
    if request.param == "bpy45":
        pytest.importorskip("bpy", reason="this Python has no bpy")
        return Path(sys.executable)
    return python_of(request.param)


def check_in_blender(found):
    assert found["family"] == "rigify-ik" and found["moved"] > 0.5
    assert {path: value for path, value in found["props"]["ik"].items() if path.endswith('["IK_FK"]')} == {
        f'pose.bones["{limb}_parent.{side}"]["IK_FK"]': 0.0 for limb in ("upper_arm", "thigh") for side in "LR"
    }
    roles = [f"{end}_ik_{side}" for end in ("hand", "foot", "toe") for side in "lr"]
    more = set(found["keyed"]["ik"]) - set(found["keyed"]["fk"])
    assert more == {found["roles"][role] for role in roles}
    for far_m, turned_deg in found["ends"].values():
        assert far_m < 0.002 and turned_deg < 3.0
    # Rigify's own IK shortens and lengthens limbs a little, which moves the joints between
    assert max(far_m for far_m, _ in found["middles"].values()) < 0.05


def test_hands_feet_and_toes_lie_as_by_fk_controls(python):
    check_in_blender(script(python, "scene_ik.py", "basic"))


def test_so_do_fingers():
    pytest.importorskip("bpy", reason="this Python has no bpy")
    found = script(sys.executable, "scene_ik.py", "human")
    check_in_blender(found)
    assert len(found["fingers"]) == 6
    assert all(far_m < 0.002 and turned_deg < 3.0 for far_m, turned_deg in found["fingers"].values())


@pytest.mark.parametrize("root", ROOTS)
def test_controls_go_with_their_ends_whoever_travels(root):
    rig = ik_rig()
    rig_motion = to_rig(motion_on(standard(), np.random.default_rng(3)), rig, root=root)
    poses = pose_matrices(rig, rig_motion)
    for end in ("hand", "foot"):
        for side in "lr":
            at, control = (rig.index(rig.roles[role][0]) for role in (f"{end}_{side}", f"{end}_ik_{side}"))
            wanted = poses[:, at] @ np.linalg.inv(rig.rest[at]) @ rig.rest[control]
            np.testing.assert_allclose(poses[:, control], wanted, atol=1e-4)


def test_the_fk_controls_still_tell_the_motion():
    rig = ik_rig()
    motion = motion_on(skeleton_of(rig), np.random.default_rng(5))
    by_fk = chains.by_controls(recognise(record(HUMAN))).rig
    one, two = (from_rig(to_rig(motion, r), r) for r in (rig, by_fk))
    np.testing.assert_allclose(quat.angle(one.lrot, two.lrot), 0.0, atol=1e-4)


def test_a_knee_that_goes_straight_and_a_little_beyond_keeps_its_pole_in_front():
    rig, body, frames = ik_rig(), standard(), 61
    lrot = np.tile(quat.IDENTITY, (frames, len(body), 1))
    bend = np.linspace(1.0, -0.05, frames)
    lrot[:, body.index("shin_l")] = quat.from_axis_angle(np.tile([1.0, 0.0, 0.0], (frames, 1)), bend)
    motion = Motion(body, lrot, np.tile(body.offsets[0], (frames, 1)), 30.0)
    poses = pose_matrices(rig, to_rig(motion, rig, plant_feet=False))[:, :, :3, 3]
    pole, knee = (poses[:, rig.index(rig.roles[role][0])] for role in ("knee_pole_l", "shin_l"))
    away = (pole - knee) / np.linalg.norm(pole - knee, axis=-1, keepdims=True)
    assert (away[:, 1] < -0.7).all()
    steps = np.degrees(np.arccos(np.clip((away[1:] * away[:-1]).sum(-1), -1.0, 1.0)))
    assert steps.max() < 5.0


def test_a_rig_without_ik_controls_is_refused_in_a_sentence():
    with pytest.raises(BadInput) as refused:
        chains.by_controls(recognise(record("mixamo")), "ik")
    assert refused.value.code == "no_ik_controls"
    with pytest.raises(BadInput, match="no controls called"):
        chains.by_controls(recognise(record(HUMAN)), "both")


def test_the_command_line_chooses_for_one_clip_and_for_a_batch(tmp_path):
    pytest.importorskip("bpy", reason="this Python has no bpy")
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in "ab":
        write_bvh(clips / f"{name}.bvh", *motion_to_rig(motion_on(standard(), np.random.default_rng(1))))
    families = []
    for source, out in ((clips / "a.bvh", "a.blend"), (clips, "all/")):
        report = tmp_path / f"{len(families)}.json"
        words = ["retarget", source, "--to", "rigify", "--controls", "ik", "--out", f"{tmp_path}/{out}"]
        done = subprocess.run(
            [sys.executable, "-m", "poseloom", *map(str, words), "--report", report, "--progress", "none"],
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told = json.loads(report.read_text())
        families += [row["family"] for row in told.get("rows", [told])]
        if "switches" in told:
            assert told["switches"]['pose.bones["thigh_parent.L"]["IK_FK"]'] == 0.0
    assert families == ["rigify-ik"] * 3
