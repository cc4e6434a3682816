"""Clips that lie in files of other programs, several in one: read by Blender, then like any other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_batch import body, outputs, run  # noqa: F401  fixtures
from test_cli import refused, walk

from poseloom import cli, paths
from poseloom.errors import BadInput
from poseloom.motion import quat
from poseloom.motion.bvh import motion_to_rig, read_bvh, write_bvh


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    """A folder with one clip in every format that we write."""
    pytest.importorskip("bpy", reason="this Python has no bpy")
    folder = tmp_path_factory.mktemp("exported")
    (folder / "source").mkdir()
    write_bvh(folder / "source" / "walk.bvh", *motion_to_rig(walk(40)))
    for kind in ("fbx", "glb", "blend"):
        words = ("retarget", folder / "source", "--to", "mixamo", "--out", folder / kind, "--format", kind)
        assert cli.main([*map(str, words), "--jobs", "1"]) == 0
        (folder / kind / f"walk.{kind}").rename(folder / f"{kind}.{kind}")
    return folder


def test_clips_inside_files_of_other_programs_are_read(exported, body, run, tmp_path):
    """What went out as .fbx, .glb and .blend comes in again as it went out."""
    out, told = tmp_path / "out", tmp_path / "r.json"
    bad = tmp_path / "bad.fbx"
    bad.write_text("no FBX at all")
    words = (exported / "*.*", bad, exported / "source" / "walk.bvh", "--to", body, "--out", out)
    code, said, wrong = run("retarget", *words, "--report", told, "--jobs", 1)
    assert code == 3 and "4 of 5 clips done, 1 failed." in said and "bad.fbx cannot be read" in wrong
    rows = {Path(row["clip"]).name: row for row in json.loads(told.read_text())["rows"]}
    assert {name: row["state"] for name, row in rows.items()} == {
        "fbx.fbx": "done", "glb.glb": "done", "blend.blend": "done", "bad.fbx": "failed", "walk.bvh": "done"
    }  # fmt: skip
    _, source = read_bvh(out / "walk.bvh")
    arms = [read_bvh(body)[0].index(f"{joint}_{side}") for joint in ("upper_arm", "forearm") for side in "lr"]
    for name in ("fbx", "glb", "blend"):
        _, again = read_bvh(out / f"{name}.bvh")
        assert len(again) == len(source) == 40 and again.fps == pytest.approx(30.0, abs=0.01)
        assert np.degrees(quat.angle(again.basis[:, arms], source.basis[:, arms])).max() < 0.1
        assert rows[f"{name}.{name}"]["bone_deg"] < 2.0


def test_one_clip_of_another_program_becomes_one_file(exported, body, run, tmp_path):
    out = tmp_path / "one.bvh"
    code, said, _ = run("retarget", exported / "glb.glb", "--to", body, "--out", out)
    assert code == 0 and said.startswith(f"{out}: 40 frames at 30 fps")
    (tmp_path / "bad.glb").write_text("no glTF")
    assert "bad.glb cannot be read" in refused(run("retarget", tmp_path / "bad.glb", "--to", body, "--out", out))


def test_every_take_of_a_file_becomes_an_output(data, body, run, tmp_path):
    pytest.importorskip("bpy", reason="this Python has no bpy")
    out, told = tmp_path / "out", tmp_path / "r.json"
    robot = data / "rigs" / "RobotExpressive.glb"
    words = ("retarget", robot, "--to", body, "--out", out, "--report", told, "--jobs", 2)
    assert run(*words)[0] == 0
    rows = json.loads(told.read_text())["rows"]
    assert len(rows) == len(outputs(out)) == 14
    assert {f"{robot}|Walking", f"{robot}|Wave"} <= {row["clip"] for row in rows}
    assert (out / "RobotExpressive_Walking.bvh").exists()
    assert "14 kept" in run(*words, "--resume")[1]


def test_a_take_that_cannot_be_read_is_reported_and_the_others_go_on(data, body, run, tmp_path, monkeypatch):
    """The takes that are shorter than the time of --clip-rest have no such pose."""
    pytest.importorskip("bpy", reason="this Python has no bpy")
    monkeypatch.setenv("POSELOOM_HOME", str(tmp_path / "home"))
    out, told = tmp_path / "out", tmp_path / "r.json"
    robot = data / "rigs" / "RobotExpressive.glb"
    words = ("--to", body, "--out", out, "--report", told, "--jobs", 2, "--clip-rest", "1.5s")
    code, said, wrong = run("retarget", robot, *words)
    states = {row["clip"]: row["state"] for row in json.loads(told.read_text())["rows"]}
    assert code == 3 and states[f"{robot}|Wave"] == "done" and states[f"{robot}|Punch"] == "failed"
    assert f"{robot}|Punch: " in wrong and len(outputs(out)) == list(states.values()).count("done") > 1


@pytest.mark.parametrize("out, says", [
    ("b.blend", "b.blend ends in .blend, which is not possible here. End it in one of .fbx, .glb."),
    ("b", "b has no ending. End it in one of .fbx, .glb."),
])  # fmt: skip
def test_an_ending_that_is_excluded_is_told_as_that(tmp_path, out, says):
    with pytest.raises(BadInput) as error:
        paths.outputs(["a.bvh"], f"{tmp_path}/{out}", (".fbx", ".glb"), ".fbx", False)
    assert str(error.value) == f"--out {tmp_path}/{says}"


def test_what_is_no_clip_is_told_all_that_are(body, run, tmp_path):
    (tmp_path / "README.md").write_text("words")
    says = refused(run("retarget", tmp_path / "README.md", "--to", body, "--out", tmp_path / "out.bvh"))
    assert "README.md is no clip. Give a file that ends in .bvh, .npz, .fbx, .glb, .gltf, .blend." in says
