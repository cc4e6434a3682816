"""What the user chooses about who is seen, by what, and what of it is keyed; and the people found in the video."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, CollectionProperty, FloatProperty, IntProperty, PointerProperty, StringProperty
from poseloom import paths
from poseloom.key_poses import Keys
from poseloom.motion import extremes


class Seeing:
    """Fields of the settings of a scene, which inherit from this."""

    model: StringProperty(
        name="Model",
        description="A pose network of yours, on the backend's computer: an ONNX file of an RTMPose, DWPose, RTMW, RTMO or "
        "ViTPose, its name in poseloom models list, or a config of mmpose",
        subtype="FILE_PATH",
    )  # fmt: skip
    checkpoint: StringProperty(
        name="Checkpoint", description="The weights that belong to a config of mmpose, on the backend's computer", subtype="FILE_PATH"
    )
    hands: BoolProperty(
        name="Hands", description="See fingers and wrists too, by the estimator holistic where none is chosen: several times slower"
    )
    face: BoolProperty(
        name="Face",
        description="See how the head turns, jaw, eyelids and gaze too, by the estimator holistic where none is chosen: several "
        "times slower",
    )  # fmt: skip
    key_poses: BoolProperty(
        name="Key poses only", description="Key the extremes and contacts of the video alone, ready to be filled, instead of every frame"
    )
    key_count: IntProperty(
        name="Poses", description="How many key poses are picked; 0: as many as the motion needs", default=0, min=0, max=1000
    )
    min_motion_cm: FloatProperty(
        name="Least motion (cm)",
        description="Poses that are less far from what lies between their neighbours are left out, so still stretches get none",
        default=100.0 * extremes.MIN_MOTION_M, min=0.1, max=200.0, precision=1,
    )  # fmt: skip

    def seen_options(self) -> dict:
        """Of the backend's jobs; BadInput for a config without its checkpoint."""
        options = {"hands": self.hands, "face": self.face} if self.hands or self.face else {}
        if self.model or self.checkpoint:
            model, checkpoint = (_whole(path) or None for path in (self.model, self.checkpoint))
            named = self.estimator if self.estimator in ("rtm", "mmpose") else None
            options["estimator"] = paths.estimator(named, model, checkpoint)
        return options

    def keys_of(self, motion) -> Keys:
        """The key poses of a motion, as many as are chosen."""
        rows = extremes.pick_keys(motion, self.key_count or None, 0.01 * self.min_motion_cm)
        return Keys(seconds=tuple(float(row / motion.fps) for row in rows))


def _whole(path: str) -> str:
    """A file's whole path; a name that is no path as it is."""
    return bpy.path.abspath(path) if path.startswith("//") or Path(path).is_file() else path


class PoseloomPerson(bpy.types.PropertyGroup):
    """Somebody in the video; the name says who."""

    number: IntProperty(name="Number", description="Which of the people it is, from 1 on")
    portrait: StringProperty(name="Portrait", description="A picture of the person, out of the video", subtype="FILE_PATH")
    onto: PointerProperty(
        name="Onto", description="The armature that this person animates, besides the active one; none: nobody does",
        type=bpy.types.Object, poll=lambda self, obj: obj.type == "ARMATURE",
    )  # fmt: skip


class PoseloomPeople(bpy.types.PropertyGroup):
    found: CollectionProperty(type=PoseloomPerson, name="People", description="Who was found in the video")
    video: StringProperty(name="Video", description="In which they were found")

    def are_of(self, video: str) -> bool:
        return bool(video) and str(Path(bpy.path.abspath(video)).absolute()) == self.video

    def fill(self, video: str, rows: list) -> None:
        """List them anew, of rows (number, name, portrait); who was onto an armature stays on it in the same video."""
        onto = {person.number: person.onto for person in self.found} if video == self.video else {}
        self.found.clear()
        self.video = video
        for number, name, portrait in rows:
            person = self.found.add()
            person.number, person.name, person.portrait, person.onto = number, name, str(portrait), onto.get(number)

    def cast(self, video: str, chosen: int) -> dict:
        """{number: armature} of those who go onto another armature than the active one, which `chosen` goes onto."""
        if not self.are_of(video):
            return {}
        return {person.number: person.onto for person in self.found if person.onto is not None and person.number != chosen}
