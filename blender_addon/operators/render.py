"""Render with diffusion: the scene goes to the backend, frames come back as strips of the sequencer."""

import hashlib
import json
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty
from poseloom.errors import BadInput, PoseloomError
from poseloom.paths import safe_name
from poseloom.progress import part

from .. import backend, compat, filming, jobs, preferences
from ..scene import files, passes, strips
from ..translations import say
from .backend import not_busy, run
from .rig import refuse


class POSELOOM_OT_render(bpy.types.Operator):
    """Draw guides of the characters through the camera, have frames made of them, and put these into the sequencer"""

    bl_idname = "poseloom.render"
    bl_label = "Render with Diffusion"
    bl_options = {"REGISTER"}  # the strips come later, with an undo step of their own

    prompt: StringProperty(name="Prompt", description="What the frames show; empty: as in the panel")
    which: EnumProperty(name="Frames", description="Which frames are rendered", items=filming.EVERY_FRAMES)
    armature: StringProperty(name="Armature", description="Name of the armature; empty: all that are recognised")
    camera: StringProperty(name="Camera", description="Name of the camera; empty: the scene's")
    folder: StringProperty(name="Folder", description="Where frames are kept; empty: as in the panel", subtype="DIR_PATH")
    backend: StringProperty(name="Backend", description="Address of the backend; empty: as in the preferences")
    token: StringProperty(name="Token", description="The token of the backend named", subtype="PASSWORD")
    seed: IntProperty(name="Seed", description="The same seed gives the same frames", min=0)
    guides_only: BoolProperty(name="Guides only", description="Draw pose maps and depth for other tools, and stop there")
    wait: BoolProperty(name="Wait", description="Return only when the frames are made", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        if not any(obj.type == "ARMATURE" for obj in context.scene.objects):
            cls.poll_message_set(say("The scene has no armature"))
            return False
        return not_busy(cls)

    def execute(self, context):
        try:
            scene = context.scene
            passes.choose(scene, self.camera or None)
            options = self._options(context)
            chosen = backend.choice(self.backend, self.token)
            folder = self._folder(scene, options)
            blend = _copy_of_scene(folder)
        except PoseloomError as error:
            jobs.show("Render", "failed", error.message, error.hint, "render")
            return refuse(self, error)
        name = scene.name

        def work(report):
            try:
                running = backend.ensure(chosen, part(report, 0.0, 0.02))
                return backend.rendered(running, str(blend), options, str(folder), part(report, 0.02, 1.0))
            finally:
                blend.unlink(missing_ok=True)

        return run(self, "Render", work, lambda told: _land(name, told), wait=self.wait, place="render")

    def _options(self, context) -> dict:
        """The panel's options, and over them what a script has set."""
        chosen = context.scene.poseloom_filming

        def pick(name):
            return getattr(self, name) if self.properties.is_property_set(name) else getattr(chosen, name)

        guides_only, prompt = pick("guides_only"), (self.prompt or (chosen.prompt if chosen.model else "")).strip()
        if not prompt and chosen.model and not guides_only:
            raise BadInput("no_prompt", "There is no prompt.", "Say in the panel what the frames show.")
        given = {"steps": str(chosen.steps), "model": _folder_or_name(chosen.model)} if chosen.model else {}
        if chosen.depth and chosen.model:
            given["depth"] = ""
        options = {
            "camera": self.camera or None, "armatures": [self.armature] if self.armature else [], "every": chosen.every,
            "size": chosen.size or None, "depth": chosen.depth or guides_only, "prompt": prompt,
            "negative": chosen.negative if chosen.model else "", "seed": pick("seed"), "options": given, "guides_only": guides_only,
            "reference": str(Path(bpy.path.abspath(chosen.reference)).resolve()) if chosen.reference else None,
            "blender": bpy.app.binary_path or None, **self._frames(context, pick("which")),
        }  # fmt: skip
        return {name: value for name, value in options.items() if value is not None}

    def _frames(self, context, which: str) -> dict:
        scene = context.scene
        if which == "FRAME":
            return {"frames": [scene.frame_current], "every": 1}
        if which == "KEYS":
            return {"frames": _keyed(scene, self.armature), "every": 1}
        preview = scene.use_preview_range
        first, last = (scene.frame_preview_start, scene.frame_preview_end) if preview else (scene.frame_start, scene.frame_end)
        return {"start": str(first), "end": str(last)}

    def _folder(self, scene, options: dict) -> Path:
        """A folder for each prompt, seed and checkpoint, so that strips of another run keep their pictures."""
        wish = self.folder or scene.poseloom_filming.folder
        if wish.startswith("//") and not bpy.data.filepath:
            root = preferences.cache_folder() / "frames"
        else:
            root = Path(bpy.path.abspath(wish))
        names = ("prompt", "negative", "seed", "options", "reference", "size", "camera", "armatures", "depth")
        same = {name: options.get(name) for name in names}
        mark = hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:8]
        named = options["prompt"][:32] or ("guides" if options["guides_only"] else "embedded")
        return root.absolute() / f"{safe_name(named)} {mark}"


def _copy_of_scene(folder: Path) -> Path:
    """The file as it is now, saved or not, for another Blender to open; BadInput where the folder takes no files.

    It lies where the frames will, which both sides see: a Blender in a container has a temporary folder of its own.
    """
    path = folder / "scene.blend"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, relative_remap=True, check_existing=False)
    except (OSError, RuntimeError) as error:
        raise files.unwritable(path, error) from error
    return path


def _keyed(scene, name: str) -> list:
    """The frames with keys of the armature called `name`, or of all that have a role in the scene."""
    found: dict = {True: set(), False: set()}
    for obj in scene.objects:
        if obj.type != "ARMATURE" or (name and obj.name != name) or not obj.animation_data or not obj.animation_data.action:
            continue
        for curve in compat.action_fcurves(obj.animation_data.action, compat.assigned_slot(obj.animation_data)):
            for key in curve.keyframe_points:
                found[bool(key.select_control_point)].add(round(key.co[0]))
    frames = sorted(found[True] or found[False])
    if not frames:
        raise BadInput("no_keys", "There are no keys to render.", "Key the armature, or render the range.")
    return frames


def _folder_or_name(model: str) -> str:
    path = bpy.path.abspath(model)
    return str(Path(path).resolve()) if Path(path).exists() else model


def _land(name: str, told: dict) -> str:
    """The frames as strips of the scene, as one undo step; the sentence to show."""
    scene = bpy.data.scenes.get(name)
    if "stretches" not in told:
        text = say("Guides of {count} frames are in {folder}", count=len(told["drawn"]), folder=told["folder"])
        return _with_gaps(text, told)
    if scene is None:
        raise BadInput("scene_gone", "The scene that was rendered is gone.", f"Its frames are in {told['folder']}.")
    made = strips.add_frames(scene, told["stretches"], every=told["every"], name=told["name"], made=told["made"])
    compat.show_in_sequencer(scene)
    bpy.ops.ed.undo_push(message="Poseloom: Render")
    text = say(
        "{made} frames made, {kept} kept; they are on channel {channel} of the sequencer",
        made=len(told["made_now"]), kept=len(told["kept"]), channel=made[0].channel,
    )  # fmt: skip
    return _with_gaps(". ".join([text, *told.get("notes", ())]), told)


def _with_gaps(text: str, told: dict) -> str:
    if not told["skipped"]:
        return text
    first = told["skipped"][0]
    return f"{text}. " + say(
        "{count} frames were left out, such as {frame}: {why}", count=len(told["skipped"]), frame=first["frame"], why=first["why"]
    )
