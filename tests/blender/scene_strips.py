"""Frames as image strips: where they stand, what the sequencer shows at each frame, and full and locked channels."""

import loose  # noqa: F401  isort: skip
from pathlib import Path

import bpy
import numpy as np
from poseloom.errors import BadInput
from poseloom.motion import png
from poseloom_addon import compat
from poseloom_addon.scene import strips
from session import run


def main(folder):
    folder = Path(folder)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 30, 1.001
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 24, 16, 100
    editor = scene.sequence_editor_create()
    pictures = {frame: picture(folder, frame, 10 * frame) for frame in (3, 5, 7, 13, 15)}
    below = compat.strips(editor).new_effect(
        **{"name": "grey", "type": "COLOR", "channel": 1, "frame_start": 6, **length(editor, 6, 4)}
    )
    editor.channels[2].lock = True
    stretches = [[(f, pictures[f]) for f in (3, 5, 7)], [(f, pictures[f]) for f in (13, 15)]]
    made = strips.add_frames(scene, stretches, every=2, name="hero", made={"prompt": "ein Bär", "seed": 7})
    told = {
        "channels": [s.channel for s in made], "below": below.channel,
        "ranges": [compat.strip_range(s) for s in made], "kept": [dict(s.items()) for s in made],
        "files": [[e.filename for e in s.elements] for s in made],
    }  # fmt: skip
    below.mute = True
    told["shown"] = {frame: shown(scene, folder, frame) for frame in range(2, 19)}
    told["saved"] = after_saving(scene, folder)
    told["full"] = refused(scene, stretches)
    return told


def picture(folder, frame, value):
    path = folder / "frames" / f"{frame:04d}.png"
    path.parent.mkdir(exist_ok=True)
    png.write(path, np.full((8, 12, 3), value, np.uint8))
    return str(path)


def length(editor, start, frames):
    names = compat.strips(editor).bl_rna.functions["new_effect"].parameters
    return {"length": frames} if "length" in names else {"frame_end": start + frames}


def shown(scene, folder, frame):
    """The grey value that the sequencer renders at a frame, and how much of a picture there is at all."""
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 24, 16, 100
    scene.view_settings.view_transform = "Standard"
    compat.image_output(scene.render.image_settings, "PNG")
    scene.render.image_settings.color_mode = "RGB"
    scene.render.filepath = str(folder / "shown.png")
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(folder / "shown.png"))
    value = round(255 * float(np.array(image.pixels[:3]).mean()))
    bpy.data.images.remove(image)
    return value


def after_saving(scene, folder):
    """The files of the strips as they stand in a saved and reopened file."""
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(folder / "scene.blend"))
    editor = bpy.context.scene.sequence_editor
    return [[s.name, s.directory, [k for k in s.keys() if k.startswith("poseloom")]] for s in compat.strips(editor) if s.type == "IMAGE"]


def refused(scene, stretches):
    scene = bpy.context.scene
    editor = scene.sequence_editor
    for channel in editor.channels:
        channel.lock = True
    before = len(compat.strips(editor))
    try:
        strips.add_frames(scene, stretches, every=2, name="hero")
    except BadInput as error:
        return [error.code, len(compat.strips(editor)) - before]
    return ["added", 0]


run(main)
