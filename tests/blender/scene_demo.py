"""What is in a demo.blend, as one finds it on opening."""

import loose  # noqa: F401  isort: skip
import bpy
from poseloom_addon import compat
from poseloom_addon.scene import files
from session import run


def main(path):
    bpy.ops.wm.open_mainfile(filepath=path)
    scene = bpy.context.scene
    obj = files.choose(scene)
    action = obj.animation_data.action
    skinned = files.meshes_of(obj)
    return {
        "action": action.name,
        "frames": list(action.frame_range),
        "scene_frames": [scene.frame_start, scene.frame_end],
        "made_by": [s["poseloom_licence"] for s in compat.strips(scene.sequence_editor) if s.type == "IMAGE"],
        "fps": scene.render.fps / scene.render.fps_base,
        "strips": [
            [s.type, getattr(s, "filepath", "") or s.directory, *compat.strip_range(s)]
            for s in compat.strips(scene.sequence_editor)
        ],
        "materials": len({m.name for mesh in skinned for m in mesh.data.materials}),
        "objects": sorted(o.type for o in scene.objects if o.visible_get()),
    }


run(main)
