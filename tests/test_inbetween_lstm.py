"""The LSTM: what it is told, what it is trained on, that it keeps keys, and that it goes on over the ground."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT, need

from poseloom import cli
from poseloom.errors import BadInput, Unavailable
from poseloom.inbetween import ahead, window
from poseloom.inbetween.data import LITTLE, Pack, Sampler, Variety
from poseloom.inbetween.lstm import AHEAD, FPS, MODEL, Continue, Lstm, sole_heights
from poseloom.motion import quat
from poseloom.motion.bvh import motion_to_rig, read_bvh, write_bvh
from poseloom.motion.resample import resample
from poseloom.motion.skeleton import JOINTS, PARENTS, standard
from poseloom.motion.types import Motion

pytest.importorskip("onnxruntime", reason="the LSTM's")
STILL = replace(LITTLE, pace=1.0, size=1.0)


def walk(frames=60, fps=30.0, seed=3):
    """Legs and arms that swing, over the ground along -Y."""
    phase = 2.0 * np.pi * np.arange(frames) / fps
    turn = np.zeros((frames, 22, 3))
    for side, sign in (("l", 1.0), ("r", -1.0)):
        turn[:, JOINTS.index(f"thigh_{side}"), 0] = 0.4 * sign * np.sin(phase)
        turn[:, JOINTS.index(f"shin_{side}"), 0] = 0.4 * (1.0 - np.cos(phase + sign))
        turn[:, JOINTS.index(f"upper_arm_{side}"), 0] = -0.3 * sign * np.sin(phase)
    turn += 0.02 * np.random.default_rng(seed).normal(size=(22, 3))
    root = np.zeros((frames, 3)) + [0.0, 0.0, 0.95]
    root[:, 1] = -1.2 * np.arange(frames) / fps
    return Motion(standard(), quat.exp(turn), root, fps)


def arrays(motion):
    return np.asarray(motion.lrot, np.float64)[None], np.asarray(motion.root, np.float64)[None]


def packed(clips):
    counts = [len(clip) for clip in clips]
    return Pack(
        np.concatenate([c.lrot for c in clips]), np.concatenate([c.root for c in clips]), np.zeros((sum(counts), 4), np.float32),
        np.stack([c.skeleton.offsets for c in clips]), np.concatenate([[0], np.cumsum(counts)]),
        tuple(f"{i:02d}_01" for i in range(len(clips))),
    )  # fmt: skip


@pytest.fixture(scope="module")
def lstm():
    need(MODEL.exists(), "the in-betweening model")
    return Lstm()


@pytest.fixture(scope="module")
def onward():
    need(AHEAD.exists(), "the model that goes on")
    return Continue()


def test_an_eased_curve_goes_through_the_keys_at_their_speed():
    lrot, root = arrays(walk(50))
    known = np.ones(50, bool)
    known[10:30] = known[33:40] = False
    seg = window.segments(known)
    turned, path = window.eased(lrot, root, seg)
    assert np.array_equal(turned[:, known], lrot[:, known]) and np.array_equal(path[:, known], root[:, known])
    plain = window.interpolate(lrot, root, seg)
    step = quat.angle(lrot[0, 8], lrot[0, 9]).max()
    jump = [abs(quat.angle(q[0, 9], q[0, 10]).max() - step) for q in (turned, plain[0])]
    assert jump[0] < 0.5 * jump[1]
    apart = np.linalg.norm(window.midway([plain, (turned, path)])[1] - (plain[1] + path) / 2)
    assert apart == 0.0


def test_a_window_never_leaves_its_clip():
    """Clips whose root stands at a height of their own, so that a mixture would show."""
    clips = [walk(90, seed=i).with_(root=np.full((90, 3), [0.0, 0.0, float(i + 1)])) for i in range(5)]
    sampler = Sampler(packed(clips), np.random.default_rng(1), STILL)
    heights = sampler.stretch(200, 70)[1][..., 2]
    assert set(np.unique(heights)) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert (heights == heights[:, :1]).all()


def test_a_window_longer_than_every_clip_is_a_slower_one():
    sampler = Sampler(packed([walk(60), walk(40, seed=5)]), np.random.default_rng(3))
    lrot, root, contact, _ = sampler.stretch(50, 130)
    assert lrot.shape == (50, 130, 22, 4) and contact.shape == (50, 130, 4)
    assert np.isfinite(lrot).all()
    way = np.linalg.norm(np.diff(root[..., :2], axis=1), axis=-1).sum(axis=1)
    assert (way < 1.2 * 1.2 * 2.0).all() and (way > 1.0).all()  # two seconds of walking, on legs a little longer


@pytest.mark.parametrize("variety", [STILL, LITTLE, Variety()], ids=["still", "little", "much"])
def test_what_is_sampled_is_a_body_that_moves(variety):
    sampler = Sampler(packed([walk(120), walk(150, seed=8)]), np.random.default_rng(2), variety)
    for _ in range(6):
        batch = sampler.batch(8)
        assert np.isfinite(batch.features).all()
        assert batch.features.shape == (8, len(batch.seg.known), window.feature_count(22))
        assert np.abs(np.linalg.norm(batch.lrot, axis=-1) - 1.0).max() < 1e-6
        keys = batch.seg.known
        assert np.array_equal(batch.base_lrot[:, keys], batch.lrot[:, keys]) and not keys.all()
        lengths = np.linalg.norm(batch.offsets, axis=-1)
        for name in ("thigh", "shin", "foot", "upper_arm", "forearm"):  # both sides alike
            left, right = (lengths[:, JOINTS.index(f"{name}_{s}")] for s in "lr")
            assert left == pytest.approx(right, rel=1e-5)


ARM = [JOINTS.index(f"{name}_l") for name in ("clavicle", "upper_arm", "forearm", "hand")]
LEGS = [JOINTS.index(f"{name}_{side}") for name in ("thigh", "shin", "foot", "toe") for side in "lr"]


def posed(number, frames=90):
    """Somebody whose joints are all bent by an angle of his own, and swing by a hundredth of it."""
    swing = 1.0 + 0.01 * np.sin(np.arange(frames) / 7.0)
    turn = np.zeros((frames, 22, 3))
    turn[..., 0] = 0.1 * (number + 1) * swing[:, None]
    return Motion(standard(), quat.exp(turn), np.tile([0.0, 0.0, 0.9], (frames, 1)), 30.0)


def whose(lrot):
    """(...) which of `posed` is bent so."""
    return np.round(np.linalg.norm(quat.log(lrot), axis=-1) / 0.1).astype(int) - 1


def test_backward_windows_go_the_other_way():
    def way(reverse):
        sampler = Sampler(packed([walk(200)]), np.random.default_rng(4), replace(STILL, reverse=reverse))
        return np.diff(sampler.stretch(40, 30)[1][..., 1], axis=1)

    assert (way(0.0) < 0.0).all() and (way(1.0) > 0.0).all()
    some = way(0.5)
    assert ((some > 0.0).all(axis=1) | (some < 0.0).all(axis=1)).all() and 0 < (some[:, 0] > 0.0).sum() < 40


def test_parts_of_a_body_come_whole_from_one_other_window():
    sampler = Sampler(packed([posed(i) for i in range(6)]), np.random.default_rng(5), replace(STILL, parts=0.5))
    who = whose(sampler.stretch(120, 30)[0])
    own, arm = who[..., LEGS], who[..., ARM]
    assert (own == own[:, :1, :1]).all()  # legs stay
    assert (arm == arm[:, :1, :1]).all()  # an arm is one other's, in every frame
    other = (arm[:, 0, 0] != own[:, 0, 0]).mean()
    assert 0.25 < other < 0.6  # half of them, of which a sixth got one that is bent as theirs was


def test_farther_moves_are_the_same_moves_about_the_middle():
    pack, plain = packed([walk(200)]), replace(STILL, reach=1.0)
    was, far = (
        Sampler(pack, np.random.default_rng(6), variety).stretch(60, 31)[0] for variety in (plain, replace(plain, reach=1.6))
    )
    assert far[:, :, LEGS] == pytest.approx(was[:, :, LEGS]) and far[:, 15] == pytest.approx(was[:, 15])
    turned = [quat.log(quat.multiply(quat.inverse(q[:, [15]]), q))[:, :, JOINTS.index("upper_arm_l")] for q in (was, far)]
    size = [np.linalg.norm(turn, axis=-1).max(axis=1) for turn in turned]
    factor = (size[1] / size[0])[:, None, None]
    assert turned[1] == pytest.approx(factor * turned[0], abs=1e-6)
    assert 1 / 1.6 <= factor.min() < 0.8 and 1.25 < factor.max() <= 1.6 + 1e-6


def test_keys_come_back_bit_for_bit_and_holes_are_filled(lstm):
    motion = walk(120)
    known = np.zeros((120, 22), bool)
    known[[3, 12, 13, 14, 40, 41, 101]] = True
    filled = lstm(motion, known)
    assert np.array_equal(filled.lrot[known], motion.lrot[known])
    assert np.array_equal(filled.root[known[:, 0]], motion.root[known[:, 0]])
    assert np.isfinite(filled.lrot).all() and np.isfinite(filled.root).all()
    assert np.array_equal(filled.lrot[:3], np.repeat(filled.lrot[3:4], 3, axis=0))
    steps = quat.angle(filled.lrot[3:101], filled.lrot[4:102])
    assert steps.max() < np.radians(40.0)  # no jump, at keys neither


def test_who_stands_still_is_left_to_the_curve():
    """None of the network's change where nothing moves, half of it at CALM, nearly all of a walk; each hole by itself."""
    motion, offsets = walk(60), np.asarray(standard().offsets)[None]
    known = np.ones(60, bool)
    known[10:40] = known[45:55] = False
    seg = window.segments(known)

    def trusted(lrot, root):
        return window.trust(lrot[None], root[None], offsets, PARENTS, seg, FPS)[0]

    still = np.repeat(motion.lrot[:1], 60, axis=0)
    drift = np.outer(np.arange(60) / FPS, [window.CALM, 0.0, 0.0])
    assert trusted(still, np.zeros((60, 3)))[~known].max() == 0.0
    assert trusted(still, drift)[~known] == pytest.approx(0.5, abs=1e-6)
    assert trusted(motion.lrot, motion.root)[~known].min() > 0.9
    late = np.where(np.arange(60)[:, None] < 41, 0.0, 20.0 * (drift - drift[41]))
    assert trusted(still, late)[10:40].max() < 1e-9 < 0.9 < trusted(still, late)[45:55].min()


def test_many_gaps_are_filled_as_each_alone(lstm):
    lrot, root = arrays(walk(40))
    lrot, root = np.repeat(lrot, 3, axis=0), root + np.array([[[0.0, 0.0, 0.0]], [[2.0, 1.0, 0.0]], [[-3.0, 5.0, 0.0]]])
    lrot[1] = quat.multiply(lrot[1], quat.from_axis_angle([1.0, 0.0, 0.0], np.full(lrot.shape[1:3], 0.1)))
    offsets = np.repeat(np.asarray(standard().offsets, np.float64)[None], 3, axis=0)
    known = np.ones(40, bool)
    known[10:35] = False
    together = lstm.fill(lrot, root, offsets, PARENTS, known)
    for i in range(3):
        alone = lstm.fill(lrot[i : i + 1], root[i : i + 1], offsets[i : i + 1], PARENTS, known)
        assert quat.angle(together[0][i], alone[0][0]).max() < 1e-3
        assert np.abs(together[1][i] - alone[1][0]).max() < 1e-4


def test_where_and_whither_a_body_stands_changes_nothing(lstm):
    motion = walk(40)
    known = np.ones((40, 22), bool)
    known[10:35] = False
    spin, shift = quat.from_axis_angle([0.0, 0.0, 1.0], 2.1), np.array([4.0, -7.0, 0.0])
    lrot = np.array(motion.lrot, np.float64)
    lrot[:, 0] = quat.multiply(spin, lrot[:, 0])
    other = lstm(motion.with_(lrot=lrot, root=quat.rotate(spin, motion.root) + shift), known)
    same = lstm(motion, known)
    assert np.abs(quat.rotate(spin, same.root) + shift - other.root).max() < 1e-3
    assert quat.angle(same.lrot[:, 1:], other.lrot[:, 1:]).max() < 1e-2


def test_seen_twice_in_the_mirror_all_is_as_it_was():
    lrot, root = arrays(walk(20))
    offsets = np.asarray(standard().offsets, np.float64)[None]
    twice = window.mirrored(*window.mirrored(lrot, root, offsets))
    for was, now in zip((lrot, root, offsets), twice):
        assert np.array_equal(was, now)
    turned, path, _ = window.mirrored(lrot, root, offsets)
    places = [window.positions(*x, offsets, PARENTS) for x in ((lrot, root), (turned, path))]
    left, right = JOINTS.index("foot_l"), JOINTS.index("foot_r")
    assert np.abs(places[0][:, :, left] * [-1.0, 1.0, 1.0] - places[1][:, :, right]).max() < 1e-6


def test_another_frame_rate_is_filled_alike(lstm):
    known = np.ones((41, 22), bool)
    known[11:40] = False
    fine = np.ones((81, 22), bool)
    fine[21:80] = False
    slow, fast = lstm(walk(41), known), lstm(walk(81, fps=60.0), fine)
    apart = quat.angle(slow.lrot, resample(fast, 30.0).lrot)
    assert np.degrees(apart.mean()) < 1.5


def test_steps_tell_where_a_motion_goes():
    motion = walk(30)
    lrot, root = arrays(motion)
    lrot[:, :, 0] = quat.multiply(quat.from_axis_angle([0.0, 0.0, 1.0], np.linspace(0.0, 4.0, 30)), lrot[:, :, 0])
    leg = ahead.leg_length(standard().offsets)
    x = ahead.steps(lrot, root, np.array([leg]))[0]
    assert x.shape == (30, ahead.STEP)
    back = ahead.unstep(x[10:], ahead.heading(lrot[0, 9, 0]), root[0, 9], leg)
    assert quat.angle(back[0], lrot[0, 10:]).max() < 1e-5 and np.abs(back[1] - root[0, 10:]).max() < 1e-9


@pytest.mark.parametrize("fps, knees", [(30.0, 1.0), (24.0, 1.0), (30.0, -1.0)], ids=["30", "24", "backward knees"])
def test_going_on_keeps_what_was_and_stays_on_the_ground(onward, fps, knees):
    motion = walk(40, fps)
    lrot = np.array(motion.lrot, np.float64)
    shins = [JOINTS.index("shin_l"), JOINTS.index("shin_r")]
    lrot[:, shins] = quat.exp(knees * quat.log(lrot[:, shins]))
    motion = motion.with_(lrot=lrot)
    more = onward(motion, 300)
    assert len(more) == 340 and more.fps == fps
    assert np.array_equal(more.lrot[:40], motion.lrot) and np.array_equal(more.root[:40], motion.root)
    assert np.isfinite(more.lrot).all() and np.isfinite(more.root).all()
    ground = sole_heights(motion).min()
    assert np.abs(sole_heights(more)[40:] - ground).max() < 0.03
    speed = np.linalg.norm(np.diff(more.root[40:, :2], axis=0), axis=-1) * fps / ahead.leg_length(standard().offsets)
    assert speed.max() <= 2.5 + 1e-4
    assert quat.angle(more.lrot[39:-1], more.lrot[40:]).max() < np.radians(40.0)


def test_who_is_in_the_air_comes_down_and_does_not_fall(onward):
    motion = walk(40)
    up = np.zeros((40, 3))
    up[30:, 2] = 0.03 * np.arange(1, 11)
    motion = motion.with_(root=motion.root + up)
    more = onward(motion, 40)
    assert np.linalg.norm(np.diff(more.root[39:], axis=0), axis=-1).max() * 30.0 < 2.5
    assert sole_heights(more)[55:].max() - sole_heights(motion).min() < 0.03


def test_what_cannot_be_done_is_said(tmp_path):
    with pytest.raises(Unavailable, match="spline"):
        Lstm(tmp_path / "model.onnx")
    with pytest.raises(Unavailable):
        Continue(tmp_path / "ahead.onnx")


def test_going_on_from_one_frame_or_with_fingers_is_refused(onward):
    with pytest.raises(BadInput, match="One frame"):
        onward(walk(1), 10)


def test_rates_it_was_trained_at():
    assert Lstm.longest_s * FPS == 60.0


@pytest.mark.slow
def test_training_runs_resumes_and_exports(tmp_path):
    python = ROOT / ".venvs" / "train" / "bin" / "python"
    need(python.exists(), "an environment with torch in .venvs/train")
    env = {**os.environ, "PYTHONPATH": str(ROOT / "backend")}
    takes = tuple(f"take{i}" for i in range(11))  # the last is held out
    replace(packed([walk(120, seed=i) for i in range(11)]), names=takes).save(tmp_path / "clips.npz")
    words = [python, "-m", "poseloom", "train", "inbetween", "--data", tmp_path / "clips.npz", "--hidden", "16",
             "--minutes", "0.6", "--stretch", "0.3", "--out", tmp_path / "out"]  # fmt: skip
    steps = []
    for _ in range(2):
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, env=env)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in (tmp_path / "out/eased/log.jsonl").read_text().splitlines()]
        steps.append(lines[-1]["step"])
    assert 0 < steps[0] < steps[1]
    card = (tmp_path / "out/CARD.md").read_text()
    assert "L2P" in card and "10 clips, take0, take1" in card and "CMU" not in card
    assert len(Continue(tmp_path / "out/ahead.onnx")(walk(40), 5)) == 45


@pytest.mark.slow
def test_networks_are_tuned_to_clips_and_then_used(tmp_path, lstm, capsys):
    """Begun from those that ship: at first they say the same, then something else that is not far from it."""
    python = ROOT / ".venvs" / "train" / "bin" / "python"
    need(python.exists(), "an environment with torch in .venvs/train")
    env = {**os.environ, "PYTHONPATH": str(ROOT / "backend")}
    packed([walk(150, seed=3), walk(150, seed=4)]).save(tmp_path / "own.npz")
    motion, known = walk(60, seed=3), np.ones((60, 22), bool)
    known[10:50] = False
    shipped, apart = lstm(motion, known), {}
    for name, minutes in (("touched", 0.0001), ("tuned", 0.5)):
        words = [python, "-m", "poseloom", "train", "inbetween", "--data", tmp_path / "own.npz", "--from", "shipped",
                 "--minutes", minutes, "--out", tmp_path / name]  # fmt: skip
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, env=env)
        assert done.returncode == 0, done.stderr
        apart[name] = np.degrees(quat.angle(Lstm(tmp_path / name / "model.onnx")(motion, known).lrot, shipped.lrot).max())
    assert apart["touched"] < 0.05 and 3.0 * apart["touched"] < apart["tuned"] < 20.0
    assert "Begun from the networks in shipped" in (tmp_path / "tuned" / "CARD.md").read_text()
    assert (tmp_path / "tuned" / "ahead.onnx").read_bytes() == AHEAD.read_bytes()

    # what is begun is gone on with as it was begun
    before = (tmp_path / "tuned" / "model.onnx").read_bytes()
    for begun in ((), ("--from", tmp_path / "touched")):
        words = [python, "-m", "poseloom", "train", "inbetween", "--data", tmp_path / "own.npz", *begun,
                 "--minutes", "0.01", "--out", tmp_path / "tuned"]  # fmt: skip
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, env=env)
        assert done.returncode == 2 and "was begun from shipped: say --from shipped" in done.stderr
        assert "Traceback" not in done.stderr
    assert (tmp_path / "tuned" / "model.onnx").read_bytes() == before

    write_bvh(tmp_path / "walk.bvh", *motion_to_rig(motion))
    made = {}
    for name in ("shipped", "tuned"):
        out = tmp_path / f"{name}.bvh"
        model = () if name == "shipped" else ("--model", tmp_path / name)
        words = ("inbetween", tmp_path / "walk.bvh", "--keys", "0,8,9,50,59", "--method", "lstm", *model, "--out", out)
        assert cli.main(list(map(str, words))) == 0, capsys.readouterr().err
        made[name] = read_bvh(out)[1].basis
    assert quat.angle(*made.values()).max() > np.radians(0.01)


def test_training_refuses_what_is_no_pack(tmp_path, capsys):
    np.savez(tmp_path / "odd.npz", lrot=np.zeros(3))
    code = cli.main(["train", "inbetween", "--data", str(tmp_path / "odd.npz"), "--out", str(tmp_path / "out")])
    assert code in (1, 2) and capsys.readouterr().err


def test_keys_further_away_tell_of_the_movement(lstm):
    """Single poses on either side of a hole: what lies beyond them is heeded, and stays as it was."""
    motion = walk(61)
    few, more = np.zeros((61, 22), bool), np.zeros((61, 22), bool)
    few[[20, 40]] = more[[0, 20, 40, 60]] = True
    alone, among = lstm(motion, few), lstm(motion, more)
    hole = slice(21, 40)
    apart = [quat.angle(m.lrot[hole], motion.lrot[hole]).mean() for m in (alone, among)]
    assert apart[0] != apart[1]
    assert np.array_equal(among.lrot[more], motion.lrot[more])
