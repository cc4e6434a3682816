"""Start, stop and look for the backend."""

import bpy
from bpy.props import StringProperty
from poseloom import client
from poseloom.errors import PoseloomError

from .. import backend, jobs
from ..translations import say
from .rig import refuse


class POSELOOM_OT_start_backend(bpy.types.Operator):
    """Start the backend on this computer; it keeps running until you stop it"""

    bl_idname = "poseloom.start_backend"
    bl_label = "Start Backend"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context):
        return not_busy(cls)

    def execute(self, context):
        try:
            chosen = backend.choice()
        except PoseloomError as error:
            return refuse(self, error)

        def then(running):
            jobs.forget("backend")
            return f"The backend runs at {running.address.partition('//')[2]}"

        return run(self, "Start the backend", lambda report: backend.ensure(chosen, report), then)


class POSELOOM_OT_stop_backend(bpy.types.Operator):
    """Stop the backend that runs on this computer"""

    bl_idname = "poseloom.stop_backend"
    bl_label = "Stop Backend"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context):
        return not_busy(cls)

    def execute(self, context):
        try:
            chosen = backend.choice()
        except PoseloomError as error:
            return refuse(self, error)

        def work(report):
            report(0.5, "Stopping the backend")
            running = backend.find(chosen)
            if running is not None:
                client.stop_backend(running)

        def then(_):
            jobs.forget("backend")
            return "The backend has stopped"

        return run(self, "Stop the backend", work, then)


class POSELOOM_OT_check_backend(bpy.types.Operator):
    """Look whether the backend runs, and which version it is"""

    bl_idname = "poseloom.check_backend"
    bl_label = "Check Backend"
    bl_options = {"INTERNAL"}

    def execute(self, context):
        try:
            view = backend.look(backend.choice())
        except PoseloomError as error:
            return refuse(self, error)
        jobs.forget("backend")
        level = {"running": "INFO", "refused": "ERROR"}.get(view.state, "WARNING")
        self.report({level}, f"{view.text}. {view.hint}".strip())
        return {"FINISHED"}


class POSELOOM_OT_copy(bpy.types.Operator):
    """Copy this text, to paste it into a terminal"""

    bl_idname = "poseloom.copy"
    bl_label = "Copy"
    bl_options = {"INTERNAL"}

    text: StringProperty(name="Text", description="What to copy", options={"SKIP_SAVE"})

    @classmethod
    def description(cls, context, properties):
        return say("Copy: {text}", text=properties.text)

    def execute(self, context):
        context.window_manager.clipboard = self.text
        self.report({"INFO"}, "Copied")
        return {"FINISHED"}


def not_busy(operator) -> bool:
    if jobs.running():
        operator.poll_message_set(say("Wait for the running job, or cancel it"))
        return False
    return True


def run(operator, title: str, work, then, *, wait: bool = False, ready=lambda: "", **more) -> set:
    """Start the job, or do it at once where there is no window or `wait`; the operator's return value."""
    try:
        if wait or bpy.app.background:
            operator.report({"INFO"}, jobs.run_here(title, work, then, **more).outcome)
        else:
            jobs.start(title, work, then, ready, **more)
    except PoseloomError as error:
        return refuse(operator, error)
    return {"FINISHED"}
