"""Key-frame pictures: the list of them, their poses onto the armature, and poses into the asset library."""

from pathlib import Path

import bpy
from bpy.props import CollectionProperty, EnumProperty, StringProperty
from poseloom.errors import BadInput, PoseloomError
from poseloom.formats import PICTURE_ENDINGS
from poseloom.key_poses import Keys
from poseloom.motion.files import motion_from_bytes
from poseloom.motion.types import Motion
from poseloom.progress import part

from .. import backend, properties
from ..scene import poses
from ..translations import say
from .animate import why_wait, with_window_of
from .backend import not_busy, run
from .rig import put_poses, refuse, target

PLACE = "pictures"


class POSELOOM_OT_add_pictures(bpy.types.Operator):
    """Add pictures to the list, each with the person in a key pose"""

    bl_idname = "poseloom.add_pictures"
    bl_label = "Add Pictures"
    bl_options = {"REGISTER", "UNDO"}

    directory: StringProperty(name="Folder", description="Where the pictures are", subtype="DIR_PATH")
    files: CollectionProperty(name="Files", description="The pictures", type=bpy.types.OperatorFileListElement)
    filter_glob: StringProperty(default=";".join(f"*{ending}" for ending in PICTURE_ENDINGS), options={"HIDDEN"})

    def invoke(self, context, event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        chosen = context.scene.poseloom_pictures
        for file in self.files:
            if file.name:
                chosen.add(str(Path(bpy.path.abspath(self.directory)) / file.name), context.scene.frame_current)
        return {"FINISHED"}


class POSELOOM_OT_change_pictures(bpy.types.Operator):
    """Take the chosen picture from the list, or let it change places with its neighbour; the frames stay as they are"""

    bl_idname = "poseloom.change_pictures"
    bl_label = "Change Pictures"
    bl_options = {"REGISTER", "UNDO"}

    how: EnumProperty(
        name="How",
        description="What becomes of the chosen picture",
        items=[
            ("REMOVE", "Remove", "Take it from the list"),
            ("UP", "Up", "Let it change frames with the picture above"),
            ("DOWN", "Down", "Let it change frames with the picture below"),
            ("SPACE", "Space Evenly", "Put all pictures so many frames apart, from the first on"),
        ],
    )

    @classmethod
    def poll(cls, context):
        if not context.scene.poseloom_pictures.found:
            cls.poll_message_set(say("Add pictures first"))
            return False
        return True

    def execute(self, context):
        chosen = context.scene.poseloom_pictures
        found, at = chosen.found, chosen.active
        if self.how == "SPACE":
            first = found[0].frame
            for i, picture in enumerate(found):
                picture.frame = first + i * chosen.spacing
        elif not 0 <= at < len(found):
            return {"CANCELLED"}
        elif self.how == "REMOVE":
            found.remove(at)
            chosen.active = max(0, min(at, len(found) - 1))
        else:
            other = at + (1 if self.how == "DOWN" else -1)
            if not 0 <= other < len(found):
                return {"CANCELLED"}
            frames = found[at].frame, found[other].frame
            found.move(at, other)
            found[at].frame, found[other].frame = frames
            chosen.active = other
        return {"FINISHED"}


class POSELOOM_OT_pose_keys(bpy.types.Operator):
    """Key the pose of each picture on its frame, as a new action on the active armature, ready to be filled"""

    bl_idname = "poseloom.pose_keys"
    bl_label = "Pose the Keys"
    bl_options = {"REGISTER"}  # the keys come later, with an undo step of their own

    armature: StringProperty(name="Armature", description="Name of the armature; empty: the active one")

    @classmethod
    def poll(cls, context):
        reason = properties.why_not(context)
        if not reason and not context.scene.poseloom_pictures.found:
            reason = say("Add pictures first")
        if reason:
            cls.poll_message_set(reason)
        return not reason and not_busy(cls)

    def execute(self, context):
        try:
            obj = target(context, self.armature)
            pictures = [(bpy.path.abspath(p.path), p.frame) for p in context.scene.poseloom_pictures.by_frame()]
            _check(pictures)
            chosen = backend.choice()
            options = context.scene.poseloom.job_options()
        except PoseloomError as error:
            return refuse(self, error)
        uid, paths = obj.session_uid, [path for path, _ in pictures]
        options = {name: value for name, value in options.items() if name not in ("start", "end", "camera")}

        def work(report):
            running = backend.ensure(chosen, part(report, 0.0, 0.02))
            return backend.posed(running, paths, options, part(report, 0.02, 1.0))

        def then(result):
            motion, warnings = result
            text = _land(motion_from_bytes(motion), uid, pictures)
            return ". ".join([text, *(warning.rstrip(".") for warning in warnings)])

        return run(self, "Pose the Keys", work, then, ready=why_wait, place=PLACE)


def _check(pictures: list) -> None:
    for path, _ in pictures:
        if not Path(path).is_file():
            raise BadInput("no_file", f"There is no file {path}.", "Choose a picture that exists.")
    for (before, frame), (after, other) in zip(pictures, pictures[1:]):
        if frame == other:
            raise BadInput(
                "no_room", f"{Path(before).name} and {Path(after).name} are on one frame, {frame}.", "Give each a frame of its own."
            )


def _land(motion: Motion, uid: int, pictures: list) -> str:
    """The poses on the armature they were made for, as one undo step; the sentence to show."""
    obj = next((o for o in bpy.data.objects if o.session_uid == uid), None)
    if obj is None:
        raise BadInput("armature_gone", "The armature that these poses were made for is gone.", "Select another one and do it again.")
    frames = tuple(frame for _, frame in pictures)
    with with_window_of(obj):
        clip = Path(pictures[0][0]).stem
        action, _ = put_poses(bpy.context, obj, motion, clip, Keys(times=frames), frames[0])
        poses.note(action, pictures)
        bpy.ops.ed.undo_push(message="Poseloom: Pose the Keys")
    where = ", ".join(map(str, frames))
    return say("{name}: key poses on {frames}. Fill makes the frames between them", name=action.name, frames=where)


class POSELOOM_OT_save_poses(bpy.types.Operator):
    """Save the key poses of the active action as pose assets, one for each of its frames that has keys"""

    bl_idname = "poseloom.save_poses"
    bl_label = "Save Poses as Assets"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        obj = properties.active_armature(context)
        if obj is None or obj.animation_data is None or obj.animation_data.action is None:
            cls.poll_message_set(say("The armature plays no action"))
            return False
        return True

    def execute(self, context):
        try:
            made = poses.save(properties.active_armature(context))
        except PoseloomError as error:
            return refuse(self, error)
        self.report({"INFO"}, say("Pose assets: {names}", names=", ".join(action.name for action in made)))
        return {"FINISHED"}
