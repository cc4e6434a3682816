"""In a Blender that has the extension: writes hero.blend and walk.bvh into the folder named last."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bpy  # noqa: E402
import session  # noqa: E402

folder = Path(sys.argv[-1])
for obj in list(bpy.data.objects):
    bpy.data.objects.remove(obj)
session.armature("Hero")
session.bvh(folder / "walk.bvh")
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "hero.blend"))
