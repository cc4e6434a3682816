"""BVH files: read as they come, written so that others read them."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import motion_on, rotations, seeds

from poseloom.errors import BadInput
from poseloom.motion import quat, upright
from poseloom.motion.anatomy import find_limbs
from poseloom.motion.bvh import motion_to_rig, read_bvh, write_bvh
from poseloom.motion.skeleton import motion_fk, standard
from poseloom.motion.types import Rig, RigMotion
from poseloom.retarget import global_pose, pose_matrices

FILES = Path(__file__).parent / "data" / "bvh"
GOOD = sorted(p.stem for p in FILES.glob("*.bvh") if not p.stem.startswith("bad_"))
# file: the line that the message must name
BAD = {
    "bad_brace": 125, "bad_channel": 5, "bad_channel_count": 9, "bad_frame_time": 129, "bad_nan": 133,
    "bad_no_frames": 129, "bad_no_motion": 126, "bad_number": 133,
    "bad_offset": 8, "bad_other_file": 1, "bad_short_row": 132,
}  # fmt: skip
WARNS = {
    "more_frames_stated": "says 9, there are 4", "fewer_frames_stated": "says 2, there are 4", "cut_off": "there are 3",
}  # fmt: skip
OTHERS = [
    "odd/cgspeed_03_01", "odd/daz_02_01", "odd/daz_10_04", "animated_drawings/cmu1/jumping_jacks",
    "animated_drawings/fair1/dab", "animated_drawings/fair1/jumping", "animated_drawings/fair1/wave_hello",
    "animated_drawings/fair1/zombie", "animated_drawings/rokoko/jesse_dance",
]  # fmt: skip


def heads(rig, motion):
    """(T,B,3) metres in the house."""
    return pose_matrices(rig, motion)[..., :3, 3] @ rig.world[:3, :3].T + rig.world[:3, 3]


def unit_of(rig):
    return np.cbrt(np.linalg.det(rig.world[:3, :3]))


def read(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_bvh(FILES / f"{name}.bvh")


@pytest.mark.parametrize("name", [name for name in GOOD if name not in ("feet_without_channels", *WARNS)])
def test_one_motion_written_in_many_ways_reads_alike(name):
    rig, motion = read(name)
    plain_rig, plain = read("plain")
    assert motion.fps == pytest.approx(25.0)
    assert [len(rig), len(motion)] == [21, 4]
    # where the unit is none of the known ones the character is made of average height
    scale = 1.72 / 1.711 if name == "odd_unit" else 1.0
    np.testing.assert_allclose(heads(rig, motion), scale * heads(plain_rig, plain), atol=1e-3 if scale != 1.0 else 2e-5)


@pytest.mark.parametrize("name", sorted(WARNS))
def test_a_wrong_frame_count_is_told_and_what_is_there_is_used(name):
    with pytest.warns(UserWarning, match=WARNS[name]):
        rig, motion = read_bvh(FILES / f"{name}.bvh")
    plain = heads(*read("plain"))[: len(motion)]
    np.testing.assert_allclose(heads(rig, motion), plain, atol=1e-6)


def test_joints_without_channels_stay_as_they_are_at_rest():
    rig, motion = read("feet_without_channels")
    still = [rig.index(b) for b in ("Head", "LeftToeBase", "RightToeBase")]
    assert not motion.keyed[still].any() and motion.keyed.sum() == 18
    assert (motion.basis[:, still] == quat.IDENTITY).all()
    moving = [i for i in range(len(rig)) if i not in still]
    plain = read("plain")[1]
    np.testing.assert_allclose(motion.basis[:, moving], plain.basis[:, moving], atol=1e-6)


def test_names_stay_unless_two_are_the_same():
    assert read("plain")[0].bones[:3] == ("Hips", "Spine", "Spine1")
    assert {"Toe", "Toe.001", "Hand", "Hand.001"} <= set(read("same_names")[0].bones)
    assert "Left UpLeg" in read("names_with_spaces")[0].bones


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_broken_file_is_refused_with_its_line(name):
    with pytest.raises(BadInput, match=rf"{name}\.bvh, line {BAD[name]}: ") as caught:
        read_bvh(FILES / f"{name}.bvh")
    assert caught.value.code == "bad_bvh" and caught.value.exit_code == 2


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(BadInput, match="gone.bvh cannot be read"):
        read_bvh(tmp_path / "gone.bvh")


def test_all_broken_files_are_tried():
    assert {p.stem for p in FILES.glob("bad_*.bvh")} == set(BAD)


def moved(rig, turn_deg, place):
    """Frames of the rest pose turned about x by `turn_deg`, the hips at `place`, all in file space."""
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    heads = rig.rest[:, :3, 3] @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T
    return np.repeat((heads + place)[None], 5, axis=0)


@pytest.mark.parametrize("turn_deg, place, up", [
    (0, (30, 93, 10), "Y"),
    (-90, (0, 8, 0), "Y"),  # on the back, all the time
    (90, (400, 10, -300), "Y"),  # on the belly
    (90, (50, 200, 93), "Z"),  # the root turns a skeleton of one axis upright along another
])  # fmt: skip
def test_up_is_told_from_lying_by_the_floor(turn_deg, place, up):
    rig, _ = read("plain")
    heads = rig.rest[:, :3, 3]
    limbs = find_limbs(rig.bones, rig.parents, heads, rig.tails)
    found = upright.up_of(limbs, heads, moved(rig, turn_deg, place))
    np.testing.assert_array_equal(found, np.eye(3)["XYZ".index(up)])


def test_axes_and_unit_can_be_said():
    rig, _ = read_bvh(FILES / "plain.bvh", up="Z", front="-X", unit_m=0.5)
    np.testing.assert_allclose(rig.world[:3, :3], 0.5 * np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]), atol=1e-12)
    for wrong in (dict(up="W"), dict(up="Y", front="-Y"), dict(unit_m=0.0)):
        with pytest.raises(BadInput):
            read_bvh(FILES / "plain.bvh", **wrong)


# reading agrees with a slow reader that does one thing at a time


def slow_heads(path):
    """(T,J,3) in file space by scalar matrices, for well-formed files whose roots alone have positions."""
    words = path.read_text().split()
    joints, stack, at = [], [], words.index("HIERARCHY") + 1
    while words[at] != "MOTION":
        word = words[at]
        if word in ("ROOT", "JOINT"):
            joints.append([stack[-1] if stack else -1, None, []])
            stack.append(len(joints) - 1)
        elif word == "End":
            stack.append("end")
            at += 1
        elif word == "OFFSET":
            if stack[-1] != "end":
                joints[stack[-1]][1] = np.array(words[at + 1 : at + 4], float)
        elif word == "CHANNELS":
            joints[stack[-1]][2] = words[at + 2 : at + 2 + int(words[at + 1])]
        elif word == "}":
            stack.pop()
        at += 1
    numbers = np.array(words[words.index("Time:", at) + 2 :], float)
    rows = numbers.reshape(-1, sum(len(joint[2]) for joint in joints))
    out = np.empty((len(rows), len(joints), 3))
    for row, places in zip(rows, out):
        column, turns = 0, []
        for j, (parent, offset, channels) in enumerate(joints):
            turn, place = np.eye(3), offset.copy()
            for channel in channels:
                value, axis = row[column], "XYZ".index(channel[0])
                column += 1
                if channel.endswith("position"):
                    place[axis] = value
                else:
                    c, s = np.cos(np.radians(value)), np.sin(np.radians(value))
                    a, b = [(1, 2), (2, 0), (0, 1)][axis]
                    step = np.eye(3)
                    step[a, a], step[a, b], step[b, a], step[b, b] = c, -s, s, c
                    turn = turn @ step
            turns.append(turns[parent] @ turn if parent >= 0 else turn)
            places[j] = places[parent] + turns[parent] @ place if parent >= 0 else place
    return out


@pytest.mark.parametrize("name", OTHERS)
def test_others_files_read_as_the_slow_reader_has_them(data, name):
    path = data / "mocap" / f"{name}.bvh"
    rig, motion = read_bvh(path)
    some = slice(0, 60)
    cut = RigMotion(motion.bones, motion.basis[some], motion.location[some], motion.keyed, motion.fps)
    slow = slow_heads(path)[some] @ rig.world[:3, :3].T
    np.testing.assert_allclose(heads(rig, cut), slow, atol=1e-4)


# file: up axis, metres in a unit, None where it is no known one
SPACES = {name: ("Y", 0.0254 / 0.45) for name in ("odd/cgspeed_03_01", "animated_drawings/cmu1/jumping_jacks")}
SPACES |= {name: ("Y", 0.01) for name in ("odd/daz_02_01", "odd/daz_10_04", "animated_drawings/rokoko/jesse_dance")}
SPACES |= {name: ("Z", None) for name in OTHERS if "fair1" in name}


@pytest.mark.parametrize("name", OTHERS)
def test_others_files_stand_upright_at_human_size_facing_forward(data, name):
    rig, motion = read_bvh(data / "mocap" / f"{name}.bvh")
    up, unit = SPACES[name]
    np.testing.assert_allclose(rig.world[2, :3] / unit_of(rig), np.eye(3)["XYZ".index(up)], atol=1e-9)
    if unit:
        assert unit_of(rig) == pytest.approx(unit)
    places = heads(rig, motion)
    # one of them climbs, so the lowest point of all
    assert abs(places[..., 2].min()) < 0.1, "feet on the floor"
    assert 1.3 < np.median(np.ptp(places[..., 2], axis=1)) < 1.9
    rest = rig.rest[:, :3, 3] @ rig.world[:3, :3].T
    left, right = (
        next(i for i, b in enumerate(rig.bones) if b in names)
        for names in (("LeftUpLeg", "lThigh", "LeftHip"), ("RightUpLeg", "rThigh", "RightHip"))
    )
    across = rest[left] - rest[right]
    assert across[0] > 0.95 * np.linalg.norm(across), "left is +X"
    toes = [i for i, b in enumerate(rig.bones) if "Toe" in b or b in ("lFoot", "rFoot")]
    tails = rig.tails @ rig.world[:3, :3].T
    assert (tails[toes, 1] - rest[toes, 1] < -0.02).all(), "toes point to -Y"


def test_a_folded_zero_pose_becomes_a_t_pose(data):
    rig, motion = read_bvh(data / "mocap" / "animated_drawings" / "rokoko" / "jesse_dance.bvh")
    rest = rig.rest[:, :3, 3] @ rig.world[:3, :3].T
    place = dict(zip(rig.bones, rest))
    for side, x in (("Left", 1.0), ("Right", -1.0)):
        for a, b, along in (("UpLeg", "Leg", (0, 0, -1)), ("Leg", "Foot", (0, 0, -1)), ("Foot", "ToeBase", (0, -1, 0)),
                            ("Arm", "ForeArm", (x, 0, 0)), ("ForeArm", "Hand", (x, 0, 0))):  # fmt: skip
            way = place[side + b] - place[side + a]
            assert way @ along > 0.99 * np.linalg.norm(way), side + a


@pytest.mark.slow
def test_every_cmu_clip_stands_on_its_feet(data, tmp_path):
    import tarfile

    with tarfile.open(data / "mocap" / "cmu_30fps.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    clips = sorted(tmp_path.rglob("*.bvh"))
    assert len(clips) == 272
    for clip in clips:
        rig, motion = read_bvh(clip)
        assert unit_of(rig) == pytest.approx(0.0254 / 0.45), clip
        np.testing.assert_allclose(rig.world[2, :3] / unit_of(rig), [0, 1, 0], atol=1e-9)


# writing


def forest(rng, bones=12):
    """A rig of random branches, axes, units and inheritance, and a motion of it."""
    parents = np.array([-1] + [int(rng.integers(-1 if rng.random() < 0.1 else 0, i)) for i in range(1, bones)])
    rest = np.tile(np.eye(4), (bones, 1, 1))
    rest[:, :3, :3] = quat.to_matrix(rotations(rng, bones))
    rest[:, :3, 3] = rng.uniform(-1, 1, (bones, 3))
    world = np.eye(4)
    world[:3, :3] = quat.to_matrix(rotations(rng, 1)[0]) * rng.uniform(0.05, 2.0)
    world[:3, 3] = rng.uniform(-1, 1, 3)
    rig = Rig(
        tuple(f"bone{i}" for i in range(bones)), parents, rest, rest[:, :3, 3] + rng.uniform(0.1, 1, (bones, 3)), world,
        inherit_rotation=rng.random(bones) < 0.8, local_location=rng.random(bones) < 0.8,
    )  # fmt: skip
    location = rng.uniform(-1, 1, (6, bones, 3))
    location[:, (parents >= 0) & (rng.random(bones) < 0.7)] = np.nan
    basis = rotations(rng, 6, bones)
    # poles of the written order too
    basis[:, rng.integers(bones)] = quat.from_euler(np.array([0.3, np.pi / 2, 0.2]), "zxy")
    return rig, RigMotion(rig.bones, basis, location, np.ones(bones, bool), 24.0)


def turns(rig, motion):
    """(T,B,4) how far each bone is turned from rest, in the house."""
    rest = global_pose(rig, RigMotion(rig.bones, np.tile(quat.IDENTITY, (1, len(rig), 1)),
                                      np.full((1, len(rig), 3), np.nan), motion.keyed, 1.0))[0]  # fmt: skip
    return quat.multiply(global_pose(rig, motion)[0], quat.inverse(rest))


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_reading_undoes_writing_on_any_tree(tmp_path_factory, seed):
    rig, motion = forest(np.random.default_rng(seed))
    path = tmp_path_factory.mktemp("bvh") / "forest.bvh"
    write_bvh(path, rig, motion)
    back_rig, back = read_bvh(path, up="Y", front="Z", unit_m=0.01)
    order = [back_rig.index(bone) for bone in rig.bones]
    assert back.fps == pytest.approx(24.0, rel=1e-6)
    np.testing.assert_allclose(heads(back_rig, back)[:, order], heads(rig, motion), atol=2e-5)
    assert np.degrees(quat.angle(turns(back_rig, back)[:, order], turns(rig, motion))).max() < 1e-3


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_writing_again_what_was_read_changes_nothing(tmp_path_factory, seed):
    """1e-4 degrees and 1e-3 cm, joint by joint."""
    folder = tmp_path_factory.mktemp("bvh")
    write_bvh(folder / "a.bvh", *forest(np.random.default_rng(seed)))
    rig, motion = read_bvh(folder / "a.bvh", up="Y", front="Z", unit_m=0.01)
    write_bvh(folder / "b.bvh", rig, motion)
    again_rig, again = read_bvh(folder / "b.bvh", up="Y", front="Z", unit_m=0.01)
    assert again_rig.bones == rig.bones
    np.testing.assert_allclose(again_rig.rest, rig.rest, atol=1e-3)
    assert np.degrees(quat.angle(again.basis, motion.basis)).max() < 1e-4
    np.testing.assert_allclose(again.location, motion.location, atol=1e-3)
    np.testing.assert_array_equal(np.isnan(again.location), np.isnan(motion.location))


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_our_own_motion_comes_back_in_house_space_by_deduction_alone(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    motion = motion_on(standard(rng.uniform(1.0, 2.1)), rng)
    path = tmp_path_factory.mktemp("bvh") / "motion.bvh"
    write_bvh(path, *motion_to_rig(motion))
    rig, back = read_bvh(path)
    assert rig.bones == motion.skeleton.names
    np.testing.assert_allclose(heads(rig, back), motion_fk(motion)[1], atol=1e-5)
    assert np.degrees(quat.angle(turns(rig, back), motion_fk(motion)[0])).max() < 1e-3


def test_written_files_are_centimetres_y_up_facing_z(tmp_path):
    motion = motion_on(standard(), np.random.default_rng(1), frames=2)
    write_bvh(tmp_path / "a.bvh", *motion_to_rig(motion))
    lines = (tmp_path / "a.bvh").read_text().splitlines()
    assert lines[:5] == ["HIERARCHY", "ROOT pelvis", "{", "\tOFFSET 0.000000 0.000000 0.000000",
                         "\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"]  # fmt: skip
    toe = lines[lines.index(next(x for x in lines if "JOINT toe_l" in x)) + 2].split()
    assert float(toe[3]) == pytest.approx(13.0), "the left toes are 13 cm before the ankle, along +Z"
    place = np.array(lines[-2].split()[:3], float)
    np.testing.assert_allclose(place, 100 * motion.root[0, [0, 2, 1]] * [1, 1, -1], atol=1e-4)


def test_nothing_is_left_of_a_failed_write(tmp_path):
    rig, motion = motion_to_rig(motion_on(standard(), np.random.default_rng(1)))
    with pytest.raises(BadInput, match="another rig"):
        write_bvh(tmp_path / "a.bvh", rig.with_(bones=tuple("x" + b for b in rig.bones), roles={}), motion)
    assert not list(tmp_path.iterdir())


def test_blender_reads_what_we_write(tmp_path):
    pytest.importorskip("bpy", reason="this Python has no bpy")
    motion = motion_on(standard(), np.random.default_rng(5), frames=4)
    write_bvh(tmp_path / "a.bvh", *motion_to_rig(motion))
    script = Path(__file__).parent / "blender" / "bvh_judge.py"
    done = subprocess.run([sys.executable, script, tmp_path / "a.bvh"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(next(x for x in done.stdout.splitlines() if x.startswith("RESULT "))[7:])
    assert seen["fps"] == pytest.approx(30.0)
    order = [seen["bones"].index(joint) for joint in motion.skeleton.names]
    np.testing.assert_allclose(np.array(seen["heads"])[:, order], motion_fk(motion)[1], atol=1e-4)


# memory


def test_memory_stays_in_proportion_to_the_file():
    path = FILES / "plain.bvh"
    tracemalloc.start()
    read_bvh(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * path.stat().st_size + 2**20
