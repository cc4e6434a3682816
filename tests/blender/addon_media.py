"""What comes along with a motion from a video: contacts as markers, confidence, the view that matches, all undone.

    addon_media.py ZIP WORK VIDEO
"""

import csv
import sys
from pathlib import Path

import bpy
import numpy as np
import session

sys.path.append(str(Path(__file__).resolve().parents[1]))


def main(path, work, video):
    extension = session.install(path)
    from poseloom.motion.files import keypoints_to_bytes, motion_to_bytes
    from seen import film, landmarks

    jobs = extension.registration.jobs
    walk = _gliding()
    contact, score = np.zeros((60, 6)), np.ones((60, 22))
    contact[5:25, [0, 2]] = 1.0
    contact[45:, 0] = 1.0
    contact[:12, 1] = 1.0
    score[20:50, [walk.skeleton.index("hand_l"), walk.skeleton.index("forearm_l")]] = 0.1
    walk = walk.with_(contact=contact, score=score)
    kept = Path(work) / "walk.npz"
    kept.write_bytes(motion_to_bytes(walk))
    (Path(work) / "walk.keypoints.npz").write_bytes(keypoints_to_bytes(film(landmarks(walk), 30.0, noise=0.0, pitch_deg=10.0)))
    jobs.keep_motion(str(kept), video)
    scene = bpy.context.scene
    scene.render.fps = 30
    hero = session.armature("Hero")
    bare = _properties(hero)

    bpy.ops.poseloom.apply_motion(at_playhead=False, start_frame=11)
    action = hero.animation_data.action
    curves = session.fcurves(action)
    result = {"marks": _marks(action), "outcome": jobs.current.outcome}
    hand = curves['pose.bones["mixamorig:LeftHand"]["confidence"]', 0]
    result["hand"] = [[frame, round(value, 3)] for frame, value in hand]
    result["sure"] = len(curves['pose.bones["mixamorig:Head"]["confidence"]', 0])
    scene.frame_set(45)
    result["read"] = round(hero.pose.bones["mixamorig:LeftHand"]["confidence"], 3)

    result["match"] = _matched(hero, extension)
    scene.frame_set(11)
    result["relock"] = _relocked(hero, action)

    bpy.ops.poseloom.revert()
    result["reverted"] = [_properties(hero) == bare, hero.animation_data is None]

    scene.poseloom.confidence = "csv"
    bpy.ops.wm.save_as_mainfile(filepath=str(Path(work) / "file.blend"))
    bpy.ops.poseloom.apply_motion(at_playhead=False, start_frame=11)
    table = next(Path(work).glob("*.confidence.csv"))
    with open(table, newline="") as file:
        rows = list(csv.reader(file))
    result["csv"] = [rows[0][:3], len(rows), rows[1][0], rows[35][rows[0].index("hand_l")], table.name]
    result["no curves"] = not any("confidence" in path for path, _ in session.fcurves(hero.animation_data.action))
    scene.poseloom.confidence = "none"
    bpy.ops.poseloom.apply_motion(at_playhead=False, start_frame=11)
    result["none"] = [_properties(hero) == bare, len(list(Path(work).glob("*.confidence.csv")))]

    result["said"] = {}
    for name, change in (("no marks", _without_marks), ("gone", lambda a: (Path(work) / "walk.keypoints.npz").unlink())):
        change(hero.animation_data.action)
        try:
            (bpy.ops.poseloom.relock_feet if name == "no marks" else bpy.ops.poseloom.match_view)()
        except RuntimeError as error:
            result["said"][name] = str(error)
    return result


def _gliding():
    """Somebody with bent knees who glides 40 cm a second along -Y, and swings an arm."""
    from poseloom.motion import quat

    motion = session.walk(frames=60)
    lrot, names = np.array(motion.lrot), motion.skeleton.names
    for joint, turn in (("thigh", -0.4), ("shin", 0.8), ("foot", -0.4)):
        for side in "lr":
            lrot[:, names.index(f"{joint}_{side}")] = quat.from_axis_angle([1.0, 0.0, 0.0], np.array(turn))
    root = np.array(motion.root)
    root[:, 1] = -0.4 * np.arange(60) / 30.0
    root[:, 2] -= 0.06
    return motion.with_(lrot=lrot, root=root)


def _properties(obj):
    return {bone.name: sorted(key for key in bone.keys() if key != "_RNA_UI") for bone in obj.pose.bones if len(bone.keys())}


def _marks(action):
    return sorted([mark.name, mark.frame] for mark in action.pose_markers)


def _without_marks(action):
    for mark in list(action.pose_markers):
        action.pose_markers.remove(mark)


def _feet(hero, frames):
    """(T,2,3) the ankles in the world."""
    scene, found = bpy.context.scene, []
    for frame in frames:
        scene.frame_set(frame)
        found.append([list(hero.matrix_world @ hero.pose.bones[f"mixamorig:{side}Foot"].head) for side in ("Left", "Right")])
    return np.array(found)


def _relocked(hero, action):
    """The right foot is said to stand: how far it went there before and after, and what else changed."""
    down = 41
    for name, frame in (("R foot down", down), ("R foot up", down + 10)):
        action.pose_markers.new(name).frame = frame
    bpy.ops.ed.undo_push(message="Markers")
    inside, before = range(down + 2, down + 8), session.fcurves(action)
    slid = [_feet(hero, inside)]
    bpy.ops.poseloom.relock_feet()
    slid.append(_feet(hero, inside))
    after = session.fcurves(action)
    changed = {key[0] for key in before if not np.allclose(before[key], after[key], atol=1e-4)}
    others = [path for path in changed if not any(part in path for part in ("Leg", "Foot", "Toe", "Hips"))]
    return {
        "slid_mm": [float(1e3 * np.linalg.norm(np.ptp(feet[:, 1], axis=0))) for feet in slid],
        "changed": sorted(changed), "others": others, "keys": len(before) == len(after),
    }  # fmt: skip


def _matched(hero, extension):
    """Where the camera sees the joints, against where they were seen; what shows the video; the second replaces the first."""
    from poseloom.motion.files import keypoints_from_bytes

    note = hero.animation_data.action["poseloom_media"]
    seen = keypoints_from_bytes(Path(note["seen"]).read_bytes())
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 1280, 720
    off = []
    for shown_as in ("PLANE", "BACKGROUND"):
        bpy.ops.poseloom.match_view(shown_as=shown_as)
    cameras = [obj for obj in bpy.data.objects if obj.type == "CAMERA" and obj.name != "Camera"]
    from bpy_extras.object_utils import world_to_camera_view

    for frame in (11, 30, 70):
        scene.frame_set(frame)
        for bone, point in (("LeftForeArm", 13), ("RightForeArm", 14), ("LeftHand", 15), ("RightHand", 16)):
            at = world_to_camera_view(scene, cameras[0], hero.matrix_world @ hero.pose.bones[f"mixamorig:{bone}"].head)
            off.append(float(np.hypot(*(np.array([at.x * 1280, (1.0 - at.y) * 720]) - seen.xy[frame - 11, point]))))
    data = cameras[0].data
    user = data.background_images[0].image_user
    return {
        "cameras": [camera.name for camera in cameras], "off_px": max(off), "shown": data.show_background_images,
        "user": [user.frame_start, user.frame_offset, data.background_images[0].image.source],
        "planes": [obj.name for obj in bpy.data.objects if obj.type == "EMPTY"],
    }  # fmt: skip


session.run(main)
