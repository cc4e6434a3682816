"""BVH files <-> Rig and RigMotion.

Written: centimetres, Y up, facing +Z, rotations in degrees as Z X Y, the zero pose is the rig's rest pose.
Read: whatever users have; docs/conventions.md lists what is tolerated.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np

from ..errors import BadInput
from . import quat, skeleton, upright
from .anatomy import children_of, find_limbs
from .bvh_text import parse, text_of
from .files import write_bytes
from .standing import stand_up
from .types import Motion, Rig, RigMotion

# house (x right, y back, z up, m) -> written file (x, y up, z front, cm)
_TO_FILE = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
_CM = 100.0
_ORDER = "zxy"
_LINES = 500


def read_bvh(path, *, up=None, front=None, unit_m=None):
    """(Rig, RigMotion) of a BVH file; bones in file order, at rest in its zero pose, their axes those of the file.

    Where the zero pose is none a body could take, a T-pose is made the rest (see `standing`).

    `Rig.world` takes file space to the house: the up axis, the front and the unit are deduced from the
    skeleton unless `up`, `front` ("Y", "Z", "-Z" ...) or `unit_m` (0.01 for centimetres) say so.  Position
    channels replace OFFSET, as in most programs; joints without them have NaN locations.  Warns of a wrong
    frame count; raises BadInput with the line number.
    """
    path = Path(path)
    joints, numbers, fps = parse(text_of(path), path.name)
    parents = np.array([joint.parent for joint in joints])
    heads = np.array([joint.offset for joint in joints], np.float64)
    for i, parent in enumerate(parents):
        if parent >= 0:
            heads[i] += heads[parent]
    tails = _tails(joints, parents, heads)
    names = _unique([joint.name for joint in joints])
    basis, location = _animation(joints, numbers)
    sample = np.unique(np.linspace(0, len(numbers) - 1, 40).astype(int))
    offsets = np.array([joint.offset for joint in joints])
    _, poses = skeleton.fk(basis[sample], offsets + np.nan_to_num(location[sample]), parents)
    limbs = find_limbs(names, parents, heads, tails)
    turn = np.tile(quat.IDENTITY, (len(joints), 1))
    if limbs and limbs.sided and not upright.stands(limbs, heads):
        up_axis = upright.axis(up) if up else upright.up_of(limbs, heads, poses)
        left = upright.left_of(limbs, heads, tails, up_axis)
        local, turn, heads, tails = stand_up(limbs, parents, heads, tails, basis, up_axis, left)
        basis = quat.multiply(quat.inverse(local), basis)
        location = quat.rotate(quat.inverse(local), location)
    rest = np.tile(np.eye(4), (len(joints), 1, 1))
    rest[:, :3, :3], rest[:, :3, 3] = quat.to_matrix(turn), heads
    world = upright.world_of(limbs, heads, tails, poses, up, front, unit_m)
    rig = Rig(names, parents, rest, tails, world, name=path.stem)
    keyed = np.array([any(c.endswith("rotation") for c in joint.channels) for joint in joints])
    return rig, RigMotion(names, basis, location, keyed, fps)


def write_bvh(path, rig: Rig, rig_motion: RigMotion) -> None:
    """Write the bones of `rig_motion` (all of `rig`, in its order) as BVH; see the module's head.

    Roots stand at OFFSET 0 with absolute positions, which every reader understands alike; other
    bones have position channels only where their location is keyed.
    """
    if rig_motion.bones != rig.bones:
        raise BadInput("bones_differ", "The motion is of another rig: its bones are not those of the rig.")
    offsets, ends, told = _to_file_space(rig)
    moves = (rig.parents < 0) | np.isfinite(rig_motion.location).all(axis=(0, 2))
    numbers = np.empty((len(rig_motion), 3 * int(len(rig) + moves.sum())))
    order = [bone for bone, _ in _depth_first(rig.parents)]
    columns = dict(zip(order, np.cumsum([3 + 3 * int(moves[bone]) for bone in order]) - 3))  # where rotations begin
    for first in range(0, len(rig_motion), _LINES):  # some frames at a time, for the memory's sake
        here = slice(first, first + _LINES)
        rotation, location = told(rig_motion.basis[here], rig_motion.location[here])
        for bone, column in columns.items():
            if moves[bone]:
                numbers[here, column - 3 : column] = offsets[bone] + location[:, bone]
            numbers[here, column : column + 3] = quat.to_euler(rotation[:, bone], _ORDER)
    for column in columns.values():
        numbers[:, column : column + 3] = np.degrees(np.unwrap(numbers[:, column : column + 3], axis=0))
    offsets = np.where((rig.parents < 0)[:, None], 0.0, offsets)
    head = _hierarchy(rig, offsets, ends, moves)
    head += f"MOTION\nFrames: {len(numbers)}\nFrame Time: {1.0 / rig_motion.fps:.9f}\n"
    write_bytes(Path(path), chain([head.encode()], _lines(numbers)))


def _lines(numbers):
    """The lines of frames (T,N), some at a time: as Python's numbers they take ten times their memory."""
    line = " ".join(["%.6f"] * numbers.shape[1]) + "\n"
    for first in range(0, len(numbers), _LINES):
        here = numbers[first : first + _LINES]
        yield ((line * len(here)) % tuple(here.ravel().tolist())).encode()


def motion_to_rig(motion: Motion):
    """(Rig, RigMotion) of a Motion: the canonical skeleton seen as a rig in house space."""
    s = motion.skeleton
    count = len(s)
    _, heads = skeleton.fk(np.tile(quat.IDENTITY, (count, 1)), s.offsets, s.parents)
    rest = np.tile(np.eye(4), (count, 1, 1))
    rest[:, :3, 3] = heads
    roles = {name: (name,) for name in s.names}
    rig = Rig(s.names, s.parents, rest, heads + s.tips, roles=roles, name="poseloom")
    location = np.full((len(motion), count, 3), np.nan)
    location[:, 0] = motion.root - heads[0]
    return rig, RigMotion(s.names, motion.lrot, location, np.ones(count, bool), motion.fps)


def _unique(names):
    seen, out = set(), []
    for name in names:
        unique, i = name, 0
        while unique in seen:
            i += 1
            unique = f"{name}.{i:03d}"
        seen.add(unique)
        out.append(unique)
    return tuple(out)


def _tails(joints, parents, heads):
    """(B,3): the End Site, else the only child's head, else the middle of the children."""
    tails = heads.copy()
    size = max(np.ptp(heads, axis=0).max(), 1e-6)
    for i, joint in enumerate(joints):
        below = np.flatnonzero(parents == i)
        if len(below):
            tails[i] = heads[below].mean(axis=0)
        elif joint.end is not None:
            tails[i] = heads[i] + joint.end
        if np.linalg.norm(tails[i] - heads[i]) < 1e-4 * size:
            # no bone is without length: a short one on in its parent's direction
            along = joint.offset if np.linalg.norm(joint.offset) > 1e-4 * size else np.array([0.0, 1.0, 0.0])
            tails[i] = heads[i] + 0.02 * size * along / np.linalg.norm(along)
    return tails


def _animation(joints, numbers):
    """basis (T,B,4), location (T,B,3) of the channel columns; each joint's rows lie together in memory."""
    frames, count = len(numbers), len(joints)
    basis = np.tile(quat.IDENTITY, (count, frames, 1)).swapaxes(0, 1)
    location = np.full((count, frames, 3), np.nan).swapaxes(0, 1)
    column = 0
    for i, joint in enumerate(joints):
        turns = [k for k, c in enumerate(joint.channels) if c.endswith("rotation")]
        if turns:
            order = "".join(joint.channels[k][0] for k in turns)
            basis[:, i] = quat.from_euler(np.radians(numbers[:, [column + k for k in turns]]), order)
        moves = {c[0]: column + k for k, c in enumerate(joint.channels) if c.endswith("position")}
        if moves:
            place = np.stack([numbers[:, moves[a]] if a in moves else np.zeros(frames) for a in "xyz"], axis=-1)
            location[:, i] = place - (np.zeros(3) if _is_relative(joint, place) else joint.offset)
        column += len(joint.channels)
    return basis, location


def _is_relative(joint, place):
    """Some writers give a joint's displacement, not its place: then it is nothing for joints that stay."""
    return joint.parent >= 0 and np.abs(place).max() < 1e-3 * np.linalg.norm(joint.offset)


def _to_file_space(rig):
    """offsets (B,3), ends (B,3), and what makes of basis (T,B,4) and location (T,B,3) those in the file: cm, Y up, no
    rest rotations."""
    linear = rig.world[:3, :3]
    scale = np.cbrt(np.linalg.det(linear))
    to_file = _TO_FILE @ linear * _CM
    turn = quat.from_matrix(_TO_FILE @ linear / scale)
    heads = rig.rest[:, :3, 3]
    above = np.where((rig.parents >= 0)[:, None], heads[np.maximum(rig.parents, 0)], 0.0)
    offsets = (heads - above) @ to_file.T
    offsets[rig.parents < 0] += _TO_FILE @ rig.world[:3, 3] * _CM
    ends = (rig.tails - heads) @ to_file.T
    rest = quat.from_matrix(rig.rest[:, :3, :3])
    # a bone's own rotation, seen in file axes: rest and world are the change of basis
    frame = quat.multiply(turn, rest)
    parents = np.where((rig.parents >= 0)[:, None], rest[np.maximum(rig.parents, 0)], quat.IDENTITY)
    axes = np.where(rig.local_location[:, None], rest, parents)

    def told(basis, location):
        rotation = quat.multiply(quat.multiply(frame, quat.normalise(basis)), quat.inverse(frame))
        if not rig.inherit_rotation.all():
            rotation = _under_parents(rotation, rig)
        return rotation, quat.rotate(axes, np.nan_to_num(location)) @ to_file.T

    return offsets, ends, told


def _under_parents(rotation, rig):
    """Local rotations for bones that do not inherit their parent's."""
    whole, local = np.empty_like(rotation), rotation.copy()
    for bone, parent in enumerate(rig.parents):
        whole[:, bone] = rotation[:, bone]
        if parent >= 0 and rig.inherit_rotation[bone]:
            whole[:, bone] = quat.multiply(whole[:, parent], rotation[:, bone])
        elif parent >= 0:
            local[:, bone] = quat.multiply(quat.inverse(whole[:, parent]), rotation[:, bone])
    return local


def _depth_first(parents):
    """[(bone, depth)] with every bone's children right after it, as BVH wants its joints."""
    below = children_of(parents)
    todo = [(bone, 0) for bone in reversed(range(len(parents))) if parents[bone] < 0]
    while todo:
        bone, depth = todo.pop()
        yield bone, depth
        todo += [(child, depth + 1) for child in reversed(below[bone])]


def _hierarchy(rig, offsets, ends, moves):
    order = [*_depth_first(rig.parents), (None, 0)]
    out = ["HIERARCHY\n"]
    for (bone, depth), (_, next_depth) in zip(order, order[1:]):
        pad = "\t" * depth
        name = "_".join(rig.bones[bone].split()) or f"bone{bone}"
        place = "6 Xposition Yposition Zposition" if moves[bone] else "3"
        out.append(f"{pad}{'JOINT' if depth else 'ROOT'} {name}\n{pad}{{\n")
        out.append("%s\tOFFSET %.6f %.6f %.6f\n" % (pad, *offsets[bone]))
        out.append(f"{pad}\tCHANNELS {place} Zrotation Xrotation Yrotation\n")
        if next_depth <= depth:
            out.append("%s\tEnd Site\n%s\t{\n%s\t\tOFFSET %.6f %.6f %.6f\n%s\t}\n" % (pad, pad, pad, *ends[bone], pad))
        out += ["\t" * d + "}\n" for d in range(depth, next_depth - 1, -1)]
    return "".join(out)
