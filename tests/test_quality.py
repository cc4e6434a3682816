"""What the measures of a retargeted clip say of motions whose faults we know."""

from __future__ import annotations

import numpy as np
import pytest
from test_cli import walk

from poseloom.motion import quat, skeleton
from poseloom.motion.bvh import motion_to_rig
from poseloom.motion.types import Motion
from poseloom.retarget.quality import measure


def canonical(motion):
    rig, rig_motion = motion_to_rig(motion)
    return motion, rig, rig_motion


def test_a_motion_measured_against_itself_is_perfect():
    found = measure(*canonical(walk(60)))
    assert found.bone_deg < 1e-3 and found.limit_frames == 0 and found.limits == {}


def standing(frames=40, **changes) -> Motion:
    body = skeleton.standard()
    motion = Motion(
        body, np.tile(quat.IDENTITY, (frames, len(body), 1)), np.tile(body.offsets[0], (frames, 1)), 30.0,
        contact=np.ones((frames, 6)),
    )  # fmt: skip
    return motion.with_(**changes)


def test_slide_penetration_and_sole_are_what_they_say():
    """The character slides 3 cm/s and stands 2 cm in the floor; the source does neither."""
    source = standing()
    drift = np.arange(40)[:, None] / 30.0 * [0.03, 0.0, 0.0] + [0.0, 0.0, -0.02]
    rig, rig_motion = motion_to_rig(source.with_(root=source.root + drift))
    found = measure(source, rig, rig_motion)
    scale = 1.75 / (rig.rest[5, 2, 3] + 0.15)  # the head's own bone ends at the crown
    assert found.slide_before_cm_s == pytest.approx(0.0, abs=1e-3)
    assert found.slide_after_cm_s == pytest.approx(3.0 * scale, rel=0.01)
    assert found.penetration_mm == pytest.approx(20.0 * scale, rel=0.01)
    assert found.sole_mm == pytest.approx(20.0 * scale, rel=0.01)
    # on a floor that lies as much lower it stands
    assert measure(source, rig, rig_motion, floor_m=-0.02).penetration_mm == pytest.approx(0.0, abs=1e-3)


def test_an_arm_that_points_elsewhere_is_an_error_of_its_angle():
    source = standing()
    lrot = np.array(source.lrot)
    for joint in ("upper_arm_l", "upper_arm_r", "thigh_l", "thigh_r"):
        lrot[:, source.skeleton.index(joint)] = quat.from_axis_angle([0.0, 1.0, 0.0], np.radians(10.0))
    rig, rig_motion = motion_to_rig(source.with_(lrot=lrot))
    assert measure(source, rig, rig_motion).bone_deg == pytest.approx(10.0, abs=0.01)


@pytest.mark.parametrize("joint, degrees, name", [("shin_l", -40.0, "knee_l"), ("shin_r", 170.0, "knee_r"),
                                                  ("head", 120.0, "neck"), ("foot_l", 90.0, "ankle_l")])  # fmt: skip
def test_a_joint_bent_beyond_what_people_can_is_counted(joint, degrees, name):
    source = standing()
    lrot = np.array(source.lrot)
    lrot[10:15, source.skeleton.index(joint)] = quat.from_axis_angle([1.0, 0.0, 0.0], np.radians(degrees))
    found = measure(*canonical(source.with_(lrot=lrot)))
    assert found.limits == {name: 5} and found.limit_frames == found.limit_frames_source == 5
    bent = np.array(source.lrot)
    bent[:, source.skeleton.index("shin_l")] = quat.from_axis_angle([1.0, 0.0, 0.0], np.radians(100.0))
    assert measure(*canonical(source.with_(lrot=bent))).limits == {}
