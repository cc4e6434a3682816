"""`poseloom render`: guides of scenes, motions, keypoints; frames kept; strips in the sequencer."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pytest
from conftest import need
from test_headless import VERSIONS, python, script  # noqa: F401  (a fixture)

from poseloom import cli, rendering
from poseloom.errors import BadInput, Cancelled
from poseloom.motion import openpose, png, quat, skeleton
from poseloom.motion.bvh import motion_to_rig, write_bvh
from poseloom.motion.pictures import Frames
from poseloom.motion.types import Keypoints, Motion
from poseloom.pose.export import write_keypoints
from poseloom.progress import silent
from poseloom.render import shelf
from poseloom.render.contact import contact_sheet


def bend(count: int = 12) -> Motion:
    body = skeleton.standard()
    lrot = np.tile([1.0, 0.0, 0.0, 0.0], (count, len(body), 1))
    lrot[:, body.index("thigh_l")] = np.stack([np.cos(a := np.linspace(0, 0.5, count)), -np.sin(a), 0 * a, 0 * a], axis=-1)
    return Motion(body, lrot, np.tile(body.offsets[0], (count, 1)), 24.0)


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "bend.bvh"
    write_bvh(path, *motion_to_rig(bend()))
    return path


def test_a_folder_in_which_a_refused_run_drew_nothing_is_free(tmp_path):
    out = tmp_path / "frames"
    shelf.begin(out, "of a scene without a camera")
    rendering.check_out(out, overwrite=False, resume=False)
    (out / "pose").mkdir()
    with pytest.raises(BadInput, match="has guides or frames already"):
        rendering.check_out(out, overwrite=False, resume=False)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    pytest.importorskip("bpy", reason="this Python has no bpy")
    path = tmp_path_factory.mktemp("scene") / "shot.blend"
    script(sys.executable, "scene_shot.py", path)
    return path


def run(*words) -> int:
    return cli.main(["render", *map(str, words)])


def drawn(options=None, **more):
    return rendering.GuideOptions(**{"size": 64, **more}) if options is None else options


class Painter:
    """Frames that are their guides in another colour; it tells what it was asked for."""

    def __init__(self, stop_after=None):
        self.seen, self.kept, self.stop_after = [], [], stop_after

    def __call__(self, guides, shot, report, made):
        self.kept = sorted(made)
        for i in reversed(range(len(guides))):  # any order will do
            if guides[i].frame in made:
                assert made[guides[i].frame].rgb.shape == guides[i].pose.shape
                continue
            if self.stop_after == len(self.seen):
                raise Cancelled()
            report(0.5, "step 1 of 2")
            self.seen.append(guides[i].frame)
            made_of = {"prompt": shot.prompt, "seed": str(shot.seed), "model": "paint", "licence": "none"}
            yield Frames(guides[i].frame, 255 - guides[i].pose, made_of)


# guides


def test_guides_of_a_motion(clip, tmp_path):
    assert run("--motion", clip, "--guides-only", "--every", 4, "--end", 9, "--size", 96, "--out", tmp_path / "out") == 0
    assert sorted(p.name for p in (tmp_path / "out" / "pose").iterdir()) == ["0000.png", "0004.png", "0008.png"]
    told = json.loads((tmp_path / "out" / "guides.json").read_text())
    assert told["frames"] == [0, 4, 8] and told["size"] == [96, 96] and abs(told["fps"] - 24.0) < 1e-5
    guides = shelf.Shelf(tmp_path / "out")
    assert len(guides) == 3 and guides[1].frame == 4 and guides[-1].frame == 8
    knee = openpose.names(18).index("knee_l")
    assert guides[2].xy[0, knee, 1] < guides[0].xy[0, knee, 1]  # the leg is lifted
    with pytest.raises(IndexError):
        guides[3]


def test_a_motion_is_seen_from_the_front_of_its_first_pose(tmp_path):
    motion = bend()
    turn = quat.from_axis_angle([0.0, 0.0, 1.0], np.array(2.6))
    lrot = np.array(motion.lrot)
    lrot[:, 0] = quat.multiply(turn, lrot[:, 0])
    seen = {}
    for name, one in (("ahead", motion), ("turned", motion.with_(lrot=lrot, root=quat.rotate(turn, motion.root)))):
        write_bvh(tmp_path / f"{name}.bvh", *motion_to_rig(one))
        guides = rendering.draw(tmp_path / f"{name}.bvh", drawn(size=96), tmp_path / name)
        seen[name] = np.stack([guide.xy for guide in guides])
    left, right = (openpose.names(18).index(f"shoulder_{side}") for side in "lr")
    assert (seen["turned"][:, 0, left, 0] > seen["turned"][:, 0, right, 0] + 5).all()  # its left on our right
    assert np.nanmax(np.abs(seen["turned"] - seen["ahead"])) < 0.05


def test_guides_of_keypoints_are_where_the_keypoints_are(tmp_path):
    from poseloom.motion.layouts import layout

    names = layout("blazepose").names
    xy = np.random.default_rng(0).uniform(20, 180, (5, len(names), 2))
    score = np.ones((5, len(names)))
    score[2, names.index("wrist_l")] = 0.1
    write_keypoints(tmp_path / "k.json", [Keypoints("blazepose", xy, None, score, (200, 200), 25.0)])
    assert run("--keypoints", tmp_path / "k.json", "--guides-only", "--out", tmp_path / "out") == 0
    guides = shelf.Shelf(tmp_path / "out")
    for name in ("shoulder_l", "knee_r", "nose", "ear_l"):
        i = openpose.names(18).index(name)
        assert np.abs(guides[0].xy[0, i] - xy[0, names.index(name)]).max() < 0.01
    neck, wrist = (openpose.names(18).index(name) for name in ("neck", "wrist_l"))
    middle = 0.5 * (xy[0, names.index("shoulder_l")] + xy[0, names.index("shoulder_r")])
    assert np.abs(guides[0].xy[0, neck] - middle).max() < 0.01
    assert np.isnan(guides[2].xy[0, wrist]).all()


def test_frames_in_which_nobody_can_be_drawn_are_left_out_and_said(scene, tmp_path, capsys):
    """Two are hidden, the camera looks away in one, and is inside a body in one."""
    out = tmp_path / "out"
    assert run(scene, "--guides-only", "--out", out, "--passes", "depth", "--progress", "none") == 0
    guides = shelf.Shelf(out)
    assert guides.frames == [1, 2, 3, 4, 7, 9, 11, 12] and guides.told["people"] == ["Mixamo", "Unreal"]
    why = {row["frame"]: row["why"] for row in guides.told["skipped"]}
    assert why == {5: "nobody is shown", 6: "nobody is shown", 8: "nobody is in the picture", 10: "the camera is inside Mixamo"}
    said = capsys.readouterr().out
    assert "5, 6" in said and "the camera is inside Mixamo" in said
    assert sorted(int(p.stem) for p in (out / "depth").iterdir()) == guides.frames
    assert guides[0].depth.max() > 30000 and guides[0].people.tolist() == [1, 2]
    first = (out / "depth" / "0001.png").stat().st_mtime_ns
    assert run(scene, "--guides-only", "--out", out, "--passes", "depth", "--resume") == 0
    assert (out / "depth" / "0001.png").stat().st_mtime_ns == first


def test_a_broken_off_run_keeps_its_depth_pictures(scene, tmp_path):
    out = tmp_path / "out"
    options = drawn(passes=("depth",), frames=(1, 2, 3, 4, 7))

    def stop(fraction, text):
        if re.search(r"Rendering depth of frame [2-7]", text):  # not every one is told
            raise Cancelled()

    with pytest.raises(Cancelled):
        rendering.draw(scene, options, out, report=stop)
    there = {p.name: p.stat().st_mtime_ns for p in (out / "depth").glob("*.png")}
    assert there and not shelf.told(out)["complete"]
    rendering.draw(scene, options, out)
    assert all((out / "depth" / name).stat().st_mtime_ns == when for name, when in there.items())
    assert len(shelf.Shelf(out)) == 5


@pytest.mark.parametrize("words, code, part", [
    (["--camera", "Nope"], 2, 'no camera "Nope"'),
    (["--armature", "Nope"], 2, 'no armature "Nope"'),
    (["--start", "20", "--end", "10"], 2, "no frames from 20 to 10"),
    (["--frames", "5,6"], 2, "nobody is shown"),
    (["--frames", "a"], 2, "frame numbers"),
    (["--passes", "colour"], 2, 'no pass "colour"'),
    (["--turn", "20"], 2, "--turn belongs to --motion"),
])  # fmt: skip
def test_scenes_that_will_not_do(scene, tmp_path, capsys, words, code, part):
    assert run(scene, "--guides-only", "--out", tmp_path / "out", *words) == code
    assert part in capsys.readouterr().err


def test_a_scene_without_a_camera(tmp_path, capsys):
    pytest.importorskip("bpy", reason="this Python has no bpy")
    script(sys.executable, "scene_shot.py", tmp_path / "no_camera.blend", "empty")
    assert run(tmp_path / "no_camera.blend", "--guides-only", "--out", tmp_path / "out") == 2
    assert "no active camera" in capsys.readouterr().err


@pytest.mark.parametrize("words, part", [
    ([], "Give a scene"),
    (["a.blend", "--motion", "b.bvh"], "Give a scene"),
    (["gone.blend", "--guides-only"], "no file gone.blend"),
    (["--motion", "gone.bvh"], "no file gone.bvh"),
    (["walk.txt"], "not what scene takes"),
])  # fmt: skip
def test_words_that_will_not_do(tmp_path, capsys, words, part):
    assert run(*words, "--out", tmp_path / "out") == 2
    assert part in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_frames_need_a_prompt_and_options_that_exist(clip, tmp_path, capsys):
    assert run("--motion", clip, "--method", "controlnet", "--out", tmp_path / "out") == 2
    assert "no prompt" in capsys.readouterr().err
    assert run("--motion", clip, "--prompt", "x", "--method", "oil", "--set", "steps=2", "--out", tmp_path / "out") == 2
    assert 'No renderer "oil"' in capsys.readouterr().err


def test_what_exists_is_not_touched(clip, tmp_path, capsys):
    words = ["--motion", clip, "--guides-only", "--frames", "1", "--size", 64, "--out", tmp_path / "out"]
    (tmp_path / "out" / "pose").mkdir(parents=True)
    (tmp_path / "out" / "pose" / "mine.png").write_text("mine")
    assert run(*words) == 0 and run(*words) == 2
    assert "--resume" in capsys.readouterr().err
    assert run(*words, "--overwrite") == 0
    assert (tmp_path / "out" / "pose" / "mine.png").read_text() == "mine"


# frames


def test_frames_are_kept_after_a_run_that_broke_off(clip, tmp_path):
    guides = rendering.draw(clip, drawn(every=2), tmp_path / "out")
    wish = rendering.RenderOptions(prompt="ein Bär", seed=4)
    with pytest.raises(Cancelled):
        rendering.render(guides, wish, renderer=Painter(stop_after=2))
    there = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out" / "frames").glob("*.png")}
    assert sorted(there) == ["0008.png", "0010.png"]
    again = Painter()
    told = []
    made = rendering.render(guides, wish, lambda *now: told.append(now), renderer=again)
    assert again.kept == made.kept == [8, 10] and sorted(again.seen) == sorted(made.made) == [0, 2, 4, 6]
    assert all((tmp_path / "out" / "frames" / name).stat().st_mtime_ns == when for name, when in there.items())
    assert (0.5, "Frame 3 of 6: step 1 of 2") in told and told[-1] == (1.0, "Frame 6 of 6 done")
    assert rendering.render(guides, wish, renderer=Painter(stop_after=0)).kept == [0, 2, 4, 6, 8, 10]


def test_another_prompt_another_pose_and_a_damaged_frame_are_made_anew(clip, tmp_path):
    guides = rendering.draw(clip, drawn(every=4), tmp_path / "out")
    wish = rendering.RenderOptions(prompt="a")
    rendering.render(guides, wish, renderer=Painter())
    (tmp_path / "out" / "frames" / "0004.png").write_bytes(b"half")
    assert rendering.render(guides, wish, renderer=(one := Painter())).made == [4] == one.seen
    assert rendering.render(guides, rendering.RenderOptions(prompt="b"), renderer=Painter()).kept == []
    other = rendering.draw(clip, drawn(every=4, yaw_deg=30.0), tmp_path / "out")
    assert rendering.render(other, rendering.RenderOptions(prompt="b"), renderer=Painter()).kept == []


def test_every_frame_says_how_it_came_to_be(clip, tmp_path):
    guides = rendering.draw(clip, drawn(frames=(3,)), tmp_path / "out")
    rendering.render(guides, rendering.RenderOptions(prompt="ein Bär", seed=4), renderer=Painter())
    path = tmp_path / "out" / "frames" / "0003.png"
    words = png.words(path)
    assert words["prompt"] == "ein Bär" and words["seed"] == "4" and words["model"] == "paint"
    assert words["Comment"] == "made with AI"
    assert (png.read(path) == 255 - guides[0].pose).all()


def test_a_full_disk_leaves_what_was_finished(clip, tmp_path, monkeypatch):
    guides = rendering.draw(clip, drawn(every=4), tmp_path / "out")
    write = png.write

    def full(path, *rest):
        if path.name == "0004.png":
            raise OSError(28, "No space left on device", str(path))
        write(path, *rest)

    monkeypatch.setattr(png, "write", full)
    with pytest.raises(OSError, match="No space"):
        rendering.render(guides, rendering.RenderOptions(prompt="a"), renderer=Painter())
    assert [p.name for p in (tmp_path / "out" / "frames").glob("*.png")] == ["0008.png"]


def test_guides_on_a_full_disk_are_one_sentence(clip, tmp_path):
    """No file may grow beyond 700 bytes: a disk that is full, as a program sees it."""
    import resource
    import subprocess

    out = tmp_path / "out"
    words = [sys.executable, "-m", "poseloom", "render", "--motion", clip, "--guides-only", "--size", "256", "--out", out]
    done = subprocess.run(
        [*map(str, words)], capture_output=True, text=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr and "0000.png" in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and not list((out / "pose").glob("*"))  # nothing half-written, whatever its name


def test_the_contact_sheet_shows_guides_above_frames(clip, tmp_path):
    guides = rendering.draw(clip, drawn(every=2), tmp_path / "out")
    rendering.render(guides, rendering.RenderOptions(prompt="a"), renderer=Painter())
    sheet = png.read(contact_sheet(guides, columns=3, width=32))
    assert sheet.shape == (64, 96, 3)
    assert np.abs(sheet[:32].astype(int) + sheet[32:] - 255).max() <= 1  # the frames are the guides, inverted


def test_reference_pictures_are_checked(clip, tmp_path):
    guides = rendering.draw(clip, drawn(frames=(1,)), tmp_path / "out")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    for name, part in (("gone.png", "no file"), ("bad.png", "cannot be read")):
        with pytest.raises(BadInput, match=part):
            rendering.render(guides, rendering.RenderOptions(prompt="a", reference=str(tmp_path / name)), renderer=Painter())


def test_waiting_tells_and_can_be_cancelled():
    import threading
    import time

    told, forever = [], threading.Event()
    assert rendering.pulsing(lambda *now: told.append(now), "Loading", lambda: time.sleep(0.6) or 7) == 7
    assert told and set(told) == {(0.0, "Loading")}

    def stop(fraction, text):
        raise Cancelled()

    began = time.monotonic()
    with pytest.raises(Cancelled):
        rendering.pulsing(stop, "Loading", forever.wait)
    assert time.monotonic() - began < 1.0
    forever.set()
    with pytest.raises(ZeroDivisionError):
        rendering.pulsing(silent, "Loading", lambda: 1 / 0)


# strips


def test_strips_show_each_frame_when_it_is_due(python, tmp_path):  # noqa: F811
    """At a rate with a base, over a strip and under a locked channel; gaps stay; the words come along."""
    told = script(python, "scene_strips.py", tmp_path)
    assert told["channels"] == [3, 3] and told["below"] == 1
    assert told["ranges"] == [[3, 9], [13, 17]]
    due = {3: 30, 4: 30, 5: 50, 6: 50, 7: 70, 8: 70, 13: 130, 14: 130, 15: 150, 16: 150}
    assert {int(f): v for f, v in told["shown"].items()} == {f: due.get(f, 0) for f in range(2, 19)}
    assert told["kept"] == [{"poseloom_prompt": "ein Bär", "poseloom_seed": "7"}] * 2
    assert [row[1:] for row in told["saved"]] == [["//frames/", ["poseloom_prompt", "poseloom_seed"]]] * 2
    assert told["full"] == ["no_channel", 0]


def test_frames_come_into_a_copy_of_the_scene(scene, tmp_path):
    guides = rendering.draw(scene, drawn(frames=(1, 2, 3, 4, 7), passes=()), tmp_path / "out")
    wish = rendering.RenderOptions(prompt="a knight")
    rendering.render(guides, wish, renderer=Painter())
    done = rendering.put_in_scene(scene, guides, wish, tmp_path / "with.blend", 1, None, silent)
    assert done["strips"] == 2 and (tmp_path / "with.blend").is_file()


@pytest.mark.slow
def test_a_tiny_checkpoint_walks_the_whole_path(clip, tmp_path):
    """Of the true classes, by the command line, in an environment that has torch."""
    import os
    import subprocess

    from conftest import ROOT, python_of

    torch_python = python_of("train")
    need(subprocess.run([torch_python, "-c", "import diffusers"], capture_output=True).returncode == 0, "diffusers")
    env = {**os.environ, "PYTHONPATH": str(ROOT / "backend"), "OMP_NUM_THREADS": "1"}

    def call(*words):
        return subprocess.run([torch_python, *map(str, words)], env=env, capture_output=True, text=True, timeout=600)

    assert call(ROOT / "backend" / "studio" / "tiny_checkpoint.py", tmp_path / "tiny").returncode == 0
    words = ["-m", "poseloom", "render", "--motion", clip, "--size", 64, "--prompt", "the hero walks", "--model",
             tmp_path / "tiny", "--set", "steps=2", "key_every=4", "--out", tmp_path / "out"]  # fmt: skip
    done = call(*words, "--frames", "0,1,2")
    assert done.returncode == 0, done.stderr
    assert "3 frames made" in done.stdout
    done = call(*words, "--frames", "0,1,2,3", "--resume")
    assert done.returncode == 0 and "1 frame made, 3 kept" in done.stdout, done.stdout + done.stderr
    made = png.words(tmp_path / "out" / "frames" / "0003.png")
    assert made["prompt"] == "the hero walks" and made["Comment"] == "made with AI"
    assert (tmp_path / "out" / "sheet.png").is_file()
