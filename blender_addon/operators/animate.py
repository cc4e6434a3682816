"""A video becomes a new Action: the backend sees, the kernel retargets, we write the keys."""

from contextlib import nullcontext
from pathlib import Path

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, StringProperty
from poseloom.errors import BadInput, PoseloomError
from poseloom.motion.files import motion_from_bytes, write_bytes
from poseloom.progress import part

from .. import backend, jobs, preferences, properties
from ..scene import footage
from ..translations import say
from .backend import not_busy, run
from .rig import clip_name, put_motion, put_poses, refuse, target

KEPT_MOTIONS = 50
_SEEN = ".keypoints.npz"


class POSELOOM_OT_animate(bpy.types.Operator):
    """Turn the person in the video into a new action on the active armature, at the playhead"""

    bl_idname = "poseloom.animate"
    bl_label = "Animate"
    bl_options = {"REGISTER"}  # the keys come later, with an undo step of their own

    video: StringProperty(name="Video", description="The video; empty: the one in the panel", subtype="FILE_PATH")
    armature: StringProperty(name="Armature", description="Name of the armature; empty: the active one")
    backend: StringProperty(name="Backend", description="Address of the backend; empty: as in the preferences")
    token: StringProperty(name="Token", description="The token of the backend named", subtype="PASSWORD")
    height_m: FloatProperty(name="Height", description="Of the person, in metres; 0: not known", min=0.0, max=3.0)
    person: IntProperty(name="Person", description="Which person to follow; 0: the main one", default=0, min=0)
    quality: StringProperty(name="Quality", description="draft, good or best; empty: as in the panel")
    estimator: StringProperty(name="Estimator", description="Which one sees; empty: as in the panel")
    camera: StringProperty(name="Camera", description="still or moving; empty: as in the panel")
    reuse: BoolProperty(name="Reuse", description="Take what was seen of the same video before", default=True)
    start: StringProperty(name="From", description="12 is a frame, 1.5s seconds")
    end: StringProperty(name="To", description="120 is a frame, 4s seconds")
    smooth_hz: FloatProperty(name="Smoothing (Hz)", description="Lower is smoother", default=6.0, min=0.5, max=30.0)
    foot_lock: BoolProperty(name="Lock feet", description="Keep standing feet still", default=True)
    key_poses: BoolProperty(name="Key poses only", description="Key the extremes and contacts of the video alone")
    wait: BoolProperty(name="Wait", description="Return only when the action is made", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        reason = properties.why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason and not_busy(cls)

    def execute(self, context):
        chosen = context.scene.poseloom
        try:
            obj = target(context, self.armature)
            video = properties.existing(self.video) if self.video else chosen.video_path()
            options = self._options(context)
            cast = self._cast(context, obj, video, options)
            running = backend.choice(self.backend, self.token)
            folder = preferences.cache_folder()
        except PoseloomError as error:
            jobs.show("Animate", "failed", error.message, error.hint)
            return refuse(self, error)
        uids = {number: onto.session_uid for number, onto in cast.items()}
        start_frame = context.scene.frame_current
        keys = chosen.key_poses if not self.properties.is_property_set("key_poses") else self.key_poses

        def work(report):
            backing = backend.ensure(running, part(report, 0.0, 0.02))
            share = part(report, 0.02, 1.0)
            if len(cast) > 1:
                found, warnings = backend.cast(backing, video, list(cast), options, share)
            else:
                motion, keypoints, warnings = backend.capture(backing, video, options, share)
                found = {number: (motion, keypoints) for number in cast}
            paths = {}
            for number, (motion, keypoints) in found.items():
                paths[number] = folder / (f"{clip_name(video)}.npz" if len(cast) == 1 else f"{clip_name(video)}_{number}.npz")
                write_bytes(paths[number], motion)
                write_bytes(seen_of(paths[number]), keypoints)
            return paths, warnings

        def then(result):
            paths, warnings = result
            jobs.keep_motion(str(next(iter(paths.values()))), video)
            _forget_old(folder)
            text = _land([(path, uids[number]) for number, path in paths.items()], start_frame, video, keys)
            return ". ".join([text, *(warning.rstrip(".") for warning in warnings)])

        return run(self, f"Animate {Path(video).name}", work, then, wait=self.wait, ready=why_wait)

    def _cast(self, context, obj, video: str, options: dict) -> dict:
        """{number of the person, 0 for the main one: armature}; `obj` comes first."""
        number = options.get("person", 0)
        also = {} if self.armature else context.scene.poseloom_people.cast(video, number)
        if also and not number:
            raise BadInput("no_person_chosen", "Others go onto armatures of their own, but nobody was chosen for the active one.",
                           "Choose a person in People, or empty the others' armatures.")  # fmt: skip
        cast = {number: obj, **also}
        twice = [onto.name for onto in cast.values() if list(cast.values()).count(onto) > 1]
        if twice:
            raise BadInput("same_character", f"Two people go onto {twice[0]}.", "Choose another armature for one of them.")
        for onto in also.values():
            target(context, onto.name)
        return cast

    def _options(self, context) -> dict:
        """The panel's options, and over them what a script has set."""
        options = context.scene.poseloom.job_options()
        names = ("height_m", "reuse", *properties.JOB_OPTIONS)
        given = {name: getattr(self, name) for name in names if self.properties.is_property_set(name)}
        return {name: value for name, value in {**options, **given}.items() if value not in ("", 0.0)}


def why_wait() -> str:
    """What to wait for: an undo step made inside another mode's own history would not take the Action back."""
    for window in bpy.context.window_manager.windows:
        obj = window.view_layer.objects.active
        if obj is not None and obj.mode not in {"OBJECT", "POSE"}:
            return say("The motion is here: leave this mode (Tab) to receive it")
        if any(op.bl_idname.startswith("TRANSFORM_OT_") for op in window.modal_operators):
            return say("The motion is here: finish moving to receive it")
    return ""


def _land(pairs: list, start_frame: int, video: str, keys: bool) -> str:
    """Motions on the armatures they were made for, [(path, session_uid)], as one undo step; the sentence to show."""
    objects = {o.session_uid: o for o in bpy.data.objects}
    missing = [uid for _, uid in pairs if uid not in objects]
    if missing:
        raise BadInput(
            "armature_gone",
            "The armature that this motion was made for is gone.",
            "Select another one and press Apply Last Motion Again.",
        )
    texts = []
    with with_window_of(objects[pairs[0][1]]):
        for path, uid in pairs:
            obj, motion = objects[uid], motion_from_bytes(path.read_bytes())
            if keys:
                found = bpy.context.scene.poseloom.keys_of(motion)
                action, frames = put_poses(bpy.context, obj, motion, clip_name(path), found, start_frame, seen=True)
                where = ", ".join(map(str, frames))
                texts.append(say("{name}: key poses on {frames}. Fill makes the frames between them", name=action.name, frames=where))
            else:
                action, text = put_motion(bpy.context, obj, motion, clip_name(path), start_frame, seen=True)
                texts.append(text)
            footage.note(action, video, str(seen_of(path)), start_frame)
        bpy.ops.ed.undo_push(message="Poseloom: Animate")
    return ". ".join(texts)


def with_window_of(obj):
    """A context in which a window shows the scene of `obj`, where one does."""
    windows = bpy.context.window_manager.windows
    window = next((w for w in windows if obj.name in w.scene.objects), None)
    return bpy.context.temp_override(window=window) if window else nullcontext()


def _forget_old(folder: Path) -> None:
    """Keep the newest motions only."""
    motions = [path for path in folder.glob("*.npz") if not path.name.endswith(_SEEN)]
    for path in sorted(motions, key=lambda path: path.stat().st_mtime)[:-KEPT_MOTIONS]:
        path.unlink(missing_ok=True)
        seen_of(path).unlink(missing_ok=True)


def seen_of(motion: Path) -> Path:
    """Where the keypoints lie that came with a motion."""
    return motion.with_name(motion.stem + _SEEN)


class POSELOOM_OT_apply_motion(bpy.types.Operator):
    """Put the last motion that came back on the active armature too, as a new action at the playhead"""

    bl_idname = "poseloom.apply_motion"
    bl_label = "Apply Again"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="Motion", description="A motion file; empty: the last one", subtype="FILE_PATH")
    armature: StringProperty(name="Armature", description="Name of the armature; empty: the active one")
    at_playhead: BoolProperty(name="At playhead", description="Begin at the current frame", default=True)
    start_frame: IntProperty(name="Start frame", description="Where the action begins", default=1)

    @classmethod
    def poll(cls, context):
        reason = properties.why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context):
        try:
            obj = target(context, self.armature)
            path = Path(bpy.path.abspath(self.filepath or jobs.motion_path))
            if not path.is_file():
                raise BadInput("no_motion", "There is no motion yet.", "Press Animate first.")
            motion = motion_from_bytes(path.read_bytes())
            start = None if self.at_playhead else self.start_frame
            seen = seen_of(path)
            action, text = put_motion(context, obj, motion, clip_name(path), start, seen=seen.is_file())
            if seen.is_file() and jobs.video_path:
                footage.note(action, jobs.video_path, str(seen), round(action.frame_range[0]))
        except PoseloomError as error:
            jobs.show("Apply", "failed", error.message, error.hint, "retarget")
            return refuse(self, error)
        jobs.show("Apply", "done", text, place="retarget")
        self.report({"INFO"}, text)
        return {"FINISHED"}


class POSELOOM_OT_cancel(bpy.types.Operator):
    """Cancel the job that is running; nothing of it stays"""

    bl_idname = "poseloom.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    def execute(self, context):
        jobs.cancel()
        return {"FINISHED"}
