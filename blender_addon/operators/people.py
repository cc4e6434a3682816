"""Who is in the video, and whom of them is meant; which estimators there are, and bringing one."""

import hashlib
from pathlib import Path

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty
from poseloom.errors import BadInput, PoseloomError
from poseloom.motion.files import write_bytes
from poseloom.progress import part

from .. import backend, jobs, preferences
from ..translations import say
from .backend import not_busy, run
from .rig import refuse

PEOPLE, ESTIMATORS = "people", "estimators"
OFFLINE = "Allow Online Access in Preferences > System > Network"


class POSELOOM_OT_find_people(bpy.types.Operator):
    """Look through the whole video for people, and show them to choose from"""

    bl_idname = "poseloom.find_people"
    bl_label = "Find People"
    bl_options = {"REGISTER"}

    wait: BoolProperty(name="Wait", description="Return only when they are found", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        if not context.scene.poseloom.video:
            cls.poll_message_set(say("Choose a video first"))
            return False
        return not_busy(cls)

    def execute(self, context):
        chosen, scene = context.scene.poseloom, context.scene.name
        try:
            video = chosen.video_path()
            options = {name: value for name, value in chosen.job_options().items() if name != "person"}
            running = backend.choice()
            folder = preferences.cache_folder() / "portraits" / hashlib.sha256(video.encode()).hexdigest()[:16]
        except PoseloomError as error:
            jobs.show("Find People", "failed", error.message, error.hint, PEOPLE)
            return refuse(self, error)

        def work(report):
            ready = backend.ensure(running, part(report, 0.0, 0.02))
            rows, pictures, warnings = backend.people(ready, video, options, part(report, 0.02, 1.0))
            names = {number: f"{number}_{hashlib.sha256(data).hexdigest()[:8]}.png" for number, data in pictures.items()}
            for number, data in pictures.items():
                write_bytes(folder / names[number], data)
            return rows, names, warnings

        def then(result):
            rows, names, warnings = result
            people = bpy.data.scenes[scene].poseloom_people
            numbers = [(row["person"], row["seen_share"]) for row in rows]
            people.fill(video, [(n, f"{n}: {share:.0%}", folder / names[n]) for n, share in numbers])
            text = say("{count} people in {name}", count=len(rows), name=Path(video).name)
            return ". ".join([text, *(warning.rstrip(".") for warning in warnings)])

        folder.mkdir(parents=True, exist_ok=True)
        return run(self, "Find People", work, then, wait=self.wait, place=PEOPLE)


class POSELOOM_OT_choose_person(bpy.types.Operator):
    """Follow this person, who goes onto the active armature; again: the main one"""

    bl_idname = "poseloom.choose_person"
    bl_label = "Choose Person"
    bl_options = {"REGISTER", "UNDO"}

    number: IntProperty(name="Number", description="Which of the people it is, from 1 on", min=1)

    def execute(self, context):
        chosen = context.scene.poseloom
        chosen.person = 0 if chosen.person == self.number else self.number
        return {"FINISHED"}


class POSELOOM_OT_use_estimator(bpy.types.Operator):
    """See by this estimator; again: by the one that the quality chooses"""

    bl_idname = "poseloom.use_estimator"
    bl_label = "Use Estimator"
    bl_options = {"REGISTER", "UNDO"}

    estimator: StringProperty(name="Estimator", description="Which one")

    @classmethod
    def description(cls, context, properties):
        row = next((row for row in backend.known_estimators() if row["name"] == properties.estimator), None)
        return f"{row['summary']} ({row['licence']})" if row else ""

    def execute(self, context):
        chosen = context.scene.poseloom
        chosen.estimator = "" if chosen.estimator == self.estimator else self.estimator
        return {"FINISHED"}


class POSELOOM_OT_get_estimator(bpy.types.Operator):
    """Download what this estimator lacks onto the backend's computer, after asking"""

    bl_idname = "poseloom.get_estimator"
    bl_label = "Get Estimator"
    bl_options = {"REGISTER"}

    estimator: StringProperty(name="Estimator", description="Which one")
    wait: BoolProperty(name="Wait", description="Return only when it is there", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        if not bpy.app.online_access:
            cls.poll_message_set(say(OFFLINE))
            return False
        return not_busy(cls)

    def invoke(self, context, event):
        row = _row_of(self.estimator)
        size = backend.size_text(row["size_bytes"])
        text = say("{name}: {size}, licence {licence}. Download it?", name=row["name"], size=size, licence=row["licence"])
        return context.window_manager.invoke_confirm(self, event, title=say("Get Estimator"), message=text)

    def execute(self, context):
        try:
            chosen, row = backend.choice(), _row_of(self.estimator)
        except PoseloomError as error:
            return refuse(self, error)

        def work(report):
            running = backend.ensure(chosen, part(report, 0.0, 0.02))
            backend.bring(running, row["brings"], part(report, 0.02, 1.0))

        def then(_):
            jobs.forget("estimators")
            jobs.forget("methods")
            return say("{name} is in place", name=row["name"])

        return run(self, "Get Estimator", work, then, wait=self.wait, place=ESTIMATORS)


def _row_of(name: str) -> dict:
    rows = backend.estimators(backend.choice())
    row = next((row for row in rows if row["name"] == name), None)
    if row is None or not row["brings"]:
        raise BadInput("nothing_to_bring", f'There is nothing to bring for "{name}".', "Choose an estimator that is missing.")
    return row
