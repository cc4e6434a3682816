"""A folder of mocap clips: one action a clip on the active armature."""

import uuid
from contextlib import nullcontext
from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty
from poseloom import chains
from poseloom.errors import BadInput, PoseloomError
from poseloom.formats import CLIP_ENDINGS, TAKES_ENDINGS
from poseloom.motion.resample import resample
from poseloom.progress import part

from .. import jobs, preferences, properties, reader
from ..scene import fights, keying, notes, rest, roles
from .animate import with_window_of, why_wait
from .backend import not_busy, run
from .rig import keep_source, rate, refuse, said_of_fights, target

PLACE = "retarget"
_ENDINGS = CLIP_ENDINGS + TAKES_ENDINGS


class POSELOOM_OT_retarget_folder(bpy.types.Operator):
    """Put every clip of a folder on the active armature, each as an action of its own"""

    bl_idname = "poseloom.retarget_folder"
    bl_label = "Retarget Folder"
    bl_options = {"REGISTER"}  # the keys come later, with an undo step of their own

    directory: StringProperty(name="Folder", description="The folder with the clips", subtype="DIR_PATH")
    filter_glob: StringProperty(default="*.bvh;*.npz;*.fbx;*.glb;*.gltf;*.blend", options={"HIDDEN"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})
    armature: StringProperty(
        name="Armature", description="Name of the armature; empty: the active one", options={"HIDDEN"}
    )
    below: BoolProperty(name="Folders below too", description="Take clips of the folders inside it, too", default=False)
    wait: BoolProperty(
        name="Wait", description="Return only when all actions are made", options={"SKIP_SAVE", "HIDDEN"}
    )

    @classmethod
    def poll(cls, context):
        reason = properties.why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason and not_busy(cls)

    def invoke(self, context, event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        try:
            obj = target(context, self.armature)
            clips = _clips(Path(bpy.path.abspath(self.directory)), self.below)
            chosen = context.scene.poseloom
            rig, pose = roles.standing(obj, chosen.controls).rig, rest.kept(obj)
        except PoseloomError as error:
            jobs.show("Retarget", "failed", error.message, error.hint, PLACE)
            return refuse(self, error)
        fps, made = rate(context), _Made(obj.session_uid, rig, context.scene.frame_current)

        reading, wish, root = reader.Reader(), chosen.reading(), chosen.root

        def work(report, give):
            bad = []
            with reading:
                for k, clip in enumerate(clips):
                    piece = part(report, k / len(clips), (k + 1) / len(clips))
                    piece(0.0, f"{k + 1} of {len(clips)}: {clip.name}")
                    try:
                        for name, motion in reading.motions(clip, None, wish, part(piece, 0.0, 0.6)):
                            piece(0.6, f"{k + 1} of {len(clips)}: {clip.name}")
                            give((name, *chains.placed_on(resample(motion, fps), rig, root, pose)))
                        bad += [error.message for error in reading.refused]
                    except BadInput as error:
                        bad.append(error.message if clip.name in error.message else f"{clip.name}: {error.message}")
            return bad

        return run(
            self, f"Retarget {Path(self.directory).name or 'folder'}", work, made.said, wait=self.wait,
            ready=why_wait, each=made.add, after=made.end, place=PLACE,
        )  # fmt: skip


class _Made:
    """The actions of one run: the first is played at once, the others lie in the file."""

    def __init__(self, uid: int, rig, start_frame: int):
        self.uid, self.rig, self.start_frame, self.batch = uid, rig, start_frame, uuid.uuid4().hex
        self.count, self.fights = 0, ()

    def add(self, piece) -> None:
        clip, motion, placed = piece
        obj = next((o for o in bpy.data.objects if o.session_uid == self.uid), None)
        if obj is None:
            raise BadInput("armature_gone", "The armature that the clips are for is gone.", "Select another one.")
        with with_window_of(obj):
            action = keying.write(
                obj, motion, name=f"{obj.name}|{clip}", start_frame=self.start_frame, assign=self.count == 0,
                keep_previous=preferences.get().previous.lower(),
            )  # fmt: skip
            action.use_fake_user = True
            notes.note_batch(action, self.batch)
            keep_source(action, placed, self.start_frame, self.rig)
            if self.count == 0:
                self.fights = fights.find(obj, motion, self.start_frame)
        self.count += 1

    def end(self) -> str:
        """However the run ended: one undo step, and what stays of it."""
        if not self.count:
            return ""
        obj = next((o for o in bpy.data.objects if o.session_uid == self.uid), None)
        with with_window_of(obj) if obj is not None else nullcontext():
            bpy.ops.ed.undo_push(message="Poseloom: Retarget Folder")
        return f"{_counted(self.count, 'action')} made before that; Revert Last Run takes away what it made."

    def said(self, bad) -> str:
        if not self.count:
            why = " ".join(bad[:3])
            raise BadInput("no_clips", f"None of the clips could be read. {why}", "Choose another folder.")
        text = f"{_counted(self.count, 'action')} made"
        text = f"{text}, {_counted(len(bad), 'clip')} failed. {' '.join(bad[:5])}" if bad else text
        return text.rstrip(".") + said_of_fights(self.fights)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _clips(folder: Path, below: bool) -> list:
    if not folder.is_dir():
        raise BadInput("no_folder", f"There is no folder {folder}.", "Choose one that exists.")
    files = folder.rglob("*") if below else folder.iterdir()
    clips = sorted(path for path in files if path.suffix.lower() in _ENDINGS and path.is_file())
    if not clips:
        raise BadInput("no_clips", f"There is no clip in {folder}.", "Choose another folder.")
    return clips
