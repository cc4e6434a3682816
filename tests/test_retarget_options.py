"""How a retargeting can be steered on the command line: root motion, odd rests, axes and units, settings kept."""

from __future__ import annotations

import json

import numpy as np
import pytest
from test_batch import body, run  # noqa: F401  fixtures
from test_cli import refused, walk

from poseloom import chains, formats, grammar, presets, retarget
from poseloom.errors import BadInput
from poseloom.motion import quat
from poseloom.motion.bvh import motion_to_rig, read_bvh, write_bvh
from poseloom.motion.types import RigMotion
from poseloom.rigs.recognise import recognise


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "walk.bvh"
    write_bvh(path, *motion_to_rig(walk(40)))
    return path


def hips(path) -> np.ndarray:
    """(T,3) metres, where the hips of a clip are."""
    return chains.read_clip(path)[0].root


def test_the_words_for_root_motion_are_those_of_the_kernel():
    assert formats.ROOTS == retarget.ROOTS
    for option, known in (("--up", formats.AXES), ("--root", [root.replace("_", "-") for root in formats.ROOTS])):
        for word in known:
            grammar.build_parser("poseloom").parse_args(["retarget", "x", "--to", "y", "--out", "z", f"{option}={word}"])


def test_in_place_stays_in_place_and_a_missing_root_bone_is_told(clip, body, run, tmp_path):  # noqa: F811
    words = ("retarget", clip, "--to", body, "--out")
    assert run(*words, tmp_path / "hips.bvh")[0] == 0
    assert run(*words, tmp_path / "still.bvh", "--root", "in-place")[0] == 0
    went, still = (np.ptp(hips(tmp_path / name)[:, :2], axis=0).max() for name in ("hips.bvh", "still.bvh"))
    assert went > 0.5 and still < 0.1 * went
    assert "root bone" in refused(run(*words, tmp_path / "bone.bvh", "--root", "bone"))


def test_a_unit_and_an_axis_by_hand_are_believed(clip, body, run, tmp_path):  # noqa: F811
    words = ("retarget", clip, "--to", body, "--out")
    assert run(*words, tmp_path / "found.bvh")[0] == run(*words, tmp_path / "told.bvh", "--unit", 0.01, "--up", "y")[0] == 0
    assert np.abs(hips(tmp_path / "found.bvh") - hips(tmp_path / "told.bvh")).max() < 1e-6
    half, _ = chains.read_clip(clip, chains.Reading(unit_m=0.005))
    assert np.abs(half.skeleton.offsets - 0.5 * chains.read_clip(clip)[0].skeleton.offsets).max() < 1e-6
    assert "Up and front" in refused(run(*words, tmp_path / "bad.bvh", "--up=Z", "--front=-Z"))
    npz = tmp_path / "own.npz"
    from poseloom.motion.files import motion_to_bytes

    npz.write_bytes(motion_to_bytes(walk(10)))
    assert "--up" in refused(run("retarget", npz, "--to", body, "--out", tmp_path / "own.bvh", "--up", "Y"))


def folded(clip, path):
    """The clip on the same skeleton, built with its arms folded; frame 0 shows what it was built in before."""
    rig, motion = read_bvh(clip)
    first = RigMotion(motion.bones, motion.basis * 0 + quat.IDENTITY, motion.location, motion.keyed, motion.fps)
    pose = RigMotion(first.bones, np.array(first.basis[:1]), first.location[:1], first.keyed, first.fps)
    basis = np.array(pose.basis)
    for name, sign in (("upper_arm_l", 1.0), ("upper_arm_r", -1.0), ("forearm_l", 1.0), ("forearm_r", -1.0)):
        basis[0, rig.index(name)] = quat.from_axis_angle([0.0, 0.0, 1.0], sign * 1.3)
    from poseloom.retarget.rest import as_rest, moved_to

    pose = RigMotion(pose.bones, basis, pose.location, pose.keyed, pose.fps)
    other = as_rest(rig, pose)
    with_rest = RigMotion(
        motion.bones, np.concatenate([first.basis[:1], motion.basis]),
        np.concatenate([motion.location[:1], motion.location]), motion.keyed, motion.fps,
    )  # fmt: skip
    write_bvh(path, other, moved_to(with_rest, rig, other))
    return rig


def test_a_pose_as_rest_mends_a_skeleton_that_was_built_folded(clip, tmp_path):
    odd = tmp_path / "odd.bvh"
    folded(clip, odd)
    true, _ = chains.read_clip(clip)
    arms = [true.skeleton.index(f"{joint}_{side}") for joint in ("upper_arm", "forearm") for side in "lr"]

    def apart(motion):
        return np.degrees(quat.angle(motion.lrot[:, arms], true.lrot[:, arms]).max())

    blind, told = (chains.read_clip(odd, chains.Reading(rest=rest))[0] for rest in (None, "0"))
    told = told.with_(lrot=told.lrot[1:], root=told.root[1:], contact=told.contact[1:], score=told.score[1:])
    blind = blind.with_(lrot=blind.lrot[1:], root=blind.root[1:], contact=blind.contact[1:], score=blind.score[1:])
    assert apart(told) < 0.5 < 20.0 < apart(blind)


def test_the_characters_rest_may_be_a_frame_of_its_file(clip, body, run, tmp_path):  # noqa: F811
    """The same clip onto a skeleton and onto that skeleton built folded, told in which frame it stands as before."""
    odd, plain, out = tmp_path / "odd.bvh", tmp_path / "plain.bvh", tmp_path / "told.bvh"
    folded(clip, odd)
    assert run("retarget", clip, "--to", clip, "--out", plain)[0] == 0
    assert run("retarget", clip, "--to", odd, "--out", out, "--rest", 0)[0] == 0
    one, two = (retarget.global_pose(*read_bvh(path))[1] for path in (plain, out))
    names = read_bvh(plain)[0].bones
    arms = [names.index(f"{joint}_{side}") for joint in ("forearm", "hand") for side in "lr"]
    seen = [places[:, arms] - places[:, :1] for places in (one, two)]  # from the hips: the walk has no floor of its own
    assert np.abs(seen[0] - seen[1]).max() < 2e-3  # metres
    many = tmp_path / "many"
    assert run("retarget", clip, "--to", odd, "--out", many, "--rest", 0, "--jobs", 1)[0] == 0
    batched = retarget.global_pose(*read_bvh(many / "walk.bvh"))[1]
    assert np.abs(batched - two).max() < 1e-5
    assert "no frames" in refused(run("retarget", clip, "--to", "mixamo", "--out", tmp_path / "x.blend", "--rest", 0))


def test_settings_come_before_words_and_wrong_ones_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("POSELOOM_HOME", str(tmp_path))
    presets.save("retarget", "Game", {"root": "in_place", "up": "-Z", "unit": 0.01, "clip_rest": "1.5s"})

    def parse(*words):
        return grammar.build_parser("poseloom").parse_args(["retarget", "a", "--to", "b", "--out", "c", *words])

    chosen = parse("--settings", "Game", "--up=Y")
    assert (chosen.root, chosen.up, chosen.unit, chosen.clip_rest) == ("in-place", "Y", 0.01, "1.5s")
    assert parse("--settings", str(presets.path_of("Game"))).up == "-Z"
    for text, complaint in (
        ('{"poseloom": "retarget", "speed": 2}', '"speed" is none of the settings'),
        ('{"poseloom": "retarget", "root": "sideways"}', '"root" cannot be "sideways"'),
        ('{"poseloom": "animate"}', "are for animate"),
        ('{"root": "hips"}', "is no settings file"),
        ("[1, 2]", "is no settings file"),
        ("{", "is no settings file"),
    ):
        path = tmp_path / "bad.json"
        path.write_text(text)
        with pytest.raises(BadInput, match=complaint):
            parse("--settings", str(path))
    with pytest.raises(BadInput, match="There are no settings"):
        parse("--settings", "Nothing")
    with pytest.raises(BadInput, match="cannot be called"):
        presets.save("retarget", "../x", {})


def test_every_setting_that_can_be_kept_is_an_option_of_its_verb():
    values = {
        "retarget": {"controls": "ik", "root": "bone", "up": "X", "front": "-Y", "unit": 0.5, "clip_rest": "3"},
        "animate": {
            "controls": "ik", "root": "bone", "quality": "best", "estimator": "mediapipe", "camera": "moving",
            "confidence": "csv", "height": 1.7, "person": 2, "smooth_hz": 4.0, "foot_lock": False,
            "hands": True, "face": False,
        },
    }  # fmt: skip
    for verb, given in values.items():
        assert set(given) == set(presets.KEPT[verb])
        words = presets.words(verb, presets.check(verb, given))
        chosen = grammar.build_parser("poseloom").parse_args([verb, "a", "--to", "b", "--out", "c", *words])
        for name, value in given.items():
            got = not chosen.no_foot_lock if name == "foot_lock" else getattr(chosen, name)
            assert str(got).replace("-", "_") == str(value).replace("-", "_"), name
    assert json.loads(json.dumps(values)) == values


def test_a_take_begins_at_the_origin_wherever_its_armature_stood(clip):
    rig, motion = read_bvh(clip)
    there = np.eye(4)
    there[:3, :3] = quat.to_matrix(quat.from_axis_angle([0.0, 0.0, 1.0], 1.1))
    there[:3, 3] = 3.0, -2.0, -2.5
    here, _ = chains.take_to_motion(rig, motion)
    back, _ = chains.take_to_motion(rig.with_(world=there @ rig.world), motion)
    assert np.abs(here.root - back.root).max() < 1e-4 and quat.angle(here.lrot[:, 0], back.lrot[:, 0]).max() < 1e-4
    assert recognise(rig).score > 0.5
