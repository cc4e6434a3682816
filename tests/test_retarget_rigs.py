"""Claims about retargeting on real rigs and real clips: records of rigs as people have them, others' BVH files."""

from __future__ import annotations

import lzma
import tarfile
from functools import lru_cache

import numpy as np
import pytest
from rig_records import FOLDER, record
from strategies import motion_on, object_world

from poseloom.motion import quat
from poseloom.motion.bvh import read_bvh
from poseloom.motion.contacts import foot_points
from poseloom.motion.skeleton import motion_fk, standard
from poseloom.retarget import from_rig, grounded, skeleton_of, to_rig
from poseloom.retarget.pose import Posed
from poseloom.rigs.recognise import recognise

RIGS = sorted(path.stem for path in FOLDER.glob("*.json"))
# a knight and a robot with heads larger than their legs are long
TOYS = ("knight", "robot_expressive")
CLIPS = (
    "odd/cgspeed_03_01", "odd/daz_02_01", "odd/daz_10_04",
    "animated_drawings/cmu1/jumping_jacks", "animated_drawings/rokoko/jesse_dance",
    "animated_drawings/fair1/dab", "animated_drawings/fair1/jumping",
    "animated_drawings/fair1/wave_hello", "animated_drawings/fair1/zombie",
)  # fmt: skip
CMU = ("01_01", "02_01", "03_01", "05_02", "06_03", "07_01", "16_01", "29_01", "49_02", "49_07")
ARMS = [("upper_arm_l", "forearm_l"), ("upper_arm_r", "forearm_r"), ("forearm_l", "hand_l"), ("forearm_r", "hand_r")]
LEGS = [("thigh_l", "shin_l"), ("thigh_r", "shin_r"), ("shin_l", "foot_l"), ("shin_r", "foot_r")]


def rig_called(name):
    return recognise(record(name)).rig


def places(rig, rig_motion):
    """{joint: (T,3)} where the bones with roles are in the world."""
    posed = Posed(rig, rig_motion)
    heads = {joint: posed.head(rig.index(bones[0])) for joint, bones in rig.roles.items()}
    everywhere = {joint: np.broadcast_to(head, (len(rig_motion), 3)) for joint, head in heads.items()}
    return {joint: head @ rig.world[:3, :3].T + rig.world[:3, 3] for joint, head in everywhere.items()}


def errors_deg(a, b, limbs):
    """(T,L) degrees between the limbs' directions in two `places`; limbs that one side lacks are left out."""
    out = []
    for start, end in limbs:
        if all(joint in at for joint in (start, end) for at in (a, b)):
            u, v = a[end] - a[start], b[end] - b[start]
            out.append(np.arctan2(np.linalg.norm(np.cross(u, v), axis=-1), np.sum(u * v, axis=-1)))
    return np.degrees(np.stack(out, axis=-1))


def slide_m_s(points, standing, fps):
    """Mean level speed of points (T,4,3) on the soles where `standing` (T,4)."""
    speed = np.linalg.norm(np.gradient(points, 1.0 / fps, axis=0)[..., :2], axis=-1)
    return speed[standing].mean()


def leg_m(skeleton):
    return np.linalg.norm(skeleton.offsets[[skeleton.index("shin_l"), skeleton.index("foot_l")]], axis=-1).sum()


@lru_cache(maxsize=2)
def clip_at(path):
    """(motion, places) of a BVH file."""
    source, recorded = read_bvh(path)
    source = recognise(source).rig
    return grounded(from_rig(recorded, source)), places(source, recorded)


def check(clip, name):
    """The claims for one clip on one rig."""
    motion, seen = clip_at(clip)
    rig = rig_called(name)
    free = places(rig, to_rig(motion, rig, plant_feet=False))
    assert errors_deg(seen, free, ARMS + LEGS).max() < 0.05
    planted = to_rig(motion, rig)
    stood = places(rig, planted)
    for hand, side in enumerate("lr"):
        # a hand that rests on the floor draws its arm to it for a moment before and after; one that would sink is lifted
        wide = int(0.25 * motion.fps)
        free_hand = np.convolve(motion.contact[:, 4 + hand], np.ones(2 * wide + 1), "same") < 0.5
        arm = [limb for limb in ARMS if limb[0].endswith(side)]
        if f"hand_{side}" in free:
            free_hand = free_hand & (free[f"hand_{side}"][:, 2] > 0.05 * free["head"][:, 2].max())
        assert errors_deg(seen, stood, arm)[free_hand].max(initial=0.0) < 0.05
    back = from_rig(planted, rig)
    heading = quat.angle(back.lrot[:, 0], motion.lrot[:, 0])
    assert np.degrees(heading).max() < 0.1
    size = leg_m(back.skeleton) / leg_m(motion.skeleton)
    before, after = foot_points(motion), foot_points(back)
    # what sinks in the recording may sink as deep, in proportion, and half a centimetre more
    assert after[..., 2].min() > size * min(before[..., 2].min(), 0.0) - 0.005 * size
    if name not in TOYS:
        # but for knees recorded as bent backwards, which standing legs mend
        knees = [motion.skeleton.index("shin_l"), motion.skeleton.index("shin_r")]
        healthy = (quat.log(motion.lrot[:, knees])[..., 0] > 0.0).all(axis=-1)
        if healthy.any():
            assert np.median(errors_deg(seen, stood, LEGS)[healthy]) < 4.0
        standing = motion.contact[:, :4] > 0.5
        if standing.any():
            slid = slide_m_s(after, standing, motion.fps) / size
            assert slid < 1.2 * slide_m_s(before, standing, motion.fps) + 0.01
    knees_bend_forwards_as_before(seen, stood)


def knees_bend_forwards_as_before(seen, stood):
    """Where a source's knee is bent by more than 30 degrees, it points to the same side of the leg on the target."""
    for side in "lr":
        joints = [f"{n}_{side}" for n in ("thigh", "shin", "foot")]
        if not all(joint in at for joint in joints for at in (seen, stood)):
            continue
        out = []
        for at in (seen, stood):
            hip, knee, ankle = (at[joint] for joint in joints)
            away = ankle - hip
            share = np.sum((knee - hip) * away, -1) / np.sum(away * away, -1)
            out.append((knee - hip) - share[:, None] * away)
        u, v = (seen[joints[1]] - seen[joints[0]]), (seen[joints[2]] - seen[joints[1]])
        bent = np.sum(u * v, -1) < np.cos(np.radians(30)) * np.linalg.norm(u, axis=-1) * np.linalg.norm(v, axis=-1)
        assert (np.sum(out[0] * out[1], -1)[bent] > 0).all()


@pytest.mark.parametrize("name", RIGS)
def test_what_goes_onto_a_real_rig_comes_back(name):
    rng = np.random.default_rng(0)
    rig = rig_called(name)
    rig = rig.with_(world=object_world(rng) @ rig.world)
    motion = motion_on(skeleton_of(rig), rng)
    shown = from_rig(to_rig(motion, rig), rig)
    again = from_rig(to_rig(shown, rig), rig)
    assert quat.angle(again.lrot, shown.lrot).max() < 1e-4
    assert np.abs(again.root - shown.root).max() < 1e-4
    has = [motion.skeleton.index(joint) for joint in motion.skeleton.names if joint in rig.roles]
    if len(has) == len(motion.skeleton):
        assert quat.angle(shown.lrot, motion.lrot).max() < 1e-4


@pytest.mark.parametrize("name", RIGS)
def test_a_t_pose_of_ours_is_a_t_pose_of_theirs(name):
    rig, skeleton = rig_called(name), standard()
    motion = motion_on(skeleton, np.random.default_rng(0), 1)
    motion = motion.with_(lrot=np.tile(quat.IDENTITY, (1, len(skeleton), 1)), root=skeleton.offsets[:1])
    at = {joint: place[0] for joint, place in places(rig, to_rig(motion, rig)).items()}
    for side, sign in (("l", 1.0), ("r", -1.0)):
        arm, leg = at[f"forearm_{side}"] - at[f"upper_arm_{side}"], at[f"shin_{side}"] - at[f"thigh_{side}"]
        np.testing.assert_allclose(arm / np.linalg.norm(arm), [sign, 0, 0], atol=1e-3)
        np.testing.assert_allclose(leg / np.linalg.norm(leg), [0, 0, -1], atol=1e-3)
        if f"index1_{side}" in at and f"hand_{side}" in at:
            assert at[f"index1_{side}"][1] < at[f"pinky1_{side}"][1] - 0.03
            assert abs(at[f"index1_{side}"][2] - at[f"pinky1_{side}"][2]) < 0.015
        if f"toe_{side}" in at:
            ahead = at[f"toe_{side}"] - at[f"foot_{side}"]
            assert ahead[1] < 0 and abs(ahead[0]) < 0.02 * np.linalg.norm(ahead)
    assert at["head"][2] > at["pelvis"][2] and at["thigh_l"][0] > at["thigh_r"][0]


@pytest.mark.parametrize("clip, name", [(clip, name) for clip in CLIPS for name in RIGS])
def test_a_clip_as_users_have_it_lands_on_a_real_rig(data, clip, name):
    check(data / "mocap" / f"{clip}.bvh", name)


@pytest.fixture(scope="module")
def cmu(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cmu")
    wanted = {f"{name}.bvh" for name in CMU}
    with lzma.open(data / "mocap" / "cmu_30fps.tar.xz") as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            file = member.name.rsplit("/", 1)[-1]
            if file in wanted:
                (folder / file).write_bytes(tar.extractfile(member).read())
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("clip, name", [(clip, name) for clip in CMU for name in RIGS])
def test_motion_capture_lands_on_a_real_rig(cmu, clip, name):
    check(cmu / f"{clip}.bvh", name)


@pytest.mark.parametrize("name", TOYS)
def test_a_toys_feet_stand_where_its_legs_end(name):
    """The robot's feet hang from its root: they must follow the shins all the same."""
    rig = rig_called(name)
    at = places(rig, to_rig(motion_on(standard(), np.random.default_rng(0), 20), rig))
    for side in "lr":
        length = np.linalg.norm(at[f"foot_{side}"] - at[f"shin_{side}"], axis=-1)
        assert np.ptp(length) < 1e-4 * length.max()


def test_joints_of_a_recorded_motion_are_where_the_file_has_them(data):
    """A skeleton with one bone a joint: canonical forward kinematics gives the file's own places."""
    source, recorded = read_bvh(data / "mocap" / "odd" / "daz_10_04.bvh")
    source = recognise(source).rig
    motion = from_rig(recorded, source)
    _, joints = motion_fk(motion)
    for joint, place in places(source, recorded).items():
        if joint in motion.skeleton.names:
            np.testing.assert_allclose(joints[:, motion.skeleton.index(joint)], place, atol=1e-3)
