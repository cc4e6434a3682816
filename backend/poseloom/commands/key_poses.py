"""`animate` where key poses alone are wanted: of pictures, or picked of a video."""

from __future__ import annotations

from pathlib import Path

from .. import paths
from ..errors import BadInput
from .run import each, extras_of, outputs


def of_pictures(chosen, character, endings, default: str) -> int:
    """All pictures together become one animation."""
    from .. import key_pictures, named_pictures
    from .media import options_of

    check_unused(chosen, ("also", "overlay", "pick_keys", "min_motion", "start", "end"), "videos, not pictures")
    if chosen.camera == "moving":
        raise BadInput("bad_usage", "--camera moving belongs to videos, not pictures.", "Leave it out.")
    spacing = chosen.spacing or named_pictures.SPACING
    pictures = named_pictures.named(chosen.media, spacing)
    files = [str(picture.path) for picture in pictures]
    outs = outputs(chosen, files[:1], endings, default)
    extras, options = extras_of(chosen, 1), options_of(chosen)
    paths.check_apart(outs, files)
    return each(chosen, files[:1], outs, lambda _, out, report: told(
        key_pictures.animate_pictures(pictures, character, out, options, extras, report, spacing), out
    ))  # fmt: skip


def picked(chosen, character, endings, default: str) -> int:
    """Of each video its key poses."""
    from .. import key_pictures
    from ..motion.extremes import MIN_MOTION_M
    from .media import options_of

    check_unused(chosen, ("also", "spacing"), "whole videos or pictures, not --pick-keys")
    outs = outputs(chosen, chosen.media, endings, default)
    count = None if chosen.pick_keys == "auto" else chosen.pick_keys
    least_m = MIN_MOTION_M if chosen.min_motion is None else 0.01 * chosen.min_motion
    extras, options = extras_of(chosen, len(chosen.media)), options_of(chosen)
    return each(chosen, chosen.media, outs, lambda media, out, report: told(
        key_pictures.animate_picked(Path(media), count, least_m, character, out, options, extras, report), out
    ))  # fmt: skip


def check_unused(chosen, names, owners: str) -> None:
    """BadInput where one of these options was given, which belong to something else."""
    for name in names:
        if getattr(chosen, name):
            word = f"--{name.replace('_', '-')}"
            raise BadInput("bad_usage", f"{word} belongs to {owners}.", f"Leave out {word}.")


def told(account: dict, out: Path) -> tuple:
    at = account["keys"]
    many = "key pose on frame" if len(at) == 1 else "key poses on frames"
    sentence = f"{out}: {len(at)} {many} {', '.join(map(str, at))} at {account['fps']:g} fps (rig: {account['family']})."
    return "\n  ".join([sentence, *account["warnings"]]), account
