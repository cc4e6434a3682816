"""Who is in a video, several people onto several armatures, key poses picked, estimators listed and one brought.

    addon_people.py ZIP VIDEO      a stand-in for npm is on the path
"""

from pathlib import Path

import bpy
import session


def main(path, video):
    extension = session.install(path)
    from poseloom.motion.files import keypoints_from_bytes

    registration = extension.registration
    jobs, backend = registration.jobs, registration.backend.backend
    scene = bpy.context.scene
    scene.render.fps = 30
    chosen, people = scene.poseloom, scene.poseloom_people
    other = session.armature("Other")
    hero = session.armature("Hero")
    result = {"poll": bpy.ops.poseloom.find_people.poll()}
    chosen.video = video
    chosen.quality = "draft"
    bpy.ops.poseloom.start_backend()
    try:
        result["estimators"] = {row["name"]: [row["state"], row["brings"]] for row in backend.estimators(backend.choice())}
        result["bring"] = _brought(backend)
        bpy.ops.poseloom.find_people()
        result["found"] = [[p.number, p.name, Path(p.portrait).is_file()] for p in people.found]
        result["outcome"] = jobs.current.outcome

        people.found[1].onto = other
        result["nobody chosen"] = _said()
        bpy.ops.poseloom.choose_person(number=1)
        people.found[1].onto = hero
        result["twice"] = _said()
        people.found[1].onto = other
        bpy.ops.ed.undo_push(message="Cast")
        bpy.ops.poseloom.animate()
        result["cast"] = {obj.name: _frames(obj) for obj in (hero, other)}
        result["names"] = [obj.animation_data.action.name for obj in (hero, other)]
        result["apart_m"] = _apart(hero, other)
        bpy.ops.ed.undo()
        result["undone"] = [action.name for action in bpy.data.actions]

        chosen, people = bpy.context.scene.poseloom, bpy.context.scene.poseloom_people
        hero = bpy.data.objects["Hero"]
        people.found[1].onto = None
        chosen.key_poses, chosen.key_count, chosen.min_motion_cm = True, 4, 1.0
        bpy.ops.poseloom.animate()
        result["picked"] = [len(_frames(hero)), jobs.current.outcome]
        result["marks"] = len(hero.animation_data.action.pose_markers)
        chosen.key_poses = False

        chosen.end, chosen.hands, chosen.face = "4", True, False
        result["options"] = [chosen.job_options().get(name) for name in ("hands", "face")]
        bpy.ops.poseloom.animate()
        result["layout"] = keypoints_from_bytes(Path(jobs.motion_path).with_suffix(".keypoints.npz").read_bytes()).layout
        chosen.hands = False
        chosen.model = "config.py"
        result["no checkpoint"] = _said()
        chosen.model = __file__.replace(".py", ".onnx")
        result["no model"] = _said()
        chosen.model = ""
        bpy.ops.poseloom.use_estimator(estimator="holistic")
        result["used"] = [chosen.estimator]
        bpy.ops.poseloom.use_estimator(estimator="holistic")
        result["used"].append(chosen.estimator)
    finally:
        bpy.ops.poseloom.stop_backend()
    return result


def _said():
    try:
        bpy.ops.poseloom.animate()
    except RuntimeError as error:
        return str(error)
    return ""


def _frames(obj):
    curves = session.fcurves(obj.animation_data.action)
    return sorted({round(key[0]) for (path, _), keys in curves.items() if "rotation" in path for key in keys})


def _apart(*objects):
    """Metres between the hips of both on the first frame and on the last."""
    found = []
    for frame in (_frames(objects[0])[0], _frames(objects[0])[-1]):
        bpy.context.scene.frame_set(frame)
        a, b = (obj.matrix_world @ obj.pose.bones["mixamorig:Hips"].head for obj in objects)
        found.append((a - b).length)
    return found


def _brought(backend):
    """What is said without online access, and the state after it was brought with it."""
    told = [bpy.app.online_access, bpy.ops.poseloom.get_estimator.poll()]
    if not bpy.app.online_access:
        bpy.context.preferences.system.use_online_access = True
        told += [bpy.app.online_access, bpy.ops.poseloom.get_estimator.poll()]
    said = _of_getting()
    rows = {row["name"]: row["state"] for row in backend.estimators(backend.choice())}
    told.append(rows["mediapipe-heavy"])
    told.append(_of_getting() if not said else said)
    return told


def _of_getting():
    try:
        bpy.ops.poseloom.get_estimator(estimator="mediapipe-heavy")
    except RuntimeError as error:
        return str(error)
    return ""


session.run(main)
