"""Keypoints to Motion: constant bones, joint rotations, a root in metres, feet on the floor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import BadInput
from ..memory import give_back
from ..motion import filters, quat
from ..motion.contacts import foot_points, lock_feet, sole
from ..motion.skeleton import JOINTS, fk, local_rotations
from ..motion.types import Keypoints, Motion
from ..progress import Report, silent
from . import clean, depth, joints, landmarks, limits, proportions, root

ADULT_M = 1.70
_SOLE_PITCH = np.radians(25.0)  # the most by which heel and toe landmarks are believed to be off level
# canonical joint: the landmark whose pixels it should meet, for the root
_SOLES = [29, 30, 31, 32]
_ANCHORS = {
    "upper_arm_l": 11, "upper_arm_r": 12, "forearm_l": 13, "forearm_r": 14, "hand_l": 15, "hand_r": 16,
    "thigh_l": 23, "thigh_r": 24, "shin_l": 25, "shin_r": 26, "foot_l": 27, "foot_r": 28,
}  # fmt: skip


def solve(keypoints: Keypoints, *, height_m=None, smooth_hz: float = 6.0, foot_lock: bool = True,
          lifted=None, report: Report = silent) -> Motion:  # fmt: skip
    """The person's movement on the canonical 22 joints, with bones of constant length.

    keypoints: BlazePose's 33 points with xyz.  height_m is the person's height, else 1.70 m is
    assumed; a wrong height scales body and path alike.  At the first frame the pelvis faces -Y
    above x = y = 0; the floor is z = 0.  Gaps up to 0.5 s are bridged and scored less, longer ones
    are slerped and score 0; before the first sight of the person and after the last the pose is
    held.  smooth_hz is the cutoff of the zero-phase filter; 0 smooths nothing.  `lifted` is what
    `lift.Lifter` says of the same keypoints: its depth is blended with the estimator's.
    Raises BadInput: another layout, no xyz, nobody seen, height outside 0.3..3 m, a bad cutoff.
    """
    _check(keypoints, height_m, smooth_hz)
    fps = keypoints.fps
    cutoff_hz = smooth_hz if smooth_hz > 0.0 else fps
    report(0.0, "Smoothing the keypoints")
    keypoints = clean.unflip(keypoints)
    points, xy, weight, seen, score = clean.whole(keypoints, cutoff_hz)
    if seen.any() and not (seen[0] and seen[-1]):
        options = dict(height_m=height_m, smooth_hz=smooth_hz, foot_lock=foot_lock, report=report)
        return _held_at_the_ends(keypoints, lifted, np.flatnonzero(seen)[[0, -1]], options)
    size, legs = keypoints.size, clean.legs_seen(keypoints)
    del keypoints
    give_back()
    report(0.3, "Turning joints")
    tall = 1.0 if height_m is None else height_m / ADULT_M
    points, xy = _centred(points, xy, size, fps)
    points *= np.float32(proportions.unit(points, weight, proportions.usual(ADULT_M)))
    deep, doubt = _depth(points, xy, size, fps, lifted, cutoff_hz)
    del lifted
    points, skeleton = _in_depth(points, xy, weight, size, fps, deep, doubt, tall)
    lrot = _turned(points, weight, skeleton, fps)
    del points, deep, doubt
    for j in range(len(JOINTS)):  # one by one, for the memory's sake
        lrot[:, j] = filters.slerp_gaps(lrot[:, j], seen)
    give_back()
    report(0.6, "Placing the body in the room")
    level, lrot = _level(skeleton, lrot, seen, legs, fps)
    give_back()
    weight, score = _without_legs(weight, score, legs)
    place, level, speed = _place(size, fps, skeleton, lrot, xy, weight, seen, level, cutoff_hz)
    del xy, weight
    give_back()
    lrot[:, 0] = quat.unroll(quat.multiply(level, lrot[:, 0]))
    place, lrot[:, 0] = _face_front(place, lrot[:, 0])
    motion = Motion(skeleton, lrot, place, fps, score=score)
    stands = legs[:, [0, 1, 0, 1]] > 0.5  # of a leg that is not seen nobody knows whether it rests
    motion = _with_contacts(motion, speed, stands)
    del lrot, place
    give_back()
    report(0.8, "Locking the feet")
    if foot_lock:
        motion = lock_feet(motion, root.held(foot_points(motion), fps, speed) * stands)
    start, turned = _face_front(np.array(motion.root, np.float64), np.array(motion.lrot[:, 0], np.float64))
    give_back()
    lrot = np.array(motion.lrot)
    lrot[:, 0] = turned
    for j in range(1, len(JOINTS)):
        lrot[:, j] = quat.unroll(lrot[:, j])
    report(1.0, "Solved")
    return motion.with_(lrot=lrot, root=start)


def _held_at_the_ends(keypoints, lifted, ends, options):
    """The stretch between the first and the last sight of the person, its ends held where nobody is seen."""
    first, last = (int(end) for end in ends)
    rows = slice(first, last + 1)
    stretch = replace(keypoints, xy=keypoints.xy[rows], xyz=keypoints.xyz[rows], score=keypoints.score[rows])
    lifted = lifted and replace(lifted, xyz=lifted.xyz[rows], score=lifted.score[rows])
    motion = solve(stretch, lifted=lifted, **options)
    rows = np.clip(np.arange(len(keypoints)), first, last) - first
    outside = (np.arange(len(keypoints)) < first) | (np.arange(len(keypoints)) > last)
    score = np.where(outside[:, None], 0.0, motion.score[rows])
    return motion.with_(lrot=motion.lrot[rows], root=motion.root[rows], contact=motion.contact[rows], score=score)


def _check(keypoints, height_m, smooth_hz):
    if keypoints.xy.shape[1] != joints.POINTS or keypoints.xyz is None:
        raise BadInput(
            "bad_layout",
            f"Solving needs the 33 BlazePose points with depth; these keypoints are {keypoints.xy.shape[1]} "
            f"points of layout {keypoints.layout!r}{'' if keypoints.xyz is not None else ' without depth'}.",
            "Estimate with the mediapipe method.",
        )
    if height_m is not None and not 0.3 <= height_m <= 3.0:
        raise BadInput("bad_height", f"A height of {height_m} m is not a person's.", "Give metres, from 0.3 to 3.")
    if not 0.0 <= smooth_hz <= 1000.0:
        raise BadInput("bad_cutoff", f"A smoothing cutoff of {smooth_hz} Hz makes no sense.", "Try 6; 0 is none.")
    if not np.isfinite(keypoints.xyz).all(axis=(1, 2)).any():
        raise BadInput("no_person", "No frame of these keypoints shows a person.", "Choose another clip or person.")


def _centred(points, xy, size, fps):
    """The points (T,33,3) in camera axes and their pixels (T,33,2), hips moved into the joints."""
    return filters.in_blocks(
        lambda p, at: landmarks.centred(landmarks.in_camera_axes(p, at, size, root.FOCAL * max(size)), at),
        fps, points, xy, overlap_s=0.0,
    )  # fmt: skip


def _depth(points, xy, size, fps, lifted, cutoff_hz):
    """Depth (T,12) m from the hips of landmarks.JOINTS, and the doubt in it, by the estimator and the lifter, if any."""
    focal_px = root.FOCAL * max(size)
    deep = points[:, list(landmarks.JOINTS), 1]
    if lifted is None:
        return deep, 1.0
    mine = [lifted.names.index(name) for name in _ANCHORS]
    said, sure = filters.in_blocks(
        lambda at, score, xy: (
            landmarks.in_camera_axes(filters.smooth(at, cutoff_hz, fps), xy, size, focal_px)[..., 1],
            filters.smooth(score, 1.0, fps),
        ), fps, filters.fill_gaps(lifted.xyz[:, mine]), lifted.score[:, mine], xy, overlap_s=3.0,
    )  # fmt: skip
    return depth.blended(deep, said, -0.1 * np.log(np.clip(sure, 1e-4, 0.75)))


def _in_depth(points, xy, weight, size, fps, deep, doubt, tall):
    """The points (T,33,3) in metres about the hips, and the skeleton; of points as `_centred` has them.

    All is found for an average adult, then scaled by `tall`.
    """
    main, usual = list(landmarks.JOINTS), proportions.usual(ADULT_M)
    places, lengths = depth.resolve(deep, xy[:, main], weight[:, main], usual, size, fps, root.FOCAL * max(size), doubt)
    return landmarks.placed(points, places) * tall, proportions.skeleton(lengths * tall, ADULT_M * tall)


def _turned(points, weight, skeleton, fps):
    """Local rotations (T,22,4) of the joints, within their limits."""

    def block(points, weight):
        grot = joints.rotations(np.asarray(points, np.float64), weight, skeleton, fps)
        return (limits.within(local_rotations(grot, skeleton.parents)),)

    return filters.in_blocks(block, fps, points, weight, overlap_s=3.0)[0]


def _level(skeleton, lrot, seen, legs, fps):
    """The rotation (4,) that levels the camera, and lrot, changed in place, with feet that lie level while they stand.

    Legs that are not seen, by `legs` (T,2), hang straight down.
    """
    grot, gpos, soles = _body(skeleton, lrot)
    use = seen & (legs.min(axis=1) > 0.5)
    level = root.upright(gpos[use], soles[use], JOINTS, fps)
    if legs.min() < 1.0:
        del gpos, soles
        lrot = filters.in_blocks(
            lambda *at: (local_rotations(_hanging(level, *at), skeleton.parents),), fps, grot, legs,
            overlap_s=0.0,
        )[0]  # fmt: skip
        grot, _, soles = _body(skeleton, lrot)
    lowest = quat.rotate(level, soles)[..., 2]
    for side, letter in enumerate("lr"):
        foot = JOINTS.index("foot_" + letter)
        ahead = quat.rotate(level, quat.rotate(grot[:, foot], np.array([0.0, -1.0, 0.0])))
        other = lowest[:, [1 - side, 3 - side]].min(axis=1)
        carries = seen & (lowest[:, 2 + side] < other + 0.06)
        if carries.any():
            pitch = float(np.percentile(np.arcsin(np.clip(ahead[carries, 2], -1.0, 1.0)), 60))
            turn = quat.from_axis_angle(np.array([1.0, 0.0, 0.0]), np.array(np.clip(pitch, -_SOLE_PITCH, _SOLE_PITCH)))
            lrot[:, foot] = quat.multiply(lrot[:, foot], turn)
    return level, lrot


def _without_legs(weight, score, legs):
    """Weights (T,33) and scores (T,22), less for knees and feet, and for the joints of legs, that are not seen by `legs`."""
    weight, score = np.array(weight), np.array(score)
    for side, letter in enumerate("lr"):
        weight[:, 25 + side : 33 : 2] *= np.maximum(legs[:, side, None], 1e-3)
        score[:, [JOINTS.index(name + letter) for name in ("thigh_", "shin_", "foot_", "toe_")]] *= legs[:, side, None]
    return weight, score


def _hanging(level, grot, legs):
    """Rotations (T,22,4) of a body whose legs hang straight down as far as they are not seen, by `legs` (T,2)."""
    world = quat.multiply(level, grot)
    heading = _heading(world[:, 0])
    for side, letter in enumerate("lr"):
        for name in ("thigh_", "shin_", "foot_", "toe_"):
            j = JOINTS.index(name + letter)
            world[:, j] = quat.slerp(heading, world[:, j], legs[:, side])
    return quat.multiply(quat.inverse(level), world)


def _place(size, fps, skeleton, lrot, xy, weight, seen, level, cutoff_hz):
    """The pelvis track (T,3) in levelled axes, the floor at 0, `level` mended by the floor, and the speed of soles."""
    names = list(_ANCHORS)
    gpos, soles = _body(skeleton, lrot)[1:]
    marks = [_ANCHORS[n] for n in names]
    body = gpos[:, [JOINTS.index(n) for n in names]]
    focal_px = root.FOCAL * max(size)
    t_seen = filters.in_blocks(
        lambda *at: (root.translation(*at, size, focal_px),), fps, body, xy[:, marks], weight[:, marks],
        overlap_s=0.0, dtype=np.float64,
    )[0]  # fmt: skip
    away = (t_seen[:, None] + soles)[..., 1]
    speed = root.seen_speed(xy[:, _SOLES], away, fps, focal_px)
    t_seen, soles = quat.rotate(level, t_seen), quat.rotate(level, soles)
    sure = np.where(seen, weight[:, marks].mean(axis=1), 1e-3)
    place = root.track(t_seen, sure, fps, cutoff_hz)
    placed = place[:, None] + soles
    gpos = filters.in_blocks(lambda at: (quat.rotate(level, at),), fps, gpos, overlap_s=0.0, dtype=np.float64)[0]
    under = root.under_soles(gpos, soles, JOINTS)
    speed = root.sole_speed(placed, speed, fps)
    rests = root.resting(root.above_floor(placed, fps, place[:, 2] + under), fps, speed)
    mend = root.flatten(place, soles, rests, fps)
    place, soles = quat.rotate(mend, place), quat.rotate(mend, soles)
    return root.stand(place, soles, rests, fps, under), quat.multiply(mend, level), speed


def _body(skeleton, lrot):
    """Rotations (T,22,4), joints (T,22,3) and sole points (T,4,3) about the pelvis."""
    lpos = np.array(skeleton.offsets, np.float64)
    lpos[0] = 0.0
    feet = [JOINTS.index(n) for n in ("foot_l", "foot_r", "toe_l", "toe_r")]

    def block(lrot):
        grot, gpos = fk(lrot, lpos, skeleton.parents)
        return grot, gpos, gpos[:, feet] + quat.rotate(grot[:, feet[:2] * 2], sole(skeleton))

    return filters.in_blocks(block, 30.0, lrot, overlap_s=0.0)


def _with_contacts(motion, speed, stands):
    contact = np.zeros((len(motion), 6))
    contact[:, :4] = root.resting(foot_points(motion), motion.fps, speed) * stands
    return motion.with_(contact=contact)


def _heading(turn):
    """The turns about z (...,4) that face where `turn` (...,4) does."""
    ahead = quat.rotate(turn, np.array([0.0, -1.0, 0.0]))
    up = quat.rotate(turn, np.array([0.0, 0.0, 1.0]))
    # looking up or down, the body's length tells
    lying = np.hypot(ahead[..., :1], ahead[..., 1:2]) < 0.2
    ahead = np.where(lying, -np.sign(ahead[..., 2:]) * up, ahead)
    return quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.arctan2(ahead[..., 0], -ahead[..., 1]))


def _face_front(place, turn):
    """The track and the pelvis' rotations turned and moved so that frame 0 faces -Y at x = y = 0."""
    back = quat.inverse(_heading(turn[0]))
    place = quat.rotate(back, place - place[0] * np.array([1.0, 1.0, 0.0]))
    return place, quat.unroll(quat.multiply(back, turn))
