"""Keypoints as other programs write them: COCO's and OpenPose's JSON, and markers as TRC."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Sequence

import numpy as np

from ..errors import BadInput
from ..motion.conversion import converted
from ..motion.files import write_bytes
from ..motion.layouts import layout
from ..motion.skeleton import JOINTS, motion_fk
from ..motion.types import Keypoints, Motion

_FEWEST = 12  # points of a face or hand, below which it is left out
_HANDS = {"left": "l", "right": "r"}


def to_coco(people: Sequence[Keypoints]) -> str:
    """A COCO keypoints file: an image for each frame, an annotation for each person in it; points as they are laid out.

    A point is x, y in pixels and v: 0 unseen, else 2; `scores` has what COCO leaves out, 0 to 1.
    """
    first = people[0]
    of = layout(first.layout)
    images = [
        {"id": i, "frame_index": i, "width": first.size[0], "height": first.size[1], "time_s": round(first.start_s + i / first.fps, 6)}
        for i in range(len(first))
    ]
    notes: list = []
    for k in people:
        for i, (xy, score) in enumerate(zip(k.xy, k.score)):
            seen = np.isfinite(xy).all(axis=-1) & (score > 0.0)
            if not seen.any():
                continue
            low, high = xy[seen].min(axis=0), xy[seen].max(axis=0)
            points = np.where(seen[:, None], np.column_stack([xy, np.full(len(xy), 2.0)]), 0.0)
            notes.append({
                "id": len(notes) + 1, "image_id": i, "category_id": 1, "track_id": k.person, "iscrowd": 0,
                "num_keypoints": int(seen.sum()), "keypoints": _short(points), "scores": _short(np.where(seen, score, 0.0), 4),
                "bbox": _short(np.concatenate([low, high - low])), "area": round(float(np.prod(high - low)), 3),
            })  # fmt: skip
    skeleton = [[a + 1, b + 1] for a, b in of.pairs()]  # COCO counts points from 1 here
    category = {"id": 1, "name": "person", "supercategory": "person", "keypoints": list(of.names), "skeleton": skeleton}
    return json.dumps({"images": images, "annotations": notes, "categories": [category]}, allow_nan=False)


def write_openpose(path: Path, people: Sequence[Keypoints], check) -> list:
    """OpenPose's files, one a frame: NAME_000000000000_keypoints.json and so on, beside `path` (NAME.json), which itself
    is the file where there is one frame.  check(path) raises where a file may not be written.  The files."""
    path, count = Path(path), len(people[0])
    names = [path] if count == 1 else [path.with_name(f"{path.stem}_{i:012d}_keypoints.json") for i in range(count)]
    for name in names:
        if name != path:
            check(name)
    parts = [_openpose_parts(k) for k in people]
    for i, name in enumerate(names):
        rows = []
        for k, groups in zip(people, parts):
            body = groups["pose_keypoints_2d"][i]
            if (body[:, 2] > 0.0).any():
                rows.append({"person_id": [k.person - 1], **{group: _short(values[i]) for group, values in groups.items()}})
        write_bytes(name, json.dumps({"version": 1.3, "people": rows}, allow_nan=False).encode())
    return names


def _openpose_parts(keypoints: Keypoints) -> dict:
    """{group: (T,K,3) x y score, 0 where unseen} as OpenPose orders them: BODY_25, 70 of the face, 21 of each hand."""
    body = converted(keypoints, "openpose25")
    whole = converted(keypoints, "wholebody133")
    groups = {"pose_keypoints_2d": _triples(body, layout("openpose25").names)}
    face = [n for n in layout("wholebody133").names[23:91]]
    pupils = np.zeros((len(keypoints), 2, 3))  # 68 and 69, right and left, are not among ours
    groups["face_keypoints_2d"] = np.concatenate([_triples(whole, face), pupils], axis=1)
    for hand, s in _HANDS.items():
        names = [n for n in layout("wholebody133").names[91:] if n.endswith(f"_{s}")]
        groups[f"hand_{hand}_keypoints_2d"] = _triples(whole, names)
    for name, values in groups.items():
        # a wrist or the corners of a mouth make no hand and no face
        if name != "pose_keypoints_2d" and (values[..., 2] > 0.0).any(axis=0).sum() < _FEWEST:
            groups[name] = values[:, :0]
    return groups


def _triples(keypoints: Keypoints, names: Sequence[str]) -> np.ndarray:
    at = [layout(keypoints.layout).index(name) for name in names]
    rows = np.concatenate([keypoints.xy[:, at], keypoints.score[:, at, None]], axis=-1).astype(np.float64)
    return np.where(np.isfinite(rows).all(axis=-1, keepdims=True) & (rows[..., 2:] > 0.0), rows, 0.0)


def to_trc(motion: Motion, name: str) -> str:
    """The motion's 22 joints as markers of a TRC file: metres, Y up, as OpenSim reads them (x, z, -y of ours)."""
    if not len(motion):
        raise BadInput("no_frames", "There is no frame to write.")
    places = motion_fk(motion)[1][..., [0, 2, 1]] * [1.0, 1.0, -1.0]
    frames, fps = len(places), f"{motion.fps:g}"
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{fps}\t{fps}\t{frames}\t{len(JOINTS)}\tm\t{fps}\t1\t{frames}",
        "Frame#\tTime\t" + "\t\t\t".join(JOINTS) + "\t\t",
        "\t\t" + "\t".join(f"X{i}\tY{i}\tZ{i}" for i in range(1, len(JOINTS) + 1)),
        "",
    ]
    for i, row in enumerate(places[:, : len(JOINTS)]):
        lines.append(f"{i + 1}\t{i / motion.fps:.6f}\t" + "\t".join(f"{v:.6f}" for v in row.reshape(-1)))
    return "\n".join(lines) + "\n"


def _short(values, digits: int = 3) -> list:
    return np.round(np.asarray(values, np.float64), digits).reshape(-1).tolist()
