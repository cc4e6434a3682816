"""Odd and bad input from the command line: one sentence and a way out, or an animation that says what it lacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from clips import numbered, write, write_sound
from test_headless import characters  # noqa: F401  fixture

from poseloom import cli, pipelines
from poseloom.media import open_clip, write_video
from poseloom.motion import quat, skeleton
from poseloom.motion.bvh import motion_to_rig, read_bvh, write_bvh
from poseloom.motion.types import Keypoints, Motion

pytest.importorskip("av", reason="media needs PyAV")


@pytest.fixture
def body(tmp_path) -> Path:
    """A character that needs no Blender, and a clip as well: it raises an arm."""
    standard = skeleton.standard()
    lrot = np.tile(quat.IDENTITY, (12, len(standard), 1))
    lrot[:, standard.index("upper_arm_l")] = quat.from_axis_angle([[0.0, 1.0, 0.0]], np.linspace(0.0, 1.0, 12))
    motion = Motion(standard, lrot, np.tile(standard.offsets[0], (12, 1)), 30.0)
    write_bvh(tmp_path / "body.bvh", *motion_to_rig(motion))
    return tmp_path / "body.bvh"


@pytest.fixture
def run(capsys):
    """(exit code, stdout, stderr) of words."""

    def inner(*words):
        code = cli.main([str(word) for word in words])
        return (code, *capsys.readouterr())

    return inner


def refused(result, out: Path) -> str:
    """The sentence and the way out, where that is all that was said, and nothing was written into `out`."""
    code, said, wrong = result
    assert code == 2, result
    assert said == "" and len(wrong.splitlines()) == 1 and "Traceback" not in wrong, result
    assert wrong.count(". ") >= 1 and wrong.rstrip().endswith((".", '"'))
    assert not out.exists() or list(out.iterdir()) == []
    return wrong


# media


@pytest.mark.parametrize("verb", ["animate", "pose"])
@pytest.mark.parametrize(
    "name, says",
    [
        ("notes.mp4", "notes.mp4 is not a video"),
        ("empty.mp4", "empty.mp4 is empty"),
        ("song.m4a", "song.m4a holds only sound"),
        ("cut.mp4", "cut.mp4 is cut off"),
        ("bars.mp4", "No person was found in any of the 4 frames of bars.mp4"),
        ("gone.mp4", "gone.mp4"),
    ],
)
def test_media_in_which_there_is_nothing_to_see(verb, name, says, run, body, tmp_path):
    if name == "bars.mp4":
        pytest.importorskip("mediapipe")
    (tmp_path / "notes.mp4").write_text("dear diary " * 500)
    (tmp_path / "empty.mp4").touch()
    write_sound(tmp_path / "song.m4a")
    whole = write(tmp_path / "bars.mp4", map(numbered, range(4)))
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[:-500])
    out = tmp_path / "out"
    words = {
        "animate": ("--to", body, "--out", out / "o.bvh", "--report", out / "r.json"),
        "pose": ("--out", out / "o.json", "--overlay", out / "o.mp4"),
    }
    assert says in refused(run(verb, tmp_path / name, *words[verb]), out)


@pytest.fixture(scope="module")
def squats(data) -> list:
    """Twelve real pictures, a fifth of a second apart."""
    pytest.importorskip("mediapipe")
    return [frame.rgb for frame in open_clip(data / "media" / "pose_squats.mp4", end="12")]


@pytest.fixture
def animated(run, body, tmp_path):
    """(report, joints) of a clip that is animated, whatever is odd about it."""

    def inner(clip: Path) -> tuple:
        out = tmp_path / "out"
        done = run(
            "animate", clip, "--to", body, "--out", out / "o.bvh", "--report", out / "r.json", "--joints", out / "j.npz"
        )
        assert done[0] == 0 and done[2] == "", done
        report = json.loads((out / "r.json").read_text())
        assert all(warning in done[1] for warning in report["warnings"])
        with np.load(out / "j.npz", allow_pickle=False) as joints:
            gpos = joints["gpos"]
        assert np.isfinite(gpos).all() and len(gpos) == report["frames"] == len(read_bvh(out / "o.bvh")[1])
        return report, gpos

    return inner


def test_a_person_in_part_of_the_frames(squats, animated, tmp_path):
    """She is gone before, within and after the clip: it keeps its length, says so, and nothing leaps meanwhile."""
    empty = [np.full_like(squats[0], 128)] * 4
    clip = write_video(tmp_path / "part.mp4", [*empty, *squats[:6], *empty, *squats[6:], *empty], 5)
    report, gpos = animated(clip)
    assert report["frames"] == 24 and report["found_share"] == 0.5
    said = " ".join(report["warnings"])
    assert "Nobody was seen in 12 of 24 frames" in said
    for times in ("0.00 s to 0.80 s", "2.00 s to 2.80 s", "4.00 s to 4.80 s"):
        assert f"From {times} nobody is seen" in said
    np.testing.assert_allclose(gpos[:4], gpos[[4] * 4], atol=1e-5)  # held before she comes
    np.testing.assert_allclose(gpos[-4:], gpos[[-5] * 4], atol=1e-5)  # and after she has gone
    steps_m = np.linalg.norm(np.diff(gpos, axis=0), axis=-1)
    assert steps_m[9:14].max() < steps_m.max() + 1e-6 and steps_m.max() < 0.6
    pelvis_m = gpos[:, 0, 2]
    assert 0.3 < pelvis_m.min() and pelvis_m.max() < 1.2


def test_pose_tells_who_is_not_in_sight_for_long(run, tmp_path, monkeypatch):
    def person(number: int, missing: int, frames: int) -> Keypoints:
        xy = np.ones((frames, 33, 2))
        xy[:missing] = np.nan
        xy[missing:, 5] = np.nan  # single points do not matter
        return Keypoints("blazepose", xy, None, np.ones((frames, 33)), (64, 48), 20.0, person=number)

    people: list = []
    monkeypatch.setattr(pipelines, "media_to_people", lambda *_: people)
    (tmp_path / "v.mp4").touch()
    for people, says in (
        ([person(1, 3, 20)], ["Nobody was seen in 3 of 20 frames."]),  # over a tenth
        ([person(1, 11, 200)], ["Nobody was seen in 11 of 200 frames."]),  # over half a second
        ([person(1, 2, 20)], []),
        ([person(1, 10, 200)], []),
        ([person(1, 0, 20), person(2, 12, 20)], ["Person 2 was not seen in 12 of 20 frames."]),
    ):
        code, said, wrong = run("pose", tmp_path / "v.mp4", "--out", tmp_path / "k.json", "--overwrite", "--progress", "none")
        assert (code, wrong) == (0, "") and [line.strip() for line in said.splitlines()[1:]] == says


def test_one_frame(squats, animated, tmp_path):
    report, gpos = animated(write_video(tmp_path / "one.mp4", squats[:1], 5))
    assert report["frames"] == 1 and report["warnings"] == []
    assert 0.8 < gpos[0, :, 2].max() - gpos[0, :, 2].min() < 2.0  # she squats


def test_4k_and_a_phone_on_its_side_move_alike(squats, animated, tmp_path):
    _, plain = animated(write_video(tmp_path / "plain.mp4", squats[:4], 5))
    large = [rgb.repeat(3, axis=0).repeat(3, axis=1) for rgb in squats[:4]]
    lying = [np.rot90(rgb, -1) for rgb in squats[:4]]
    for clip in (
        write_video(tmp_path / "4k.mp4", large, 5),
        write(tmp_path / "lying.mp4", lying, fps=5, rotation=90, crf=14),
    ):
        for old in (tmp_path / "out").iterdir():
            old.unlink()
        assert sorted(open_clip(clip).size) in ([720, 1280], [2160, 3840])
        _, gpos = animated(clip)
        apart_m = np.linalg.norm(gpos - gpos[:, :1] - plain + plain[:, :1], axis=-1)
        assert apart_m.mean() < 0.06, clip.name


def test_what_is_left_of_a_cut_off_video(squats, animated, tmp_path):
    whole = write(tmp_path / "whole.mp4", squats, fps=5, movflags="faststart").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    report, _ = animated(tmp_path / "cut.mp4")
    assert 2 < report["frames"] < 12 and "cut.mp4 is cut off" in " ".join(report["warnings"])


def test_where_nothing_may_be_written(run, body, tmp_path):
    """Refused before a frame is decoded, so the clip need not even be one."""
    (tmp_path / "clip.mp4").write_text("no clip")
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", *([Path("/proc")] if Path("/proc/self").exists() else [])):
        for words in (
            ("animate", tmp_path / "clip.mp4", "--to", body, "--out", folder / "o.bvh"),
            ("pose", tmp_path / "clip.mp4", "--out", folder / "o.json"),
        ):
            assert f"Cannot write to {folder}" in refused(run(*words), tmp_path / "out")


# characters


@pytest.mark.parametrize(
    "who, says",
    [
        ("snake", "no left thigh"),
        ("linked", "library override"),
        ("two", "Hero, Second"),
        ("cube", "armature"),
        ("newer", "saved by Blender"),
        ("broken", "broken.blend"),
    ],
)
def test_characters_that_cannot_be_animated(who, says, characters, run, body, tmp_path):  # noqa: F811
    hero = Path(characters["hero"]).read_bytes()
    (tmp_path / "newer.blend").write_bytes(b"BLENDER17-01v0999" + hero[17:])
    (tmp_path / "broken.blend").write_bytes(b"BLENDER-v300 and then nothing of use" * 20)
    path = characters.get(who, tmp_path / f"{who}.blend")
    out = tmp_path / "out"
    assert says in refused(run("retarget", body, "--to", path, "--out", out / "o.blend"), out)


def test_a_skeleton_without_recognisable_bones(run, body, tmp_path):
    joint = "{\nOFFSET 0 1 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n"
    rings = "".join(f"{'JOINT' if i else 'ROOT'} ring{i}\n{joint}" for i in range(9))
    tail = "End Site\n{\nOFFSET 0 1 0\n}\n" + "}\n" * 9
    moves = "MOTION\nFrames: 1\nFrame Time: 0.04\n" + "0 " * 27
    (tmp_path / "snake.bvh").write_text(f"HIERARCHY\n{rings}{tail}{moves}\n")
    out = tmp_path / "out"
    for clip, to in ((body, tmp_path / "snake.bvh"), (tmp_path / "snake.bvh", body)):
        assert "no left thigh" in refused(run("retarget", clip, "--to", to, "--out", out / "o.bvh"), out)


@pytest.mark.parametrize("who", ["turned", "override"])
def test_characters_that_are_odd_and_animated(who, characters, run, body, tmp_path):  # noqa: F811
    """Scaled, turned and moved; linked, with a library override."""
    out = tmp_path / "o.blend"
    code, said, wrong = run("retarget", body, "--to", characters[who], "--out", out)
    assert (code, wrong) == (0, "") and "9 frames at 24 fps" in said and out.stat().st_size > 1000


# the backend


def test_a_port_that_is_taken(tmp_path):
    pytest.importorskip("fastapi")
    from poseloom.server import launch

    with launch.listen("127.0.0.1", None) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "poseloom", "serve", "--port", port], capture_output=True, text=True, timeout=60,
            env={**os.environ, "POSELOOM_HOME": str(tmp_path)},
        )  # fmt: skip
    assert f"Port {port}" in refused((done.returncode, done.stdout, done.stderr), tmp_path / "out")
    assert not (tmp_path / "server.json").exists()


def test_a_backend_without_its_packages(run, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "poseloom.server.app", raising=False)
    monkeypatch.setitem(sys.modules, "fastapi", None)  # as Python marks what cannot be imported
    assert 'needs the Python package "fastapi"' in refused(run("serve"), tmp_path / "out")
