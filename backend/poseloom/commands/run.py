"""What the verbs share: outputs by the rules of --out, one input after the other, what was made."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Optional, Sequence

from .. import formats, paths
from ..errors import BadInput, Cancelled, PoseloomError, of_any
from ..terminal import complain, progress, say

PROG = "poseloom"
SOME_FAILED = 3


def each(chosen, inputs: Sequence[str], outs: list, do: Callable) -> int:
    """One after the other; with several, one that fails does not stop the rest."""
    failed = 0
    for name, out in zip(inputs, outs):
        try:
            with progress(chosen.progress, Path(name).name) as report:
                sentence, values = do(name, out, report)
            say(chosen.progress, sentence, **values)
        except Cancelled:
            raise
        except (PoseloomError, OSError) as error:
            if len(inputs) == 1:
                raise
            failure = of_any(error)
            complain(f"{PROG}: {name}", failure, chosen.progress)
            failed += 1
    if failed:
        say(chosen.progress, f"{len(inputs) - failed} of {len(inputs)} clips done, {failed} failed.", failed=failed)
    return SOME_FAILED if failed else 0


def told(account: dict, out: Path) -> tuple:
    sentence = f"{out}: {frames(account['frames'])} at {account['fps']:g} fps (rig: {account['family']})."
    for warning in account["warnings"]:
        sentence += f"\n  {warning}"
    return sentence, account


def frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"


def outputs(chosen, inputs, endings, default: str) -> list:
    for name in inputs:
        if not Path(name).exists() and not any(mark in name for mark in "%*?"):
            raise BadInput("no_such_file", f"There is no file {name}.", "Check the path.")
    outs = paths.outputs(inputs, chosen.out, endings, default, chosen.overwrite)
    paths.check_apart(outs, sources(chosen, inputs))
    for table in paths.tables(chosen, outs):
        paths.check_writable(table, chosen.overwrite)
    return outs


def sources(chosen, inputs: Sequence[str]) -> list:
    """All files that a run reads, and perhaps words that name none."""
    return [*inputs, getattr(chosen, "to", None), getattr(chosen, "settings", None)]


def character_of(chosen):
    """The Character of --to, with how it is to be keyed."""
    from ..pipelines import Character

    root = chosen.root.replace("-", "_")
    return Character.named(chosen.to, chosen.armature, controls=chosen.controls, root=root, rest=chosen.rest)


def game_of(chosen) -> Optional[dict]:
    return {"root_bone": chosen.root_bone, "fps": chosen.fps} if getattr(chosen, "game", False) else None


def for_games(chosen, character) -> tuple:
    """(the endings that --out may have, the one of files in a folder)."""
    if chosen.root_bone and not chosen.game:
        raise BadInput("bad_usage", "--root-bone belongs to --game.", "Add --game.")
    if chosen.game and character.is_bvh:
        raise BadInput("no_mesh", "A .bvh skeleton cannot be written for games.", "Leave out --game.")
    if chosen.game:
        return formats.GAME_ENDINGS, formats.GAME_ENDINGS[0]
    return formats.ANIMATION_ENDINGS, ".bvh" if character.is_bvh else ".blend"


def extras_of(chosen, count: int):
    from ..pipelines import Extras

    names = {"overlay": ".mp4", "joints": ".npz", "report": ".json"}
    for name, ending in names.items():
        ending_of(name, getattr(chosen, name, None), ending)
    given = {name: extra(getattr(chosen, name, None), chosen, count) for name in names}
    return Extras(**given, blender=chosen.blender, game=game_of(chosen), confidence=getattr(chosen, "confidence", None))


def ending_of(name: str, given: Optional[str], ending: str) -> None:
    if given and Path(given).suffix.lower() != ending:
        raise BadInput("unknown_format", f"--{name} {given} does not end in {ending}.", f"End it in {ending}.")


def extra(path: Optional[str], chosen, count: int) -> Optional[Path]:
    if path is None:
        return None
    if count > 1:
        raise BadInput("one_file", f"{path} is one file, but there are several inputs.", "Give one input at a time.")
    paths.check_writable(Path(path), chosen.overwrite)
    paths.check_apart([Path(path)], sources(chosen, getattr(chosen, "media", None) or chosen.clips))
    return Path(path)
