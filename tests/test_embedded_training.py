"""The embedded model's pictures, the encoding of its poses, and its training."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, need

sys.path.insert(0, str(ROOT / "backend" / "studio"))
import characters  # noqa: E402
import embed_pictures  # noqa: E402

from poseloom import cli, packing  # noqa: E402
from poseloom.inbetween.data import Pack  # noqa: E402
from poseloom.motion import openpose, quat  # noqa: E402
from poseloom.motion.pictures import Guides  # noqa: E402
from poseloom.motion.skeleton import JOINTS, standard  # noqa: E402
from poseloom.render import embedded, encoding, fields, warping  # noqa: E402

NAMES = openpose.BODIES[18]


@pytest.fixture(scope="module")
def body():
    return characters.Adult(ROOT / "backend/poseloom/assets/body.npz", 1.75)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A file of three clips, one of them of a subject that is kept for tests and one for validation."""
    turn = np.zeros((30, 22, 3))
    turn[:, JOINTS.index("thigh_l"), 0] = np.linspace(-0.6, 0.6, 30)
    turn[:, JOINTS.index("upper_arm_l"), 1], turn[:, JOINTS.index("upper_arm_r"), 1] = 1.1, -1.1
    path = tmp_path_factory.mktemp("clips") / "clips.npz"
    Pack(quat.exp(turn), np.tile([0.0, 0.0, 0.96], (30, 1)), np.ones((30, 4)), np.tile(standard().offsets, (3, 1, 1)),
         np.array([0, 10, 20, 30]), ("01_01", "09_12", "08_03")).save(path)  # fmt: skip
    return path


def pictures(body, clips, seed=3, size=64, count=4):
    rng = np.random.default_rng(seed)
    dress = characters.Dress.random(rng)
    return embed_pictures.picture_set(body, dress, embed_pictures.Poses(clips, False), rng, count, size)


def test_the_same_seed_gives_the_same_pictures_and_another_others(body, clips):
    first, again, other = (pictures(body, clips, seed) for seed in (3, 3, 4))
    for a, b in zip(first, again):
        assert all(np.array_equal(a[name], b[name]) for name in a)
    assert not np.array_equal(first[0]["rgb"], other[0]["rgb"])


def test_what_is_told_of_a_picture_is_what_it_shows(body, clips):
    """Points that are seen lie on the body; what belongs to the left arm lies by the left arm's points."""
    names = body.region_names
    for row in pictures(body, clips, size=128):
        for name in ("hip_l", "hip_r", "knee_l", "knee_r", "shoulder_l", "elbow_r"):
            x, y = row["xy"][NAMES.index(name)].astype(int)
            assert not row["seen"][NAMES.index(name)] or row["region"][y, x] >= 0, name
        assert {"skin", "shirt", "shoes"} <= {names[r] for r in np.unique(row["region"]) if r >= 0}
        cells = np.argwhere(row["rest"][..., 0] > 20)[:, ::-1] * 4 + 2
        left, right = (row["xy"][[NAMES.index(f"{n}_{s}") for n in ("elbow", "wrist")]] for s in "lr")
        apart = [np.linalg.norm(cells[:, None] - points, axis=-1).min(axis=1) for points in (left, right)]
        assert len(cells) and np.mean(apart[0] < apart[1]) > 0.9
        facing = abs(row["yaw"]) < 1.0
        assert not facing or row["xy"][NAMES.index("shoulder_l"), 0] > row["xy"][NAMES.index("shoulder_r"), 0]


def test_what_is_held_out_is_in_no_training(clips):
    trained, held = embed_pictures.Poses(clips, False), embed_pictures.Poses(clips, True)
    assert [trained.names[i] for i in trained.clips] == ["01_01"] and [held.names[i] for i in held.clips] == ["09_12"]
    assert set(packing.TEST) == {"09", "29", "49"} and not set(packing.TEST) & set(packing.TRAINING)
    assert len(characters.HELD_BODIES) == 2 and len(characters.ADULTS) - 2 >= 12
    twelve, rng = embed_pictures.held_dresses(), np.random.default_rng(1)
    assert len(twelve) == 12
    for dress in (embed_pictures.dress_unlike(rng, twelve) for _ in range(50)):
        assert all(np.abs(dress.colours() - other.colours()).max() > 0.1 for other in twelve)


def guides(xy, away=None, side=128) -> Guides:
    away = np.full((1, 18), 3.0) if away is None else away
    return Guides(0, np.zeros((side, side, 3), np.uint8), "openpose-18", [1], xy[None], away, np.ones((1, 18)))


def standing(side=128.0):
    places = {"nose": (0, -0.38), "neck": (0, -0.26), "ear": (0.03, -0.4), "eye": (0.015, -0.4), "shoulder": (0.1, -0.26),
              "elbow": (0.16, -0.1), "wrist": (0.2, 0.04), "hip": (0.06, 0.0), "knee": (0.07, 0.2), "ankle": (0.08, 0.4)}  # fmt: skip
    sign = {"l": 1, "r": -1}
    rows = [(places[n.split("_")[0]], sign[n[-1]] if n[-2:] in ("_l", "_r") else 1) for n in NAMES]
    return np.array([(0.5 + s * x, 0.5 + y) for (x, y), s in rows]) * side


def test_the_encoding_is_the_heat_maps_and_limb_fields_of_the_guides():
    made = guides(standing())
    code = encoding.of_guides(made)
    assert code.shape == (encoding.CHANNELS, 32, 32)
    assert code[:18] == pytest.approx(fields.heat_maps(made, stride=4, sigma_px=0.03 * 128), abs=1e-5)
    weight, unit = code[54:71], code[71:105].reshape(2, 17, 32, 32).swapaxes(0, 1)
    on = fields.limb_fields(made, stride=4, half_px=6.0)
    inside = np.abs(on).sum(1, keepdims=True) > 0
    assert np.where(inside, unit, 0) == pytest.approx(np.where(inside, on * weight[:, None], 0), abs=1e-5)


def test_the_encoding_knows_no_pixels_and_bears_what_is_missing():
    xy = standing()
    whole = encoding.encode(xy[None], np.full((1, 18), 3.0), np.ones((1, 18)), 128)
    assert whole == pytest.approx(encoding.encode(4 * xy[None], np.full((1, 18), 7.0), np.ones((1, 18)), 512), abs=1e-4)
    wrist = NAMES.index("wrist_l")
    xy[wrist] = np.nan
    less = encoding.encode(xy[None], np.full((1, 18), np.nan), np.ones((1, 18)), 128)[0]
    assert np.isfinite(less).all() and not less[wrist].any() and less[:18].sum() > 0
    assert not less[36:54].any()  # nothing is known of depth


def stacked(rows, **more):
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]} | more


@pytest.fixture(scope="module")
def pack(body, clips, tmp_path_factory):
    rows = [row | {"character": np.int32(n)} for n in range(3) for row in pictures(body, clips, seed=n)]
    path = tmp_path_factory.mktemp("pack") / "pictures.npz"
    np.savez(path, **stacked(rows), clip_names=np.array(["01_01", "09_12", "08_03"]), seed=3)
    return path


def test_training_refuses_what_is_no_pack_and_what_is_held_out(pack, tmp_path, capsys):
    with np.load(pack) as npz:
        arrays = dict(npz)
    np.savez(tmp_path / "held.npz", **arrays | {"clip": np.ones_like(arrays["clip"])})
    np.savez(tmp_path / "less.npz", **{name: a for name, a in arrays.items() if name != "rest"})
    for name, text in (("held.npz", "holds subject 09 of CMU's, kept for tests"), ("less.npz", "has no rest"), ("none.npz", "cannot be read")):
        assert cli.main(["train", "render", "--data", str(tmp_path / name), "--out", str(tmp_path / "out")]) == 2
        assert text in capsys.readouterr().err


@pytest.mark.slow
def test_training_goes_on_where_it_stopped_and_what_it_makes_runs(pack, tmp_path):
    python = ROOT / ".venvs" / "train" / "bin" / "python"
    need(python.exists() and (python.parents[1] / "lib/python3.11/site-packages/diffusers").is_dir(), "diffusers in .venvs/train")
    runtime = pytest.importorskip("onnxruntime", reason="the embedded model's")
    env = os.environ | {"PYTHONPATH": str(ROOT / "backend"), "OMP_NUM_THREADS": "1"}

    def call(*words):
        done = subprocess.run([str(python), *map(str, words)], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    out, steps = tmp_path / "out", []
    for _ in range(2):
        call("-m", "poseloom", "train", "render", "--data", pack, "--out", out, "--minutes", "0.2", "--stretch", "0.1", "--progress", "none")
        line = json.loads((out / "log.jsonl").read_text().splitlines()[-1])
        steps.append(line["step"])
        assert 0.0 < line["held_body"] < 1.0
    assert steps[1] > steps[0] > 0
    small = tmp_path / "small"
    taught = ("--out", small, "--teacher", out / "checkpoint", "--minutes", "0.1", "--progress", "none")
    call("-m", "poseloom", "train", "render", "--data", pack, *taught)
    assert "09, 29, 49 were" in (out / "CARD.md").read_text() and "subjects 01 of" in (out / "CARD.md").read_text()
    large, little = (sum((f / name).stat().st_size for name in ("guide.onnx", "denoiser.onnx")) for f in (out, small))
    assert little < 0.4 * large < 8e6 and "taught by a larger model" in (small / "CARD.md").read_text()

    rng = np.random.default_rng(0)
    told = json.loads((out / "model.json").read_text())
    size = told["size"]
    xy = np.stack([standing(size), standing(size) + 3.0])
    pose = encoding.encode(xy, np.full((2, 18), 3.0), np.ones((2, 18)), size)
    reference, noise = (rng.uniform(-1, 1, (2, 3, size, size)).astype(np.float32) for _ in range(2))
    away = np.full((2, 18), 3.0)
    warped = warping.warp(reference, (xy[::-1], away), (xy, away))
    np.savez(tmp_path / "in.npz", pose=pose, reference=reference, noise=noise, warped=warped)
    call(ROOT / "tests/embedded_process.py", out / "checkpoint", tmp_path / "in.npz", tmp_path / "torch.npz")
    guide, denoiser = (runtime.InferenceSession(str(out / f"{name}.onnx")) for name in ("guide", "denoiser"))
    fed = {"reference": reference, "reference_pose": pose[::-1], "pose": pose, "warped": warped}
    condition = dict(zip(embedded.CONDITION, guide.run(embedded.CONDITION, fed)))
    x = noise
    for step, (time, alpha) in enumerate(told["alphas"]["4"]):
        clean = np.clip(denoiser.run(None, {"noisy": x, "time": np.full(2, time, np.float32), **condition})[0], -1, 1)
        if step < 3:
            after = told["alphas"]["4"][step + 1][1]
            x = np.sqrt(after) * clean + np.sqrt((1 - after) / (1 - alpha)) * (x - np.sqrt(alpha) * clean)
            x = x.astype(np.float32)
    with np.load(tmp_path / "torch.npz") as npz:
        for i, part in enumerate(condition.values()):
            assert part == pytest.approx(npz[f"condition{i}"], abs=1e-3)
        assert clean == pytest.approx(npz["made"], abs=1e-3)
