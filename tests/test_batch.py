"""Batches as a user runs them: folders in, files and a report out; stopped, killed and taken up again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import psutil
import pytest
from test_cli import refused, walk

from poseloom import chains, cli, paths
from poseloom.errors import BadInput
from poseloom.motion import quat, skeleton
from poseloom.motion.bvh import motion_to_rig, read_bvh, write_bvh
from poseloom.motion.files import motion_to_bytes
from poseloom.motion.types import Motion

STAGED = re.compile(r"\.(staged|part)\b")


@pytest.fixture
def body(tmp_path) -> Path:
    """Another skeleton, taller."""
    tall = skeleton.standard(2.1)
    still = np.tile(quat.IDENTITY, (2, len(tall), 1))
    write_bvh(tmp_path / "tall.bvh", *motion_to_rig(Motion(tall, still, np.tile(tall.offsets[0], (2, 1)), 30.0)))
    return tmp_path / "tall.bvh"


@pytest.fixture
def clips(tmp_path) -> Path:
    return write_clips(tmp_path / "clips", 4)


def write_clips(folder: Path, count: int, frames: int = 20) -> Path:
    folder.mkdir()
    for i in range(1, count + 1):
        write_bvh(folder / f"walk{i}.bvh", *motion_to_rig(walk(frames + i)))
    return folder


@pytest.fixture
def run(capsys):
    """Run words in this process: (exit code, stdout, stderr)."""

    def inner(*words):
        code = cli.main([str(word) for word in words])
        return (code, *capsys.readouterr())

    return inner


def started(*words, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "poseloom", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, **options,
    )  # fmt: skip


def outputs(folder: Path) -> dict:
    """{path below the folder: bytes} of what a user sees."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".poseloom" not in path.parts
    }


def wait_for(what, timeout_s=30.0, every=0.01):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(every)
    raise AssertionError("it did not come in time")


# which clips


def test_folders_and_patterns_are_found_without_a_shell(clips):
    (clips / "deep").mkdir()
    (clips / "walk2.bvh").rename(clips / "deep" / "walk2.bvh")
    (clips / "walk1.bvh").rename(clips / "walk10.bvh")
    (clips / "notes.txt").write_text("no clip")

    def places(*words, **options):
        return [str(place) for _, place in paths.find_clips([str(word) for word in words], **options)]

    assert places(clips) == ["deep/walk2", "walk3", "walk4", "walk10"]
    assert places(clips / "walk*.bvh") == ["walk3", "walk4", "walk10"]
    assert places(f"{clips}/**/*") == ["walk2", "walk3", "walk4", "walk10"]
    assert places(clips / "walk4.bvh", clips / "*4.bvh", clips / "walk3.bvh") == ["walk4", "walk3"]
    assert places(clips, without=clips / "deep") == ["walk3", "walk4", "walk10"]
    for word, code in ((clips / "none.bvh", "no_such_file"), (clips / "none*.bvh", "no_clips")):
        with pytest.raises(BadInput) as error:
            places(word)
        assert error.value.code == code


def test_a_folder_keeps_its_tree_and_is_not_fed_its_own_outputs(clips, body, run):
    (clips / "deep").mkdir()
    (clips / "walk2.bvh").rename(clips / "deep" / "walk2.bvh")
    words = ("retarget", clips, "--to", body, "--out", clips / "made", "--jobs", 1)
    assert run(*words)[0] == 0
    assert list(outputs(clips / "made")) == ["deep/walk2.bvh", "walk1.bvh", "walk3.bvh", "walk4.bvh"]
    code, said, _ = run(*words, "--resume")
    assert code == 0 and "0 of 4 clips done, 0 failed, 4 kept as they were." in said


def test_clips_of_ours_are_read_like_bvh(tmp_path, body, run):
    (tmp_path / "npz").mkdir()
    write_bvh(tmp_path / "npz" / "a.bvh", *motion_to_rig(walk(30)))
    motion, _ = chains.read_clip(tmp_path / "npz" / "a.bvh")
    (tmp_path / "npz" / "b.npz").write_bytes(motion_to_bytes(motion))
    assert run("retarget", tmp_path / "npz", "--to", body, "--out", tmp_path / "out", "--jobs", 1)[0] == 0
    assert (tmp_path / "out" / "a.bvh").read_bytes() == (tmp_path / "out" / "b.bvh").read_bytes()


# what is told


class Page(HTMLParser):
    """What a page holds, and what it would load."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.loads = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.loads += [value for name, value in attributes if name in ("src", "href", "xlink:href", "data", "action")]


def test_the_report_has_a_row_a_clip_and_a_page_of_its_own(clips, body, run, tmp_path):
    (clips / "bad<b>.bvh").write_text("no BVH at all")
    told = tmp_path / "told" / "report.json"
    code, said, wrong = run("retarget", clips, "--to", body, "--out", tmp_path / "out", "--report", told, "--jobs", 2)
    assert code == 3 and "4 of 5 clips done, 1 failed." in said
    assert "bad<b>.bvh" in wrong and len(wrong.splitlines()) == 1
    report = json.loads(told.read_text())
    assert (report["clips"], report["done"], report["failed"], report["kept"]) == (5, 4, 1, 0)
    assert [Path(row["clip"]).name for row in report["rows"]] == ["bad<b>.bvh", *(f"walk{i}.bvh" for i in range(1, 5))]
    assert report["rows"][0]["state"] == "failed" and report["rows"][0]["error"]["message"]
    for i, row in enumerate(report["rows"][1:], 1):
        assert row["state"] == "done" and row["frames"] == 20 + i and row["fps"] == pytest.approx(30.0, abs=0.01)
        assert row["seconds"] == pytest.approx(row["frames"] / 30.0, abs=0.01)
        assert 0.7 < row["mapping_score"] <= 1.0 and row["bone_deg"] < 2.0 and row["warnings"] == []
        assert {"slide_before_cm_s", "slide_after_cm_s", "penetration_mm", "limit_frames", "took_s"} <= set(row)
        assert Path(row["output"]).exists()
    text = (tmp_path / "told" / "report.html").read_text()
    page = Page(text)
    assert page.loads == [] and not {"script", "link", "img", "iframe", "b>"} & set(page.tags)
    assert "url(" not in text and "@import" not in text and "//" not in text.replace("</", "")
    assert page.tags.count("tr") == 2 + 5 and page.tags.count("svg") >= 4 * 2


def test_machines_get_a_line_a_clip(clips, body, run, tmp_path):
    words = ("--out", tmp_path / "out", "--progress", "json", "--jobs", 1)
    code, said, _ = run("retarget", clips, "--to", body, *words)
    lines = [json.loads(line) for line in said.splitlines()]
    done = [line for line in lines if "clip" in line]
    assert code == 0 and len(done) == 4 and all(line["state"] == "done" and line["bone_deg"] < 2.0 for line in done)
    assert lines[-1]["done_count"] == 4 and lines[-1]["failed_count"] == 0


def test_what_cannot_begin_is_refused_and_leaves_nothing(clips, body, run, tmp_path):
    out = tmp_path / "out"
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "snake.bvh").write_text(
        "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\nEnd Site\n{\nOFFSET 0 1 0\n}\n}\n"
        "MOTION\nFrames: 1\nFrame Time: 0.03\n0 0 0\n"
    )
    for words, says in (
        (("--to", body, "--out", tmp_path / "file"), "is a file"),
        (("--to", body, "--out", out, "--format", "glb"), "cannot be written as"),
        (("--to", body, "--out", out, "--report", tmp_path / "r.txt"), "does not end in .json"),
        (("--to", body, "--out", out, "--joints", tmp_path / "j.npz"), "several inputs"),
        (("--to", body, "--out", out, "--format", "obj"), "invalid choice"),
        (("--to", tmp_path / "snake.bvh", "--out", out, "--jobs", 2), "not recognised as a humanoid"),
    ):
        result = run("retarget", clips, *words)
        assert result[0] == 2 and says in result[2] and len(result[2].splitlines()) == 1, result
        assert not out.exists() or outputs(out) == {}


# --resume


def test_resume_makes_what_is_new_or_changed_and_nothing_else(clips, body, run, tmp_path):
    out, told = tmp_path / "out", tmp_path / "r.json"
    words = ("retarget", clips, "--to", body, "--out", out, "--jobs", 1, "--report", told)
    assert run(*words)[0] == 0
    rows = json.loads(told.read_text())["rows"]
    assert "exists already" in refused(run(*words))
    write_bvh(clips / "walk2.bvh", *motion_to_rig(walk(50)))
    (out / "walk3.bvh").unlink()
    (out / ".poseloom" / "walk4.bvh.json").write_text('{"key":')
    (out / "walk4.bvh").unlink()
    before = (out / "walk1.bvh").stat().st_mtime_ns
    code, said, _ = run(*words, "--resume")
    assert code == 0 and "3 of 4 clips done, 0 failed, 1 kept as they were." in said
    assert (out / "walk1.bvh").stat().st_mtime_ns == before
    assert [len(read_bvh(out / f"walk{i}.bvh")[1]) for i in (1, 2, 3, 4)] == [21, 50, 23, 24]
    # a kept clip keeps its row
    again = json.loads(told.read_text())["rows"]
    assert [row["state"] for row in again] == ["kept", "done", "done", "done"]
    assert {**again[0], "state": "done"} == rows[0]
    # another option is another output
    assert "4 of 4 clips done" in run(*words, "--resume", "--fps", 15)[1]
    assert len(read_bvh(out / "walk2.bvh")[1]) == 25
    # as is another character
    still = walk(2)
    write_bvh(body, *motion_to_rig(still.with_(root=still.root + [0.0, 0.0, 0.01])))
    assert "4 of 4 clips done" in run(*words, "--resume", "--fps", 15)[1]


def test_what_is_not_ours_or_was_changed_is_not_replaced_by_resume(clips, body, run, tmp_path):
    out = tmp_path / "out"
    words = ("retarget", clips, "--to", body, "--out", out, "--jobs", 1, "--resume")
    out.mkdir()
    (out / "walk1.bvh").write_text("precious")
    assert "exists already" in refused(run(*words))
    assert run(*words, "--overwrite")[0] == 0
    (out / "walk2.bvh").write_text("edited")
    assert "was changed since" in refused(run(*words))
    assert (out / "walk2.bvh").read_text() == "edited"
    assert "1 of 4 clips done, 0 failed, 3 kept" in run(*words, "--overwrite")[1]


def test_a_killed_run_is_taken_up_again(body, run, tmp_path):
    """kill -9 of the whole command in mid-run: what stands is whole, and the rest follows."""
    clips, out = write_clips(tmp_path / "clips", 24, frames=300), tmp_path / "out"
    words = ("retarget", clips, "--to", body, "--out", out, "--jobs", 2)
    process = started(*words)
    wait_for(lambda: len(list(out.glob("walk*.bvh"))) >= 4)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    assert not psutil.wait_procs(children, timeout=5.0)[1], "workers outlive the command"
    stood = {name: data for name, data in outputs(out).items() if not name.startswith(".")}
    assert 4 <= len(stood) < 24
    times = {name: (out / name).stat().st_mtime_ns for name in stood}
    for name in stood:
        assert len(read_bvh(out / name)[1]) == 300 + int(name[4:-4])
    code, said, _ = run(*words, "--resume")
    assert code == 0 and f"{24 - len(stood)} of 24 clips done, 0 failed, {len(stood)} kept as they were." in said
    made = outputs(out)
    assert len(made) == 24 and not any(STAGED.search(name) for name in made)
    assert {name: (out / name).stat().st_mtime_ns for name in stood} == times
    # nothing differs from a run that nobody killed
    assert run("retarget", clips, "--to", body, "--out", tmp_path / "calm", "--jobs", 2)[0] == 0
    assert outputs(tmp_path / "calm") == made


def test_at_every_moment_of_a_commit_a_killed_run_resumes(clips, body, run, tmp_path, monkeypatch):
    """Stopped between sidecar and output: neither an old output nor none is taken for the new one."""
    out = tmp_path / "out"
    words = ("retarget", clips, "--to", body, "--out", out, "--jobs", 1)
    assert run(*words)[0] == 0
    first = outputs(out)

    class Killed(BaseException):
        pass

    def replace(path, target):
        if STAGED.search(path.name) and not path.name.endswith(".part"):
            raise Killed
        return os.replace(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(Killed):
        cli.main([*map(str, words), "--resume", "--fps", "15"])
    monkeypatch.undo()
    assert outputs(out) == first
    assert "4 of 4 clips done" in run(*words, "--resume", "--fps", 15)[1]
    assert [len(read_bvh(out / f"walk{i}.bvh")[1]) for i in (1, 2, 3, 4)] == [11, 11, 12, 12]


# workers


def workers_of(pid: int) -> list:
    return [child for child in psutil.Process(pid).children() if "spawn_main" in " ".join(child.cmdline())]


def test_a_worker_that_dies_takes_no_clip_along(body, tmp_path):
    clips, out = write_clips(tmp_path / "clips", 16, frames=300), tmp_path / "out"
    process = started("retarget", clips, "--to", body, "--out", out, "--jobs", 2)
    wait_for(lambda: len(list(out.glob("walk*.bvh"))) >= 2)
    workers_of(process.pid)[0].kill()
    said, wrong = process.communicate(timeout=60)
    assert process.returncode == 0, wrong
    assert "16 of 16 clips done, 0 failed." in said and len(outputs(out)) == 16


def test_ctrl_c_ends_workers_and_tells_what_was_done(body, tmp_path):
    clips, out, told = write_clips(tmp_path / "clips", 24, frames=300), tmp_path / "out", tmp_path / "r.json"
    process = started(
        "retarget", clips, "--to", body, "--out", out, "--jobs", 2, "--report", told, start_new_session=True
    )
    wait_for(lambda: len(list(out.glob("walk*.bvh"))) >= 3)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    said, wrong = process.communicate(timeout=20)
    assert process.returncode == 130 and wrong == "poseloom: Cancelled.\n"
    assert not psutil.wait_procs(children, timeout=2.0)[1]
    report, made = json.loads(told.read_text()), outputs(out)
    assert report["clips"] == 24 and 3 <= report["done"] < 24 and not any(STAGED.search(name) for name in made)
    assert len(made) >= report["done"]


def test_a_worker_killed_in_the_midst_of_writing_leaves_nothing(body, tmp_path):
    clips, out = write_clips(tmp_path / "clips", 24, frames=1500), tmp_path / "out"
    process = started("retarget", clips, "--to", body, "--out", out, "--jobs", 1)
    half_written = lambda: list(out.glob(".*.part"))  # noqa: E731

    def held() -> bool:
        if not half_written():
            return False
        [worker] = workers_of(process.pid)
        worker.suspend()
        if not half_written():
            worker.resume()
        return bool(half_written())

    wait_for(held, every=0.0005)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130 and not any(STAGED.search(name) for name in outputs(out))


# in Blender


def test_a_character_stays_as_it_was_loaded(tmp_path, run):
    """One Blender does a long clip, a bad one and a short one; each output is what a fresh Blender makes."""
    pytest.importorskip("bpy", reason="this Python has no bpy")
    clips, out = tmp_path / "clips", tmp_path / "out"
    clips.mkdir()
    fingers = walk(60)
    write_bvh(clips / "a.bvh", *motion_to_rig(fingers))
    (clips / "b.bvh").write_text("no BVH at all")
    write_bvh(clips / "c.bvh", *motion_to_rig(walk(25).with_(fps=24.0)))
    words = ("--to", "mixamo", "--out", out, "--format", "bvh", "--jobs", 1)
    code, said, wrong = run("retarget", clips, *words)
    assert code == 3 and "2 of 3 clips done, 1 failed." in said and "b.bvh" in wrong
    for name in ("a", "c"):
        assert run("retarget", clips / f"{name}.bvh", "--to", "mixamo", "--out", tmp_path / f"{name}.bvh")[0] == 0
        assert (out / f"{name}.bvh").read_bytes() == (tmp_path / f"{name}.bvh").read_bytes()
    # and in a .blend there is its own Action alone
    assert run("retarget", clips / "*[ac].bvh", "--to", "mixamo", "--out", tmp_path / "blend", "--jobs", 1)[0] == 0
    for name, end in (("a", 60), ("c", 25)):
        code = (
            f"import bpy; bpy.ops.wm.open_mainfile(filepath={str(tmp_path / 'blend' / (name + '.blend'))!r}); "
            "print('FOUND', [a.name for a in bpy.data.actions], bpy.context.scene.frame_end)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert f"FOUND ['Mixamo|{name}'] {end}" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
def test_a_blender_that_dies_is_replaced(tmp_path):
    pytest.importorskip("bpy", reason="this Python has no bpy")
    clips, out = write_clips(tmp_path / "clips", 8, frames=200), tmp_path / "out"
    process = started("retarget", clips, "--to", "mixamo", "--out", out, "--format", "glb", "--jobs", 1)
    wait_for(lambda: len(list(out.glob("walk*.glb"))) >= 2)
    psutil.Process(process.pid).children()[0].kill()
    said, wrong = process.communicate(timeout=120)
    assert process.returncode == 0, wrong
    assert "8 of 8 clips done, 0 failed." in said and len(outputs(out)) == 8
