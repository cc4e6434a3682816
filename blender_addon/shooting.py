"""`blender --command poseloom render`: the backend makes guides and frames, this Blender puts them into a sequencer."""

from __future__ import annotations

from pathlib import Path

import bpy
from poseloom import client, paths
from poseloom.errors import BadInput
from poseloom.progress import part

from . import backend

_PASSES = ("depth", "normal")


def render(chosen, report) -> str:
    """Do what the words say; a sentence on what was made.  A backend that was started for it is stopped after it."""
    wish = _wish(chosen)
    strip = paths.strip_file(chosen)
    choice = backend.choice(chosen.backend or "")
    found = backend.find(choice)
    running = found or backend.ensure(choice, lambda fraction, text: None)
    if not running.local:
        raise BadInput("backend_elsewhere", "The backend is on another computer, which has no such folders.", "Use one here.")
    try:
        scene = str(Path(chosen.scene).absolute())
        told = backend.rendered(running, scene, wish, wish["folder"], part(report, 0.0, 0.95))
    finally:
        if found is None:
            client.stop_backend(running)
    if strip:
        _put(chosen, told, strip, part(report, 0.95, 1.0))
    return _said(chosen, told, strip)


def _wish(chosen) -> dict:
    """The options of a backend's job."""
    if not chosen.scene:
        raise BadInput("bad_usage", "There is no scene.", 'Such as: render scene.blend --prompt "..." --out frames/.')
    if not Path(chosen.scene).is_file():
        raise BadInput("no_such_file", f"There is no file {chosen.scene}.", "Check the path.")
    if not chosen.prompt and not chosen.guides_only and (chosen.model or chosen.method == "controlnet"):
        way = 'Say what the frames show: --prompt "...", or add --guides-only.'
        raise BadInput("no_prompt", "There is no prompt.", way)
    passes = _PASSES if chosen.guides_only else _PASSES[:1]
    if chosen.passes is not None:
        passes = [word.strip() for word in chosen.passes.split(",") if word.strip() not in ("", "none")]
    for name in passes:
        if name not in _PASSES:
            way = f"Choose from {', '.join((*_PASSES, 'none'))}."
            raise BadInput("bad_option", f'There is no pass "{name}" of a scene.', way)
    options = {
        "armatures": list(chosen.armature), "camera": chosen.camera, "start": chosen.start, "end": chosen.end,
        "every": chosen.every, "frames": list(chosen.frames), "size": chosen.size, "body": chosen.body,
        "hidden": chosen.hidden, **{name: name in passes for name in _PASSES}, "prompt": chosen.prompt or "",
        "negative": chosen.negative, "seed": chosen.seed, "method": chosen.method or "",
        "reference": chosen.reference and str(Path(chosen.reference).absolute()), "guides_only": chosen.guides_only,
        "options": dict(chosen.set) | ({"model": chosen.model} if chosen.model else {}),
        "folder": str(Path(chosen.out).absolute()), "resume": chosen.resume, "overwrite": chosen.overwrite,
        "blender": bpy.app.binary_path or None,
    }  # fmt: skip
    return {name: value for name, value in options.items() if value is not None}


def _put(chosen, told: dict, strip: Path, report) -> None:
    from . import guiding

    named = {name: told[name] for name in ("name", "stretches", "every", "made")}
    guiding.strip({"blend": str(Path(chosen.scene).absolute()), "out": str(strip.absolute()), **named}, report)


def _said(chosen, told: dict, strip) -> str:
    made = f"guides of {len(told['drawn'])} frames"
    if not chosen.guides_only:
        made = f"{len(told['made_now'])} frames made, {len(told['kept'])} kept"
    text = f"{chosen.out}: {made}"
    for why in dict.fromkeys(row["why"] for row in told["skipped"]):
        numbers = [str(row["frame"]) for row in told["skipped"] if row["why"] == why]
        many = ", ".join(numbers[:8]) + (" and more" if len(numbers) > 8 else "")
        text += f"\n  left out, a gap stays: {many}, where {why}"
    return text + (f"\n  {strip}: the scene with the frames in its sequencer" if strip else "")
