"""Fills in Blender: keys, handles and other channels stay; ranges, bones, methods, re-fills, shared actions, bad input."""

import importlib

import bpy
import numpy as np
import session

HIPS, HEAD, ARM = "mixamorig:Hips", "mixamorig:Head", "mixamorig:LeftArm"
KEYS = (1, 13, 20, 41)


def main(path, work):
    session.install(path)
    from poseloom.inbetween import collection

    result = {}

    def fresh(scale=1.0, keys=KEYS):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        scene = bpy.context.scene
        scene.render.fps = 30
        hero = session.armature("Hero", scale)
        hero.pose.bones[HEAD].rotation_mode = "YXZ"
        hero.pose.bones[ARM].rotation_mode = "AXIS_ANGLE"
        pose_keys(hero, keys)
        hero.keyframe_insert("location", frame=12)
        hero.pose.bones[HEAD].keyframe_insert("scale", frame=9)
        bpy.ops.ed.undo_push(message="Fresh")
        return hero

    hero = fresh()
    before = state(hero)
    assert bpy.ops.poseloom.fill(start=1, end=41) == {"FINISHED"}
    result["spline"] = kept(before, state(hero), 1, 41)
    filled = session.fcurves(hero.animation_data.action)
    assert bpy.ops.poseloom.refill(start=1, end=41, ease="ease_in") == {"FINISHED"}
    result["refilled"] = [kept(before, state(hero), 1, 41), session.fcurves(hero.animation_data.action) != filled]
    assert bpy.ops.poseloom.refill(start=1, end=41) == {"FINISHED"}
    result["same again"] = session.fcurves(hero.animation_data.action) == filled
    bpy.ops.ed.undo_push(message="Filled")

    hero = fresh()
    bpy.ops.poseloom.fill("EXEC_DEFAULT", True, start=1, end=41)
    bpy.ops.ed.undo()
    result["undone"] = state(bpy.data.objects["Hero"]) == before

    hero = fresh()
    bpy.ops.object.mode_set(mode="POSE")
    select(hero, ARM)
    bpy.ops.poseloom.fill(start=13, end=20)
    changed = {key for key in filled if len(session.fcurves(hero.animation_data.action)[key]) != len(before[key][0])}
    result["one bone"] = sorted({path for path, _ in changed}) == [f'pose.bones["{ARM}"].rotation_axis_angle']
    result["its range"] = generated(hero, ARM) == list(range(14, 20))
    bpy.ops.object.mode_set(mode="OBJECT")

    hero = fresh()
    bone = hero.pose.bones[HEAD]
    bone.rotation_euler = (0.3, 0.0, 0.0)
    bone.keyframe_insert("rotation_euler", frame=30)
    bpy.ops.poseloom.fill(start=1, end=41)
    result["a bone's own key"] = 30 not in generated(hero, HEAD) and 30 in generated(hero, ARM)

    for scale in (1.0, 0.01):
        hero = fresh(scale)
        before = state(hero)
        for name, frames in (("same", 60), ("slower", 90)):
            collection.add(session.walk(frames=frames), name)
        assert bpy.ops.poseloom.fill(start=1, end=41, method="dtw", candidate=1, feet=False) == {"FINISHED"}
        result[f"dtw {scale}"] = kept(before, state(hero), 1, 41)
        if scale == 1.0:
            result["on a walk"] = off(hero)
            bpy.ops.poseloom.find_candidates(start=1, end=41)
            result["clips"] = [one.name for one in bpy.context.window_manager.poseloom_candidates.found]
            assert bpy.ops.poseloom.refill(start=1, end=41, method="dtw", candidate=1) == {"FINISHED"}
            bpy.context.scene.frame_set(25)
            bpy.ops.poseloom.set_ease(ease="slow_in")
            plain = session.fcurves(hero.animation_data.action)
            bpy.ops.poseloom.refill(start=1, end=41, method="dtw", candidate=1)
            now = session.fcurves(hero.animation_data.action)
            channel = (f'pose.bones["{HIPS}"].location', 2)
            moved = [a[0] for a, b in zip(plain[channel], now[channel]) if a != b]
            result["eased pair"] = [min(moved), max(moved)]
            assert bpy.ops.poseloom.continue_motion(frames=25) == {"FINISHED"}
            result["continued"] = [generated(hero, ARM)[-1], kept(before, state(hero), 1, 66)["keys"]]
            # keys of its own action, added to the library
            assert bpy.ops.poseloom.add_to_library() == {"FINISHED"}
            result["library"] = [entry.name for entry in collection.entries()]

    hero = fresh()
    from poseloom.motion.files import motion_to_bytes

    video = f"{work}/video.npz"
    with open(video, "wb") as file:
        file.write(motion_to_bytes(session.walk(frames=60)))
    bpy.ops.poseloom.fill(start=1, end=41, method="dtw", candidate=1, feet=False, follow=video)
    result["fitted to keys"] = off(hero)
    result["no motion yet"] = say(lambda: bpy.ops.poseloom.refill(start=1, end=41, method="dtw", follow="last"))

    hero = fresh()
    for curve in curves(hero):
        for point in curve.keyframe_points:
            point.interpolation = "CONSTANT"
    before = state(hero)
    bpy.ops.poseloom.fill(start=1, end=41)
    result["constant"] = [kept(before, state(hero), 1, 41), moving(hero)]

    hero = fresh()
    twin = hero.copy()
    bpy.context.scene.collection.objects.link(twin)
    result["shared"] = [say(lambda: bpy.ops.poseloom.fill(start=1, end=41)), generated(hero, ARM)]
    bpy.ops.poseloom.fill(start=1, end=41, shared=True)
    result["shared by will"] = len(generated(hero, ARM))

    hero = fresh(keys=(5,))
    result["one key"] = say(lambda: bpy.ops.poseloom.fill(start=1, end=41))
    hero = fresh(keys=(5, 6, 7))
    result["neighbours"] = say(lambda: bpy.ops.poseloom.fill(start=5, end=7))
    hero = fresh()
    next(c for c in curves(hero) if "Arm" in c.data_path).keyframe_points[1].co[1] = float("nan")
    result["nan"] = say(lambda: bpy.ops.poseloom.fill(start=1, end=41))
    hero = fresh()
    result["no backend"] = say(lambda: bpy.ops.poseloom.fill(start=1, end=41, method="lstm"))
    collection.remove([])
    result["no library"] = say(lambda: bpy.ops.poseloom.fill(start=1, end=41, method="dtw"))

    hero = fresh()
    bpy.ops.poseloom.fill(start=1, end=41)
    source = hero.animation_data.action
    slow = source.copy()
    slow.name = "Slow"
    for curve in all_curves(slow):
        for point in curve.keyframe_points:
            point.co[0] = 1 + (point.co[0] - 1) * 1.5
        curve.update()
    assert bpy.ops.poseloom.retime(like="Slow") == {"FINISHED"}
    result["retimed"] = [hero.animation_data.action == source, [round(f) for f in source.frame_range], timing(source, slow)]
    result["retime nothing"] = say(lambda: bpy.ops.poseloom.retime(like="None"))

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    crane = machine()
    before = state(crane)
    bpy.ops.poseloom.fill(start=1, end=21)
    result["machine"] = kept(before, state(crane), 1, 21)
    result["machine by clips"] = say(lambda: bpy.ops.poseloom.refill(start=1, end=21, method="dtw"))
    return result


def pose_keys(hero, frames):
    """The poses of a walk on these frames: whole body keys with handles of every kind."""
    from poseloom import chains

    armature = importlib.import_module(f"{session.MODULE}.scene.armature")
    keying = importlib.import_module(f"{session.MODULE}.scene.keying")
    keys, _ = chains.motion_to_rig(session.walk(frames=60), armature.read(hero), 30.0)
    action = keying.write(hero, keys, name="Poses", start_frame=1)
    for curve in all_curves(action):
        for k in reversed(range(len(curve.keyframe_points))):
            if curve.keyframe_points[k].co[0] not in frames:
                curve.keyframe_points.remove(curve.keyframe_points[k])
        for k, point in enumerate(curve.keyframe_points):
            point.interpolation, point.type = "BEZIER", ("KEYFRAME", "EXTREME")[k % 2]
            point.handle_left_type = point.handle_right_type = ("FREE", "ALIGNED", "AUTO", "AUTO_CLAMPED")[k % 4]
        curve.update()
        for point in curve.keyframe_points:
            if point.handle_right_type == "FREE":
                point.handle_right = (point.co[0] + 7.0, point.co[1] + 0.1)


def all_curves(action):
    if hasattr(action, "slots"):
        bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
        return [curve for bag in bags for curve in bag.fcurves]
    return list(action.fcurves)


def curves(obj):
    return [c for c in all_curves(obj.animation_data.action) if c.data_path.startswith("pose.bones") and "scale" not in c.data_path]


def state(obj):
    """{(path, index): (what the user's keys hold, where generated ones lie)}."""
    found = {}
    for c in all_curves(obj.animation_data.action):
        user = [
            (tuple(p.co), tuple(p.handle_left), tuple(p.handle_right), p.handle_left_type, p.handle_right_type,
             p.interpolation, p.type) for p in c.keyframe_points if p.type != "GENERATED"
        ]  # fmt: skip
        found[c.data_path, c.array_index] = (user, [p.co[0] for p in c.keyframe_points if p.type == "GENERATED"])
    return found


def kept(before, after, start, end):
    """Whether every key of the user's is as it was, to the bit, and where generated ones are."""
    own = {key: after[key][0] == before[key][0] for key in before}
    new = [frame for key in after for frame in after[key][1]]
    holes = all(start <= frame <= end for frame in new)
    clear = all(not set(frames) & {k[0][0] for k in user} for user, frames in after.values())
    return {"keys": all(own.values()), "inside": holes, "clear": clear, "new": len(new) > 100}


def generated(obj, bone):
    paths = f'pose.bones["{bone}"].rotation'
    found = {p.co[0] for c in curves(obj) if c.data_path.startswith(paths) for p in c.keyframe_points if p.type == "GENERATED"}
    return sorted(int(f) for f in found)


def moving(obj):
    """Whether the arm moves on every frame between its first two keys."""
    curve = next(c for c in curves(obj) if c.data_path.endswith(f'{ARM}"].rotation_axis_angle') and c.array_index == 0)
    values = [curve.evaluate(f) for f in range(1, 14)]
    return len(set(values)) > 10


def off(hero):
    """Worst degrees of a thigh from the walk that the keys were taken of."""
    from poseloom import chains
    from poseloom.motion import quat

    armature = importlib.import_module(f"{session.MODULE}.scene.armature")
    rig = armature.read(hero)
    truth, _ = chains.motion_to_rig(session.walk(frames=60), rig, 30.0)
    seen = armature.read_motion(hero, 1, 41, rig=rig)
    b = rig.bones.index("mixamorig:LeftUpLeg")
    return float(np.degrees(quat.angle(seen.basis[:, b], truth.basis[:41, b])).max())


def timing(action, like):
    """Worst difference in value of the thigh's curve from the action that gave the timing."""
    pair = [
        next(c for c in all_curves(a) if "LeftUpLeg" in c.data_path and c.array_index == 1) for a in (action, like)
    ]
    return max(abs(pair[0].evaluate(f) - pair[1].evaluate(f)) for f in range(3, 59))


def select(hero, name):
    for bone in hero.pose.bones:
        if hasattr(bone.bone, "select"):
            bone.bone.select = bone.name == name
        if hasattr(bone, "select"):
            bone.select = bone.name == name


def say(call):
    """What an operator's error says."""
    try:
        call()
    except RuntimeError as error:
        return str(error)
    return "nothing"


def machine():
    data = bpy.data.armatures.new("Crane")
    crane = bpy.data.objects.new("Crane", data)
    bpy.context.scene.collection.objects.link(crane)
    bpy.context.view_layer.objects.active = crane
    bpy.ops.object.mode_set(mode="EDIT")
    last = None
    for i in range(3):
        bone = data.edit_bones.new(f"arm{i}")
        bone.head, bone.tail, bone.parent = (0, 0, i), (0, 0, i + 1), last
        last = bone
    bpy.ops.object.mode_set(mode="OBJECT")
    for frame, angle in ((1, 0.0), (9, 1.0), (21, -0.5)):
        for bone in crane.pose.bones:
            bone.rotation_mode = "XYZ"
            bone.rotation_euler = (angle, 0.2 * angle, 0.0)
            bone.keyframe_insert("rotation_euler", frame=frame)
    return crane


session.run(main)
