"""`render`: guides of a scene, a motion, keypoints or a video, and frames made of them."""

from __future__ import annotations

from pathlib import Path

from .. import paths
from ..errors import BadInput
from ..progress import part
from ..terminal import progress, say
from .run import frames

_PASSES = {"scene": ("depth", "normal"), "video": ("picture",)}  # what can be made beside pose maps, of what
_OWNERS = {  # the options that belong to some sources alone
    "armature": ("scene",), "camera": ("scene",), "strip": ("scene",), "passes": tuple(_PASSES), "turn": ("motion",),
    "person": ("keypoints", "video"), "estimator": ("video",),
}  # fmt: skip
_ENDINGS = {"scene": (".blend",), "motion": (".bvh", ".npz"), "keypoints": (".json", ".npz")}


def render(chosen) -> int:
    from .. import rendering

    kind, source = _source(chosen)
    out = Path(chosen.out)
    wanted = _render_options(chosen)
    strip = paths.strip_file(chosen)
    guide_options = _guide_options(chosen, kind, wanted)
    if wanted:
        rendering.check_reference(kind, wanted)
    rendering.check_out(out, chosen.overwrite, chosen.resume)
    only = chosen.guides_only
    with progress(chosen.progress, "guides") as report:
        guides = rendering.draw(
            source, guide_options, out, kind=kind, blender=chosen.blender, report=part(report, 0.0, 1.0 if only else 0.9)
        )
    made = rendering.Made(list(guides.frames), skipped=guides.told["skipped"])
    if not only:
        with progress(chosen.progress, "frames") as report:
            wanted = rendering.with_reference(
                source, kind, guide_options, wanted, out, blender=chosen.blender, report=part(report, 0.0, 0.1)
            )
            made = rendering.render(guides, wanted, part(report, 0.1, 0.98))
            rendering.sheet(guides, report=part(report, 0.98, 1.0))
    if strip:
        with progress(chosen.progress, "strip") as report:
            rendering.put_in_scene(source, guides, wanted, strip, guide_options.every, chosen.blender, report)
    say(chosen.progress, _told(out, made, only, strip), output=str(out), frames=made.drawn, made=made.made, kept=made.kept,
        skipped=made.skipped, notes=list(made.notes))  # fmt: skip
    return 0


def _source(chosen) -> tuple:
    """(what it is, as `rendering.KINDS`, and the file)."""
    given = {name: value for name in ("scene", "motion", "keypoints", "video") if (value := getattr(chosen, name))}
    if len(given) != 1:
        raise BadInput(
            "bad_usage", "Give a scene, or one of --motion, --keypoints and --video.",
            "Such as: poseloom render scene.blend --prompt TEXT --out DIR.",
        )  # fmt: skip
    ((name, value),) = given.items()
    path = Path(value)
    if path.suffix.lower() not in _ENDINGS.get(name, (path.suffix.lower(),)):
        raise BadInput("unknown_format", f"{path.name} is not what {name} takes.", f"Give a file ending in {', '.join(_ENDINGS[name])}.")
    for option, owners in _OWNERS.items():
        if getattr(chosen, option) and name not in owners:
            of = " or ".join("a scene" if owner == "scene" else f"--{owner}" for owner in owners)
            raise BadInput("bad_usage", f"--{option} belongs to {of}.", "Leave it out.")
    if not path.exists():
        raise BadInput("no_such_file", f"There is no file {path}.", "Check the path.")
    return name, path


def _guide_options(chosen, kind: str, wanted):
    from ..rendering import GuideOptions

    there = _PASSES.get(kind, ())
    words = chosen.passes.split(",") if chosen.passes else _usual(kind, wanted)
    passes = tuple(word.strip() for word in words if word.strip() and word.strip() != "none")
    for name in passes:
        if name not in there:
            raise BadInput("bad_option", f'There is no pass "{name}" of a {kind}.', f"Choose from {', '.join((*there, 'none'))}.")
    return GuideOptions(
        armatures=tuple(chosen.armature), camera=chosen.camera, start=chosen.start, end=chosen.end, every=chosen.every,
        frames=chosen.frames, size=chosen.size, body=chosen.body, hidden=chosen.hidden, passes=passes,
        yaw_deg=chosen.turn, person=chosen.person, estimator=chosen.estimator,
    )  # fmt: skip


def _usual(kind: str, wanted) -> tuple:
    if kind == "scene":
        return ("depth",) if wanted else _PASSES[kind]
    begins_from_it = kind == "video" and wanted and float(wanted.options.get("strength", 1.0)) < 1.0
    return ("picture",) if begins_from_it else ()


def _render_options(chosen):
    from ..rendering import RenderOptions, method_for, read_options

    if chosen.guides_only:
        return None
    method = chosen.method or method_for(chosen.model)
    if not chosen.prompt and method != "embedded":
        raise BadInput("no_prompt", "There is no prompt.", 'Say what the frames show: --prompt "...", or add --guides-only.')
    given = dict(chosen.set)
    if chosen.model:
        given["model"] = chosen.model
    return RenderOptions(
        prompt=chosen.prompt or "", negative=chosen.negative, seed=chosen.seed, reference=chosen.reference,
        method=method, options=read_options(method, given),
    )  # fmt: skip


def _told(out: Path, made, only: bool, strip) -> str:
    if only:
        sentence = f"{out}: guides of {frames(len(made.drawn))}."
    else:
        sentence = f"{out}: {frames(len(made.made))} made" + (f", {len(made.kept)} kept" if made.kept else "") + "."
    sentence += "".join(f"\n  {note[:1].upper()}{note[1:]}." for note in made.notes)
    for reason in dict.fromkeys(row["why"] for row in made.skipped):
        numbers = [str(row["frame"]) for row in made.skipped if row["why"] == reason]
        many = f"{', '.join(numbers[:8])}{' and more' if len(numbers) > 8 else ''}"
        sentence += f"\n  Left out, a gap stays: {frames(len(numbers))} ({many}), where {reason}."
    return sentence + (f"\n  {strip}: the scene with the frames in its sequencer." if strip else "")
