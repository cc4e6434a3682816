"""The data that flows between stages: frozen, checked when made, arrays read-only.

Letters: T frames, J canonical joints, B rig bones, K keypoints.  Axes, units and names are
those of docs/conventions.md: Z up, facing -Y, metres, seconds, radians, quaternions wxyz.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Mapping, Optional, Sequence

import numpy as np

from ..errors import BadArray

CONTACTS = ("heel_l", "heel_r", "toe_l", "toe_r", "hand_l", "hand_r")


def array(owner: str, name: str, value, shape: Sequence, match: str = "", *, dtype=np.float32, nan=False):
    """`value` as a read-only array of `shape` (None: any length), else BadArray that names it."""
    out = np.array(value, dtype=dtype)
    if len(out.shape) != len(shape) or any(s not in (None, n) for s, n in zip(shape, out.shape)):
        want = ", ".join("*" if s is None else str(s) for s in shape)
        why = f" to match {match}" if match else ""
        got = ", ".join(map(str, out.shape))
        raise BadArray("bad_shape", f"{owner}.{name} is ({got}), expected ({want}){why}.")
    if not nan and np.issubdtype(out.dtype, np.floating) and not np.isfinite(out).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(out))[0])
        raise BadArray("not_finite", f"{owner}.{name} holds NaN or infinity, first at {where}.")
    out.setflags(write=False)
    return out


def _set(instance, **values) -> None:
    for name, value in values.items():
        object.__setattr__(instance, name, value)


def _check_fps(owner: str, fps: float) -> float:
    if not (np.isfinite(fps) and 0.0 < fps <= 10_000.0):
        raise BadArray("bad_fps", f"{owner}.fps is {fps}, expected a rate above 0.")
    return float(fps)


def _check_size(owner: str, size: Sequence) -> tuple:
    size = tuple(int(side) for side in size)
    if len(size) != 2 or min(size) < 1:
        raise BadArray("bad_size", f"{owner}.size is {size}, expected a width and a height above 0.")
    return size


@dataclass(frozen=True, eq=False)
class Keypoints:
    """What an estimator saw of one person.

    xy (T,K,2) pixels from the top left, NaN where unseen; xyz (T,K,3) metres, hip-centred,
    camera levelled to house axes (x to the picture's right, y away from the camera, z up), or
    None; score (T,K) 0..1, 0 where unseen; size (width, height); start_s in the source clip.
    cuts: the frames that begin another shot.  view (T,3,3): the homography from each frame's picture
    to that of its shot's first frame, where the camera moves; None where it stands still.
    """

    layout: str
    xy: np.ndarray
    xyz: Optional[np.ndarray]
    score: np.ndarray
    size: tuple
    fps: float
    start_s: float = 0.0
    person: int = 1
    cuts: tuple = ()
    view: Optional[np.ndarray] = None

    def __post_init__(self):
        xy = array("Keypoints", "xy", self.xy, (None, None, 2), nan=True)
        frames, points = xy.shape[:2]
        xyz = self.xyz
        if xyz is not None:
            xyz = array("Keypoints", "xyz", xyz, (frames, points, 3), "xy", nan=True)
        score = array("Keypoints", "score", self.score, (frames, points), "xy")
        view = self.view
        if view is not None:
            view = array("Keypoints", "view", view, (frames, 3, 3), "xy", dtype=np.float64)
        _set(
            self, xy=xy, xyz=xyz, score=score, size=_check_size("Keypoints", self.size),
            fps=_check_fps("Keypoints", self.fps), cuts=tuple(int(cut) for cut in self.cuts), view=view,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.xy)


@dataclass(frozen=True, eq=False)
class Camera:
    """K (3,3) intrinsics in pixels, for x right, y down, z away; world (4,4) or (T,4,4) camera to world, looking
    along -Z with +Y up as in Blender; size (width, height); parallel: nothing shrinks with distance (orthographic), K
    is then pixels per metre."""

    K: np.ndarray
    world: np.ndarray
    size: tuple
    parallel: bool = False

    def __post_init__(self):
        world = np.asarray(self.world)
        shape = (4, 4) if world.ndim == 2 else (None, 4, 4)
        _set(
            self,
            K=array("Camera", "K", self.K, (3, 3), dtype=np.float64),
            world=array("Camera", "world", world, shape, dtype=np.float64),
            size=(int(self.size[0]), int(self.size[1])),
        )


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Canonical joints in rest: a T-pose facing -Y, every joint's axes those of the world.

    names (J); parents (J,) with -1 for the root and parents[i] < i; offsets (J,3) metres from
    the parent (the root's from the floor below it); tips (J,3) metres from the joint to the end
    of its bone.
    """

    names: tuple
    parents: np.ndarray
    offsets: np.ndarray
    tips: np.ndarray

    def __post_init__(self):
        names = tuple(self.names)
        count = len(names)
        parents = array("Skeleton", "parents", self.parents, (count,), "names", dtype=np.int32)
        if count and (parents[0] != -1 or (parents[1:] >= np.arange(1, count)).any() or (parents[1:] < 0).any()):
            raise BadArray("bad_parents", "Skeleton.parents must be -1 for the root and parents[i] < i elsewhere.")
        _set(
            self,
            names=names,
            parents=parents,
            offsets=array("Skeleton", "offsets", self.offsets, (count, 3), "names"),
            tips=array("Skeleton", "tips", self.tips, (count, 3), "names"),
        )

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        return self.names.index(name)


@dataclass(frozen=True, eq=False)
class Motion:
    """A skeleton in motion.

    lrot (T,J,4) rotation of each joint relative to its parent (identity: T-pose); root (T,3)
    metres, the root joint's place; contact (T,6) 0..1 in the order of CONTACTS; score (T,J)
    0..1; curves {name: (T,)}.
    """

    skeleton: Skeleton
    lrot: np.ndarray
    root: np.ndarray
    fps: float
    contact: Optional[np.ndarray] = None
    score: Optional[np.ndarray] = None
    curves: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        joints = len(self.skeleton)
        lrot = array("Motion", "lrot", self.lrot, (None, joints, 4), "skeleton")
        frames = len(lrot)
        contact = np.zeros((frames, 6)) if self.contact is None else self.contact
        score = np.ones((frames, joints)) if self.score is None else self.score
        _set(
            self,
            lrot=lrot,
            root=array("Motion", "root", self.root, (frames, 3), "lrot"),
            fps=_check_fps("Motion", self.fps),
            contact=array("Motion", "contact", contact, (frames, 6), "lrot"),
            score=array("Motion", "score", score, (frames, joints), "lrot"),
            curves={k: array("Motion", f"curves[{k}]", v, (frames,), "lrot") for k, v in self.curves.items()},
        )

    def __len__(self) -> int:
        return len(self.lrot)

    def with_(self, **changes) -> "Motion":
        return replace(self, **changes)


@dataclass(frozen=True, eq=False)
class Rig:
    """An armature at rest, as the animator built it.

    bones (B) names; parents (B,) -1 for roots, parents[i] < i, the *effective* parent where
    constraints say otherwise (then `inherit_rotation` and the preset tell); rest (B,4,4) in
    armature space and armature units, columns are the bone's own axes, right-handed, without
    scale; tails (B,3) armature space; world (4,4) armature space -> house world in metres (axes,
    unit and object scale included); rotation_mode (B) "QUATERNION", "XYZ" ... "AXIS_ANGLE";
    locked (B,10) location 3, rotation w x y z, scale 3; deform (B); inherit_rotation (B);
    local_location (B): location is in the bone's rest axes (else in armature axes);
    roles {joint: (bone, ...)} from parent to child; switches {data_path: value} that must be
    keyed for the roles to move the character (an IK/FK switch); soles {joint: (K,3)} points of the mesh at rest, in
    armature space, that feet and toes can stand on, and those of the head; empty where the feet's mesh is not known.
    """

    bones: tuple
    parents: np.ndarray
    rest: np.ndarray
    tails: np.ndarray
    world: np.ndarray = field(default_factory=lambda: np.eye(4))
    rotation_mode: Optional[tuple] = None
    locked: Optional[np.ndarray] = None
    deform: Optional[np.ndarray] = None
    inherit_rotation: Optional[np.ndarray] = None
    local_location: Optional[np.ndarray] = None
    roles: Mapping[str, tuple] = field(default_factory=dict)
    switches: Mapping[str, float] = field(default_factory=dict)
    name: str = ""
    soles: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        bones = tuple(self.bones)
        count = len(bones)
        parents = array("Rig", "parents", self.parents, (count,), "bones", dtype=np.int32)
        if (parents >= np.arange(count)).any():
            raise BadArray("bad_parents", "Rig.parents must be sorted: parents[i] < i.")
        yes = np.ones(count, bool)

        def flags(name, value):
            return array("Rig", name, yes if value is None else value, (count,), "bones", dtype=bool)

        locked = np.zeros((count, 10)) if self.locked is None else self.locked
        mode = ("QUATERNION",) * count if self.rotation_mode is None else tuple(self.rotation_mode)
        unknown = {b for role in self.roles.values() for b in role} - set(bones)
        if unknown:
            raise BadArray("bad_roles", f"Rig.roles name bones that are not in the rig: {', '.join(sorted(unknown))}.")
        _set(
            self,
            bones=bones,
            parents=parents,
            rest=array("Rig", "rest", self.rest, (count, 4, 4), "bones", dtype=np.float64),
            tails=array("Rig", "tails", self.tails, (count, 3), "bones", dtype=np.float64),
            world=array("Rig", "world", self.world, (4, 4), dtype=np.float64),
            rotation_mode=mode,
            locked=array("Rig", "locked", locked, (count, 10), "bones", dtype=bool),
            deform=flags("deform", self.deform),
            inherit_rotation=flags("inherit_rotation", self.inherit_rotation),
            local_location=flags("local_location", self.local_location),
            roles={k: tuple(v) for k, v in self.roles.items()},
            switches=dict(self.switches),
            soles={k: array("Rig", f"soles[{k}]", v, (None, 3), dtype=np.float64) for k, v in self.soles.items()},
        )

    def __len__(self) -> int:
        return len(self.bones)

    def index(self, bone: str) -> int:
        return self.bones.index(bone)

    def with_(self, **changes) -> "Rig":
        return replace(self, **changes)


@dataclass(frozen=True, eq=False)
class RigMotion:
    """What the extension copies into curves.

    basis (T,B,4) rotation relative to rest; location (T,B,3) armature units relative to rest,
    NaN where not keyed; keyed (B) bones whose rotation is keyed; props {data_path: (T,)}.
    """

    bones: tuple
    basis: np.ndarray
    location: np.ndarray
    keyed: np.ndarray
    fps: float
    props: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        bones = tuple(self.bones)
        count = len(bones)
        basis = array("RigMotion", "basis", self.basis, (None, count, 4), "bones")
        frames = len(basis)
        _set(
            self,
            bones=bones,
            basis=basis,
            location=array("RigMotion", "location", self.location, (frames, count, 3), "basis", nan=True),
            keyed=array("RigMotion", "keyed", self.keyed, (count,), "bones", dtype=bool),
            fps=_check_fps("RigMotion", self.fps),
            props={k: array("RigMotion", f"props[{k}]", v, (frames,), "basis") for k, v in self.props.items()},
        )

    def __len__(self) -> int:
        return len(self.basis)
