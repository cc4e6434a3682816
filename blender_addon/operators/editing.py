"""How an edit of the active action runs: at once for scripts, else with progress and Esc, and as one undo step."""

from functools import partial

import bpy
from poseloom.errors import Cancelled, PoseloomError

from .. import jobs, properties
from ..scene import channels, roles
from ..translations import say
from .rig import rate, refuse, target

PLACE = "edit"
_QUICK_S = 0.3  # what is done sooner shows no progress
_POINTER = {"MOUSEMOVE", "INBETWEEN_MOUSEMOVE", "LEFTMOUSE"}


class Editing:
    """An operator that edits the mapped bones' channels by `change(obj, rig, clip)`, a generator.

    It yields a function of `report` that touches nothing of Blender's, gets the value of that, writes it, and
    returns the sentence to show.  What takes long runs on a thread, with progress, until Esc.
    """

    bl_options = {"REGISTER", "UNDO"}
    place = PLACE  # the panel that shows how it went

    @classmethod
    def poll(cls, context):
        reason = properties.why_not(context)
        obj = properties.active_armature(context)
        if not reason and not (obj.animation_data and obj.animation_data.action):
            reason = say("{name} has no action to change", name=obj.name)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context):
        """At once, for scripts and for what is set anew in the panel of the last operation."""
        window = context.window_manager
        window.progress_begin(0.0, 1.0)
        try:
            work, land = self._planned(context)
            job = jobs.run_here(self.bl_label, work, land, lambda share, _: window.progress_update(share), place=self.place)
        except PoseloomError as error:
            jobs.show(self.bl_label, "failed", error.message, error.hint, self.place)
            return refuse(self, error)
        finally:
            window.progress_end()
        return self._ended(job)

    def invoke(self, context, event):
        if context.window is None:
            return self.execute(context)
        try:
            work, land = self._planned(context)
            hint = say("Esc cancels")
            self._job = jobs.begin(self.bl_label, lambda report: work(_with(hint, report)), land, place=self.place)
        except PoseloomError as error:
            jobs.show(self.bl_label, "failed", error.message, error.hint, self.place)
            return refuse(self, error)
        self._job.wait(_QUICK_S)
        self._job.collect()
        if self._job.state != "running":
            return self._ended(self._job)
        window = context.window_manager
        self._timer = window.event_timer_add(jobs.TICK_S, window=context.window)
        window.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        job = self._job
        if event.type == "ESC":
            job.fail(Cancelled())
        elif event.type == "TIMER":
            job.collect()
            jobs.redraw()
        if job.state == "running":
            # nothing else may change the action now; the buttons that cancel are in the sidebar and the status bar
            return {"PASS_THROUGH" if _over_buttons(context, event) else "RUNNING_MODAL"}
        self._leave(context)
        return self._ended(job)

    def cancel(self, context):
        """Blender ends the operator itself, such as for another file."""
        self._job.fail(Cancelled())
        self._leave(context)

    def _leave(self, context):
        context.window_manager.event_timer_remove(self._timer)
        jobs.redraw()

    def _planned(self, context):
        """(work(report), which may run on a thread; land(its value), which writes and returns what to say)."""
        obj = target(context, self.armature)
        rig = roles.played(obj).rig
        clip = channels.read(obj, rig, rate(context))
        steps = self.change(obj, rig, clip)
        return next(steps), partial(self._land, context, obj, clip, steps)

    def _land(self, context, obj, clip, steps, value):
        try:
            steps.send(value)
        except StopIteration as done:
            text = done.value
        self._others = [o.name for o in bpy.data.objects if o != obj and _plays(o, clip.action)]
        if self._others:
            text += f". {', '.join(self._others)} play{'s' if len(self._others) == 1 else ''} this action too"
        context.view_layer.update()
        return text

    def _ended(self, job):
        if job.state == "failed":
            self.report({"ERROR"}, f"{job.outcome} {job.hint}".strip())
        if job.state != "done":
            return {"CANCELLED"}
        self.report({"WARNING" if self._others else "INFO"}, job.outcome)
        return {"FINISHED"}


def _with(hint, report):
    return lambda share, text: report(share, f"{text}. {hint}")


def _plays(obj, action) -> bool:
    return obj.animation_data is not None and obj.animation_data.action == action


def _over_buttons(context, event) -> bool:
    """Whether the mouse is over a sidebar of a 3D Viewport or over the status bar, below all areas."""
    areas = context.window.screen.areas
    sidebars = [region for area in areas if area.type == "VIEW_3D" for region in area.regions if region.type == "UI"]
    inside = any(
        0 <= event.mouse_x - r.x < r.width and 0 <= event.mouse_y - r.y < r.height for r in sidebars
    )  # fmt: skip
    return event.type in _POINTER and (inside or event.mouse_y < min(area.y for area in areas))
