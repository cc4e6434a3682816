"""`animate` and `pose`: videos and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .. import formats, paths
from ..errors import BadInput
from ..motion.conversion import converted, lacking
from ..motion.layouts import layout
from ..motion.types import Keypoints
from ..progress import part
from . import key_poses
from .run import character_of, each, extra, extras_of, for_games, frames, outputs, told


def animate(chosen) -> int:
    from .. import named_pictures, pipelines

    character = character_of(chosen)
    endings, default = for_games(chosen, character)
    if named_pictures.are_meant(chosen.media):
        return key_poses.of_pictures(chosen, character, endings, default)
    if chosen.pick_keys:
        return key_poses.picked(chosen, character, endings, default)
    key_poses.check_unused(chosen, ("spacing", "min_motion"), "key poses")
    outs = outputs(chosen, chosen.media, endings, default)
    options, extras = options_of(chosen), extras_of(chosen, len(chosen.media))
    if chosen.also:
        cast = _cast(chosen, character)
        for path in {path for out in outs for path in pipelines.outputs_of(out, cast).values()} - set(outs):
            paths.check_writable(path, chosen.overwrite)
        return each(chosen, chosen.media, outs, lambda media, out, report: _told_of_several(
            pipelines.animate_several(Path(media), cast, out, options, extras, report)
        ))  # fmt: skip
    return each(chosen, chosen.media, outs, lambda media, out, report: told(
        pipelines.animate(Path(media), character, out, options, extras, report), out
    ))  # fmt: skip


def _cast(chosen, character) -> dict:
    """{person: Character} of --person, --to and --also."""
    if not chosen.person:
        raise BadInput("bad_usage", "With --also it must be said who is onto --to.", "Add --person N.")
    if chosen.joints or chosen.confidence == "csv":
        raise BadInput("one_file", "--joints and --confidence csv are files of one person.", "Leave them out, or --also.")
    cast = {chosen.person: character}
    for word in chosen.also:
        number, is_there, name = word.partition("=")
        if not is_there or not number.isdigit() or int(number) < 1:
            raise BadInput("bad_usage", f'--also "{word}" is no person and character.', "Write it as 2=hero.blend or 2=scene.blend#Anna.")
        if int(number) in cast:
            raise BadInput("bad_usage", f"Person {number} is named twice.", "Each person goes onto one character.")
        name, _, armature = name.partition("#") if not Path(name).is_file() else (name, "", "")
        cast[int(number)] = type(character).named(name, armature or None, controls=character.controls, root=character.root)
    return cast


def _told_of_several(account: dict) -> tuple:
    rows = ", ".join(f"{row['person']} (rig: {row['family']})" for row in account["people"])
    sentence = f"{', '.join(account['output'])}: {frames(account['frames'])} at {account['fps']:g} fps of people {rows}."
    return "\n  ".join([sentence, *account["warnings"]]), account


def pose(chosen) -> int:
    from ..overlay import write_overlay
    from ..pipelines import media_to_people, open_media

    _check_parts(chosen)
    outs = outputs(chosen, chosen.media, formats.KEYPOINT_ENDINGS + formats.SOLVED_ENDINGS, ".json")
    if chosen.style != "poseloom" and any(out.suffix.lower() != ".json" for out in outs):
        raise BadInput("bad_usage", f"--style {chosen.style} is one of .json files.", "End --out in .json.")
    _check_overlay(chosen)
    options, overlay = options_of(chosen), extra(chosen.overlay, chosen, len(chosen.media))
    numbers = None if chosen.person == "all" else [chosen.person]

    def see(media, out, report) -> tuple:
        warnings: list = []
        share = part(report, 0.0, 0.8 if overlay else 1.0)
        seen = media_to_people(Path(media), options, numbers, share, warnings, out.suffix.lower() in formats.KEYPOINT_ENDINGS)
        warnings += filter(None, (_unseen(person, len(seen) > 1) for person in seen))
        people = [_in_layout(person, chosen, warnings) for person in seen]
        _write(out, seen, people, chosen, options, warnings)
        if overlay:
            look = {"opacity": chosen.opacity, "threshold": chosen.threshold}
            write_overlay(overlay, open_media(Path(media), options), people, part(report, 0.8, 1.0), **look)
        who = f"{len(people)} people" if len(people) > 1 else f"person {people[0].person}"
        warnings = list(dict.fromkeys(warnings))
        sentence = "\n  ".join([f"{out}: {frames(len(people[0]))} of {who}.", *warnings])
        told = {"output": str(out), "frames": len(people[0]), "people": len(people), "warnings": warnings}
        return sentence, told

    return each(chosen, chosen.media, outs, see)


def _unseen(person: Keypoints, among_others: bool) -> str:
    """A warning where the person is not in sight for over a tenth of the frames, or over half a second; else ""."""
    count = len(person)
    missing = count - int(np.isfinite(person.xy).all(axis=2).any(axis=1).sum())
    if missing <= min(0.1 * count, 0.5 * person.fps):
        return ""
    who = f"Person {person.person} was not" if among_others else "Nobody was"
    return f"{who} seen in {missing} of {frames(count)}."


def _write(out: Path, seen: list, people: list, chosen, options, warnings: list) -> None:
    """The `people`, in their layout, as the ending of `out` and --style ask; a motion is solved of the points as `seen`."""
    from ..motion.files import write_bytes
    from ..pipelines import keypoints_to_motion, write_motion_bvh
    from ..pose import styles
    from ..pose.export import write_keypoints

    if out.suffix.lower() in formats.SOLVED_ENDINGS:
        if len(seen) > 1:
            raise BadInput("several_people", f"{out.name} holds one person, and {len(seen)} were seen.", "Choose one with --person.")
        motion = keypoints_to_motion(seen[0], options, warnings=warnings)
        if out.suffix.lower() == ".bvh":
            write_motion_bvh(out, motion)
        else:
            write_bytes(out, styles.to_trc(motion, out.name).encode())
    elif chosen.style == "coco":
        write_bytes(out, styles.to_coco(people).encode())
    elif chosen.style == "openpose":
        styles.write_openpose(out, people, lambda path: paths.check_writable(path, chosen.overwrite))
    else:
        write_keypoints(out, people)


def _check_overlay(chosen) -> None:
    """BadInput where --overlay is neither a video nor, of a picture, a picture."""
    is_picture = Path(chosen.media[0]).suffix.lower() in formats.PICTURE_ENDINGS
    endings = formats.OVERLAY_PICTURES + formats.OVERLAY_VIDEOS if is_picture else formats.OVERLAY_VIDEOS
    if chosen.overlay and Path(chosen.overlay).suffix.lower() not in endings:
        raise BadInput("unknown_format", f"--overlay {chosen.overlay} cannot be written.", f"End it in {', '.join(endings)}.")


def _check_parts(chosen) -> None:
    wrong = [] if chosen.keep is None else [part for part in chosen.keep.split(",") if part not in formats.PARTS]
    if wrong:
        raise BadInput(
            "unknown_part", f'--keep has "{wrong[0]}", which is no part of a body.', f"Name some of {', '.join(formats.PARTS)}."
        )


def _in_layout(seen: Keypoints, chosen, warnings: list) -> Keypoints:
    """The keypoints as --layout and --keep want them; to `warnings` is added which points nobody saw."""
    target = chosen.layout or seen.layout
    if chosen.keep:
        target = f"{target}:{chosen.keep}"
    names, gone = layout(target).names, lacking(seen.layout, target)
    if len(gone) == len(names):
        raise BadInput(
            "no_such_points", f'The layout "{seen.layout}", which this estimator gives, has none of these points.',
            "Choose another --layout or --keep, or an estimator that sees them.",
        )  # fmt: skip
    if gone:
        warnings.append(
            f'{len(gone)} of the {len(names)} points are left empty, as the estimator\'s layout "{seen.layout}" lacks '
            f"them: {', '.join(gone[:4])}{' ...' if len(gone) > 4 else ''}."
        )
    return converted(seen, target)


def options_of(chosen):
    from ..pipelines import AnimateOptions

    return AnimateOptions(
        quality=chosen.quality, estimator=paths.estimator(chosen.estimator, chosen.model, chosen.checkpoint), camera=chosen.camera,
        person=0 if chosen.person == "all" else chosen.person,
        processes=chosen.processes, reuse=not chosen.fresh,
        start=chosen.start, end=chosen.end, fps=chosen.fps,
        height_m=getattr(chosen, "height", None), smooth_hz=getattr(chosen, "smooth_hz", 6.0),
        foot_lock=not getattr(chosen, "no_foot_lock", False), hands=getattr(chosen, "hands", None), face=getattr(chosen, "face", None),
    )  # fmt: skip
