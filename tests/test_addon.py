"""The extension as a user gets it: from the zip, in Blender's own Python, in a process of its own."""

from __future__ import annotations

import ast
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT, python_of

import build_addon
from poseloom import client, settings

SCRIPTS = ROOT / "tests" / "blender"
VERSIONS = ["bpy45", *(pytest.param(name, marks=pytest.mark.matrix) for name in ("bpy42", "bpy50", "bpy52"))]


@pytest.fixture(scope="session")
def extension(tmp_path_factory) -> Path:
    return build_addon.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(params=VERSIONS)
def python(request) -> Path:
    """The Python of one Blender version; this one has 4.5."""
    if request.param == "bpy45":
        pytest.importorskip("bpy", reason="this Python has no bpy")
        return Path(sys.executable)
    return python_of(request.param)


def environment_of(home: Path) -> dict:
    """Variables that make `home` the user's folder, for Blender and for us; made if need be."""
    home.mkdir(exist_ok=True)
    ours = {"BLENDER_USER_RESOURCES": str(home), "POSELOOM_HOME": str(home / "data")}
    return {name: value for name, value in {**os.environ, **ours}.items() if name != "PYTHONPATH"}


def run_script(python, name, *arguments, home: Path) -> dict:
    """What a script of tests/blender/ returns, run with the user's folder `home`."""
    done = subprocess.run(
        [python, SCRIPTS / name, *arguments],
        env=environment_of(home), capture_output=True, text=True, timeout=300, cwd=home,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    return json.loads(line[len("RESULT ") :])


# the zip


def test_the_same_tree_gives_the_same_bytes(tmp_path):
    first, second = build_addon.build(tmp_path / "a"), build_addon.build(tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size < build_addon.LARGEST


def test_it_builds_with_nothing_but_python(tmp_path):
    run = subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "build_addon.py", "--out", tmp_path], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert list(tmp_path.glob("poseloom-*.zip"))


def test_the_wheel_holds_the_kernel_and_its_presets():
    files = build_addon.kernel_files()
    for name in ("motion/bvh.py", "rigs/presets/mixamo.toml", "retarget/__init__.py", "client.py", "grammar.py", "assets/body.npz"):
        assert f"poseloom/{name}" in files
    assert not [name for name in files if name.split("/")[1] in ("pose", "server", "pipelines.py", "media.py")]


def is_module(package: str, name: str) -> bool:
    place = ROOT / "backend" / package.replace(".", "/") / name
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists()


def test_the_wheel_needs_numpy_and_itself_alone():
    """Also inside functions: Blender's Python has nothing else, and the rest of the package is not there."""
    files = {name: data for name, data in build_addon.kernel_files().items() if name.endswith(".py")}
    there = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in files}
    allowed = set(sys.stdlib_module_names) | {"numpy"}
    for name, data in files.items():
        for node in ast.walk(ast.parse(data)):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                above = name.split("/")[: -node.level] if node.level else []
                module = ".".join([*above, *filter(None, [node.module])])
                modules = [module, *(f"{module}.{alias.name}" for alias in node.names if is_module(module, alias.name))]
            else:
                continue
            for module in modules:
                known = module in there if module.startswith("poseloom") else module.split(".")[0] in allowed
                assert known, f"{name}, line {node.lineno}: {module} is not in Blender"


def test_one_kernel_line_changes_the_wheels_version(tmp_path):
    tree = copy_tree(tmp_path)
    before, _ = build_addon.kernel_wheel(tree)
    with open(tree / "backend" / "poseloom" / "progress.py", "a") as file:
        file.write("# another line\n")
    after, _ = build_addon.kernel_wheel(tree)
    assert before != after
    assert before.partition("+")[0] == after.partition("+")[0]


def damaged(extension, change) -> bytes:
    """The zip's bytes after `change` has worked on {name: content}."""
    with zipfile.ZipFile(extension) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    return build_addon.zip_bytes(files)


def wheel_of(files) -> str:
    return next(name for name in files if name.endswith(".whl"))


def spoil_wheel(files):
    name = wheel_of(files)
    with zipfile.ZipFile(io.BytesIO(files[name])) as archive:
        inner = {entry: archive.read(entry) for entry in archive.namelist()}
    inner["poseloom/errors.py"] += b"\n"
    files[name] = build_addon.zip_bytes(inner)


@pytest.mark.parametrize(
    "change, complaint",
    [
        (lambda files: files.pop(wheel_of(files)), "which is not in the zip"),
        (lambda files: files.update({"wheels/other-1.0-py3-none-any.whl": b""}), "not in the manifest"),
        (spoil_wheel, "differs from its hash"),
        (lambda files: files.update({"jobs.py": b"def ("}), "jobs.py, line 1"),
        (lambda files: files.pop("LICENSE"), "no LICENSE"),
        (lambda files: files.update({"big": os.urandom(build_addon.LARGEST)}), "the limit is"),
        (
            lambda files: files.update(
                {"blender_manifest.toml": files["blender_manifest.toml"].replace(b"on your own rig", b"on your rig.")}
            ),
            "without punctuation",
        ),
    ],
    ids=["wheel missing", "wheel unlisted", "wheel spoilt", "syntax", "licence", "size", "tagline"],
)
def test_a_damaged_zip_is_refused(extension, change, complaint):
    with pytest.raises(build_addon.BuildError, match=complaint):
        build_addon.validate(damaged(extension, change))


def copy_tree(folder: Path) -> Path:
    tree = folder / "tree"
    ignore = shutil.ignore_patterns("__pycache__", "studio")
    for name in ("backend", "blender_addon", "rigs"):
        shutil.copytree(ROOT / name, tree / name, ignore=ignore)
    shutil.copy(ROOT / "LICENSE", tree)
    return tree


def test_the_backend_is_installed_with_all_that_it_is_asked_for():
    from poseloom.server.kinds import stage_tables

    lines = (ROOT / "blender_addon" / "backend.py").read_text(encoding="utf-8")
    assert f'".[{build_addon.EXTRAS}]"' in lines  # what the panel shows is what `make backend` does
    wanted = {method.extra for table in stage_tables().values() for method in table.values()} | {"server"}
    assert wanted - {"", "render"} == set(build_addon.EXTRAS.split(","))  # torch comes to who asks for it: --render


# in Blender


def test_it_comes_and_goes_without_a_trace(python, extension, tmp_path):
    found = run_script(python, "addon_life.py", extension, home=tmp_path / "home")
    assert "POSELOOM_PT_animate" in found["added"]["types"]
    assert "animate" in found["added"]["operators"]
    assert found["had_command"]
    assert not any(found["left"].values()), found["left"]
    assert not found["timers"] and not found["threads"] and not found["command_left"]


def test_a_character_can_be_added_animated_and_undone(python, extension, tmp_path):
    found = run_script(python, "addon_character.py", extension, tmp_path, home=tmp_path / "home")
    assert found["bones"] == {"makehuman": 163, "mixamo": 52, "unreal": 53, "cmu": 31}
    assert found["skinned"] == ["Mixamo body"]
    assert found["retargeted"] == "Mixamo|walk"
    assert found["after_undo"] == []


def test_retarget_writes_what_the_functions_say_and_one_undo_takes_it_back(python, extension, tmp_path):
    found = run_script(python, "addon_retarget.py", extension, tmp_path, home=tmp_path / "home")
    assert found["action"] == "Hero|walk"
    assert found["old_kept"]
    assert [(muted, action) for _, muted, action in found["tracks"]] == [(True, "HeroAction")]
    assert found["first"] == 7 and found["last"] == 7 + int(39 / 30 * 24)  # 40 frames at 30 fps, in a scene of 24
    assert not found["other_curves"] and not found["changed"]
    assert found["difference"] < 1e-5
    assert 0.7 < found["hips_moved_m"] < 2.0  # the clip walks 1.5 m; the rig's legs are about as long
    assert found["undone"] == [True] * 4


def test_a_new_kernel_line_runs_after_installing_again(python, tmp_path):
    tree = copy_tree(tmp_path)
    home = tmp_path / "home"
    for marker in ("first", "second"):
        with open(tree / "backend" / "poseloom" / "progress.py", "a") as file:
            file.write(f'\nMARKER = "{marker}"\n')
        path = build_addon.build(tmp_path / marker, tree)
        assert run_script(python, "addon_marker.py", path, home=home)["marker"] == marker


def test_animate_finds_starts_asks_and_stops_the_backend(python, extension, tmp_path, data):
    home = tmp_path / "home"
    settings.write_backend_json(folder=home / "data")
    video = data / "media" / "pose_squats.mp4"
    found = run_script(python, "addon_animate.py", extension, video, home=home)
    assert found["states"] == ["stopped", "running", "stopped"]
    assert found["action"] == "Hero|pose_squats" and found["first"] == 11 and found["frames"] == 12
    assert found["kept"] is True
    assert found["difference"] < 1e-5
    assert found["undone"]
    assert found["again"] == ["Other|pose_squats", "done"]
    state, seconds, on_the_backend = found["cancelled"]
    assert state == on_the_backend == "cancelled" and seconds < 1.0
    said = found["refused"]
    assert found["actions"] == []  # none of these left anything
    assert "token" in said["wrong token"] and "127.0.0.1:9 does not answer" in said["no backend"]
    assert "addon_animate.py" in said["not a video"]
    assert "No video is chosen" in said["no video"]
    assert "/nowhere/dance.mp4" in said["no file"]
    assert '"Nobody"' in said["no armature"]
    assert "192.0.2.1" in said["offline"] and "online access is off" in said["offline"]
    assert "Select an armature" in said["nothing selected"]


def test_the_command_does_what_it_says_and_exits_as_the_program_does(python, extension, tmp_path, data):
    home = tmp_path / "home"
    settings.write_backend_json(folder=home / "data")
    work = tmp_path / "work"
    work.mkdir()
    found = run_script(python, "addon_cli.py", extension, work, data / "media" / "pose_squats.mp4", home=home)
    said = found["said"]
    codes = {name: code for name, (code, _, _) in said.items()}
    assert codes == {
        "retarget": 0, "again": 2, "bvh": 0, "over the character": 2, "over the report": 2, "no clip": 2,
        "no character": 2, "preset": 0, "ending": 2,
        "game": 0, "take": 0, "takes": 0, "not for games": 2, "bad settings": 2, "several": 3, "one broken": 3,
        "usage": 2, "help": 0, "animate": 0,
        "full disk": 2, "picked": 0, "over the table": 2, "pictures": 0, "pictures and a video": 2, "a config alone": 2,
    }, said  # fmt: skip
    assert "--overwrite" in said["again"][2] and "--overwrite" in said["over the report"][2]
    assert "picked.confidence.csv exists already" in said["over the table"][2]
    assert "hero.blend is an input" in said["over the character"][2]
    assert "broken.fbx" in said["one broken"][2] and "walk.blend" in said["one broken"][1]
    assert "none.bvh" in said["no clip"][2] and "none.blend" in said["no character"][2]
    for name, (code, _, complaint) in said.items():
        assert bool(code) == complaint.startswith("poseloom: "), name
        assert complaint.count("\n") <= 1, complaint
    assert "key poses on frames 1, " in said["picked"][1] and "key poses on frames 3, 25 on" in said["pictures"][1]
    assert "do not go together" in said["pictures and a video"][2] and "without its checkpoint" in said["a config alone"][2]
    assert json.loads(said["animate"][1].splitlines()[0])["stage"] == "pose_squats.mp4"
    assert found["backend"] == "stopped"  # it was started for the command, and stopped after it
    assert found["action"] == ["Hero|walk", 1.0, 1.0 + int(39 / 30 * 24)]
    assert found["made"] == [
        "back.bvh", "broken.fbx", "game.glb", "hero.blend", "joints.npz", "many/walk.blend", "mine.json", "ours.blend",
        "picked.blend", "picked.confidence.csv", "pictures.blend", "report.json", "rest/walk.blend", "squats.blend",
        "take.bvh", "takes/back.blend", "takes/walk.blend", "walk.blend", "walk.bvh",
    ]  # fmt: skip
    assert found["clip_difference"] < 1e-3


def test_armatures_of_other_kinds_work_or_say_what_to_do(python, extension, tmp_path):
    found = run_script(python, "addon_cases.py", extension, tmp_path, home=tmp_path / "home")
    for name in ("override", "fake user", "pose mode", "its mesh"):
        assert found[name] == "", name
    assert found["override action"] == "Hero|walk" and found["override after loading"] == ["Hero|walk", True]
    assert found["override edited"] == [["FINISHED"], ["FINISHED"]]
    assert found["override reverted"] == [0, True] and found["override corrected"]
    # a fake user, and the note by which the second run can be reverted
    assert found["fake users"] == [["Hero|walk", True, 2], ["Hero|walk.001", False, 1]]
    assert found["tracks"] == 0
    assert "library override" in found["linked"] and "library override" in found["linked by name"]
    assert "Leave Edit Mode" in found["edit mode"]
    assert "no bones" in found["no bones"]
    assert "left thigh" in found["not humanoid"] and "right forearm" in found["not humanoid"]
    assert "bad.bvh" in found["bad clip"] and "none.bvh" in found["no clip"]
    assert "Select an armature" in found["mesh without armature"]
    assert found["actions before bad clips"] == found["actions after bad clips"]


def test_on_rigify_the_switches_are_keyed_and_undone_with_the_action(extension, tmp_path):
    pytest.importorskip("bpy", reason="this Python has no bpy")
    found = run_script(Path(sys.executable), "addon_rigify.py", extension, tmp_path, home=tmp_path / "home")
    assert found["keyed_switch"]
    assert found["before"]["switch"] == 0.0 and found["switch"] == 1.0
    swing = max(abs(a - b) for a, b in zip(*found["places"]))
    assert swing > 0.03  # metres: the deforming bone itself follows the arm's swing of 0.4 rad
    assert found["undone"] == found["reverted"] == found["before"]
    assert "Look out" not in found["outcome"], found["outcome"]  # its own constraints are no fights
    assert found["reduced"] < 0.01  # metres: 5 mm at the joints, 1 degree on bones
    assert found["mirrored switch"] == 1.0
    by_ik = found["by ik"]
    assert by_ik["switch"] == 0.0 and by_ik["keyed"] == ["hand_ik.L", "foot_ik.R"]
    apart = max(abs(a - b) for one, two in zip(by_ik["places"], found["places"]) for a, b in zip(one, two))
    assert apart < 0.05  # metres: Rigify's IK bends a straight arm a little


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_leaves_no_job_no_backend_and_no_file(number, extension, tmp_path, data):
    pytest.importorskip("bpy", reason="this Python has no bpy")
    home = tmp_path / "home"
    settings.write_backend_json(folder=home / "data")
    video = data / "media" / "pose2sim_single" / "cam01.mp4"
    process = subprocess.Popen(
        [sys.executable, SCRIPTS / "addon_interrupt.py", extension, tmp_path, video], text=True, cwd=tmp_path,
        env=environment_of(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    said = []
    for line in process.stdout:
        said.append(line)
        if '"stage"' in line and json.loads(line)["fraction"] > 0.1:  # the backend is at its frames
            process.send_signal(number)
            break
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130, "".join(said) + complaint
    assert "Cancelled" in complaint and "Traceback" not in complaint
    assert client.find_backend(home / "data") is None
    assert not (tmp_path / "out.blend").exists()
    again = client.start_backend(folder=home / "data")
    try:
        assert [job.state for job in again.jobs()] == ["cancelled"]  # and it is not taken up again
    finally:
        client.stop_backend(again)
