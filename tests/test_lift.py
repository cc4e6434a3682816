"""The lifter: laws of what goes in and comes out, what it was trained on, and how it is trained."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import seen
from conftest import ROOT, need

from poseloom import cli, packing
from poseloom.errors import BadInput, Unavailable
from poseloom.motion import fingers, layouts, quat
from poseloom.motion.bvh import motion_to_rig, read_bvh, write_bvh
from poseloom.motion.skeleton import JOINTS, MIRROR, motion_fk, standard
from poseloom.motion.types import Keypoints, Motion, Rig, RigMotion
from poseloom.pose import lift, root, stills
from poseloom.pose.habits import LIMBS, Habits
from poseloom.pose.lift import Lifter, features
from poseloom.pose.projections import Projections
from poseloom.pose.recordings import Pairs

pytest.importorskip("onnxruntime", reason="the lifter's")
J = {name: j for j, name in enumerate(JOINTS)}


@pytest.fixture(scope="module")
def lifter():
    need(lift.MODEL.is_file(), "the lifter's model")
    return Lifter()


def strolling(frames=120, fps=30.0) -> Motion:
    """Arms and legs that swing, knees and elbows that bend, a trunk that turns."""
    time = np.arange(frames) / fps
    turn = np.zeros((frames, 22, 3))
    for s, sign in (("l", 1.0), ("r", -1.0)):
        swing = sign * np.sin(2.0 * np.pi * 0.9 * time)
        turn[:, J[f"thigh_{s}"], 0] = -0.4 * swing
        turn[:, J[f"shin_{s}"], 0] = 0.4 + 0.35 * np.cos(2.0 * np.pi * 0.9 * time + sign)
        turn[:, J[f"upper_arm_{s}"], 1] = sign * 1.2
        turn[:, J[f"forearm_{s}"], 2] = sign * (-0.7 - 0.4 * swing)
    turn[:, 0, 2] = 0.5 * np.sin(2.0 * np.pi * 0.2 * time)
    return Motion(standard(1.70), quat.exp(turn), np.tile([0.0, 0.0, 0.93], (frames, 1)), fps)


def stroll(frames=120, fps=30.0, **how) -> Keypoints:
    return seen.film(seen.landmarks(strolling(frames, fps)), fps, noise=0.0, yaw_rad=0.6, **how)


def test_joints_lie_about_the_hips_and_doubt_is_a_share(lifter):
    found = lifter(stroll())
    assert found.names == JOINTS and found.xyz.shape == (120, 22, 3) and found.score.shape == (120, 22)
    assert np.abs(found.xyz[:, J["thigh_l"]] + found.xyz[:, J["thigh_r"]]).max() < 1e-4
    assert (found.score > 0.0).all() and (found.score < 1.0).all()
    up = found.xyz[:, J["head"], 2] - found.xyz[:, [J["foot_l"], J["foot_r"]], 2].mean(axis=1)
    assert (up > 1.0).all(), "z is up, metres"


@pytest.mark.parametrize("depth", [True, False])
def test_a_stroll_is_lifted_to_where_it_was(lifter, depth):
    """Median over frames of the limbs' mean error after alignment: 60 mm, and depth that goes the same way."""
    motion, keypoints = strolling(), stroll()
    found = lifter(keypoints if depth else replace(keypoints, xyz=None)).xyz[:, LIMBS].astype(float)
    truth = quat.rotate(quat.from_axis_angle([0.0, 0.0, 1.0], np.array(0.6)), motion_fk(motion)[1][:, LIMBS])
    truth = truth - truth[:, 6:8].mean(axis=1, keepdims=True)
    assert np.median(np.linalg.norm(aligned(found, truth) - truth, axis=-1).mean(axis=1)) < 0.06
    assert np.corrcoef(found[..., 1].ravel(), truth[..., 1].ravel())[0, 1] > 0.8


def aligned(found, truth):
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (found, truth))
    u, s, vt = np.linalg.svd(np.swapaxes(a, 1, 2) @ b)
    fix = np.ones_like(s)
    fix[:, 2] = np.sign(np.linalg.det(u @ vt))
    scale = (s * fix).sum(axis=1) / (a * a).sum(axis=(1, 2))
    return scale[:, None, None] * (a @ ((u * fix[:, None]) @ vt)) + truth.mean(axis=1, keepdims=True)


def test_windows_leave_no_seam(lifter, monkeypatch):
    """In windows of 60 frames the answer is that of the whole clip at once, to 0.01 mm."""
    keypoints = stroll(250)
    whole = lifter(keypoints)
    monkeypatch.setattr(lift, "WINDOW", 60)
    parts = lifter(keypoints)
    assert np.abs(parts.xyz - whole.xyz).max() < 1e-5
    assert np.abs(parts.score - whole.score).max() < 1e-4


def test_who_is_seen_in_a_mirror_is_lifted_as_in_a_mirror(lifter):
    keypoints = stroll(40)
    other = list(layouts.BLAZEPOSE.mirror())
    xy, xyz = np.array(keypoints.xy)[:, other], np.array(keypoints.xyz)[:, other] * [-1.0, 1.0, 1.0]
    xy[..., 0] = keypoints.size[0] - xy[..., 0]
    found, there = lifter(keypoints), lifter(replace(keypoints, xy=xy, xyz=xyz, score=keypoints.score[:, other]))
    assert np.abs(there.xyz[:, list(MIRROR)] * [-1.0, 1.0, 1.0] - found.xyz).max() < 1e-4


# --- single pictures -------------------------------------------------------------------------


def test_in_single_pictures_each_frame_is_lifted_by_itself():
    keypoints = stroll(60)
    whole, alone = Lifter(lift.STILL)(keypoints), Lifter(lift.STILL)(rows_of(keypoints, [37]))
    assert np.abs(whole.xyz[37] - alone.xyz[0]).max() < 0.03  # but for the size in the picture, averaged over a clip
    assert np.abs(whole.xyz[37] - whole.xyz[20]).max() > 0.1
    motion, found = strolling(60), whole.xyz[:, LIMBS].astype(float)
    truth = motion_fk(motion)[1][:, LIMBS]
    assert np.median(np.linalg.norm(aligned(found, truth) - truth, axis=-1).mean(axis=1)) < 0.06


def rows_of(keypoints, rows):
    return replace(keypoints, xy=keypoints.xy[rows], xyz=keypoints.xyz[rows], score=keypoints.score[rows])


def test_pixels_of_a_still_go_nearer_to_the_lifted_joints_and_those_that_agree_stay():
    motion = strolling(1)
    seen_ = seen.film(seen.landmarks(motion), 30.0, noise=0.0, focal=root.FOCAL)
    joints = motion_fk(motion)[1]
    hips = joints[:, [J["thigh_l"], J["thigh_r"]]].mean(axis=1, keepdims=True)
    said = lift.Lifted(JOINTS, joints - hips, np.full((1, 22), 0.5))
    same, believed = stills.agreed(seen_, said)
    assert np.abs(same.xy - seen_.xy).max() < 0.01 * 1280
    moved = np.abs(believed.xyz - said.xyz).max(axis=(0, 2)) > 1e-9
    assert {JOINTS[j] for j in np.flatnonzero(moved)} == {"shin_l", "shin_r"}  # bent more, in depth alone
    assert (believed.xyz[..., [0, 2]] == said.xyz[..., [0, 2]]).all()
    assert (believed.score > said.score).all() and (believed.score <= 1.0).all()
    wrong = np.array(seen_.xy)
    wrong[0, 13] += [80.0, -60.0]  # an elbow
    mended = stills.agreed(replace(seen_, xy=wrong), said)[0].xy
    assert np.linalg.norm(mended[0, 13] - seen_.xy[0, 13]) < 0.75 * 100.0
    rest = np.delete(np.arange(33), 13)
    assert np.abs(mended[0, rest] - same.xy[0, rest]).max() < 0.01 * 1280


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_clips_are_lifted(lifter, frames):
    assert np.isfinite(lifter(stroll(frames)).xyz).all()
    assert np.isfinite(lifter(stroll(frames, 60.0)).xyz).all()


def test_frames_without_anybody_stay_empty_and_lost_points_do_not(lifter):
    keypoints = stroll()
    xy, xyz, score = np.array(keypoints.xy), np.array(keypoints.xyz), np.array(keypoints.score)
    xy[50:60], xyz[50:60], score[50:60] = np.nan, np.nan, 0.0
    wrist = layouts.BLAZEPOSE.index("wrist_l")
    xy[80:90, wrist], xyz[80:90, wrist], score[80:90, wrist] = np.nan, np.nan, 0.0
    found, whole = lifter(replace(keypoints, xy=xy, xyz=xyz, score=score)), lifter(keypoints)
    gone = np.isnan(found.xyz).any(axis=(1, 2))
    assert gone[50:60].all() and gone.sum() == 10 and (found.score[50:60] == 0.0).all()
    hand = J["hand_l"]
    assert found.score[80:90, hand].mean() < whole.score[80:90, hand].mean(), "a hand unseen is doubted more"
    away = np.linalg.norm(found.xyz[80:90] - whole.xyz[80:90], axis=-1)
    assert away[:, J["shin_r"]].max() < 0.06, "the other side's knee hardly minds"


@pytest.mark.parametrize("fps", [24.0, 25.0, 60.0])
def test_another_rate_says_the_same(lifter, fps):
    """A stroll seen at another rate, at the times that both have: mean difference under 15 mm."""
    seconds = 4
    slow, other = lifter(stroll(30 * seconds)), lifter(stroll(int(fps) * seconds, fps))
    assert len(other.xyz) == fps * seconds
    step = int(np.gcd(30, int(fps)))
    a, b = slow.xyz[:: 30 // step], other.xyz[:: int(fps) // step]
    count = min(len(a), len(b))
    assert np.linalg.norm(a[:count] - b[:count], axis=-1)[2:-2].mean() < 0.015


def test_a_layout_without_feet_and_depth_is_lifted_too(lifter, monkeypatch):
    names = tuple(n for n in layouts.BLAZEPOSE.names if n.split("_")[0] in
                  "nose eye ear shoulder elbow wrist hip knee ankle".split() and n.count("_") < 2)  # fmt: skip
    monkeypatch.setitem(layouts.LAYOUTS, "seventeen", layouts.Layout(names, ()))
    keypoints = stroll()
    pick = [layouts.BLAZEPOSE.index(n) for n in names]
    fewer = Keypoints("seventeen", keypoints.xy[:, pick], None, keypoints.score[:, pick], keypoints.size, 30.0)
    found, whole = lifter(fewer), lifter(replace(keypoints, xyz=None))
    assert len(names) == 17 and np.isfinite(found.xyz).all()
    assert np.linalg.norm(found.xyz - whole.xyz, axis=-1)[:, LIMBS].mean() < 0.06


def test_a_layout_without_hips_is_refused(lifter, monkeypatch):
    monkeypatch.setitem(layouts.LAYOUTS, "bust", layouts.Layout(("nose", "shoulder_l", "shoulder_r"), ()))
    with pytest.raises(BadInput, match="hip_l"):
        lifter(Keypoints("bust", np.zeros((4, 3, 2)), None, np.ones((4, 3)), (64, 48), 30.0))


def test_nobody_at_all_is_refused(lifter):
    keypoints = stroll(10)
    with pytest.raises(BadInput, match="shows a person"):
        lifter(replace(keypoints, xy=np.full_like(keypoints.xy, np.nan), score=np.zeros_like(keypoints.score)))


def test_a_missing_model_says_so(tmp_path):
    with pytest.raises(Unavailable, match=r"model .*none\.onnx is missing.*") as caught:
        Lifter(tmp_path / "none.onnx")
    assert caught.value.hint


def test_how_large_the_picture_is_does_not_matter():
    xy, xyz, score = lift.chosen(stroll())
    small, large = features(xy, xyz, score, (1280, 720)), features(xy * 1.5, xyz * 1.1, score, (1920, 1080))
    assert np.abs(small - large).max() < 1e-5


# --- what it learns from -------------------------------------------------------------------


@pytest.mark.parametrize("model", [lift.MODEL, lift.STILL], ids=["clips", "stills"])
def test_the_card_names_no_subject_of_the_tests(model):
    card = model.with_name("CARD.md")
    need(card.is_file(), "the lifter's card")
    listed = re.search(r"subjects ([\d, ]+) of the CMU", card.read_text(encoding="utf-8")).group(1).split(", ")
    assert set(listed) <= set(packing.TRAINING)
    assert not set(packing.TRAINING) & set(packing.VALIDATION + packing.TEST)
    assert {"09", "29", "49"} <= set(packing.TEST)
    assert model.stat().st_size <= 6e6


def clip(folder, name, frames=90, fps=30.0):
    motion = strolling(frames, fps)
    bones = motion.skeleton
    place = np.zeros((22, 3))
    for j, parent in enumerate(bones.parents):
        place[j] = bones.offsets[j] + (place[parent] if parent >= 0 else 0.0)
    rest = np.tile(np.eye(4), (22, 1, 1))
    rest[:, :3, 3] = place
    rig = Rig(JOINTS, bones.parents, rest, place + bones.tips)
    location = np.full((frames, 22, 3), np.nan)
    location[:, 0] = motion.root - place[0]
    folder.mkdir(parents=True, exist_ok=True)
    write_bvh(folder / name, rig, RigMotion(JOINTS, motion.lrot, location, np.ones(22, bool), fps))
    return read_bvh(folder / name)


def test_packing_takes_training_subjects_only_and_says_what_it_leaves_out(tmp_path, capsys):
    for name in ("01_01.bvh", "09_01.bvh", "08_02.bvh"):
        clip(tmp_path / "in", name)
    clip(tmp_path / "in", "02_01.bvh", frames=20)
    out = tmp_path / "clips.npz"
    assert cli.main(["train", "pack", str(tmp_path / "in"), "--out", str(out), "--progress", "none"]) == 0
    assert "02_01.bvh: too short" in capsys.readouterr().out
    with np.load(out) as z:
        assert list(z["names"]) == ["01_01"] and z["start"].tolist() == [0, 90]
        motion = strolling(90)
        assert quat.angle(z["lrot"][:, J["thigh_l"]], motion.lrot[:, J["thigh_l"]]).max() < np.radians(1.0)
    for name in ("08run.bvh", "hero_1.bvh"):  # a studio's own, which only look alike
        clip(tmp_path / "in" / "own", name)
    assert sorted(packing.pack(tmp_path / "in")[0].names) == ["01_01", "08run", "hero_1"]
    assert packing.pack(tmp_path / "in", ("hero",))[0].names == ("hero_1",)


def test_packing_leaves_fingers_out(tmp_path):
    body = strolling(90)
    hands = fingers.with_fingers(body.skeleton)
    turned = np.tile(quat.IDENTITY, (90, len(hands), 1))
    turned[:, :22] = body.lrot
    for name, motion in {"a_1": Motion(hands, turned, body.root, 30.0), "b_1": body}.items():
        (tmp_path / name).mkdir()
        write_bvh(tmp_path / name / f"{name}.bvh", *motion_to_rig(motion))
    for folder, names in ((tmp_path, ("a_1", "b_1")), (tmp_path / "a_1", ("a_1",))):
        packed, left_out = packing.pack(folder)
        assert packed.names == names and not left_out
        assert packed.lrot.shape[1:] == (22, 4) and packed.offsets.shape == (len(names), 22, 3)
        for clip in range(len(names)):
            rows = slice(packed.start[clip], packed.start[clip + 1])
            assert quat.angle(packed.lrot[rows, J["thigh_l"]], body.lrot[:, J["thigh_l"]]).max() < np.radians(1.0)


def test_what_is_kept_for_tests_is_refused(tmp_path, capsys):
    clip(tmp_path / "in", "09_01.bvh")
    words = ["train", "pack", str(tmp_path / "in"), "--out", str(tmp_path / "x.npz"), "--subjects", "09"]
    assert cli.main(words) == 2 and "kept for tests" in capsys.readouterr().err
    clip(tmp_path / "in", "08_01.bvh")
    held = str(tmp_path / "held.npz")
    assert cli.main(["train", "pack", str(tmp_path / "in"), "--out", held, "--subjects", "08", "--progress", "none"]) == 0
    assert cli.main(["train", "lifter", "--data", held, "--out", str(tmp_path / "z")]) == 2
    zeros = (np.zeros((80, 22, 4)), np.zeros((80, 3)), np.zeros((80, 4)), np.zeros((1, 22, 3)))
    packing.Pack(*zeros, np.array([0, 80]), ("49_02",)).save(tmp_path / "y.npz")
    words = ["train", "lifter", "--data", str(tmp_path / "y.npz"), "--out", str(tmp_path / "z")]
    assert cli.main(words) == 2 and "49" in capsys.readouterr().err


def pack_of(motion) -> dict:
    return {"lrot": np.asarray(motion.lrot), "root": np.asarray(motion.root),
            "offsets": np.asarray(motion.skeleton.offsets)[None],
            "start": np.array([0, len(motion)]), "names": np.array(["01_01"])}  # fmt: skip


def test_made_up_views_are_finite_and_about_the_hips():
    views = Projections(pack_of(strolling(200)), np.random.default_rng(3))
    told, joints, place = views.batch(12, 40)
    assert told.shape == (12, 40, lift.FEATURES) and joints.shape == (12, 40, 22, 3)
    assert np.isfinite(told).all() and np.isfinite(joints).all()
    assert np.abs(joints[:, :, J["thigh_l"]] + joints[:, :, J["thigh_r"]]).max() < 1e-4
    assert (place[..., 1] > 0.5).all(), "in front of the camera"
    usual = np.median(lift.body_length(joints), axis=1)
    np.testing.assert_allclose(usual, lift.usual_length(), rtol=1e-3)


def test_habits_are_found_again_in_what_they_make():
    """Errors made up after habits have these habits: effect of the pose, what stays and how long it lasts."""
    rng = np.random.default_rng(4)
    effect = 0.2 * rng.normal(size=(37, 60)) / 6.0
    parts = [0.02 * np.eye(60) + 0.01 * np.ones((60, 60)) / 60 * k for k in (1.0, 2.0)]
    habits = Habits(effect, parts[0], parts[1], 0.005 * np.eye(60), 0.4)
    poses = [0.3 * np.cumsum(rng.normal(size=(90, 12, 3)), axis=0) / 5.0 for _ in range(200)]
    found = Habits.of(poses, [habits.errors(p[None], rng)[0] for p in poses])
    told = np.concatenate(poses).reshape(-1, 36)
    away = told @ (found.effect - effect)[:36] + (found.effect - effect)[36]
    assert away.std() < 0.2 * (told @ effect[:36]).std()
    for name in ("constant", "slow"):
        size = np.linalg.norm(getattr(found, name)) / np.linalg.norm(getattr(habits, name))
        assert 0.7 < size < 1.4, name
    assert 0.25 < found.slow_s < 0.6


def test_an_estimator_without_habits_is_exact_at_the_limbs():
    none = Habits(*(np.zeros(shape) for shape in ((37, 60), (60, 60), (60, 60), (60, 60))), 0.3)
    views = Projections(pack_of(strolling(200)), np.random.default_rng(3), none)
    joints = motion_fk(strolling(40))[1][None] + [0.0, 4.0, -0.9]
    points = np.repeat(joints[:, :, :1], len(lift.POINTS), axis=2)
    flat, xyz = views._after_habits(points, joints, np.array([1.2]), np.ones((1, 1, 1, 1)))
    limbs = joints[:, :, LIMBS]
    np.testing.assert_allclose(flat[:, :, lift.BODY], 1.2 * limbs[..., [0, 2]] / limbs[..., 1:2], atol=1e-9)
    hips = xyz[:, :, lift.BODY][:, :, 6:8].mean(axis=2)
    assert np.abs(hips).max() < 1e-9


def test_recorded_pairs_are_what_was_recorded():
    """A clip as the estimator saw it without error: its features are those of its keypoints, its joints the truth."""
    keypoints, motion = stroll(60), strolling(60)
    truth = quat.rotate(quat.from_axis_angle([0.0, 0.0, 1.0], np.array(0.6)), motion_fk(motion)[1])
    truth = truth + [0.0, 4.5, -0.9]
    made = {"xy": keypoints.xy, "xyz": keypoints.xyz, "score": keypoints.score, "truth": truth,
            "start": np.array([0, 60]), "size": np.array([keypoints.size]),
            "focal_px": np.array([0.9 * 1280]), "fps": 30.0}  # fmt: skip
    pairs = Pairs([made], np.random.default_rng(0))
    told, joints, _ = pairs.clip(0)
    np.testing.assert_allclose(told[0], features(*lift.chosen(keypoints), keypoints.size), atol=1e-5)
    bone = np.linalg.norm(joints[0, :, J["shin_l"]] - joints[0, :, J["thigh_l"]], axis=-1)
    assert np.ptp(bone) < 1e-4
    assert np.isfinite(pairs.batch(6, 30)[0]).all()


@pytest.mark.slow
def test_training_goes_on_where_it_stopped_and_what_it_makes_runs(tmp_path):
    python = ROOT / ".venvs" / "train" / "bin" / "python"
    need(python.exists(), "an environment with torch in .venvs/train")
    motion = strolling(200)
    arrays = pack_of(motion)
    np.savez(tmp_path / "clips.npz", **arrays)
    keypoints, truth = stroll(60), motion_fk(strolling(60))[1] + [0.0, 4.5, -0.9]
    np.savez(tmp_path / "pairs.npz", xy=keypoints.xy, xyz=keypoints.xyz, score=keypoints.score, truth=truth,
             start=np.array([0, 60]), size=np.array([keypoints.size]), focal_px=np.array([1152.0]), fps=30.0)  # fmt: skip
    clips, pairs, out = (str(tmp_path / name) for name in ("clips.npz", "pairs.npz", "out"))
    words = [str(python), "-m", "poseloom", "train", "lifter", "--data", clips, "--pairs", pairs, "--validate", pairs]
    words += ["--out", out]
    env = os.environ | {"PYTHONPATH": str(ROOT / "backend"), "OMP_NUM_THREADS": "1"}
    steps = []
    for minutes in ("0.1", "0.2"):
        done = subprocess.run([*words, "--minutes", minutes], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
        steps.append(lines[-1]["step"])
        assert lines[-1]["pa_mm"] > 0.0
    assert steps[1] > steps[0] > 0
    assert np.isfinite(Lifter(tmp_path / "out" / "model.onnx")(stroll(20)).xyz).all()
    assert "subjects 01 of the CMU" in (tmp_path / "out" / "CARD.md").read_text()
