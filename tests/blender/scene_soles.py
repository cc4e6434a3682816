"""Where the vertices of a character's feet are, once it is evaluated, while it plays a clip."""

import loose  # noqa: F401  isort: skip
from pathlib import Path

import bpy
import numpy as np
from poseloom import chains
from poseloom.motion.bvh import read_bvh
from poseloom.motion.resample import resample
from poseloom_addon import baking
from poseloom_addon.scene import character, files, keying, roles
from session import run

# bones of the left and the right foot and their toes
FEET = (("Foot.L", "foot.l", "toes.l", "mixamorig:LeftFoot", "mixamorig:LeftToeBase", "DEF-foot.L", "DEF-toe.L"),
        ("Foot.R", "foot.r", "toes.r", "mixamorig:RightFoot", "mixamorig:RightToeBase", "DEF-foot.R", "DEF-toe.R"))  # fmt: skip


def main(who, clip):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    obj = files.load(who) if Path(who).is_file() else character.build(who)
    motion, _ = chains.clip_to_motion(*read_bvh(clip))
    motion = resample(motion, baking.set_rate(bpy.context.scene, motion.fps))
    found = roles.standing(obj)
    keying.write(obj, chains.placed_on(motion, found.rig)[0], name="clip", start_frame=1)
    feet, low = [vertices(obj, bones) for bones in FEET], np.empty((len(motion), 2))
    tall = height(obj)
    for frame in range(len(motion)):
        bpy.context.scene.frame_set(frame + 1)
        low[frame] = [min(lowest(mesh, some) for mesh, some in foot) for foot in feet]
    rest = (motion.contact[:, [0, 1]] >= 0.5) | (motion.contact[:, [2, 3]] >= 0.5)
    return {
        "low_mm": (1750.0 * low / tall).tolist(), "rest": rest.tolist(),
        "soles": {joint: len(points) for joint, points in found.rig.soles.items()},
    }  # fmt: skip


def vertices(armature, bones):
    """[(mesh, its vertices)] that hang from `bones`, or that these move most."""
    out = []
    for mesh in [o for o in bpy.data.objects if o.type == "MESH"]:
        if mesh.parent_type == "BONE" and mesh.parent_bone in bones:
            out.append((mesh, np.arange(len(mesh.data.vertices))))
        elif any(modifier.type == "ARMATURE" for modifier in mesh.modifiers):
            ours = [group.name in bones for group in mesh.vertex_groups]
            some = [v.index for v in mesh.data.vertices if sum(g.weight for g in v.groups if ours[g.group]) > 0.5]
            out += [(mesh, np.array(some))] if some else []
    return out


def places(mesh):
    seen = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(3 * len(seen.data.vertices), np.float32)
    seen.data.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3) @ np.array(seen.matrix_world)[:3, :3].T + np.array(seen.matrix_world)[:3, 3]


def lowest(mesh, some):
    return places(mesh)[some, 2].min()


def height(armature):
    """From the lowest to the highest vertex of its meshes as they are now."""
    z = np.concatenate([places(o)[:, 2] for o in bpy.data.objects
                        if o.type == "MESH" and (o.parent == armature or armature in _above(o))])  # fmt: skip
    return z.max() - z.min()


def _above(obj):
    while obj.parent is not None:
        obj = obj.parent
        yield obj


run(main)
