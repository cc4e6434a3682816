"""The extension in a real Blender: its command line, and its panel in a window on a virtual screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, need

import build_addon
from poseloom import client, settings
from poseloom.inbetween.lstm import MODEL

pytestmark = pytest.mark.matrix
SCRIPTS = ROOT / "tests" / "blender"
PATIENCE_S = 600  # more than scripts wait for anything


class Blender:
    """A real Blender whose user folder is `home`; sees `home`, `work`, the tests and what `bind` names."""

    def __init__(self, home: Path, work: Path, bind=()):
        self.work = work
        self.environment = {
            **os.environ,
            "BLENDER_GUI_HOME": str(home),
            "BLENDER_GUI_BIND": ":".join(map(str, (work, ROOT / "tests", *bind))),
            "BLENDER_GUI_ENV": f"POSELOOM_HOME={work / 'data'}",
            "SHOT_BLENDER_ARGS": "--enable-event-simulate",
        }

    def __call__(self, *words) -> subprocess.CompletedProcess:
        return self.run(SCRIPTS / "blender_gui.sh", "run", "blender", *words)

    def window(self, script, *words) -> subprocess.CompletedProcess:
        self.environment["SHOT_TIMEOUT"] = str(PATIENCE_S)
        return self.run(SCRIPTS / "shot.sh", SCRIPTS / script, "-", *words)

    def run(self, *words) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["bash", *map(str, words)], env=self.environment, cwd=self.work, capture_output=True, text=True, timeout=PATIENCE_S + 40
        )


@pytest.fixture(scope="module")
def blender(tmp_path_factory, data) -> Blender:
    root = Path(os.environ.get("BLENDER_GUI_ROOT") or Path.home() / ".cache" / "blender-gui" / "sid")
    need((root / ".stamp").exists(), "a real Blender (tests/blender/blender_gui.sh setup)")
    home, work = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work")
    blender = Blender(home, work, [data])
    blender.zip = build_addon.build(work / "dist")
    done = blender("--command", "extension", "install-file", "-r", "user_default", "--enable", blender.zip)
    assert done.returncode == 0, done.stdout + done.stderr
    done = blender("--background", "--python-exit-code", "1", "--python", SCRIPTS / "make_hero.py", "--", work)
    assert done.returncode == 0, done.stdout + done.stderr
    return blender


@pytest.fixture(scope="module")
def backend(blender):
    """A backend beside that Blender, in a process of its own."""
    folder = blender.work / "data"
    running = client.start_backend([sys.executable, "-m", "poseloom", "serve"], folder=folder)
    yield running, settings.read_note(settings.server_json(folder))["token"]
    client.stop_backend(running)


def test_blender_finds_nothing_wrong_with_the_zip(blender):
    done = blender("--command", "extension", "validate", blender.zip)
    assert done.returncode == 0 and "Success" in done.stdout, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()


def test_the_command_is_listed(blender):
    assert "\tposeloom\n" in blender("--command", "help").stdout


def test_retarget_from_the_command_line(blender):
    work = blender.work
    words = ["--command", "poseloom", "retarget", work / "walk.bvh", "--to", work / "hero.blend", "--out"]
    done = blender(*words, work / "walk.blend")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "32 frames on Hero" in done.stdout
    assert (work / "walk.blend").stat().st_size > 10_000
    again = blender(*words, work / "walk.blend")
    assert again.returncode == 2 and "--overwrite" in again.stderr
    missing = blender(*words[:3], work / "none.bvh", *words[4:], work / "none.blend")
    assert missing.returncode == 2 and "none.bvh" in missing.stderr
    assert not (work / "none.blend").exists()


def test_animate_from_the_command_line_on_a_backend_that_runs(blender, backend, data):
    out = blender.work / "squats.blend"
    done = blender(
        "--command", "poseloom", "animate", data / "media" / "pose_squats.mp4", "--to", blender.work / "hero.blend",
        "--out", out, "--end", "12", "--backend", backend[0].address,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert out.exists()
    backend[0].health()  # one that ran before is left running


def test_a_command_that_is_stopped_says_so_in_its_exit_code(blender, backend, data):
    """Blender itself would answer a signal its own way."""
    line = (
        f"blender --command poseloom animate {data}/media/pose2sim_single/cam01.mp4 --to hero.blend --out never.blend "
        f"--backend {backend[0].address} --progress json > said.txt & "
        "until grep -q 0.2 said.txt; do sleep 0.1; done; kill -TERM $!; wait $!; echo exit $?"
    )
    done = blender.run(SCRIPTS / "blender_gui.sh", "run", "sh", "-c", line)
    assert "exit 130" in done.stdout, done.stdout + done.stderr
    assert not (blender.work / "never.blend").exists()
    assert backend[0].jobs()[0].state == "cancelled"


def test_clicking_animate_in_the_panel_makes_the_action(blender, backend, data):
    running, token = backend
    pictures = Path(os.environ.get("POSELOOM_PICTURES") or blender.work / "pictures")
    pictures.mkdir(exist_ok=True)
    blender.environment["BLENDER_GUI_BIND"] += f":{pictures}"
    video = data / "media" / "pose_squats.mp4"
    done = blender.window("gui_panel.py", pictures, video, running.address, token)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((pictures / "result.json").read_text())
    assert found["state"] == "done", found
    assert found["action"] == "Hero|pose_squats" and found["first"] == 5
    # the window goes on drawing: seconds of the processor that Blender's own thread took at a time, and steps it saw
    assert found["longest_pause_s"] < 2.0 and found["shown"] > 3, found
    assert found["after_undo"] == [] and found["hero_after_undo"]
    assert found["cancelled"] == ["cancelled", []]
    state, text, actions = found["in_edit_mode"]  # whose own undo history would not take the Action back
    assert state == "running" and "leave this mode" in text and actions == []
    assert found["after_edit_mode"] == ["done", ["Hero|pose_squats"]]
    state, outcome, actions = found["in_another_file"]
    assert state == "failed" and "armature" in outcome and "gone" in outcome and actions == []
    assert found["applied_there"] == "Other|pose_squats"
    for name in ("idle", "running", "finished"):
        assert (pictures / f"{name}.png").stat().st_size > 10_000


def test_the_character_stands_over_the_video_in_the_matching_view(blender, backend):
    """The clip has 30 frames a second, the scene 24: on frame 54 it shows its frame 67 from 0."""
    running, token = backend
    pictures = Path(os.environ.get("POSELOOM_PICTURES") or blender.work / "media")
    pictures.mkdir(exist_ok=True)
    video = ROOT / "backend" / "poseloom" / "assets" / "sample.mp4"
    blender.environment["BLENDER_GUI_BIND"] += f":{pictures}:{video.parent}"
    done = blender.window("gui_media.py", pictures, video, running.address, token)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((pictures / "media.json").read_text())["sample"]
    assert found["state"] == "done" and found["looks through"] == "CAMERA" and found["markers"] > 4
    offsets = [found[f"offset {frame}"] for frame in (1, 54)]
    assert offsets == [0, 13], found  # kept by keys
    assert len(list(pictures.glob("*_sample*.png"))) == 4


def test_pictures_in_the_panel_become_key_poses(blender, backend):
    from PIL import Image

    from poseloom.media import open_clip

    running, token = backend
    pictures = Path(os.environ.get("POSELOOM_PICTURES") or blender.work / "pictures")
    pictures.mkdir(exist_ok=True)
    for frame in open_clip(ROOT / "backend" / "poseloom" / "assets" / "sample.mp4", end="121"):
        if frame.index in (0, 60, 120):
            Image.fromarray(frame.rgb).save(pictures / f"seen_{frame.index:03d}.png")
    blender.environment["BLENDER_GUI_BIND"] += f":{pictures}"
    seen = sorted(pictures.glob("seen_*.png"))
    done = blender.window("gui_pictures.py", pictures, running.address, token, *seen)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((pictures / "pictures.json").read_text())
    assert found["state"] == "done" and "key poses on 1, 13, 25" in found["outcome"], found
    assert found["frames"] == [1, 13, 25] and found["range"] == [1, 25] and found["fill"]
    assert found["after undo"] == []


def test_people_and_estimators_in_the_panel(blender, backend):
    import numpy as np

    from poseloom.media import open_clip, write_video

    running, token = backend
    pictures = Path(os.environ.get("POSELOOM_PICTURES") or blender.work / "people")
    pictures.mkdir(exist_ok=True)
    sample = open_clip(ROOT / "backend" / "poseloom" / "assets" / "sample.mp4", end="36")
    video = write_video(pictures / "two.mp4", (np.hstack([f.rgb[:, ::-1], f.rgb]) for f in sample), sample.fps)
    blender.environment["BLENDER_GUI_BIND"] += f":{pictures}"
    done = blender.window("gui_people.py", pictures, running.address, token, video)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((pictures / "people.json").read_text())
    assert [number for number, _ in found["found"]] == [1, 2] and "2 people" in found["outcome"]
    assert found["state"] == "done" and [name.split("|")[1] for name in found["actions"]] == ["two_1", "two_2"], found
    assert found["estimators"][0] == "mediapipe" and "mmpose" in found["estimators"]
    for name in ("found", "cast_30"):
        assert (pictures / f"{name}.png").stat().st_size > 10_000


def test_roles_folders_and_the_source_in_the_panel(blender, tmp_path):
    from PIL import Image

    pictures = Path(os.environ.get("POSELOOM_PICTURES") or blender.work / "retarget")
    clips = blender.work / "clips"
    for folder in (pictures, clips):
        folder.mkdir(exist_ok=True)
    blender.environment["BLENDER_GUI_BIND"] += f":{pictures}"
    for k in range(12):
        (clips / f"walk{k:02}.bvh").write_bytes((blender.work / "walk.bvh").read_bytes())
    done = blender.window("gui_retarget.py", pictures, clips, blender.work / "walk.bvh")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((pictures / "result.json").read_text())
    assert found["listed"][0] == "Hero" and found["listed"][1] > 60
    assert found["corrected"] == {"head": "mixamorig:Neck", "neck": ""}
    assert found["undone"] == [True, "mixamorig:Head"]  # and the list shows it
    state, seconds, hint = found["cancelled"]
    assert state == "cancelled" and "Revert Last Run" in hint
    # it stops between clips; the seconds are those of a window drawn in software on a busy machine
    assert found["made after cancel"] == 0 and seconds < 10.0
    made, left = found["made"]
    assert 2 <= made < 12 and left == 0

    def orange(name):
        import numpy as np

        pixels = np.asarray(Image.open(pictures / f"{name}.png").convert("RGB"), int)[:, :1000]
        red, green, blue = pixels.transpose(2, 0, 1)
        return int(((red > 220) & (abs(green - 155) < 40) & (blue < 90)).sum())

    assert orange("source") > orange("no_source") + 300  # pixels: the skeleton is drawn


def test_edits_of_long_actions_show_progress_stop_at_esc_and_are_one_undo_step(blender):
    pictures = Path(os.environ.get("POSELOOM_PICTURES") or blender.work / "edit")
    pictures.mkdir(exist_ok=True)
    blender.environment["BLENDER_GUI_BIND"] += f":{pictures}"
    done = blender.window("gui_edit.py", pictures)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((pictures / "result.json").read_text())
    assert found["began"] == ["RUNNING_MODAL"]
    running, fraction = found["during"]
    assert running and 0.0 < fraction < 1.0
    assert found["by Esc"] == ["cancelled", True]
    state, unchanged, seconds = found["by button"]
    assert state == "cancelled" and unchanged and seconds < 5.0  # of the processor, for a window drawn in software
    state, changed, longest_pause_s = found["let through"]
    assert state == "done" and changed and longest_pause_s < 3.0
    assert found["undone"] and found["redone"]


def test_poses_are_filled_by_every_method_from_the_panel(blender, backend, tmp_path):
    running, token = backend
    pictures = Path(os.environ.get("POSELOOM_PICTURES") or blender.work / "inbetween")
    pictures.mkdir(exist_ok=True)
    blender.environment["BLENDER_GUI_BIND"] += f":{pictures}"
    network = str(MODEL.parent)  # on the backend's computer
    done = blender.window("gui_inbetween.py", pictures, running.address, token, network)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((pictures / "result.json").read_text())
    for method in ("spline", "dtw", "lstm", network):
        state, said, keys = found[method]
        assert state == "done" and keys["GENERATED"] > 3000, (method, said, keys)
        assert found[f"{method} undone"] == {"KEYFRAME": keys["KEYFRAME"]}  # one undo step
    state, said, _ = found["/no/such/folder"]
    assert state == "failed" and "There is no /no/such/folder/model.onnx" in said, said
    at, share = found["drawn"][0].split(":")
    assert abs(float(share) - 0.15) < 0.03 and abs(float(at) - 0.6) < 0.02
    assert found["drawn"][1]["GENERATED"] > 3000
    for name in ("fill", "speed"):
        assert (pictures / f"{name}.png").stat().st_size > 10_000


def test_frames_rendered_from_the_panel_lie_in_the_sequencer_and_a_run_is_cancelled(blender, monkeypatch):
    """By a tiny checkpoint and a backend that starts beside that Blender, which reads its own newer files."""
    from test_addon_render import beside_torch, tiny_checkpoint

    pictures = Path(os.environ.get("POSELOOM_PICTURES") or blender.work / "render")
    pictures.mkdir(exist_ok=True)
    site, python = beside_torch(blender.work / "site"), Path(sys.executable)
    checkpoint = tiny_checkpoint(blender.work / "tiny")
    blender.environment["BLENDER_GUI_BIND"] += f":{pictures}:{ROOT}:{sys.base_prefix}"
    # the backend of the other tests, which has no torch, is not found from there
    monkeypatch.setitem(blender.environment, "BLENDER_GUI_ENV", f"POSELOOM_HOME={blender.work / 'beside_torch'}")
    command = ["env", f"PYTHONPATH={site}", "OMP_NUM_THREADS=1", python, "-m", "poseloom", "serve"]
    done = blender.window("gui_render.py", pictures, checkpoint, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((pictures / "render.json").read_text())
    assert found["outcome"].startswith("3 frames made"), found
    # frames 7, 9 and 11, each for two, over what lies on channel 1 and above the locked one
    names = [f"{frame:04d}.png" for frame in (7, 7, 9, 9, 11, 11)]
    assert found["strips"] == [[3, 7, 13, names, "the hero walks", True]]
    assert found["longest_pause_s"] < 2.0  # seconds of the processor that Blender's own thread took at a time
    state, fraction, seconds = found["cancelled"]
    assert state == "cancelled" and fraction < 0.9 and seconds < 5.0  # of a window drawn in software; 0.5 on a busy machine
    state, seconds = found["backend"]
    assert state == "cancelled" and seconds < 5.0
    assert found["strips after it"] == 1 and found["strips undone"] == 0
    for name in ("viewport", "running", "sequencer"):
        assert (pictures / f"{name}.png").stat().st_size > 10_000


def test_export_for_games_through_the_file_browser(blender):
    """As by hand: the browser shows the options, and what was chosen there is what comes out."""
    pictures = Path(os.environ.get("POSELOOM_PICTURES") or blender.work / "game")
    pictures.mkdir(exist_ok=True)
    blender.environment["BLENDER_GUI_BIND"] += f":{pictures}"
    done = blender.window("gui_game.py", pictures, blender.work / "walk.bvh")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((pictures / "result.json").read_text())
    assert found["asked"] == ["RUNNING_MODAL"] and found["options"][:2] == [".fbx", 0.0]
    assert found["state"] == "done" and "32 frames" in found["text"] and "hero.glb" in found["text"], found
    assert found["untouched"] and found["objects"] == ["Hero"]
    roots, bones = found["bones"]
    assert roots == ["ground"] and bones > 20
    assert found["frames"][1] - found["frames"][0] == 31
