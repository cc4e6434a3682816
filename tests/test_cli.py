"""The command line as a user types it: words in, files, one line and an exit code out."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from poseloom import cli, grammar, terminal, paths as file_paths
from poseloom.errors import BadInput
from poseloom.motion import quat, skeleton
from poseloom.motion.bvh import motion_to_rig, read_bvh, write_bvh
from poseloom.motion.types import Motion

resource = pytest.importorskip("resource", reason="limits on files and signals are tested where POSIX is")


def walk(frames: int) -> Motion:
    body = skeleton.standard()
    lrot = np.tile(quat.IDENTITY, (frames, len(body), 1))
    phase = np.sin(np.arange(frames) / 5.0)
    for joint, size in {"thigh_l": 0.5, "thigh_r": -0.5, "forearm_l": 0.4}.items():
        lrot[:, body.index(joint)] = quat.from_axis_angle([[1.0, 0.0, 0.0]], size * phase)
    root = np.tile(body.offsets[0], (frames, 1)).astype(float)
    root[:, 1] -= 0.03 * np.arange(frames)
    return Motion(body, lrot, root, 30.0)


@pytest.fixture
def clip(tmp_path) -> Path:
    write_bvh(tmp_path / "walk.bvh", *motion_to_rig(walk(60)))
    return tmp_path / "walk.bvh"


@pytest.fixture
def body(tmp_path) -> Path:
    """Another skeleton, taller."""
    still = walk(2)
    tall = skeleton.standard(2.1)
    write_bvh(tmp_path / "tall.bvh", *motion_to_rig(Motion(tall, still.lrot, np.tile(tall.offsets[0], (2, 1)), 30.0)))
    return tmp_path / "tall.bvh"


@pytest.fixture
def run(capsys):
    """Run words in this process: (exit code, stdout, stderr)."""

    def inner(*words):
        code = cli.main([str(word) for word in words])
        return (code, *capsys.readouterr())

    return inner


def refused(result, code=2):
    """One sentence on stderr and nothing else; the sentence."""
    assert result[0] == code, result
    assert result[1] == ""
    assert len(result[2].splitlines()) == 1 and "Traceback" not in result[2], result[2]
    return result[2]


# the words


@pytest.mark.parametrize("verb", grammar.VERBS)
def test_every_verb_has_help_with_two_examples_that_parse(verb, capsys):
    with pytest.raises(SystemExit) as stop:
        grammar.build_parser("poseloom").parse_args([verb, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    examples = re.findall(rf"^  (poseloom {verb}.*)$", text, flags=re.MULTILINE)
    if verb in ("animate", "pose", "retarget"):
        assert "--out" in text and "--overwrite" in text and "--progress" in text
    assert len(examples) == 2
    for example in examples:
        chosen = grammar.build_parser("poseloom").parse_args(shlex.split(example)[1:])
        assert chosen.verb == verb


def test_the_options_of_animate_are_those_promised():
    words = (
        "animate v.mp4 --to rigify --out o.blend --armature Rig --estimator mediapipe --person 2 --height 1.8 "
        "--start 12 --end 4.5s --fps 24 --smooth-hz 5 --no-foot-lock --overlay f.mp4 --joints f.npz --report f.json "
        "--progress json --blender /opt/blender"
    )
    chosen = grammar.build_parser("poseloom").parse_args(words.split())
    assert (chosen.person, chosen.height, chosen.start, chosen.end, chosen.fps) == (2, 1.8, "12", "4.5s", 24.0)
    assert chosen.no_foot_lock and chosen.progress == "json" and chosen.blender == "/opt/blender"


def test_inside_blender_animate_takes_a_backend_and_no_blender():
    parser = grammar.build_parser("blender --command poseloom", ("animate", "retarget"), inside_blender=True)
    chosen = parser.parse_args(["animate", "v.mp4", "--to", "h.blend", "--out", "o.blend", "--backend", "http://x"])
    assert chosen.backend == "http://x"
    for words in (["serve"], ["animate", "v", "--to", "h", "--out", "o", "--blender", "b"]):
        with pytest.raises(BadInput):
            parser.parse_args(words)


@pytest.mark.parametrize(
    "words, says",
    [
        ("", "required: VERB"),
        ("dance", "invalid choice: 'dance'"),
        ("animate v.mp4 --to rigify", "required: --out"),
        ("animate v.mp4 --to rigify --out o.blend --person 0", "number from 1 on"),
        ("animate v.mp4 --to rigify --out o.blend --height -1", "number above 0"),
        ("animate v.mp4 --to rigify --out o.blend --height 0", "Give metres, from 0.3 to 3."),
        ("animate v.mp4 --to rigify --out o.blend --height 1,8", "Write 1.8, with a point."),
        ("animate v.mp4 --to rigify --out o.blend --fps nan", "number above 0"),
        ("pose v.mp4 --out o.json --opacity 0,9", "Write 0.9, with a point."),
        ("pose v.mp4 --out o.json --opacity 2", "number from 0 to 1"),
        ("retarget none.bvh --to rigify --out o.blend", "There is no file none.bvh"),
        ("retarget none.bvh --to hero.txt --out o.blend", '"hero.txt" is no character'),
        ("retarget none.bvh --to hero.blend --out o.blend", "There is no file hero.blend"),
    ],
)
def test_what_cannot_be_understood_is_one_sentence(words, says, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert says in refused(run(*words.split()))
    assert list(tmp_path.iterdir()) == []


# outputs


def test_out_is_a_file_or_a_folder(tmp_path):
    def paths(inputs, out):
        made = file_paths.outputs(inputs, f"{tmp_path}/{out}", (".json",), ".json", False)
        return [str(path.relative_to(tmp_path)) for path in made]

    (tmp_path / "there").mkdir()
    assert paths(["a.mp4"], "b.json") == ["b.json"]
    assert paths(["a.mp4"], "there") == ["there/a.json"]
    assert paths(["a.mp4"], "new/") == ["new/a.json"]
    assert paths(["a.mp4", "c.mp4"], "both") == ["both/a.json", "both/c.json"]
    for inputs, out, code in (
        (["a.mp4"], "b.txt", "unknown_format"),
        (["x/a.mp4", "y/a.mp4"], "both", "same_name"),
    ):
        with pytest.raises(BadInput) as error:
            paths(inputs, out)
        assert error.value.code == code


def test_what_exists_is_refused_without_overwrite(clip, body, run, tmp_path):
    out = tmp_path / "out.bvh"
    out.write_text("precious")
    words = ("retarget", clip, "--to", body, "--out", out)
    assert "exists already" in refused(run(*words))
    assert out.read_text() == "precious"
    assert run(*words, "--overwrite")[0] == 0
    assert out.read_text().startswith("HIERARCHY")


def test_an_input_is_never_overwritten(clip, body, run):
    before = clip.read_bytes(), body.read_bytes()
    for out in (clip, body):
        assert "is an input" in refused(run("retarget", clip, "--to", body, "--out", out, "--overwrite"))
    assert (clip.read_bytes(), body.read_bytes()) == before


def test_nor_is_it_by_what_is_written_besides(clip, body, run, tmp_path):
    video, motion = tmp_path / "v.mp4", tmp_path / "m.npz"
    for path in (video, motion):
        path.write_bytes(b"mine")
    words = ("--to", body, "--out", tmp_path / "o.bvh", "--overwrite")
    assert "is an input" in refused(run("animate", video, *words, "--overlay", video))
    assert "is an input" in refused(run("pose", video, "--out", tmp_path / "o.json", "--overwrite", "--overlay", video))
    assert "is an input" in refused(run("retarget", motion, *words, "--joints", motion))
    assert video.read_bytes() == motion.read_bytes() == b"mine"


def test_a_table_beside_an_output_is_kept_as_the_output_is(body, run, tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.mp4").write_bytes(b"no video")
    table = tmp_path / "out" / "b.confidence.csv"
    table.parent.mkdir(), table.write_text("mine")
    words = ("animate", tmp_path / "b.mp4", "--out", tmp_path / "out" / "b.bvh", "--confidence", "csv", "--to")
    assert "b.confidence.csv exists already" in refused(run(*words, "cmu"))
    several = ("animate", tmp_path / "a.mp4", *words[1:2], "--out", table.parent, *words[4:])
    for more in ((), ("--pick-keys", "auto")):
        assert "b.confidence.csv exists already" in refused(run(*several, "cmu", *more))
    # what would not touch it goes on to the video
    for others in ((*words, body, "--overwrite"), (*words[:-2], "curves", "--to", "cmu")):
        assert "b.mp4 is not a video" in refused(run(*others))
    assert table.read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_refused_at_once(clip, body, run, tmp_path):
    (tmp_path / "file").write_text("in the way")
    sentence = refused(run("retarget", clip, "--to", body, "--out", tmp_path / "file" / "out.bvh"))
    assert "Cannot write to" in sentence and "--out" in sentence


def test_a_place_where_even_root_may_not_write(clip, body, run):
    """/proc takes no files from anyone."""
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    assert "Cannot write to /proc" in refused(run("retarget", clip, "--to", body, "--out", "/proc/out.bvh"))


def limited(words, size: int) -> subprocess.CompletedProcess:
    """`poseloom` where no file may grow beyond `size` bytes: a disk that is full, as a program sees it."""
    return subprocess.run(
        [sys.executable, "-m", "poseloom", *map(str, words)], capture_output=True, text=True, timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )  # fmt: skip


@pytest.mark.parametrize("to, ending", [("body", ".bvh"), ("mixamo", ".blend"), ("mixamo", ".glb"), ("mixamo", ".fbx")])
def test_a_full_disk_leaves_nothing_half_written(to, ending, clip, body, tmp_path):
    if to == "mixamo":
        pytest.importorskip("bpy", reason="this Python has no bpy")
    folder = tmp_path / "out"
    done = limited(
        ["retarget", clip, "--to", body if to == "body" else to, "--out", folder / f"o{ending}"],
        2_000 if to == "body" else 200_000,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1 and "Traceback" not in done.stderr, done.stderr
    assert f"the disk of {folder} is full" in done.stderr or to == "body" and "File too large" in done.stderr
    assert list(folder.iterdir()) == []


# retargeting without Blender


def test_a_clip_on_another_skeleton(clip, body, run, tmp_path):
    out, joints, told = tmp_path / "o.bvh", tmp_path / "j.npz", tmp_path / "r.json"
    code, said, wrong = run("retarget", clip, "--to", body, "--out", out, "--joints", joints, "--report", told)
    assert (code, wrong) == (0, "")
    assert said.startswith(f"{out}: 60 frames at 30 fps")
    rig, motion = read_bvh(out)
    assert rig.bones == read_bvh(body)[0].bones and len(motion) == 60 and motion.fps == pytest.approx(30.0, abs=0.01)

    with np.load(joints, allow_pickle=False) as npz:
        assert set(npz.files) == {"names", "parents", "gpos", "grot", "contact", "fps"}
        assert npz["gpos"].shape == (60, 22, 3) and npz["grot"].shape == (60, 22, 4) and npz["contact"].shape == (60, 6)
        grot, gpos = skeleton.motion_fk(walk(60))
        assert np.abs(npz["gpos"] - gpos).max() < 1e-3
        assert np.degrees(quat.angle(npz["grot"], grot)).max() < 0.1

    report = json.loads(told.read_text())
    assert report["frames"] == 60 and report["score"] > 0.7 and report["switches"] == {} and report["warnings"] == []
    assert set(report["seconds"]) == {"read", "retarget"}


def test_times_are_frames_or_seconds(clip, body, run, tmp_path):
    for start, end, frames in (("10", "20", 10), ("1s", "1.5s", 15), ("50", "900", 10)):
        words = ("--start", start, "--end", end, "--overwrite")
        assert run("retarget", clip, "--to", body, "--out", tmp_path / "o.bvh", *words)[0] == 0
        assert len(read_bvh(tmp_path / "o.bvh")[1]) == frames
    for start in ("80", "soon"):
        refused(run("retarget", clip, "--to", body, "--out", tmp_path / "no.bvh", "--start", start))
    assert not (tmp_path / "no.bvh").exists()


def test_a_skeleton_cannot_become_a_mesh(clip, body, run, tmp_path):
    assert "cannot be written as o.glb" in refused(run("retarget", clip, "--to", body, "--out", tmp_path / "o.glb"))


def test_an_armature_is_not_named_where_there_is_one(clip, body, run, tmp_path):
    for to in (body, "mixamo"):
        words = ("--to", to, "--armature", "Foo", "--out", tmp_path / "o.bvh")
        assert "Leave out --armature" in refused(run("retarget", clip, *words))


def test_of_several_clips_those_that_can_are_done(clip, body, run, tmp_path):
    bad = tmp_path / "bad.bvh"
    bad.write_text("no BVH at all")
    code, said, wrong = run("retarget", bad, clip, "--to", body, "--out", tmp_path / "all")
    assert code == 3 and "1 of 2 clips done, 1 failed." in said
    assert "bad.bvh" in wrong and len(wrong.splitlines()) == 1
    assert sorted(p.name for p in (tmp_path / "all").iterdir()) == [".poseloom", "walk.bvh"]


def test_progress_for_machines_is_a_line_a_step(clip, body, run, tmp_path):
    code, said, _ = run("retarget", clip, "--to", body, "--out", tmp_path / "o.bvh", "--progress", "json")
    lines = [json.loads(line) for line in said.splitlines()]
    assert code == 0 and all({"stage", "fraction", "text"} == set(line) for line in lines[:-1]) and len(lines) > 1
    assert lines[-1]["output"] == str(tmp_path / "o.bvh") and lines[-1]["frames"] == 60
    code, said, wrong = run("retarget", clip, "--to", body, "--out", tmp_path / "o.bvh", "--progress=json")
    error = json.loads(said)["error"]
    assert code == 2 and error["code"] == "exists" and error["hint"] and error["message"] in wrong


def test_any_name_of_a_file_can_have_a_bar(capsys):
    pytest.importorskip("rich")
    with terminal._bar("x{1}[/b].mp4") as report:
        report(0.5, "Reading [/i]{2}.mp4")
    assert "x{1}[/b].mp4" in capsys.readouterr().err


# with Blender


def test_ctrl_c_stops_blender_too_and_leaves_nothing(tmp_path):
    pytest.importorskip("bpy", reason="this Python has no bpy")
    psutil = pytest.importorskip("psutil")
    long_clip = tmp_path / "long.bvh"
    write_bvh(long_clip, *motion_to_rig(walk(4000)))
    words = ["retarget", long_clip, "--to", "rigify", "--out", tmp_path / "out" / "o.bvh", "--progress", "json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "poseloom", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if "Reading frame" in line:
            break
    children = psutil.Process(process.pid).children(recursive=True)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate(timeout=20)
    assert process.returncode == 130, wrong
    assert time.monotonic() - began < 3.0
    assert wrong == "poseloom: Cancelled.\n"
    assert children and not psutil.wait_procs(children, timeout=1.0)[1]
    assert list((tmp_path / "out").iterdir()) == []


def test_a_clip_on_a_character_of_ours(clip, run, tmp_path):
    """The whole path: BVH, Blender, a file; the report names family, keys and seconds of each stage."""
    pytest.importorskip("bpy", reason="this Python has no bpy")
    out, told = tmp_path / "o.blend", tmp_path / "r.json"
    code, said, wrong = run("retarget", clip, "--to", "rigify", "--out", out, "--report", told)
    assert (code, wrong) == (0, "") and out.stat().st_size > 100_000
    report = json.loads(told.read_text())
    assert report["action"] == "Rigify|walk" and report["frames"] == 60 and report["fps"] == 30.0
    assert any("IK_FK" in path for path in report["switches"])
    assert {"read", "character", "retarget", "bake", "save", "blender"} == set(report["seconds"])


def test_doctor_tells_and_fails_where_something_needed_is_broken(run, tmp_path, monkeypatch):
    monkeypatch.setenv("POSELOOM_HOME", str(tmp_path))
    code, said, _ = run("doctor", "--json")
    found = {f["what"]: f for f in json.loads(said)["findings"]}
    things = "poseloom processor numpy mediapipe onnxruntime lifter inbetween bpy Blender port panel"
    assert set(things.split()) <= set(found)
    for name in ("mediapipe-full", "lifter", "inbetween"):  # present or missing, size and licence
        assert found[name]["state"] == "missing" or re.search(r"present, \d+\.\d MB, \w", found[name]["text"]), name
    assert code == (1 if any(f["state"] == "broken" for f in found.values()) else 0)
    code, said, _ = run("doctor", "--blender", tmp_path / "none")
    assert code == 1 and re.search(r"^broken +Blender", said, flags=re.MULTILINE)


def test_register_writes_what_the_panel_reads(run, tmp_path, monkeypatch):
    monkeypatch.setenv("POSELOOM_HOME", str(tmp_path))
    assert run("register")[0] == 0
    note = json.loads((tmp_path / "backend.json").read_text())
    assert note["command"][-3:] == ["-m", "poseloom", "serve"]


def test_a_backend_that_cannot_start_is_not_registered(run, tmp_path, monkeypatch):
    """A Python without the packages, a program that is not there: the good note stays, and doctor sees a bad one."""
    pytest.importorskip("uvicorn")
    monkeypatch.setenv("POSELOOM_HOME", str(tmp_path / "home"))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    bare = [str(tmp_path / "bare" / "bin" / "python"), "-m", "poseloom", "serve"]
    note = tmp_path / "home" / "backend.json"
    assert run("register", "--", sys.executable, "-m", "poseloom", "serve")[0] == 0
    good = note.read_bytes()
    for words, what in ((["nosuchprogram"], '"nosuchprogram"'), (bare, '"uvicorn" is not installed there')):
        sentence = refused(run("register", "--", *words))
        assert what in sentence and '-c constraints/main.txt -e ".[server]"' in sentence and "make backend" in sentence
        assert note.read_bytes() == good
    for command, state in ((json.loads(good)["command"], "ok"), (bare, "broken"), (["nosuchprogram"], "broken")):
        note.write_text(json.dumps({"command": command, "version": "0"}))
        said = run("doctor", "--json")[1]
        assert {f["what"]: f["state"] for f in json.loads(said)["findings"]}["panel"] == state


def test_jobs_clean_tells_what_it_removed(run, tmp_path, monkeypatch):
    pytest.importorskip("fastapi")
    monkeypatch.setenv("POSELOOM_HOME", str(tmp_path))
    code, said, _ = run("jobs", "clean", "--all")
    assert code == 0 and said.startswith("Removed 0 jobs and 0 uploads")


def test_serve_says_where_it_listens_and_stops_when_told(tmp_path):
    pytest.importorskip("fastapi")
    process = subprocess.Popen(
        [sys.executable, "-m", "poseloom", "serve"], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "POSELOOM_HOME": str(tmp_path)},
    )  # fmt: skip
    assert re.match(r"Poseloom listens at http://127\.0\.0\.1:\d+ ", process.stdout.readline())
    assert (tmp_path / "server.json").exists()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode in (0, 130) and not (tmp_path / "server.json").exists()
