"""Random rotations, motions and rigs for laws that hold for all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from poseloom.motion import quat
from poseloom.motion.skeleton import standard
from poseloom.motion.types import Motion, Rig

seeds = st.integers(0, 2**32 - 1)


def rotations(rng, *shape):
    """Uniform random unit quaternions (*shape, 4)."""
    return quat.normalise(rng.normal(size=shape + (4,)))


def motion_on(skeleton, rng, frames=5, reach_rad=1.2):
    """A Motion of random turns, each joint within about `reach_rad` of its parent, hips about the origin."""
    turns = quat.exp(rng.uniform(-1, 1, (frames, len(skeleton), 3)) * reach_rad / np.sqrt(3))
    turns[:, 0] = rotations(rng, frames)
    root = rng.uniform(-1, 1, (frames, 3)) + [0, 0, 1.0]
    return Motion(skeleton, turns, root, 30.0)


class RigPlan:
    """Bones in house space, metres, in the order added; `build` gives them axes, rolls and an object transform."""

    def __init__(self):
        self.bones, self.parents, self.heads, self.tails, self.roles = [], [], [], [], {}

    def add(self, name, parent, head, tail, role=None):
        self.bones.append(name)
        self.parents.append(self.bones.index(parent) if parent else -1)
        self.heads.append(np.asarray(head, float))
        self.tails.append(np.asarray(tail, float))
        if role:
            self.roles.setdefault(role, []).append(name)
        return name

    def build(self, rng, world=None, **changes) -> Rig:
        """A Rig with random bone axes."""
        world = np.eye(4) if world is None else world
        inverse = np.linalg.inv(world)
        rest = np.tile(np.eye(4), (len(self.bones), 1, 1))
        rest[:, :3, :3] = quat.to_matrix(rotations(rng, len(self.bones)))
        rest[:, :3, 3] = np.array(self.heads) @ inverse[:3, :3].T + inverse[:3, 3]
        tails = np.array(self.tails) @ inverse[:3, :3].T + inverse[:3, 3]
        return Rig(self.bones, self.parents, rest, tails, world, roles=self.roles, name="random", **changes)


def plan(
    rng, spine=3, arms_down_rad=0.0, elbow_rad=0.0, leg_spread_rad=0.0, toe_out_rad=0.0,
    clavicles=True, neck=1, hands=True, toes=True, fingers=False, helpers=False,
) -> RigPlan:  # fmt: skip
    """A humanoid of random proportions at rest, upright, facing -Y, soles on the floor."""
    p, size = RigPlan(), standard(rng.uniform(0.5, 3.0))
    offset = {n: o * rng.uniform(0.8, 1.2) for n, o in zip(size.names, size.offsets.astype(float))}
    offset.update({n: -offset[n[:-1] + "l"] * [1, -1, -1] for n in offset if n.endswith("_r")})
    hips = offset["pelvis"]
    p.add("root", None, (0, 0, 0), (0, 0.2, 0), "root")
    p.add("hips", "root", hips, hips + offset["spine1"], "pelvis")
    chest = _spine(p, hips, offset, spine)
    top = p.tails[-1]
    base = chest
    for k in range(neck):
        base = p.add(f"neck{k}", base, top + offset["head"] * k / neck, top + offset["head"] * (k + 1) / neck, "neck")
    crown = top + offset["head"] * (1 if neck else 0)
    p.add("head", base, crown, crown + size.tips[5], "head")
    for side, sign in (("l", 1.0), ("r", -1.0)):
        _arm(p, rng, side, sign, chest, top, offset, arms_down_rad, elbow_rad, clavicles, hands, fingers, helpers)
        _leg(p, rng, side, sign, hips, offset, leg_spread_rad, toe_out_rad, toes, helpers)
    soles = [tail[2] for bone, tail in zip(p.bones, p.tails) if bone.startswith(("foot", "toe"))]
    lift = np.array([0.0, 0.0, 0.01 - min(soles)])
    for points in (p.heads, p.tails):
        points[1:] = [point + lift for point in points[1:]]
    return p


def _spine(p, hips, offset, count):
    length = offset["spine1"] + offset["spine2"] + offset["spine3"] + offset["neck"]
    low, above = hips + 0.2 * length, "hips"
    for k in range(count):
        role = "spine1" if count == 1 else f"spine{1 + k * min(count, 3) // count}"
        head, tail = low + 0.8 * length * k / count, low + 0.8 * length * (k + 1) / count
        above = p.add(f"spine{k}", above, head, tail, role)
    return above


def _helper(p, rng, name, parent, at, helpers):
    """An extra bone without a role, in the way."""
    return p.add(name, parent, at, at + rng.normal(size=3) * 0.1) if helpers else parent


def _arm(p, rng, side, sign, chest, top, offset, down, elbow, clavicles, hands, fingers, helpers):
    lean = quat.from_axis_angle([0, 1, 0], np.array(sign * down))
    bend = quat.multiply(lean, quat.from_axis_angle([0, 0, 1], np.array(-sign * elbow)))
    start = top + offset[f"clavicle_{side}"] * [1, 1, -0.3]
    shoulder = start + offset[f"upper_arm_{side}"]
    parent = _helper(p, rng, f"girdle_{side}", chest, start, helpers)
    if clavicles:
        parent = p.add(f"clavicle_{side}", parent, start, shoulder, f"clavicle_{side}")
    elbow_at = shoulder + quat.rotate(lean, offset[f"forearm_{side}"])
    wrist = elbow_at + quat.rotate(bend, offset[f"hand_{side}"])
    parent = p.add(f"arm_{side}", parent, shoulder, elbow_at, f"upper_arm_{side}")
    parent = _helper(p, rng, f"twist_{side}", parent, (shoulder + elbow_at) / 2, helpers)
    parent = p.add(f"fore_{side}", parent, elbow_at, wrist, f"forearm_{side}")
    if not hands:
        return
    out = quat.rotate(bend, [sign, 0.0, 0.0])
    parent = p.add(f"hand_{side}", parent, wrist, wrist + 0.15 * out, f"hand_{side}")
    for i, finger in enumerate(("thumb", "index", "middle", "ring", "pinky") if fingers else ()):
        above, at = parent, wrist + 0.08 * out + quat.rotate(bend, [0.0, 0.02 * i - 0.03, 0.0])
        for k in (1, 2, 3):
            tip = at + 0.03 * out + rng.normal(size=3) * 0.005
            above = p.add(f"{finger}{k}.{side}", above, at, tip, f"{finger}{k}_{side}")
            at = tip


def _leg(p, rng, side, sign, hips, offset, spread, toe_out, toes, helpers):
    lean = quat.from_axis_angle([0, 1, 0], np.array(-sign * spread))
    turn = quat.from_axis_angle([0, 0, 1], np.array(sign * toe_out))
    hip = hips + offset[f"thigh_{side}"]
    knee = hip + quat.rotate(lean, offset[f"shin_{side}"])
    ankle = knee + quat.rotate(lean, offset[f"foot_{side}"])
    ball = ankle + quat.rotate(turn, offset[f"toe_{side}"])
    parent = _helper(p, rng, f"pelvis_{side}", "hips", hip, helpers)
    parent = p.add(f"thigh_{side}", parent, hip, knee, f"thigh_{side}")
    parent = _helper(p, rng, f"knee_{side}", parent, knee, helpers)
    parent = p.add(f"shin_{side}", parent, knee, ankle, f"shin_{side}")
    parent = p.add(f"foot_{side}", parent, ankle, ball, f"foot_{side}")
    if toes:
        p.add(f"toe_{side}", parent, ball, ball + quat.rotate(turn, [0, -0.07, 0]), f"toe_{side}")


def object_world(rng, translate=True):
    """A random object transform: turned, scaled uniformly (a unit and a size), moved."""
    world = np.eye(4)
    world[:3, :3] = quat.to_matrix(rotations(rng)) * np.exp(rng.uniform(-4.6, 1.0))
    world[:3, 3] = rng.uniform(-3, 3, 3) if translate else 0.0
    return world


@dataclass(frozen=True)
class RigCase:
    """A short description of a rig, for hypothesis to print; `rig()` is the Rig."""

    seed: int
    build: dict
    stubborn: float
    armature_location: float

    def rig(self) -> Rig:
        rng = np.random.default_rng(self.seed)
        made = plan(rng, **self.build)
        count = len(made.bones)
        return made.build(
            rng,
            object_world(rng),
            inherit_rotation=rng.random(count) >= self.stubborn,
            local_location=rng.random(count) >= self.armature_location,
        )


def rigs(all_joints=False):
    """RigCases of every build; with `all_joints` none of the 22 is missing."""
    maybe = st.just(True) if all_joints else st.booleans()
    build = st.fixed_dictionaries(
        dict(
            spine=st.integers(3 if all_joints else 1, 6),
            arms_down_rad=st.sampled_from([0.0, 0.8, 1.5, -0.3]),
            elbow_rad=st.sampled_from([0.0, 0.2, 0.6, 1.4]),
            leg_spread_rad=st.sampled_from([0.0, 0.1, 0.3]),
            toe_out_rad=st.sampled_from([0.0, 0.2, 0.4]),
            clavicles=maybe,
            neck=st.integers(1 if all_joints else 0, 3),
            hands=maybe,
            toes=maybe,
            fingers=st.booleans(),
            helpers=st.booleans(),
        )
    )
    return st.builds(RigCase, seeds, build, st.sampled_from([0.0, 0.2]), st.sampled_from([0.0, 0.5]))


__all__ = ["RigCase", "motion_on", "object_world", "plan", "rigs", "rotations", "seeds"]
