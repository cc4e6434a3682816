"""What animators do next with the active action: fewer keys, loops, the other side, a part, root motion."""

from dataclasses import dataclass
from functools import partial
from typing import Optional

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty
from poseloom.errors import BadInput
from poseloom.motion.travel import Travel
from poseloom.motion.types import RigMotion
from poseloom.progress import part
from poseloom.retarget import carry, cycle, reduce, relock, sides

from ..scene import channels, cutting, marks, notes
from .editing import Editing

_NAME = dict(name="Armature", description="Name of the armature; empty: the active one", options={"HIDDEN"})


class POSELOOM_OT_reduce_keys(Editing, bpy.types.Operator):
    """Replace a key on every frame by few keys with handles that an animator can edit"""

    bl_idname = "poseloom.reduce_keys"
    bl_label = "Reduce Keys"

    armature: StringProperty(**_NAME)
    max_deg: FloatProperty(
        name="Degrees", description="The most that any bone may be turned off what it was, in degrees",
        default=1.0, min=0.01, soft_max=10.0, max=90.0,
    )  # fmt: skip
    max_mm: FloatProperty(
        name="Millimetres", description="The most that any joint may be moved off where it was, in millimetres",
        default=5.0, min=0.01, soft_max=50.0, max=1000.0,
    )  # fmt: skip
    keep_contacts: BoolProperty(
        name="Keep contacts", description="Hold feet nearer to where they rest, with keys where rests begin and end",
        default=True,
    )  # fmt: skip

    def change(self, obj, rig, clip):
        before = _key_count(obj, rig)
        limits = self.max_deg, self.max_mm
        few = yield partial(_few, clip.motion, rig, limits, self.keep_contacts)
        _write_few(obj, clip, few, clip.start, limits)
        after = _key_count(obj, rig)
        return f"{before} keys became {after}, {after / before:.0%}"


class POSELOOM_OT_make_loop(Editing, bpy.types.Operator):
    """Make a stretch of the action end as it begins, so that it can be played over and over"""

    bl_idname = "poseloom.make_loop"
    bl_label = "Make Loop"

    armature: StringProperty(**_NAME)
    find: BoolProperty(
        name="Find it", description="Find the shortest stretch that comes back to where it began", default=True
    )
    start: IntProperty(name="First frame", description="The frame on which the loop begins", default=1)
    end: IntProperty(name="Last frame", description="The frame that shows the first one again", default=25)
    blend_s: FloatProperty(
        name="Blend (s)", description="How long before and after the seam the difference is taken up, in seconds",
        default=0.25, min=0.0, max=5.0,
    )  # fmt: skip
    stay: BoolProperty(name="Stay", description="Keep to one place and heading, but for the body's sway", default=False)
    plant_feet: BoolProperty(
        name="Plant feet", description="Keep feet still while they rest, also across the seam", default=True
    )
    cyclic: BoolProperty(
        name="Repeat", description="Mark the action as cyclic, from the first to the last frame of the loop",
        default=True,
    )  # fmt: skip

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "find")
        column = layout.column(align=True)
        column.enabled = not self.find
        column.prop(self, "start")
        column.prop(self, "end")
        for name in ("blend_s", "stay", "plant_feet", "cyclic"):
            layout.prop(self, name)

    def change(self, obj, rig, clip):
        whole, way = _whole(rig, clip)
        first, last = (None, None) if self.find else (self.start - clip.start, self.end - clip.start)
        if not self.find and not (0 <= first and first + 2 <= last < len(whole)):
            raise BadInput(
                "bad_range",
                f"Frames {self.start} to {self.end} are no loop in an action from {clip.start} to {clip.end}.",
                "Give a first and a later last frame inside it.",
            )  # fmt: skip
        limits, find = notes.limits_of(clip.action), self.find
        options = dict(blend_s=self.blend_s, stay=self.stay, plant_feet=self.plant_feet)

        def work(report):
            report(0.0, "Making a loop")
            begun, ended = cycle.loop.find_cycle(cycle.grounded(cycle.from_rig(whole, rig))) if find else (first, last)
            report(0.3, "Making a loop")
            loop = cycle.loop_rig(whole, rig, begun, ended, **options)
            return begun, _made(loop, rig, way, limits, part(report, 0.5, 1.0))

        first, made = yield work
        start = clip.start + first
        _write(obj, rig, clip, made, start)
        end = start + len(made.motion) - 1
        if self.cyclic:
            clip.action.use_frame_range = clip.action.use_cyclic = True
            clip.action.frame_start, clip.action.frame_end = start, end
        return f"{clip.action.name} is a loop from frame {start} to {end}"


class POSELOOM_OT_mirror(Editing, bpy.types.Operator):
    """Exchange left and right in the active action"""

    bl_idname = "poseloom.mirror"
    bl_label = "Mirror"

    armature: StringProperty(**_NAME)

    def change(self, obj, rig, clip):
        whole, way = _whole(rig, clip)
        limits = notes.limits_of(clip.action)

        def work(report):
            report(0.0, "Mirroring")
            return _made(sides.mirror_rig(whole, rig), rig, way, limits, part(report, 0.5, 1.0))

        _write(obj, rig, clip, (yield work), clip.start)
        return f"{clip.action.name} is mirrored"


class POSELOOM_OT_relock_feet(Editing, bpy.types.Operator):
    """Hold feet still between the action's markers "L foot down" and "L foot up", as these lie now"""

    bl_idname = "poseloom.relock_feet"
    bl_label = "Re-lock Feet"

    armature: StringProperty(**_NAME)

    def change(self, obj, rig, clip):
        down = marks.feet_down(clip.action, clip.start, clip.end)
        whole, way = _whole(rig, clip)
        limits = notes.limits_of(clip.action)

        def work(report):
            report(0.0, "Locking the feet")
            return _made(relock.relock(whole, rig, down), rig, way, limits, part(report, 0.5, 1.0))

        _write(obj, rig, clip, (yield work), clip.start)
        return f"{clip.action.name}: feet stand in {down.any(axis=1).mean():.0%} of the frames"


class POSELOOM_OT_trim(Editing, bpy.types.Operator):
    """Keep a stretch of the action; its keys and handles stay as they are"""

    bl_idname = "poseloom.trim"
    bl_label = "Trim"

    armature: StringProperty(**_NAME)
    start: IntProperty(name="First frame", description="The first frame to keep", default=1)
    end: IntProperty(name="Last frame", description="The last frame to keep", default=250)

    def invoke(self, context, event):
        scene = context.scene
        preview = scene.use_preview_range
        if not self.properties.is_property_set("start"):
            self.start = scene.frame_preview_start if preview else scene.frame_start
        if not self.properties.is_property_set("end"):
            self.end = scene.frame_preview_end if preview else scene.frame_end
        return super().invoke(context, event)

    def change(self, obj, rig, clip):
        start, end = max(self.start, clip.start), min(self.end, clip.end)
        if start > end:
            raise BadInput(
                "no_frames", f"Nothing is left between {self.start} and {self.end}: "
                f"the keys are from {clip.start} to {clip.end}.", "Choose a stretch inside them.",
            )  # fmt: skip
        yield lambda report: None  # curves are Blender's
        for curve in channels.mapped_curves(obj, rig).values():
            cutting.trim(curve, start, end)
        if clip.action.use_frame_range:
            clip.action.use_frame_range = clip.action.use_cyclic = False
        way = _known_way(clip)
        if way is not None:
            part = slice(start - clip.start, end - clip.start + 1)
            notes.note_way(clip.action, Travel(way.xy[part], way.yaw[part]))
        return f"{clip.action.name} is left from frame {start} to {end}"


class POSELOOM_OT_travel(Editing, bpy.types.Operator):
    """Say what carries the character over the ground: nothing (in place), its root bone, or its hips"""

    bl_idname = "poseloom.travel"
    bl_label = "Root Motion"

    armature: StringProperty(**_NAME)
    carrier: EnumProperty(
        name="Motion",
        description="What goes over the ground",
        items=(
            ("IN_PLACE", "In Place", "The character keeps to one place; the way it went is remembered with the action"),
            ("ROOT", "On Root Bone", "The root bone goes over the ground, the hips move above it"),
            ("HIPS", "On Hips", "The hips go over the ground by themselves, the root bone rests"),
        ),
    )
    turn: BoolProperty(name="Turning too", description="Count which way it faces, too", default=True)
    smooth_hz: FloatProperty(
        name="Smoothing (Hz)", description="Leave sway that is faster than this to the hips; 0: none",
        default=0.0, min=0.0, max=10.0,
    )  # fmt: skip

    def change(self, obj, rig, clip):
        if notes.way_of(clip.action) is not None and _known_way(clip) is None:
            raise BadInput(
                "way_lost", f'The length of "{clip.action.name}" has changed since it was put in place.',
                "Undo that change, or retarget the clip again.",
            )  # fmt: skip
        motion, _ = _whole(rig, clip)
        limits, carrier = notes.limits_of(clip.action), self.carrier
        options = dict(turn=self.turn, smooth_hz=self.smooth_hz or None)

        def work(report):
            report(0.0, "Following the way")
            free = carry.off_root(motion, rig) if _root_keyed(rig, motion) else motion
            way = carry.rig_travel(free, rig, **options)
            if carrier == "ROOT":
                free = carry.onto_root(free, rig, way)
            elif carrier == "IN_PLACE":
                free = carry.rig_in_place(free, rig, way)
            return way, _made(free, rig, False, limits, part(report, 0.5, 1.0))

        way, made = yield work
        notes.forget_way(clip.action)
        _write(obj, rig, clip, made, clip.start)
        if self.carrier == "IN_PLACE":
            notes.note_way(clip.action, way)
        where = {"IN_PLACE": "in place", "ROOT": "on the root bone", "HIPS": "on the hips"}[self.carrier]
        return f"{clip.action.name} moves {where} now"


def _known_way(clip):
    """The way that was taken out of the action, where it still has its length."""
    way = notes.way_of(clip.action)
    return way if way is not None and len(way) == len(clip.motion) else None


def _whole(rig, clip) -> tuple:
    """(the motion with the way it went, whether that had been taken out of it)."""
    way = _known_way(clip)
    return (clip.motion, False) if way is None else (carry.rig_travelling(clip.motion, rig, way), True)


@dataclass(frozen=True, eq=False)
class _Made:
    """What to write: motion, few keys of it or None, the way that was taken out of it or None, limits of the keys."""

    motion: RigMotion
    few: Optional[reduce.RigCurves]
    way: Optional[Travel]
    limits: Optional[tuple]


def _made(motion, rig, in_place, limits, report) -> _Made:
    """As the action was: in place where its way had been taken out, with few keys where they had been reduced."""
    way = carry.rig_travel(motion, rig) if in_place else None
    if way is not None:
        motion = carry.rig_in_place(motion, rig, way)
    return _Made(motion, None if limits is None else _few(motion, rig, limits, True, report), way, limits)


def _few(motion, rig, limits, keep_contacts, report) -> reduce.RigCurves:
    contact = reduce.resting(motion, rig) if keep_contacts else None
    return reduce.reduce_keys(motion, rig, max_deg=limits[0], max_mm=limits[1], contact=contact, report=report)


def _write(obj, rig, clip, made: _Made, start) -> None:
    channels.write(obj, clip, made.motion, start)
    if made.few is not None:
        _write_few(obj, channels.read(obj, rig, made.motion.fps), made.few, start, made.limits)
    if made.way is not None:
        notes.note_way(clip.action, made.way)


def _write_few(obj, clip, few, start, limits) -> None:
    channels.write_reduced(obj, clip, few, start)
    notes.note_limits(clip.action, *limits)


def _root_keyed(rig, motion) -> bool:
    bones = rig.roles.get("root", ())
    return bool(bones) and bool(motion.keyed[motion.bones.index(bones[0])])


def _key_count(obj, rig) -> int:
    return sum(len(curve.keyframe_points) for curve in channels.mapped_curves(obj, rig).values())
