"""Characters in Blender without a window: keys, files, evaluated bones; each Blender in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, need, python_of

from poseloom import blender
from poseloom.errors import BadInput, Cancelled, PoseloomError, Unavailable
from poseloom.motion import quat, skeleton
from poseloom.motion.files import motion_to_bytes, partial_path
from poseloom.motion.types import Motion

SCRIPTS = ROOT / "tests" / "blender"
VERSIONS = ["bpy45", *(pytest.param(name, marks=pytest.mark.matrix) for name in ("bpy42", "bpy50", "bpy52"))]


def script(python, name, *arguments, **environment):
    """What a script of tests/blender/ returns."""
    done = subprocess.run(
        [python, SCRIPTS / name, *map(str, arguments)], capture_output=True, text=True, timeout=300,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))[7:])


@pytest.fixture(params=VERSIONS)
def python(request) -> Path:
    if request.param == "bpy45":
        pytest.importorskip("bpy", reason="this Python has no bpy")
        return Path(sys.executable)
    return python_of(request.param)


@pytest.fixture(scope="session")
def characters(tmp_path_factory) -> dict:
    """{name: .blend} of scene_characters.py."""
    pytest.importorskip("bpy", reason="this Python has no bpy")
    return script(sys.executable, "scene_characters.py", tmp_path_factory.mktemp("characters"))


@pytest.fixture
def hero(python, characters, tmp_path) -> str:
    """A character file that this Blender can read: 4.2 makes its own."""
    older = "bpy42" in str(python)
    return script(python, "scene_characters.py", tmp_path)["hero"] if older else characters["hero"]


@pytest.fixture
def task(tmp_path) -> dict:
    """A bake of a short motion; a test adds the character and the output."""
    body, frames = skeleton.standard(), 12
    lrot = np_identity(frames, len(body))
    swing = quat.from_axis_angle([[1.0, 0.0, 0.0]], 0.5 * np_sin(frames))
    lrot[:, body.index("thigh_l")] = swing
    root = lrot[:, 0, 1:] + body.offsets[0]
    (tmp_path / "motion.npz").write_bytes(motion_to_bytes(Motion(body, lrot, root, 24.0)))
    return {"do": "bake", "motion": str(tmp_path / "motion.npz"), "clip": "swing"}


def np_identity(frames, joints):
    import numpy as np

    return np.tile(quat.IDENTITY, (frames, joints, 1))


def np_sin(frames):
    import numpy as np

    return np.sin(np.linspace(0.0, 6.0, frames))


# keys


@pytest.fixture(params=VERSIONS)
def keys(request, tmp_path_factory):
    if request.param == "bpy45":
        pytest.importorskip("bpy", reason="this Python has no bpy")
        python = Path(sys.executable)
    else:
        python = python_of(request.param)
    import clips

    clip = clips.write(tmp_path_factory.mktemp("clip") / "clip.mp4", [clips.numbered(i) for i in range(24)], fps=24)
    return script(python, "scene_keys.py", CLIP=str(clip))


def test_keys_read_back_are_the_motion_written(keys):
    """In every rotation mode, with and without inherited rotation and local location."""
    assert keys["rotation_error_deg"] < 1e-3
    assert keys["location_error"] < 1e-5
    assert keys["location_where_unkeyed"] < 1e-5
    # and the kernel's own idea of what such keys do is Blender's
    assert keys["kernel_apart_from_blender"] < 1e-4
    # curves that an animator can read: no flip of a sign, no jump of a turn
    assert keys["largest_jump"] < 1.0
    assert keys["first_frame"] == 5.0 and keys["interpolation"] == "LINEAR" and keys["groups_are_bones"]
    # a switch has a key where it changes
    assert keys["switch_keys"] == [[5.0, 0.0, "CONSTANT"], [55.0, 1.0, "CONSTANT"]]
    # nothing else is touched
    assert keys["modes_kept"] and keys["transform_kept"]
    assert keys["kept_on_track"] == [True, True, 1]
    assert keys["kept_by_fake_user"] == [True, "third"]
    assert keys["refused"] == ["missing_bones", 0, "third"]
    assert keys["cancelled"] == [0, "third"]
    # 24 frames at 24 fps are 12 frames of a scene at 12; the second clip found a channel of its own
    first, speed, second, _ = keys["strips"]
    assert first[:4] == ["MOVIE", 5, 17, 1] and first[4] == "//clip.mp4"
    assert speed[:3] == ["SPEED", 5, 17]
    assert second[1:3] == [8, 20] and second[3] > speed[3]


# what the character does


def follows(found):
    """Arms lie as the motion's to the hundredth of a degree; legs may bend a little so that the feet stand."""
    arms = [angle for limb, angle in found["worst_deg"].items() if "arm" in limb]
    legs = [angle for limb, angle in found["worst_deg"].items() if "arm" not in limb]
    assert max(arms) < 0.01 and max(legs) < 6.0, found["worst_deg"]


@pytest.mark.parametrize("who", ["mixamo", "unreal", "makehuman", "cmu", "rigify"])
def test_the_deforming_limbs_lie_as_the_motion_says(who, python):
    found = script(python, "scene_limbs.py", who)
    assert found["family"] == who
    assert len(found["worst_deg"]) == 8
    assert who == "rigify" or found["bake_error_m"] < 1e-4
    follows(found)
    assert -1.8 < found["walked_m"][1] < -1.3 and abs(found["walked_m"][0]) < 0.05
    assert found["lowest_ankle_m"] == pytest.approx(found["rest_ankle_m"], abs=0.01)


def test_without_its_switches_rigify_does_not_follow():
    """The test above can fail: limbs left in IK stay where they are."""
    pytest.importorskip("bpy", reason="this Python has no bpy")
    found = script(sys.executable, "scene_limbs.py", "rigify", "unkeyed")
    assert min(found["worst_deg"].values()) > 30.0


@pytest.mark.parametrize("name", ["Knight.glb", "RobotExpressive.glb"])
def test_foreign_characters_follow_too(name, data):
    found = script(sys.executable, "scene_limbs.py", data / "rigs" / name)
    # what Blender makes of the keys is what the kernel computed
    assert found["bake_error_m"] < 1e-3
    assert len(found["worst_deg"]) >= 6
    assert max(angle for limb, angle in found["worst_deg"].items() if "arm" in limb) < 0.01
    assert abs(found["start_m"][0]) < 0.1 and found["lowest_ankle_m"] > -0.05


def test_a_character_that_was_moved_turned_and_scaled_walks_from_there(characters):
    found = script(sys.executable, "scene_limbs.py", characters["turned"])
    follows(found)
    assert found["start_m"] == pytest.approx([3.0, 2.0, found["start_m"][2]], abs=0.02)
    # a quarter turn to its left: it walks along +X, and as far as the motion does
    assert found["walked_m"] == pytest.approx([1.56, 0.0, 0.0], abs=0.02)


# files


@pytest.mark.parametrize("ending", [".blend", ".fbx", ".glb", ".bvh"])
def test_a_written_character_is_read_again(ending, python, task, hero, tmp_path, monkeypatch):
    out = tmp_path / f"out{ending}"
    run = on(python, monkeypatch)
    done = run({**task, "character": {"path": hero}, "out": str(out)})
    # the scene of the file stays at its 24 fps, and the bones are the file's
    assert done["frames"] == 12 and done["family"] == "mixamo" and done["action"] == "Hero|swing"
    assert out.stat().st_size > 1000 and not partial_path(out).exists()
    if ending == ".bvh":
        from poseloom.motion.bvh import read_bvh

        rig, motion = read_bvh(out)
        assert len(motion) == 12 and "mixamorig:LeftUpLeg" in rig.bones
    elif python == Path(sys.executable):  # what a newer Blender wrote is refused, see below
        again = run({**task, "character": {"path": str(out)}, "out": str(tmp_path / "again.blend")})
        assert again["bones_keyed"] == done["bones_keyed"]


@pytest.mark.parametrize("who", ["mixamo", "rigify"])
def test_what_is_exported_moves_the_same(who, python, tmp_path):
    """Every deforming bone, in every frame, read back from each format."""
    apart = script(python, "scene_export.py", who, tmp_path)
    assert set(apart) == {".blend", ".fbx", ".glb", ".bvh"}
    assert max(apart.values()) < 1e-4, apart


def test_an_exported_action_keeps_its_name_and_begins_at_once(python, tmp_path):
    """Keyed from frame 7 on, above a track of the user's that plays alone."""
    seen = script(python, "scene_takes.py", tmp_path)
    (name, first_s, last_s), *more = seen["glb"]
    assert (name, first_s, more) == ("Hero|walk", 0, []) and last_s == pytest.approx(11 / 30)
    # Blender reads FBX from frame 1 on, glTF from frame 0; 4.2 adds the object's name to a glTF action's
    assert seen[".fbx"] == [["Hero|walk", 1.0, 12.0]]
    assert [action[1:] for action in seen[".glb"]] == [[0.0, 11.0]] and seen[".glb"][0][0].startswith("Hero|walk")
    if Path("/proc/self").exists():  # where even root may not write
        for ending, sentence in seen["refused"].items():
            assert sentence == f"Cannot write /proc/out{ending}: /proc is not writable. Choose another folder."


def on(python, monkeypatch):
    """`blender.run` with the bpy of another Python."""
    monkeypatch.setattr(sys, "executable", str(python))
    return blender.run


@pytest.mark.parametrize(
    "name, code",
    [("two", "several_armatures"), ("cube", "no_armature"), ("snake", "not_humanoid"), ("linked", "linked_armature")],
)
def test_a_character_that_cannot_be_animated_is_refused(name, code, task, characters, tmp_path):
    with pytest.raises(BadInput) as refused:
        blender.run({**task, "character": {"path": characters[name]}, "out": str(tmp_path / "out.blend")})
    assert refused.value.code == code and refused.value.hint
    assert not (tmp_path / "out.blend").exists()


def test_the_missing_bones_are_listed(task, characters):
    with pytest.raises(BadInput, match="no pelvis.*no left thigh.*no right forearm"):
        blender.run({**task, "character": {"path": characters["snake"]}})


def test_the_armature_is_chosen_by_name(task, characters, tmp_path):
    wish = {"path": characters["two"], "armature": "Second"}
    assert blender.run({**task, "character": wish})["armature"] == "Second"
    with pytest.raises(BadInput, match="Hero, Second"):
        blender.run({**task, "character": {**wish, "armature": "Third"}})


def test_a_library_override_is_animated(task, characters, tmp_path):
    out = tmp_path / "out.blend"
    done = blender.run({**task, "character": {"path": characters["override"]}, "out": str(out)})
    assert done["bones_keyed"] > 15 and out.exists()


@pytest.mark.parametrize("head", [b"BLENDER-v499", b"BLENDER17-01v0999"])
def test_a_file_from_a_newer_blender_is_refused_with_that_reason(head, task, characters, tmp_path):
    newer = tmp_path / "newer.blend"
    newer.write_bytes(head + Path(characters["hero"]).read_bytes()[len(head) :])
    with pytest.raises(BadInput, match="saved by Blender") as refused:
        blender.run({**task, "character": {"path": str(newer)}})
    assert refused.value.code == "newer_blend" and "--blender" in refused.value.hint


@pytest.mark.matrix
def test_a_file_of_5_is_refused_by_42(task, characters, tmp_path, monkeypatch):
    """By the real thing: 4.2 cannot even read what 5.2 writes."""
    out = tmp_path / "new.blend"
    on(python_of("bpy52"), monkeypatch)({**task, "character": {"path": characters["hero"]}, "out": str(out)})
    with pytest.raises(BadInput, match="5.2"):
        on(python_of("bpy42"), monkeypatch)({**task, "character": {"path": str(out)}})


def test_a_damaged_file_is_refused(task, tmp_path):
    for name in ("broken.blend", "broken.fbx", "broken.glb"):
        (tmp_path / name).write_bytes(b"BLENDER-v300 and then nothing of use" * 20)
        with pytest.raises(BadInput, match=name):
            blender.run({**task, "character": {"path": str(tmp_path / name)}})


# the process


def test_a_blender_that_is_not_there(tmp_path):
    with pytest.raises(BadInput) as refused:
        blender.run({"do": "versions"}, blender=tmp_path / "blender")
    assert refused.value.code == "no_blender"


@pytest.mark.parametrize("program, why", [("/bin/true", "code 0"), ("/bin/false", "code 1"), (__file__, "denied")])
def test_a_program_that_is_no_blender_is_bad_input(program, why):
    need(Path(program).is_file(), program)
    with pytest.raises(BadInput, match="is no Blender") as refused:
        blender.run({"do": "versions"}, blender=program)
    assert why in refused.value.message and refused.value.code == "no_blender" and "path" in refused.value.hint


def test_without_the_package_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(blender.importlib.util, "find_spec", lambda name: None if name == "bpy" else REAL(name))
    with pytest.raises(Unavailable, match="pip install"):
        blender.run({"do": "versions"})


REAL = blender.importlib.util.find_spec


def test_a_failure_of_ours_is_told_as_one():
    with pytest.raises(PoseloomError) as failed:
        blender.run({"do": "no such task"})
    assert failed.value.exit_code == 1 and "no such task" in failed.value.message


def test_a_cancelled_blender_is_gone_within_a_second(task, tmp_path, monkeypatch):
    """Cancelled while it builds Rigify; no process and no file stay, nor a temporary one."""
    monkeypatch.setattr(blender.tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    me, seen = psutil.Process(), []
    before = {child.pid for child in me.children()}

    def report(fraction, text):
        seen.extend(child.pid for child in me.children() if child.pid not in (*seen, *before))
        if text == "Opening the character" and seen:
            stopped.append(time.monotonic())
            raise Cancelled

    stopped, out = [], tmp_path / "out.blend"
    with pytest.raises(Cancelled):
        blender.run({**task, "character": {"preset": "rigify"}, "out": str(out)}, report=report)
    assert time.monotonic() - stopped[0] < 1.0
    assert seen and not any(psutil.pid_exists(pid) for pid in seen)
    assert not out.exists() and not partial_path(out).exists()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_blender_leaves_when_whoever_asked_is_killed(task, tmp_path):
    """No orphan goes on working when the command line is killed outright."""
    task_file = tmp_path / "task.json"
    task_file.write_text(json.dumps({**task, "character": {"preset": "rigify"}}), encoding="utf-8")
    code = f"import json\nfrom poseloom import blender\nblender.run(json.load(open({str(task_file)!r})))"
    asker = subprocess.Popen([sys.executable, "-c", code])
    try:
        child = wait_for(lambda: psutil.Process(asker.pid).children())[0]
        time.sleep(1.0)
    finally:
        asker.kill()
        asker.wait()
    gone, alive = psutil.wait_procs([child], timeout=10.0)
    assert gone and not alive


def wait_for(what, timeout_s=30.0):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if found := what():
            return found
        threading.Event().wait(0.05)
    raise AssertionError("it did not come in time")


# a look


def test_a_playblast_shows_the_whole_character_in_every_picture(task, tmp_path):
    import numpy as np
    from PIL import Image

    wish = {"folder": str(tmp_path), "size": [120, 160], "step": 4}
    done = blender.run({**task, "character": {"preset": "mixamo"}, "playblast": wish})
    assert [Path(p).name for p in done["pictures"]] == [f"frame_{frame:04d}.png" for frame in (1, 5, 9)]
    for path in done["pictures"]:
        rgb = np.asarray(Image.open(path).convert("RGB")).astype(int)
        assert rgb.shape == (160, 120, 3)
        # the blue shirt is in the picture, away from all edges; sky and floor are grey
        shirt = (rgb[..., 2] - rgb[..., 0] > 40) & (rgb[..., 2] < 170)
        rows, columns = np.nonzero(shirt)
        assert len(rows) > 200 and columns.min() > 5 and columns.max() < 115 and rows.min() > 10


@pytest.mark.matrix
def test_a_real_blender_program_does_the_same(task, characters, tmp_path, monkeypatch):
    """`--blender PATH`: a program instead of the package, here in a file system of its own."""
    root = Path(os.environ.get("BLENDER_GUI_ROOT") or Path.home() / ".cache" / "blender-gui" / "sid")
    need((root / ".stamp").exists(), "a real Blender (tests/blender/blender_gui.sh setup)")
    program = tmp_path / "blender"
    program.write_text(
        f"#!/bin/sh\nexport BLENDER_GUI_BIND={tmp_path}:{ROOT}\n"
        f'exec bash {SCRIPTS / "blender_gui.sh"} run blender "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(blender.tempfile, "tempdir", str(tmp_path))
    hero, out = tmp_path / "hero.blend", tmp_path / "out.blend"
    hero.write_bytes(Path(characters["hero"]).read_bytes())
    done = blender.run({**task, "character": {"path": str(hero)}, "out": str(out)}, blender=program)
    assert done["frames"] == 12 and out.stat().st_size > 1000
