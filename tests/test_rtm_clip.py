"""A whole clip, from pictures through a network without depth and the lifter onto a character."""

from __future__ import annotations

import json

import numpy as np
import pytest
from dots import NETWORKS, picture
from test_in_space import LIMBS, aligned_mm, apart_deg, flat, looking_about

from poseloom.cli import main
from poseloom.motion.bvh import motion_to_rig, read_bvh, write_bvh
from poseloom.motion.skeleton import motion_fk

pytest.importorskip("onnxruntime", reason="the network and the lifter need onnxruntime")


def test_a_clip_seen_by_a_network_becomes_a_motion_like_the_one_that_was_filmed(tmp_path):
    """Someone of 26 dots strolls; the network finds the dots to a few pixels, so the error is the lifter's."""
    from PIL import Image

    motion = looking_about(45)
    seen = flat(motion, "halpe26", yaw_rad=0.6)
    shots = tmp_path / "shots"
    shots.mkdir()
    for i, places in enumerate(0.75 * seen.xy):
        Image.fromarray(picture([np.nan_to_num(places)], (960, 540), 5.0)).save(shots / f"shot_{i:03d}.png")
    write_bvh(tmp_path / "body.bvh", *motion_to_rig(motion))
    code = main([
        "animate", str(shots / "shot_%03d.png"), "--fps", "30", "--model", str(NETWORKS / "simcc26.onnx"),
        "--to", str(tmp_path / "body.bvh"),
        "--out", str(tmp_path / "out.bvh"), "--joints", str(tmp_path / "joints.npz"), "--report", str(tmp_path / "report.json"),
        "--progress", "none",
    ])  # fmt: skip
    assert code == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["frames"] == 45 and report["found_share"] > 0.85, report  # first the whole picture is searched, by a network of 96 x 128
    with np.load(tmp_path / "joints.npz", allow_pickle=False) as joints:
        grot, gpos = joints["grot"].astype(float), joints["gpos"].astype(float)
    true_turns, true_places = motion_fk(motion)
    error = aligned_mm(gpos[:, LIMBS], true_places[:, LIMBS])
    assert error < 70.0, error
    for joint, most in (("shin_l", 20.0), ("forearm_r", 30.0), ("head", 25.0)):
        assert apart_deg(grot, true_turns, joint) < most, joint
    assert len(read_bvh(tmp_path / "out.bvh")[1]) == 45
