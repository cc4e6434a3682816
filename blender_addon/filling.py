"""What the user chooses about in-betweening, kept with the scene; the drawn speed curve; candidates found."""

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, StringProperty
from poseloom.inbetween import easing

from .translations import say

DRAWN = "drawn"
_GROUP, _NODE = ".Poseloom speed", "Speed"
_KEPT = "poseloom_eases"
EASES = (
    ("linear", "As It Is", "The speed that the method gives"),
    ("ease_in", "Ease In", "Slowly out of the first key"),
    ("ease_out", "Ease Out", "Slowly into the second key"),
    ("ease_in_out", "Ease In and Out", "Slowly out of the first key and into the second"),
    ("slow_in", "Slow In", "Very slowly out of the first key"),
    ("slow_out", "Slow Out", "Very slowly into the second key"),
    ("snap", "Snap", "Hold, go over quickly in the middle, and hold"),
    (DRAWN, "Drawn", "As the curve below is drawn: time to the right, the way upwards"),
)
METHODS = (
    ("spline", "Spline", "Smooth curves through the keys; needs nothing else"),
    ("dtw", "Library", "As the clips of your library move that fit the keys best"),
    ("lstm", "Learned", "As a network moves that learned from motion capture; the backend runs it"),
)


def _make_curve(self, context):
    if self.ease == DRAWN:
        speed_node(make=True)


class PoseloomInbetween(bpy.types.PropertyGroup):
    method: EnumProperty(
        name="Method", description="How the body gets from key to key", items=METHODS, default="spline"
    )
    strength: FloatProperty(
        name="Style", description="From the spline, at 0, to the method, at 1",
        default=1.0, min=0.0, max=1.0, subtype="FACTOR",
    )  # fmt: skip
    ease: EnumProperty(
        name="Speed", description="How the way between two keys is spread over time", items=EASES, default="linear",
        update=_make_curve,
    )  # fmt: skip
    feet: BoolProperty(name="Hold feet", description="Keep feet still that rest on the floor", default=True)
    selected: BoolProperty(
        name="Selected bones only", description="In Pose Mode, leave bones that are not selected as they are",
        default=True,
    )  # fmt: skip
    follow: EnumProperty(
        name="After",
        description="Which clips the method Library follows",
        items=(
            ("library", "Library", "The clips in your library"),
            ("last", "Last Motion", "The last motion that came back from a video, so that it is fitted to your keys"),
        ),
    )
    candidate: IntProperty(
        name="Clip", description="0 blends the clips that fit best; 1 is the best one alone, 2 the next",
        default=0, min=0, max=20,
    )  # fmt: skip
    network: StringProperty(
        name="Network", description="Folder, on the backend's computer, of networks tuned to your own clips by poseloom train inbetween; empty: ours",
        subtype="DIR_PATH",
    )  # fmt: skip
    frames: IntProperty(name="Frames", description="How many frames to go on for", default=60, min=1, max=3000)
    like: StringProperty(name="Like", description="The action whose timing the active one is to take on")


class PoseloomCandidate(bpy.types.PropertyGroup):
    """A clip that fits the keys; its name is all but its cost."""

    cost: FloatProperty(name="Cost", description="How badly it fits, against the best one's 1")


class PoseloomCandidates(bpy.types.PropertyGroup):
    found: CollectionProperty(
        type=PoseloomCandidate, name="Clips", description="The clips that fit the keys, best first"
    )
    about: StringProperty(name="About", description="The armature and the frames that they were looked for")


def speed_node(make: bool = False):
    """The node that holds the drawn curve; None where it was not made yet."""
    group = bpy.data.node_groups.get(_GROUP)
    if group is None and make:
        group = bpy.data.node_groups.new(_GROUP, "ShaderNodeTree")
        group.use_fake_user = True
    if group is None:
        return None
    node = group.nodes.get(_NODE)
    if node is None and make:
        node = group.nodes.new("ShaderNodeFloatCurve")
        node.name = _NODE
    return node


def curve_of(name: str) -> str:
    """A speed curve in the words of `easing.curve`: its name, or what is drawn now."""
    if name != DRAWN:
        return name
    node = speed_node(make=True)
    mapping = node.mapping
    mapping.initialize()
    times = [i / 32 for i in range(33)]
    shares = [min(max(mapping.evaluate(mapping.curves[0], t), 0.0), 1.0) for t in times]
    shares[0], shares[-1] = 0.0, 1.0
    return "/".join(f"{t:g}:{share:.5f}" for t, share in zip(times, shares))


def keep_ease(action, frame: int, curve: str) -> None:
    """The pair of keys that begins at `frame` has a speed curve of its own; "" takes it back."""
    kept = {**_eases(action), str(frame): curve}
    kept = {at: curve for at, curve in kept.items() if curve}
    if kept:
        action[_KEPT] = kept
    else:
        action.pop(_KEPT, None)


def ease_at(action, frame: int) -> str:
    return _eases(action).get(str(frame), "")


def eases(action, pairs, first: int, usual: str) -> dict:
    """{row: curve} of the pairs (a, b) of rows, row 0 being frame `first`; {} where none changes anything."""
    words = {a: ease_at(action, first + a) or usual for a, _ in pairs}
    return {} if set(words.values()) <= {"linear"} else {a: easing.curve(word) for a, word in words.items()}


def ease_name(curve: str) -> str:
    return next((say(name) for key, name, _ in EASES if key == curve), say("Drawn")) if curve else ""


def _eases(action) -> dict:
    kept = action.get(_KEPT)
    return {} if kept is None else kept.to_dict()
