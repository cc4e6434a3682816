"""The main job on real pictures: a video becomes an animated character, and the demo is made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, need

from poseloom import cli, demo
from poseloom.media import open_clip
from poseloom.motion import png, quat, skeleton
from poseloom.motion.layouts import layout
from poseloom.motion.types import Keypoints, Motion


@pytest.fixture(scope="module")
def squats(data, tmp_path_factory):
    """The report and files of one run on a real video."""
    pytest.importorskip("mediapipe")
    pytest.importorskip("bpy", reason="this Python has no bpy")
    folder = tmp_path_factory.mktemp("squats")
    words = [
        "animate", data / "media" / "pose_squats.mp4", "--to", "mixamo", "--out", folder / "o.glb", "--end", "20",
        "--report", folder / "r.json", "--joints", folder / "j.npz", "--overlay", folder / "o.mp4", "--height", "1.7",
    ]  # fmt: skip
    command = [sys.executable, "-m", "poseloom", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_video_becomes_an_animated_character(squats):
    report = json.loads((squats / "r.json").read_text())
    assert report["frames"] == 20 and report["fps"] == 5.0
    assert report["family"] == "mixamo" and report["bones_keyed"] > 18
    assert {"estimate", "solve", "overlay", "retarget", "bake", "save"} <= set(report["seconds"])
    with np.load(squats / "j.npz") as npz:
        height = npz["gpos"][:, list(npz["names"]).index("pelvis"), 2]
    # she squats: the hips go down by a fifth of a metre or more
    assert 0.2 < height.max() - height.min() < 0.8
    assert {p.name for p in squats.iterdir()} == {"o.glb", "r.json", "j.npz", "o.mp4"}


def test_keypoints_alone(data, capsys, tmp_path):
    pytest.importorskip("mediapipe")
    code = cli.main(["pose", str(data / "media" / "pose.jpg"), "--out", str(tmp_path / "k.json")])
    said, wrong = capsys.readouterr()
    assert code == 0 and (tmp_path / "k.json").exists(), wrong
    assert said == f"{tmp_path / 'k.json'}: 1 frame of person 1.\n"


def test_the_sample_clip_comes_near_its_truth(monkeypatch):
    """Nothing is tuned on that truth; see the head of the benchmark for how joints are compared."""
    pytest.importorskip("mediapipe")
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "benchmarks"))
    import main_job

    figures = {}
    main_job.accuracy(figures)
    assert figures["raw_mpjpe_mm"] < 120.0
    assert figures["solved_mpjpe_mm"] < 80.0 and figures["solved_mpjpe_mm"] < figures["raw_mpjpe_mm"]
    assert figures["retargeted_mpjpe_mm"] < figures["solved_mpjpe_mm"] + 10.0  # the rig adds little
    assert figures["floor_mpjpe_mm"] < 40.0  # what is left with perfect eyes, on another body
    assert figures["solved_travel_mm"] < 120.0  # he goes more than 1.5 m


def raised_arm(frames: int) -> Motion:
    body = skeleton.standard()
    lrot = np.tile(quat.IDENTITY, (frames, len(body), 1))
    lrot[:, body.index("forearm_l")] = quat.from_axis_angle([[0.0, 1.0, 0.0]], -np.linspace(0.0, 1.5, frames))
    return Motion(body, lrot, np.tile(body.offsets[0], (frames, 1)), 30.0)


def test_the_film_of_the_demo_is_seen_from_the_clips_side():
    """Joints as a camera turned by 40 degrees sees them: that turn is found, whoever faces whom."""
    motion, yaw = raised_arm(30), np.radians(40.0)
    names = layout("blazepose").names
    gpos = skeleton.motion_fk(motion)[1]
    xyz = np.full((30, len(names), 3), 0.0)
    for joint, point in demo._POINTS.items():
        for side in "lr":
            place = gpos[:, motion.skeleton.index(f"{joint}_{side}")]
            xyz[:, names.index(f"{point}_{side}")] = quat.rotate(quat.from_axis_angle([0, 0, 1], -yaw), place)
    xyz[3] = np.nan
    seen = Keypoints("blazepose", xyz[..., :2], xyz, np.ones(xyz.shape[:2]), (64, 64), 30.0)
    assert demo.camera_yaw_rad(seen, motion) == pytest.approx(yaw, abs=1e-4)


@pytest.mark.slow
def test_the_demo_without_a_network(tmp_path):
    """In a network of its own, which has loopback only: nothing is fetched from anywhere."""
    pytest.importorskip("mediapipe")
    pytest.importorskip("bpy", reason="this Python has no bpy")
    alone = ["unshare", "--net", "--map-root-user"] if os.geteuid() else ["unshare", "--net"]
    may = subprocess.run([*alone, "true"], capture_output=True).returncode == 0
    need(may, "the right to leave the network (unshare --net)")
    done = subprocess.run(
        [*alone, sys.executable, "-m", "poseloom", "demo", "--out", str(tmp_path / "demo")],
        capture_output=True, text=True, timeout=1200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = {p.name for p in (tmp_path / "demo").iterdir()}
    assert made == {*demo.NAMES, "sample.mp4", "diffusion"}
    for name in demo.NAMES:
        assert name in done.stdout
    # the film shows every frame of the clip, at its rate, with the character beside it
    clip, film = (open_clip(tmp_path / "demo" / name) for name in ("sample.mp4", "demo.mp4"))
    assert sum(1 for _ in clip) == sum(1 for _ in film) and clip.fps == film.fps
    assert film.size == (640 + 480, 480)

    script = [sys.executable, Path(__file__).parent / "blender" / "scene_demo.py", tmp_path / "demo" / "demo.blend"]
    told = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    found = json.loads(next(line for line in told.splitlines() if line.startswith("RESULT "))[len("RESULT ") :])
    frames = json.loads((tmp_path / "demo" / "report.json").read_text())["frames"]
    assert found["action"] == "Mixamo|demo" and found["frames"] == found["scene_frames"] == [1, frames]
    held = frames // demo.FRAMES * demo.FRAMES
    assert found["strips"] == [["MOVIE", "//sample.mp4", 1, frames + 1], ["IMAGE", "//diffusion/frames/", 1, held + 1]]
    assert found["fps"] == clip.fps and found["made_by"] == ["CC0-1.0"]
    assert found["objects"] == ["ARMATURE", "CAMERA", "MESH"] and found["materials"] > 4
    pictures = sorted((tmp_path / "demo" / "diffusion" / "frames").glob("*.png"))
    assert len(pictures) == demo.FRAMES and png.words(pictures[0])["Comment"] == "made with AI"
    sheet = png.read(tmp_path / "demo" / "diffusion.png")
    assert sheet.shape == (3 * 256, demo.FRAMES * 256, 3)
