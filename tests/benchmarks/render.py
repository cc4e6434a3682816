"""How exact guides are, and how well and fast frames are made of them.

    python tests/benchmarks/render.py [--torch PYTHON [--checkpoint FOLDER] [--overhead] [--gpu]] [--json FILE]

`guide_px_max`: the largest distance in pixels between the middle of a joint as drawn and where Blender's own
`world_to_camera_view` has it, over twenty cameras (five lenses, shifts, fits and places in each of four renders).

PYTHON is one that has the extra `render`; FOLDER a checkpoint of tiny_checkpoint.py --character.  What those figures are
stands in render_frames.py.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SCRIPTS = Path(__file__).resolve().parents[1] / "blender"


def main(words=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--torch", metavar="PYTHON")
    parser.add_argument("--checkpoint", metavar="FOLDER")
    parser.add_argument("--overhead", action="store_true")
    parser.add_argument("--gpu", action="store_true")
    chosen = parser.parse_args(words)
    found = guide_px(sys.executable)
    if chosen.checkpoint:
        found |= _frames(chosen.torch, "consistency", chosen.checkpoint)
    for name in ("overhead", "gpu"):
        found |= _frames(chosen.torch, name) if getattr(chosen, name) else {}
    for name, value in found.items():
        print(f"{name:20} {value:8.3f}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1))
    return 0


def _frames(python, *words) -> dict:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [str(python), str(root / "tests/benchmarks/render_frames.py"), *words], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(root / "backend")},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))[7:])


def guide_px(python, character: str = "mixamo") -> dict:
    """{"guide_px_max", "guide_joints"} of the Blender in `python`."""
    with tempfile.TemporaryDirectory(prefix="poseloom-") as folder:
        done = subprocess.run(
            [str(python), str(SCRIPTS / "scene_guides.py"), character, folder], capture_output=True, text=True, timeout=300
        )
        if done.returncode:
            raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
        line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
        off = [
            distance for number, told in enumerate(json.loads(line[7:])["joints"])
            for distance in distances(Path(folder) / str(number) / "figures.npz", told)
        ]  # fmt: skip
    return {"guide_px_max": max(off), "guide_joints": len(off)}


def distances(figures: Path, told: dict) -> list:
    """Pixels, for every joint well inside the picture, each drawn alone so that none covers another."""
    from poseloom.motion import openpose
    from poseloom.render import cast, guides

    people, names, found = cast.load(figures), openpose.names(18), []
    for i, frame in enumerate(people.frames):
        for name, at in told[str(frame)].items():
            points = np.full((1, len(names), 3), np.nan)
            points[0, names.index(name)] = people.points[i, 0, names.index(name)]
            picture = guides.make(frame, [1], points, people.camera(i)).pose.sum(axis=2).astype(float)
            if (np.array(at) < 12).any() or (np.array(at) > np.array(people.size) - 12).any():
                continue
            y, x = np.mgrid[: people.size[1], : people.size[0]] + 0.5
            middle = np.array([(x * picture).sum(), (y * picture).sum()]) / picture.sum()
            found.append(float(np.hypot(*(middle - at))))
    return found


if __name__ == "__main__":
    sys.exit(main())
