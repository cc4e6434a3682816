"""A motion played by a body of the studio: what its bones, skin and soles do, exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from bodies import Body

from poseloom.motion import quat
from poseloom.motion.bvh import read_bvh
from poseloom.motion.filters import smooth
from poseloom.motion.skeleton import JOINTS, motion_fk
from poseloom.motion.types import Motion, RigMotion
from poseloom.retarget import from_rig, grounded, to_rig
from poseloom.retarget.floor import HANDS, rests
from poseloom.rigs.recognise import recognise

SOLES = ("heel_l", "heel_r", "toe_l", "toe_r")
# radians that the joints of a closed hand turn, first to last of each finger; and the thumb's
_CLOSED, _THUMB = np.radians([75.0, 95.0, 60.0]), np.radians([20.0, 35.0, 50.0])
RELAXED = 0.3
_NEAR_S = 0.35  # some part of the body touches the floor within so long, even in a leap
_MOST_M = 0.08


@dataclass(frozen=True, eq=False)
class Performance:
    """bones (T,B,4,4) in the world; grot (T,22,4), gpos (T,22,3) of the canonical joints; soles (T,4,3) heels and
    balls, left and right; contact (T,6) 0 or 1; lowest (T,) m of the skin; hands (T,2) 0 open .. 1 closed."""

    body: Body
    bones: np.ndarray
    grot: np.ndarray
    gpos: np.ndarray
    soles: np.ndarray
    contact: np.ndarray
    lowest: np.ndarray
    hands: np.ndarray
    fps: float

    def __len__(self) -> int:
        return len(self.bones)

    def skin(self, frame: int) -> np.ndarray:
        return self.body.skin(self.bones[frame])

    def moved(self, turn_rad: float, shift) -> "Performance":
        """Turned about the world's z and then moved by `shift` (3,)."""
        turn = quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.array(turn_rad))
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = quat.to_matrix(turn), shift
        return replace(
            self, bones=matrix @ self.bones, grot=quat.multiply(turn, self.grot),
            gpos=quat.rotate(turn, self.gpos) + shift, soles=quat.rotate(turn, self.soles) + shift,
        )  # fmt: skip


def read_take(path: Path, start: int = 0, frames: int | None = None) -> Motion:
    """Frames of a BVH as a canonical motion on its own skeleton, facing -Y above the origin at the first."""
    rig, motion = read_bvh(path)
    motion = grounded(from_rig(motion, recognise(rig).rig))
    end = len(motion) if frames is None else min(start + frames, len(motion))
    lrot, root = (np.array(a[start:end], np.float64) for a in (motion.lrot, motion.root))
    ahead = quat.rotate(lrot[0, 0], np.array([0.0, -1.0, 0.0]))
    turn = quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.array(-np.arctan2(ahead[0], -ahead[1])))
    lrot[:, 0] = quat.multiply(turn, lrot[:, 0])
    root = quat.rotate(turn, root - root[0] * [1.0, 1.0, 0.0])
    return motion.with_(lrot=lrot, root=root, contact=motion.contact[start:end], score=None)


def perform(motion: Motion, body: Body, hands=RELAXED) -> Performance:
    """`motion` retargeted to `body`, on the floor z = 0; hands: 0 open .. 1 closed, a number or (T,2)."""
    rig = body.recognition.rig
    closed = np.broadcast_to(np.asarray(hands, np.float64), (len(motion), 2))
    keys = close_hands(body, join_toes(body, to_rig(motion, rig)), closed)
    bones = body.pose(keys)
    lowest = np.array([body.skin(pose)[:, 2].min() for pose in bones])
    rise = -_floor_under(lowest, motion.fps)
    bones[..., 2, 3] += rise[:, None]
    grot = motion_fk(from_rig(keys, rig))[0][:, : len(JOINTS)]
    at = {name: _places(body, bones, group) for name, group in {**body.soles, **body.hands}.items()}
    size = body.height_m / 1.75
    points = np.stack([_low_point(at[name]) for name in SOLES], 1)
    palms = np.stack([_low_point(at[name]) for name in ("hand_l", "hand_r")], 1)
    contact = np.concatenate([rests(points, motion.fps, size), rests(palms, motion.fps, size, HANDS)], 1)
    return Performance(body, bones, grot, body.joints(bones), points, contact, lowest + rise, closed, motion.fps)


def _floor_under(lowest, fps):
    """(T,) the level on which the body goes, slowly changing: the least of its lowest points for a while around."""
    half = max(1, round(_NEAR_S * fps))
    padded = np.pad(lowest, half, mode="edge")
    least = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).min(1)
    level = np.median(least)
    return level + smooth(np.clip(least - level, -_MOST_M, _MOST_M), 1.5, fps)


def _places(body, bones, vertices):
    """(T,N,3) of some vertices."""
    turn = bones @ body._from_rest
    mixed = np.einsum("vk,tvkij->tvij", body.weight[vertices], turn[:, body.bone[vertices]])
    return np.einsum("tvij,vj->tvi", mixed[..., :3, :3], body.vertices[vertices]) + mixed[..., :3, 3]


def _low_point(places):
    """(T,3): the middle of places (T,N,3), at the height of the lowest."""
    return np.concatenate([places[..., :2].mean(1), places[..., 2:].min(1)], -1)


def join_toes(body: Body, keys: RigMotion) -> RigMotion:
    """The five toes of a foot turned alike, as the shoe wants."""
    rig, basis, keyed = body.rig, np.array(keys.basis, np.float64), np.array(keys.keyed)
    axes = quat.from_matrix(rig.rest[:, :3, :3])
    for side in "LR":
        big = rig.index(f"toe1-1.{side}")
        turn = quat.multiply(quat.multiply(axes[big], basis[:, big]), quat.inverse(axes[big]))
        for toe in "2345":
            bone = rig.index(f"toe{toe}-1.{side}")
            basis[:, bone] = quat.multiply(quat.multiply(quat.inverse(axes[bone]), turn), axes[bone])
            keyed[bone] = True
    return replace(keys, basis=basis, keyed=keyed)


def close_hands(body: Body, keys: RigMotion, closed) -> RigMotion:
    """Fingers bent by closed (T,2), left and right, of 0 (as at rest: open and spread) to 1 (a fist)."""
    rig, basis, keyed = body.rig, np.array(keys.basis, np.float64), np.array(keys.keyed)
    heads, tails = rig.rest[:, :3, 3], np.asarray(rig.tails)
    for k, (side, sign) in enumerate((("L", 1.0), ("R", -1.0))):
        wrist = heads[rig.index(f"wrist.{side}")]
        index, pinky = (heads[rig.index(f"finger{f}-1.{side}")] for f in "25")
        palm = sign * np.cross(pinky - wrist, index - wrist)  # out of the palm
        palm /= np.linalg.norm(palm)
        for finger in "12345":
            for i in range(3):
                bone = rig.index(f"finger{finger}-{i + 1}.{side}")
                along = tails[bone] - heads[bone]
                axis = np.cross(along, palm)
                angle = (_THUMB if finger == "1" else _CLOSED)[i] * closed[:, k]
                if finger == "1":  # the thumb closes across the palm
                    axis = np.cross(along, 0.6 * palm + (pinky - index) / np.linalg.norm(pinky - index))
                local = rig.rest[bone, :3, :3].T @ (axis / np.linalg.norm(axis))
                basis[:, bone] = quat.from_axis_angle(local, angle)
                keyed[bone] = True
    return replace(keys, basis=basis, keyed=keyed)
