"""The points of keypoint layouts by name, and how one is made of others where a layout lacks it."""

from __future__ import annotations

from .skeleton import FINGERS, JOINTS, PARENTS

PARTS = ("body", "feet", "hands", "face")


def _sides(text: str, sides: str = "lr") -> tuple:
    """"eye ear" -> eye_l eye_r ear_l ear_r."""
    return tuple(f"{name}_{side}" for name in text.split() for side in sides)


def _hand(side: str) -> tuple:
    """The 21 points of a hand, in the order of COCO-WholeBody and MediaPipe."""
    fingers = {"thumb": "cmc mcp ip tip"} | {f: "mcp pip dip tip" for f in ("index", "middle", "ring", "pinky")}
    return (f"palm_{side}", *(f"{f}_{at}_{side}" for f, ats in fingers.items() for at in ats.split()))


BLAZEPOSE = (
    "nose",
    "eye_inner_l", "eye_l", "eye_outer_l",
    "eye_inner_r", "eye_r", "eye_outer_r",
    *_sides("ear mouth shoulder elbow wrist pinky index thumb hip knee ankle heel toe"),
)  # fmt: skip
COCO = ("nose", *_sides("eye ear shoulder elbow wrist hip knee ankle"))
HALPE = (*COCO, "head_top", "neck", "pelvis", *_sides("toe small_toe heel"))
# the 68 points of the face (iBUG 300-W): the person's right jaw first
FACE = (
    *(f"jaw{i}_r" for i in range(8, 0, -1)), "chin", *(f"jaw{i}_l" for i in range(1, 9)),
    *(f"brow{i}_r" for i in range(5, 0, -1)), *(f"brow{i}_l" for i in range(1, 6)),
    "bridge1", "bridge2", "bridge3", "bridge4", "nostril2_r", "nostril1_r", "nose_base", "nostril1_l", "nostril2_l",
    "eye_outer_r", "lid_up_outer_r", "lid_up_inner_r", "eye_inner_r", "lid_low_inner_r", "lid_low_outer_r",
    "eye_inner_l", "lid_up_inner_l", "lid_up_outer_l", "eye_outer_l", "lid_low_outer_l", "lid_low_inner_l",
    "mouth_r", "lip_up2_r", "lip_up1_r", "lip_up", "lip_up1_l", "lip_up2_l",
    "mouth_l", "lip_low2_l", "lip_low1_l", "lip_low", "lip_low1_r", "lip_low2_r",
    "mouth_in_r", "lip_up_in_r", "lip_up_in", "lip_up_in_l",
    "mouth_in_l", "lip_low_in_l", "lip_low_in", "lip_low_in_r",
)  # fmt: skip
HANDS = (*_hand("l"), *_hand("r"))
FEET = (*_sides("toe small_toe heel", "l"), *_sides("toe small_toe heel", "r"))
WHOLEBODY = (*COCO, *FEET, *FACE, *HANDS)
OPENPOSE = (
    "nose", "neck", *_sides("shoulder elbow wrist", "r"), *_sides("shoulder elbow wrist", "l"),
    "pelvis", *_sides("hip knee ankle", "r"), *_sides("hip knee ankle", "l"),
    "eye_r", "eye_l", "ear_r", "ear_l", *FEET,
)  # fmt: skip
H36M = (
    "pelvis", *_sides("hip knee ankle", "r"), *_sides("hip knee ankle", "l"), "spine", "neck", "face", "head_top",
    *_sides("shoulder elbow wrist", "l"), *_sides("shoulder elbow wrist", "r"),
)  # fmt: skip
CANONICAL = JOINTS
PUPILS = _sides("pupil")
HOLISTIC = (*BLAZEPOSE, *(name for name in FACE if name not in BLAZEPOSE), *PUPILS, *HANDS)


def part(name: str) -> str:
    """Which of PARTS a point belongs to."""
    bare = name.removesuffix("_l").removesuffix("_r")
    if bare in ("toe", "small_toe", "heel"):
        return "feet"
    if bare in ("pinky", "index", "thumb") or name in HANDS or name in FINGERS:
        return "hands"
    if bare in ("nose", "eye", "ear", "mouth", "pupil") or name in FACE:
        return "face"
    return "body"


def _both(*pairs: tuple) -> tuple:
    return tuple((a + s, b + s) for s in ("_l", "_r") for a, b in pairs)


def _line(*names: str) -> tuple:
    return tuple(zip(names[:-1], names[1:]))


_LIMBS = _both(("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
_FOOT = _both(("ankle", "heel"), ("heel", "toe"), ("ankle", "toe"), ("ankle", "small_toe"))
BLAZEPOSE_EDGES = (
    ("shoulder_l", "shoulder_r"), ("hip_l", "hip_r"), ("mouth_l", "mouth_r"),
    ("nose", "eye_inner_l"), ("nose", "eye_inner_r"), *_LIMBS, *_FOOT,
    *_both(
        ("eye_inner", "eye"), ("eye", "eye_outer"), ("eye_outer", "ear"), ("shoulder", "hip"),
        ("wrist", "thumb"), ("wrist", "index"), ("wrist", "pinky"), ("index", "pinky"),
    ),
)  # fmt: skip
_FACE_EDGES = (
    *_line(*FACE[:17]), *_line(*FACE[17:22]), *_line(*FACE[22:27]), *_line(*FACE[27:31]), *_line(*FACE[31:36]),
    *_line(*FACE[36:42], FACE[36]), *_line(*FACE[42:48], FACE[42]), *_line(*FACE[48:60], FACE[48]),
    *_line(*FACE[60:68], FACE[60]),
)  # fmt: skip
_HAND_EDGES = tuple(
    edge for hand in (HANDS[:21], HANDS[21:]) for first in range(1, 21, 4) for edge in _line(hand[0], *hand[first : first + 4])
)
EDGES = (
    ("shoulder_l", "shoulder_r"), ("hip_l", "hip_r"), ("nose", "eye_l"), ("nose", "eye_r"), ("head_top", "neck"),
    ("pelvis", "hip_l"), ("pelvis", "hip_r"), *_both(("eye", "ear"), ("shoulder", "hip"), ("wrist", "palm")),
    *_LIMBS, *_FOOT, *_FACE_EDGES, *_HAND_EDGES,
)  # fmt: skip
HOLISTIC_EDGES = (*BLAZEPOSE_EDGES, *_both(("wrist", "palm")), *_FACE_EDGES, *_HAND_EDGES)
OPENPOSE_EDGES = (
    ("nose", "neck"), ("neck", "pelvis"), *(("neck", f"shoulder_{s}") for s in "lr"), *(("pelvis", f"hip_{s}") for s in "lr"),
    *(("nose", f"eye_{s}") for s in "lr"), *_both(("eye", "ear")), *_LIMBS, *_FOOT,
)  # fmt: skip
H36M_EDGES = (
    *_line("pelvis", "spine", "neck", "face", "head_top"), *(("neck", f"shoulder_{s}") for s in "lr"),
    *(("pelvis", f"hip_{s}") for s in "lr"), *_LIMBS,
)  # fmt: skip
CANONICAL_EDGES = tuple((JOINTS[parent], name) for name, parent in zip(JOINTS, PARENTS) if parent >= 0)


def _twice(rules: dict) -> dict:
    """The rules of a left side, and of the right one."""
    swap = {side: lambda name, side=side: name.replace("_*", f"_{side}") for side in "lr"}
    return {
        turn(name): tuple({turn(of): weight for of, weight in way.items()} for way in ways)
        for turn in swap.values() for name, ways in rules.items()
    }  # fmt: skip


# point: the ways to make it of others, the first whose points are all there; weights sum to 1.  "joint NAME" is a
# joint of canonical22; where those lie between hips and shoulders stands in motion/skeleton.py
MADE_OF = {
    "neck": ({"shoulder_l": 0.5, "shoulder_r": 0.5},),
    "pelvis": ({"hip_l": 0.5, "hip_r": 0.5},),
    "spine": ({"pelvis": 0.5, "neck": 0.5},),
    "face": ({"nose": 0.5, "ear_l": 0.25, "ear_r": 0.25}, {"nose": 1.0}, {"joint head": 1.0}),
    "nose": ({"bridge4": 1.0},),
    "joint pelvis": ({"pelvis": 0.9, "neck": 0.1},),
    "joint spine1": ({"pelvis": 0.73, "neck": 0.27},),
    "joint spine2": ({"pelvis": 0.5, "neck": 0.5},),
    "joint spine3": ({"pelvis": 0.27, "neck": 0.73},),
    "joint neck": ({"neck": 1.13, "pelvis": -0.13},),
    "joint head": ({"ear_l": 0.37, "ear_r": 0.37, "neck": 0.26}, {"face": 0.7, "neck": 0.3}, {"nose": 0.7, "neck": 0.3}),
    **_twice(
        {
            "joint clavicle_*": ({"neck": 0.83, "shoulder_*": 0.17},),
            **{f"joint {bone}_*": ({f"{at}_*": 1.0},) for bone, at in (
                ("upper_arm", "shoulder"), ("forearm", "elbow"), ("hand", "wrist"),
                ("thigh", "hip"), ("shin", "knee"), ("foot", "ankle"),
            )},
            "joint toe_*": ({"toe_*": 0.72, "heel_*": 0.28}, {"toe_*": 0.65, "ankle_*": 0.35}),
            "shoulder_*": ({"joint upper_arm_*": 1.0},),
            "elbow_*": ({"joint forearm_*": 1.0},),
            "wrist_*": ({"joint hand_*": 1.0}, {"palm_*": 1.0}),
            "hip_*": ({"joint thigh_*": 1.0},),
            "knee_*": ({"joint shin_*": 1.0},),
            "ankle_*": ({"joint foot_*": 1.0},),
            "toe_*": ({"joint toe_*": 1.3, "joint foot_*": -0.3},),
            "palm_*": ({"wrist_*": 1.0},),
            "index_*": ({"index_mcp_*": 1.0},),
            "pinky_*": ({"pinky_mcp_*": 1.0},),
            "thumb_*": ({"thumb_mcp_*": 1.0},),
            "index_mcp_*": ({"index_*": 1.0},),
            "pinky_mcp_*": ({"pinky_*": 1.0},),
            "thumb_mcp_*": ({"thumb_*": 1.0},),
            "eye_*": ({"eye_inner_*": 0.5, "eye_outer_*": 0.5},),
        }
    ),
}  # fmt: skip
