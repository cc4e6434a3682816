"""Recognising rigs whose names say nothing, by the shape of their skeleton."""

from __future__ import annotations

import numpy as np
import pytest
from rig_records import CLIPS, RECORDS, anonymous, numbers, record

from poseloom.motion.bvh import read_bvh
from poseloom.motion.types import Rig
from poseloom.rigs.recognise import REQUIRED, assigned, recognise


@pytest.mark.parametrize("name", [name for name in RECORDS if name not in ("robot_expressive", "second/rigify_human")])
def test_shape_alone_tells_the_parts(name):
    rig = record(name)
    found = recognise(anonymous(rig))
    assert found.family == "by shape" and found.score <= 0.6
    assert numbers(found.rig) == numbers(recognise(rig).rig)
    assert any("shape" in doubt for doubt in found.doubts) and any("Left and right" in doubt for doubt in found.doubts)


@pytest.mark.parametrize("clip", [clip for clip in CLIPS])
def test_shape_alone_tells_the_parts_of_clips(data, clip):
    rig = read_bvh(data / "mocap" / f"{clip}.bvh")[0]
    assert numbers(recognise(anonymous(rig)).rig) == numbers(recognise(rig).rig)


def turned(rig: Rig, turn_deg: float) -> Rig:
    """`rig` with its object turned about Z in the world."""
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    return rig.with_(world=np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], float) @ rig.world)


@pytest.mark.parametrize("turn_deg", [0, 90, 180, 250])
def test_left_is_told_by_the_feet_however_the_rig_is_turned(turn_deg):
    rig = turned(record("mixamo"), turn_deg)
    found = recognise(anonymous(rig))
    assert numbers(found.rig) == numbers(recognise(rig).rig)
    assert found.doubts == recognise(anonymous(record("mixamo"))).doubts


@pytest.mark.parametrize("name", RECORDS)
def test_an_object_that_is_turned_gives_no_doubts(name):
    rig = record(name)
    assert recognise(turned(rig, 70.0)).doubts == recognise(rig).doubts
    assert not any("swapped" in doubt for doubt in recognise(rig).doubts)


# without toes nothing tells a swapped rig that is turned round from one that faces -Y of the world
TURNS = [(name, deg) for name in RECORDS for deg in (0, 70, 180) if (name, deg) != ("robot_expressive", 180)]


@pytest.mark.parametrize("name, turn_deg", TURNS)
def test_swapped_sides_are_doubted_however_the_rig_is_turned(name, turn_deg):
    found = recognise(turned(record(name), turn_deg))
    other = {"_l": "_r", "_r": "_l"}
    roles = {joint[:-2] + other.get(joint[-2:], joint[-2:]): bones for joint, bones in found.rig.roles.items()}
    assert any("swapped" in doubt for doubt in assigned(found.rig, roles).doubts)


def test_an_unevenly_scaled_object_is_doubted():
    rig = record("mixamo")
    even = recognise(rig.with_(world=np.diag([1.0, 1.01, 1.0, 1.0])))
    uneven = recognise(rig.with_(world=np.diag([1.0, 1.0, 1.3, 1.0])))
    assert even.doubts == () and [doubt for doubt in uneven.doubts if "scaled unevenly" in doubt]


@pytest.mark.parametrize("name", ["mixamo", "makehuman", "second/rigify_human"])
def test_size_is_no_matter(name):
    rig = anonymous(record(name))
    known = recognise(rig).rig.roles
    for size in (0.01, 100.0):
        assert recognise(rig.with_(world=np.diag([size, size, size, 1.0]))).rig.roles == known


def test_hair_of_many_equal_strands_is_no_trouble():
    rig = record("cmu")
    head, count = rig.index("Head"), 60
    strands = np.repeat(np.arange(count), 8)
    parents = [head if i % 8 == 0 else len(rig) + i - 1 for i in range(8 * count)]
    rest = np.tile(rig.rest[head], (8 * count, 1, 1))
    rest[:, 0, 3] += 0.002 * strands
    rest[:, 2, 3] += 0.03 * (np.arange(8 * count) % 8)
    hairy = Rig(
        rig.bones + tuple(f"hair{i}" for i in range(8 * count)), [*rig.parents, *parents],
        np.concatenate([rig.rest, rest]), np.concatenate([rig.tails, rest[:, :3, 3] + [0, 0, 0.03]]),
    )  # fmt: skip
    found, known = numbers(recognise(anonymous(hairy)).rig), numbers(recognise(rig).rig)
    assert {joint: found[joint] for joint in REQUIRED} == {joint: known[joint] for joint in REQUIRED}


def test_a_nameless_control_rig_is_told_by_the_bones_that_carry_the_mesh():
    """Rigify's 706 bones: those that deform lie in 98 loose trees, held together by constraints alone."""
    rig = record("second/rigify_human")
    deform = recognise(rig).deform
    nameless = anonymous(rig)
    found = recognise(nameless)
    seen = {joint: rig.bones[nameless.index(bones[0])] for joint, bones in found.rig.roles.items()}
    assert {joint: seen.get(joint) for joint in deform} == deform
    assert any("carry the mesh" in doubt for doubt in found.doubts)
    assert any("left thigh" in doubt and "does not hang" in doubt for doubt in found.doubts)


def test_bones_that_do_not_deform_are_no_trouble():
    """Controls beside the limbs, longer than these: the bones that carry the mesh are looked at first."""
    rig = record("mixamo")
    count, feet = len(rig), [rig.index(f"mixamorig:{side}Foot") for side in ("Left", "Right")]
    parents = [-1, count, count, count + 1, count + 2]
    rest = np.tile(np.eye(4), (5, 1, 1))
    rest[1:, :3, 3] = [rig.rest[f, :3, 3] * (1.0, 1.0, 20.0 * k) for k in (1, 2) for f in feet]
    controlled = Rig(
        rig.bones + tuple(f"control{i}" for i in range(5)), [*rig.parents, *parents],
        np.concatenate([rig.rest, rest]), np.concatenate([rig.tails, rest[:, :3, 3] + [0, 0, 3.0]]),
        deform=[True] * count + [False] * 5,
    )  # fmt: skip
    found = recognise(anonymous(controlled))
    assert numbers(found.rig) == numbers(recognise(rig).rig)
    assert any("carry the mesh" in doubt for doubt in found.doubts)
