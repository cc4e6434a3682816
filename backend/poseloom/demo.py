"""`poseloom demo`: the sample clip through the whole chain, and what comes of it side by side."""

from __future__ import annotations

import json
import os
import tempfile
import time
from importlib import resources
from pathlib import Path
from typing import Callable, Iterator, Optional

import numpy as np

from . import pipelines, rendering
from .errors import BadInput, Unavailable
from .motion.files import write_bytes
from .motion.layouts import layout
from .motion.skeleton import motion_fk
from .motion.types import Keypoints, Motion
from .pipelines import Account, AnimateOptions, Character, Extras
from .progress import Report, part

NAMES = ("demo.blend", "demo.mp4", "demo.bvh", "keypoints.json", "report.json", "diffusion.png")
SIDE_PX = 480
FRAMES, FRAME_PX = 8, 256  # by diffusion
_POINTS = {"upper_arm": "shoulder", "forearm": "elbow", "thigh": "hip", "shin": "knee", "foot": "ankle"}


def sample_clip() -> Path:
    """The clip that ships with Poseloom."""
    clip = Path(str(resources.files("poseloom.assets") / "sample.mp4"))
    if not clip.is_file():
        raise BadInput("no_sample", "The sample clip is not installed.", "Install poseloom again.")
    return clip


def make(
    folder: Path, *, preset: str = "mixamo", blender: Optional[str] = None, overwrite: bool = False,
    stage: Callable[[str], Report] = lambda title: lambda fraction, text: None,
) -> dict:  # fmt: skip
    """Make the files of NAMES and the folder "diffusion" in `folder`: {"text": what was made and how to open it, ...}.

    `stage(title)` is asked for the report of each stage as it begins.
    """
    from .overlay import frames as overlay_frames
    from .pose.export import write_keypoints

    clip = sample_clip()
    if not overwrite and any((folder / name).exists() for name in NAMES):
        raise BadInput("exists", f"{folder} holds a demo already.", "Add --overwrite, or choose another --out.")
    folder.mkdir(parents=True, exist_ok=True)
    began_s = time.perf_counter()
    options, account = AnimateOptions(), Account({"input": clip.name, "output": str(folder)})
    copied = folder / clip.name
    write_bytes(copied, clip.read_bytes())

    report = stage("See")
    seen = pipelines.media_to_keypoints(copied, options, report, account.warnings)
    write_keypoints(folder / "keypoints.json", [seen])
    account.lap("estimate")

    motion = pipelines.keypoints_to_motion(seen, options, stage("Solve"), account.warnings)
    account.note_seen(seen)
    pipelines.write_motion_bvh(folder / "demo.bvh", motion)
    account.lap("solve")

    with tempfile.TemporaryDirectory(prefix="poseloom-") as pictures:
        extras = Extras(
            blender=blender,
            movie={"path": str(copied.resolve()), "fps": seen.fps, "stored": f"//{copied.name}"},
            playblast={
                "folder": pictures, "size": [SIDE_PX, SIDE_PX], "step": 1, "yaw_rad": camera_yaw_rad(seen, motion),
                "keep_camera": True,
            },
        )  # fmt: skip
        pipelines.put(motion, "demo", Character(preset=preset), folder / "demo.blend", extras, account, stage("Bake"))
        left = overlay_frames(pipelines.open_media(copied, options), [seen], stage("Film"))
        _film(folder / "demo.mp4", left, account.values.pop("pictures"), seen.fps)
    account.lap("film")

    try:
        _diffuse(folder, account, blender, stage("Diffusion"))
    except Unavailable as error:  # the chain up to here needs neither onnxruntime nor the embedded model
        account.warnings.append(f"There are no frames by diffusion: {error}")
    account.lap("diffusion")

    account.values["seconds_in_all"] = round(time.perf_counter() - began_s, 2)
    write_bytes(folder / "report.json", json.dumps(account.as_dict(), indent=2).encode())
    return {"text": _text(folder, account), "output": str(folder), "seconds": account.values["seconds_in_all"]}


def _diffuse(folder: Path, account: Account, blender: Optional[str], report: Report) -> None:
    """Frames of the character by the embedded model, evenly over the clip: a folder, a contact sheet, a strip in demo.blend."""
    scene, out = folder / "demo.blend", folder / "diffusion"
    count = account.values["frames"]
    every = max(1, count // FRAMES)
    options = rendering.GuideOptions(frames=tuple(range(1, count + 1, every))[:FRAMES], size=FRAME_PX)
    wish = rendering.RenderOptions()
    rendering.check_out(out, overwrite=True, resume=False)
    guides = rendering.draw(scene, options, out, blender=blender, report=part(report, 0.0, 0.3))
    wish = rendering.with_reference(scene, "scene", options, wish, out, blender=blender, report=part(report, 0.3, 0.5))
    rendering.render(guides, wish, part(report, 0.5, 0.7))
    write_bytes(folder / "diffusion.png", rendering.sheet(guides, FRAMES, part(report, 0.7, 0.8)).read_bytes())
    rendering.put_in_scene(scene, guides, wish, scene, every, blender, part(report, 0.8, 1.0))


def camera_yaw_rad(seen: Keypoints, motion: Motion) -> float:
    """How far the clip's camera is turned, counterclockwise from above, from one that looks along +Y.

    The turn that best lays what was seen, in the camera's own axes, on the solved joints.
    """
    if seen.xyz is None:
        return 0.0
    names = layout(seen.layout).names
    pairs = [(f"{joint}_{side}", f"{point}_{side}") for joint, point in _POINTS.items() for side in "lr"]
    points = np.asarray(seen.xyz, np.float64)[:, [names.index(point) for _, point in pairs], :2]
    joints = motion_fk(motion)[1][:, [motion.skeleton.index(joint) for joint, _ in pairs], :2]
    clear = np.isfinite(points).all(axis=(1, 2))
    (ax, ay), (bx, by) = ((p - p.mean(axis=1, keepdims=True))[clear].reshape(-1, 2).T for p in (points, joints))
    return float(np.arctan2(np.sum(ax * by - ay * bx), np.sum(ax * bx + ay * by)))


def _film(path: Path, left: Iterator[np.ndarray], pictures: list, fps: float) -> None:
    from .media import write_video

    write_video(path, (_side_by_side(a, _picture(b)) for a, b in zip(left, pictures)), fps)


def _side_by_side(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Both at the height of the right one."""
    import cv2

    height = right.shape[0]
    width = round(left.shape[1] * height / left.shape[0])
    if left.shape[0] != height:
        left = cv2.resize(left, (width, height), interpolation=cv2.INTER_AREA)
    return np.concatenate([left, right], axis=1)


def _picture(path: str) -> np.ndarray:
    import cv2

    return cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)


def _text(folder: Path, account: Account) -> str:
    where = os.path.relpath(folder)
    frames, seconds = account.values["frames"], account.values["seconds_in_all"]
    what = {
        "demo.blend": "the character with its new Action; open it in Blender 4.2 or later and press Space",
        "demo.mp4": "the clip with what was seen in it, and the character, side by side; any player shows it",
        "demo.bvh": "the motion on a plain skeleton, for any 3D program",
        "keypoints.json": "where the joints were seen in each frame",
        "diffusion.png": f"{FRAMES} poses, the character in them by the embedded diffusion model, and the poses found in that",
        "report.json": "what was found, how long each stage took, and doubts",
    }
    what = {name: text for name, text in what.items() if (folder / name).is_file() or name == "report.json"}
    lines = [f"Made from {frames} frames in {seconds:.0f} s:"]
    return "\n".join(lines + [f"  {where}/{name:<16}{text}" for name, text in what.items()] + account.warnings)
