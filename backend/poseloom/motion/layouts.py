"""Keypoint layouts as data: what the K points of `Keypoints` are, and which lines join them."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import BadInput


@dataclass(frozen=True)
class Layout:
    """names (K), `_l` and `_r` for the person's own left and right; edges: pairs of point names;
    fine: the points of face and hands, which a picture shows small."""

    names: tuple
    edges: tuple
    fine: frozenset = frozenset()

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        return self.names.index(name)

    def pairs(self) -> tuple:
        """The edges as pairs of indices."""
        return tuple((self.index(a), self.index(b)) for a, b in self.edges)

    def mirror(self) -> tuple:
        """The side-swapped point of each: mirror()[index("hip_l")] is index("hip_r")."""
        return tuple(self.index(_other_side(name)) for name in self.names)


def side(name: str) -> str:
    """"l", "r", or "" for a point of the middle."""
    return name[-1] if name.endswith(("_l", "_r")) else ""


def edge_side(a: str, b: str) -> str:
    """The side both ends are on; a line from left to right, or from the middle to either, has none."""
    return side(a) if side(a) == side(b) else ""


def layout(name: str) -> Layout:
    """The layout called `name`; BadInput that lists the known ones."""
    if name not in LAYOUTS:
        raise BadInput("unknown_layout", f'No keypoint layout "{name}"; known: {", ".join(sorted(LAYOUTS))}.')
    return LAYOUTS[name]


def _other_side(name: str) -> str:
    return name[:-1] + {"l": "r", "r": "l"}[name[-1]] if side(name) else name


def _both(*pairs: tuple) -> tuple:
    return tuple((a + s, b + s) for s in ("_l", "_r") for a, b in pairs)


BLAZEPOSE = Layout(
    names=(
        "nose",
        "eye_inner_l", "eye_l", "eye_outer_l",
        "eye_inner_r", "eye_r", "eye_outer_r",
        "ear_l", "ear_r", "mouth_l", "mouth_r",
        "shoulder_l", "shoulder_r", "elbow_l", "elbow_r", "wrist_l", "wrist_r",
        "pinky_l", "pinky_r", "index_l", "index_r", "thumb_l", "thumb_r",
        "hip_l", "hip_r", "knee_l", "knee_r", "ankle_l", "ankle_r",
        "heel_l", "heel_r", "toe_l", "toe_r",
    ),
    edges=(
        ("shoulder_l", "shoulder_r"), ("hip_l", "hip_r"), ("mouth_l", "mouth_r"),
        ("nose", "eye_inner_l"), ("nose", "eye_inner_r"),
        *_both(
            ("eye_inner", "eye"), ("eye", "eye_outer"), ("eye_outer", "ear"),
            ("shoulder", "hip"), ("shoulder", "elbow"), ("elbow", "wrist"),
            ("wrist", "thumb"), ("wrist", "index"), ("wrist", "pinky"), ("index", "pinky"),
            ("hip", "knee"), ("knee", "ankle"), ("ankle", "heel"), ("heel", "toe"), ("ankle", "toe"),
        ),
    ),
    fine=frozenset(
        "nose eye_inner_l eye_l eye_outer_l eye_inner_r eye_r eye_outer_r ear_l ear_r mouth_l mouth_r "
        "pinky_l pinky_r index_l index_r thumb_l thumb_r heel_l heel_r toe_l toe_r".split()
    ),
)  # fmt: skip

LAYOUTS = {"blazepose": BLAZEPOSE}
