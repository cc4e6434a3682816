"""The headless guides: where people are before a camera of the scene, and what it sees of depth and normals."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy
import numpy as np
from poseloom.errors import BadInput
from poseloom.motion import lens, png
from poseloom.motion.resample import parse_time
from poseloom.progress import part

from .scene import figures, files, passes, strips
from .scene.clock import rate

_BELOW = 0.8  # the nearest distance in depth pictures, as a share of that of the nearest joint


def read(task: dict, report) -> dict:
    """Open the file and write what guides are drawn of into the folder task["out"].

    blend · armatures: names, or [] for all that are recognised · camera: its name, or None for the scene's · start, end,
    every: frames, both included, None for the scene's range · frames: only these, if not None · size: pixels of the
    longer side, or None · body 18 or 25 · passes: some of "depth", "normal" · keep: pictures that are there stay.
    Writes figures.npz, and depth/NNNN.png (16 bit) and normal/NNNN.png for frames in which somebody is in the picture.
    """
    report(0.0, "Opening the scene")
    files.open_scene(Path(task["blend"]))
    scene = bpy.context.scene
    if task.get("size"):
        passes.set_size(scene, task["size"])
    passes.choose(scene, task.get("camera"))
    people = figures.humanoids(scene, task.get("armatures"))
    frames = frames_of(scene, task)
    out = Path(task["out"])
    told, cameras = _look(scene, people, frames, task, part(report, 0.05, 0.3 if task.get("passes") else 1.0))
    away = [a for view, row in zip(cameras, told["points"]) for a in lens.in_camera(view, row)[..., 2][_inside(view, row)]]
    near = max(_BELOW * min(away), 1e-3) if away else 1.0
    far = max(away, default=2.0) + 2.0 * max(p.height for p in people)
    if task.get("passes"):
        seen = [f for f, view, row, shown in zip(frames, cameras, told["points"], told["shown"]) if _inside(view, row)[shown].any()]
        _render(scene, seen, task, out, near, far, part(report, 0.3, 1.0))
    try:
        np.savez(out / "figures.npz", near=near, far=far, fps=rate(scene), **told)
    except OSError as error:
        raise files.unwritable(out / "figures.npz", error) from error
    return {
        "people": [p.obj.name for p in people], "frames": len(frames), "fps": rate(scene),
        "size": list(cameras[0].size), "start": frames[0],
    }  # fmt: skip


def strip(task: dict, report) -> dict:
    """The scene task["blend"] with finished frames in its sequencer, in the file task["out"]; see `strips.add_frames`."""
    report(0.0, "Opening the scene")
    files.open_scene(Path(task["blend"]))
    scene = bpy.context.scene
    made = strips.add_frames(scene, task["stretches"], every=task["every"], name=task["name"], made=task["made"])
    report(0.5, f"Writing {Path(task['out']).name}")
    files.save(task["out"], None)
    return {"channel": made[0].channel, "strips": len(made)}


def frames_of(scene, task: dict) -> list:
    """The frames that a task names by `frames`, or by `start`, `end` and `every`."""
    if task.get("frames"):
        return sorted({int(f) for f in task["frames"]})
    start = scene.frame_start if task.get("start") is None else _frame(scene, task["start"])
    end = scene.frame_end if task.get("end") is None else _frame(scene, task["end"])
    frames = list(range(start, end + 1, max(1, int(task.get("every") or 1))))
    if not frames:
        raise BadInput("no_frames", f"There are no frames from {start} to {end}.", "Let the end come after the start.")
    return frames


def _frame(scene, time: str) -> int:
    """"12" is that frame of the scene; "1.5s" that much after its first."""
    try:
        return int(time)
    except ValueError:
        return scene.frame_start + round(parse_time(time, rate(scene)) * rate(scene))


def _look(scene, people, frames, task, report) -> tuple:
    """(arrays of every frame by name, the Camera of each)."""
    cameras, points, shown = [], [], []
    for i, frame in enumerate(frames):
        report(i / len(frames), f"Reading frame {frame}")
        scene.frame_set(frame)
        # without a name the scene's camera, which markers may change
        cameras.append(passes.view(scene, passes.choose(scene, task.get("camera"))))
        points.append([p.points(task["body"]) for p in people])
        shown.append([p.shown() for p in people])
    told = {
        "frames": np.array(frames), "points": np.array(points), "shown": np.array(shown, bool),
        "heights": np.array([p.height for p in people]), "names": np.array([p.obj.name for p in people]),
        "K": np.array([c.K for c in cameras]), "world": np.array([c.world for c in cameras]),
        "parallel": np.array([c.parallel for c in cameras]), "size": np.array(cameras[0].size), "body": task["body"],
    }  # fmt: skip
    return told, cameras


def _inside(view, points) -> np.ndarray:
    """(P,K) whether a point of the bodies is in the picture."""
    xy = lens.to_pixels(view, lens.in_camera(view, points))
    with np.errstate(invalid="ignore"):
        return (np.isfinite(xy) & (xy >= 0) & (xy <= view.size)).all(axis=-1)


def _render(scene, frames, task, out: Path, near: float, far: float, report) -> None:
    passes.prepare(scene)
    with tempfile.TemporaryDirectory(prefix="poseloom-") as folder:
        for i, frame in enumerate(frames):
            wanted = {kind: out / kind / f"{frame:04d}.png" for kind in task["passes"]}
            if task.get("keep") and all(path.is_file() for path in wanted.values()):
                continue
            report(i / len(frames), f"Rendering depth of frame {frame}")
            scene.frame_set(frame)
            camera = passes.choose(scene, task.get("camera"))
            depth, normal = passes.render(scene, camera, Path(folder))
            words = {"poseloom": f"near {near:.6g} far {far:.6g}"}
            parallel = camera.data.type == "ORTHO"
            pictures = {"depth": lens.depth_values(depth, near, far, parallel), "normal": _coloured(normal, depth)}
            for kind, path in wanted.items():
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    png.write(path, pictures[kind], words if kind == "depth" else {})
                except OSError as error:
                    raise files.unwritable(path, error) from error


def _coloured(normal, depth) -> np.ndarray:
    """Normals as colours, black where nothing is."""
    colours = np.clip(np.round(127.5 * (normal + 1.0)), 0, 255)
    return np.where(np.isfinite(depth)[..., None], colours, 0).astype(np.uint8)

