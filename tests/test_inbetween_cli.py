"""In-betweening from the command line and by the server: files in, files out, one sentence for what cannot be."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from test_cli import body, clip, refused, run, walk  # noqa: F401  fixtures
from test_inbetween_fill import animal, keyed, sway

from poseloom.inbetween.lstm import MODEL
from poseloom.motion import quat
from poseloom.motion.bvh import motion_to_rig, read_bvh, write_bvh
from poseloom.motion.files import motion_from_bytes, motion_to_bytes
from poseloom.motion.skeleton import motion_fk



@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("POSELOOM_HOME", str(tmp_path / "home"))


def write(path, motion):
    write_bvh(path, *motion_to_rig(motion))
    return path


@pytest.mark.parametrize("method", ("spline", "dtw", "lstm"))
def test_keys_of_a_bvh_file_are_in_the_one_that_comes_out(method, clip, run, tmp_path):  # noqa: F811
    """To what six decimals of degrees and centimetres hold; frames between are others."""
    out, library = tmp_path / "out.bvh", write(tmp_path / "other.bvh", walk(80))
    words = ("--keys", "0,18,1.3s", "--method", method, "--out", out, "--library", library)
    code, said, _ = run("inbetween", clip, *words)
    assert code == 0 and "60 frames" in said
    (_, was), (_, now) = read_bvh(clip), read_bvh(out)
    same = [0, 18, *range(39, 60)]  # what follows the last key stays
    assert np.degrees(quat.angle(now.basis[same], was.basis[same])).max() < 1e-3
    root = np.isfinite(was.location[0, :, 0])
    assert np.abs(now.location[same][:, root] - was.location[same][:, root]).max() < 1e-4
    between = [f for f in range(1, 39) if f != 18]
    assert np.degrees(quat.angle(now.basis[between], was.basis[between])).max() > 0.5


def test_options_are_heard(clip, run, tmp_path):  # noqa: F811
    made = {}
    for name, words in {
        "plain": (), "eased": ("--ease", "slow_in,ease_out"), "feet": ("--no-feet",), "arms": ("--bones", "forearm_l"),
        "tcb": ("--tcb", "1,0,0"),
    }.items():  # fmt: skip
        out = tmp_path / f"{name}.bvh"
        assert run("inbetween", clip, "--keys", "0,20,50", *words, "--out", out)[0] == 0
        made[name] = read_bvh(out)[1].basis
    assert not np.array_equal(made["plain"], made["eased"]) and not np.array_equal(made["plain"], made["feet"])
    assert not np.array_equal(made["plain"], made["tcb"])
    rig, was = read_bvh(clip)
    arm = np.array([bone == "forearm_l" for bone in rig.bones])
    changed = np.degrees(quat.angle(made["arms"], was.basis)).max(axis=0) > 0.01
    assert changed.tolist() == arm.tolist()


def test_holes_of_our_own_motions_are_where_the_score_is_nothing(run, tmp_path):  # noqa: F811
    motion, out = walk(40), tmp_path / "out.npz"
    path = tmp_path / "holes.npz"
    path.write_bytes(motion_to_bytes(motion.with_(score=keyed(40, 0, 15, 39))))
    assert run("inbetween", path, "--out", out)[0] == 0
    filled = motion_from_bytes(out.read_bytes())
    assert np.array_equal(filled.lrot[[0, 15, 39]], motion.lrot[[0, 15, 39]])
    assert not np.array_equal(filled.lrot, motion.lrot)


def test_a_clip_goes_on_after_its_last_key(clip, run, tmp_path):  # noqa: F811
    out, library = tmp_path / "out.bvh", write(tmp_path / "other.bvh", walk(120))
    assert run("inbetween", clip, "--keys", "0,20", "--continue", "45", "--library", library, "--out", out)[0] == 0
    assert len(read_bvh(out)[1]) == 21 + 45
    assert run("inbetween", clip, "--continue", "45", "--library", library, "--out", out, "--overwrite")[0] == 0
    _, longer = read_bvh(out)
    assert len(longer) == 105 and np.degrees(quat.angle(longer.basis[:60], read_bvh(clip)[1].basis)).max() < 1e-3


def test_the_library_is_cared_for(clip, run, tmp_path):  # noqa: F811
    folder = tmp_path / "clips" / "deep"
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        write(folder / f"{name}.bvh", sway(np.random.default_rng(ord(name)), 90))
    (folder / "broken.bvh").write_text("HIERARCHY\n")
    code, said, complaint = run("library", "add", tmp_path / "clips")
    assert code == 3 and "2 of 3 clips" in said and "broken.bvh" in complaint
    assert "deep/a" in run("library", "list")[1]
    assert run("inbetween", clip, "--keys", "0,40", "--method", "dtw", "--out", tmp_path / "o.bvh")[0] == 0
    assert "1 clips are removed" in run("library", "remove", "deep/a")[1]
    assert "--all" in refused(run("library", "remove"))
    assert run("library", "remove", "--all")[0] == 0
    assert "0 clips" in run("library", "list")[1]


def test_retime_takes_the_length_and_the_rate_of_the_other(clip, run, tmp_path):  # noqa: F811
    like, out = write(tmp_path / "like.bvh", walk(60).with_(fps=24.0)), tmp_path / "out.bvh"
    assert run("retime", clip, "--like", like, "--out", out)[0] == 0
    _, made = read_bvh(out)
    assert len(made) == 60 and made.fps == pytest.approx(24.0, rel=1e-4)
    assert run("retime", clip, "--like", like, "--keys", "0,20,45", "--out", tmp_path / "out.npz")[0] == 0
    assert np.isfinite(motion_fk(motion_from_bytes((tmp_path / "out.npz").read_bytes()))[1]).all()


def test_what_cannot_be_filled_is_one_sentence(clip, run, tmp_path):  # noqa: F811
    out = tmp_path / "out.bvh"
    crane = write(tmp_path / "crane.bvh", animal())
    cases = {
        "a pose on every frame": (clip,), "one key": (clip, "--keys", "5"), "neighbouring": (clip, "--keys", "5,6,7"),
        "Frame 99 is not in": (clip, "--keys", "5,99"), '"x" is no time': (clip, "--keys", "5,x"),
        'No in-betweener "splin"': (clip, "--keys", "0,9", "--method", "splin"),
        "library is empty": (clip, "--keys", "0,9", "--method", "dtw"),
        "no bone Nose": (clip, "--keys", "0,9", "--bones", "Nose"),
        "strength of 3": (clip, "--keys", "0,9", "--strength", "3"),
        "no speed curve": (clip, "--keys", "0,9", "--ease", "quick"),
        "2 speed curves for 1 pairs": (clip, "--keys", "0,9", "--ease", "ease_in,ease_out"),
        "no tension": (clip, "--keys", "0,9", "--tcb", "0,2,0"), "no file": (tmp_path / "none.bvh", "--keys", "0,9"),
        "Candidate 40": (clip, "--keys", "0,9", "--method", "dtw", "--candidate", "40", "--library", clip),
        "crane": (crane, "--keys", "0,9", "--method", "lstm"),
    }  # fmt: skip
    for words, given in cases.items():
        assert words in refused(run("inbetween", *given, "--out", out)), words
        assert not out.exists()
    assert "needs a character" in refused(run("inbetween", clip, "--keys", "0,9", "--out", tmp_path / "o.glb"))
    assert "is an input" in refused(run("inbetween", clip, "--keys", "0,9", "--out", clip, "--overwrite"))
    code, said, _ = run("inbetween", crane, "--keys", "0,9,29", "--out", out)
    assert code == 0 and "by itself" in said


def test_a_missing_model_offers_the_spline(clip, run, tmp_path, monkeypatch):  # noqa: F811
    from poseloom.inbetween import lstm

    monkeypatch.setattr(lstm, "MODEL", tmp_path / "none.onnx")
    code, _, said = run("inbetween", clip, "--keys", "0,9", "--method", "lstm", "--out", tmp_path / "o.bvh")
    assert code == 1 or code == 2
    assert "none.onnx is missing" in said and "spline" in said


def test_networks_of_ones_own_are_named_by_their_folder(clip, run, tmp_path):  # noqa: F811
    own = tmp_path / "own"
    shutil.copytree(MODEL.parent, own)
    made = {}
    for model in ("", own, own / "model.onnx", "shipped"):
        out = tmp_path / "out.bvh"
        words = ("--model", model) if model else ()
        assert run("inbetween", clip, "--keys", "0,20,50", "--method", "lstm", *words, "--continue", "5", "--out", out, "--overwrite")[0] == 0
        made[model] = out.read_bytes()
    assert len(set(made.values())) == 1
    words = ("inbetween", clip, "--keys", "0,20", "--out", tmp_path / "no.bvh", "--model")
    assert "--method lstm" in refused(run(*words, own))
    words = (*words[:-1], "--method", "lstm", "--model")
    assert "There is no" in refused(run(*words, tmp_path / "nothing"))
    shutil.copy(MODEL, own / "ahead.onnx")
    assert "ahead.onnx is no in-betweening network" in refused(run(*words, own, "--continue", "5"))
    (own / "model.onnx").write_bytes(b"no network at all")
    assert "model.onnx is no in-betweening network" in refused(run(*words, own))
    (own / "ahead.onnx").unlink()
    assert "There is no" in refused(run(*words, own))


def test_a_gap_longer_than_trained_for_works_and_says_so(run, tmp_path):  # noqa: F811
    long = write(tmp_path / "long.bvh", walk(140))
    code, said, _ = run("inbetween", long, "--keys", "0,139", "--method", "lstm", "--out", tmp_path / "o.bvh")
    assert code == 0 and "segments" in said


def test_progress_for_machines_tells_what_was_made(clip, run, tmp_path):  # noqa: F811
    out = tmp_path / "o.bvh"
    code, said, _ = run("inbetween", clip, "--keys", "0,30", "--out", out, "--progress", "json")
    lines = [json.loads(line) for line in said.splitlines()]
    assert code == 0 and lines[-1]["output"] == str(out) and lines[-1]["frames"] == 60
    assert any("fraction" in line for line in lines)


def test_the_server_fills_holes(tmp_path):
    pytest.importorskip("fastapi")
    from backend_process import Backend

    backend = Backend(tmp_path / "server")
    try:
        motion, path = walk(50), tmp_path / "motion.npz"
        known = keyed(50, *range(10), 30, 49)
        path.write_bytes(motion_to_bytes(motion.with_(score=known)))
        job = backend.client.submit("inbetween", {"motion": path}, {"method": "lstm"})
        assert list(backend.client.watch(job))[-1].state == "done"
        filled = motion_from_bytes(backend.client.result(job, "motion.npz"))
        assert np.array_equal(filled.lrot[known], motion.lrot[known])
        assert not np.array_equal(filled.lrot, motion.lrot)
        assert "dtw" in json.dumps(backend.client.methods()["stages"]["inbetween"])
        for options in ({}, {"onward": 3}):
            job = backend.client.submit("inbetween", {"motion": path}, {**options, "model": str(tmp_path / "nothing")})
            assert list(backend.client.watch(job))[-1].error.code == "no_such_model"
            job = backend.client.submit("inbetween", {"motion": path}, {**options, "model": str(MODEL.parent)})
            assert list(backend.client.watch(job))[-1].state == "done"
    finally:
        backend.stop()
