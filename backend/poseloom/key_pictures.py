"""Key poses of pictures, or picked of a video: what is seen, solved and put on a character, and nothing between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Optional, Sequence

import numpy as np

from . import pipelines
from .capture import AnimateOptions, estimator_of, keypoints_to_motion, lifter, media_to_keypoints, media_to_people, still_again
from .errors import BadInput
from .key_poses import Keys, singles
from .motion import extremes
from .motion.types import Keypoints, Motion
from .named_pictures import FPS, SPACING, KeyPicture
from .pipelines import Account, Character, Extras
from .progress import Report, part, silent

_HELD = 41  # frames for which a picture is held to be solved: the solver, which finds the floor, is used to clips


def pictures_to_poses(
    paths: Sequence[Path], options: AnimateOptions, report: Report = silent, warnings: Optional[list] = None
) -> Motion:
    """A row for each picture: the person's pose on one body for all, on the floor and facing as seen, at x = y = 0.

    To `warnings` are added sentences that name the picture.  BadInput "no_person" names the one that shows nobody.
    """
    from .pose import stills

    warnings = [] if warnings is None else warnings
    # a picture is seen once, so the finer model costs little; where its weights are missing, the usual one sees
    estimator = estimator_of(options, "draft" if options.quality == "draft" else "best", [])
    options = replace(options, start=None, end=None, camera="still", fps=options.fps or FPS, estimator=estimator)
    poses, told = [], []
    for i, path in enumerate(paths):
        said: list = []
        share = part(report, i / len(paths), (i + 1) / len(paths))
        seen = _person(path, options, part(share, 0.0, 0.4), said)
        if options.quality != "draft":
            seen = still_again(path, seen, options, part(share, 0.4, 0.9))
        if (stills.sureness(seen) or 1.0) < stills.SURE:
            said.append("the person is hardly recognised, so the pose is a guess.")
        poses.append(_solved(seen, options, part(share, 0.9, 1.0), said))
        told += [(Path(path).name, sentence) for sentence in said]
    for sentence in dict.fromkeys(sentence for _, sentence in told):
        names = [name for name, other in told if other == sentence]
        warnings.append(f"{', '.join(names)}: {sentence}" if len(names) < len(paths) or len(paths) == 1 else sentence)
    report(1.0, "Solved")
    return stills.alike(poses)


def _person(path: Path, options: AnimateOptions, report: Report, warnings: list) -> Keypoints:
    from .pose import stills

    if options.person:
        return media_to_people(path, options, [options.person], report, warnings)[0]
    try:
        people = media_to_people(path, options, None, part(report, 0.0, 0.5))
    except BadInput as error:
        if error.code != "no_person":
            raise
        people = []
    chosen, rivals = stills.most_central(people) if people else (0, 0)
    if rivals > 1:
        warnings.append(
            f"{rivals} people are here; number {chosen + 1}, large and near the middle, is taken (--person chooses another)."
        )
        return people[chosen]
    try:
        return media_to_keypoints(path, options, part(report, 0.5, 1.0), warnings)
    except BadInput as error:
        if error.code != "no_person":
            raise
        if people:  # seen by looking closer
            return people[chosen]
        raise BadInput(
            "no_person", error.message,
            "Leave it out, or choose a picture in which the whole body is seen; drawings are often not recognised.",
        ) from error


def _solved(seen: Keypoints, options: AnimateOptions, report: Report, warnings: list) -> Motion:
    from .motion.conversion import converted, lacking
    from .pose import in_space, stills

    # nothing slides in a still, and feet pulled onto the floor would bend its knees
    motion = keypoints_to_motion(_held(seen), replace(options, foot_lock=False), report, warnings, still=True)
    motion = singles(motion)[_HELD // 2]
    points = seen if seen.xyz is not None and not lacking(seen.layout, "blazepose") else None
    if points is None:
        lift = lifter(warnings, still=True)
        points = in_space.for_solver(seen, lift and lift(seen))
    return stills.faced(motion, converted(points, "blazepose"))


def _held(seen: Keypoints) -> Keypoints:
    rows = {name: None if (value := getattr(seen, name)) is None else np.repeat(value, _HELD, axis=0) for name in ("xy", "xyz", "score")}
    return replace(seen, **rows)


def animate_pictures(
    pictures: Sequence[KeyPicture], character: Character, out: Path, options: AnimateOptions, extras: Extras = Extras(),
    report: Report = silent, spacing: int = SPACING,
) -> dict:  # fmt: skip
    """Pictures become key poses of a character, in the file `out`; what --report writes.  BadInput as `animate`."""
    pipelines.check_ending(character, out)
    paths, keys = [picture.path for picture in pictures], Keys(tuple(picture.time for picture in pictures), spacing=spacing)
    account = Account({"input": [str(path) for path in paths], "output": str(out)})
    poses = pictures_to_poses(paths, options, part(report, 0.0, 0.7), account.warnings)
    account.lap("estimate")
    pipelines.put(poses, paths[0].stem, character, out, extras, account, part(report, 0.7, 1.0), keys)
    return account.as_dict()


def animate_picked(
    media: Path, count: Optional[int], min_motion_m: float, character: Character, out: Path, options: AnimateOptions,
    extras: Extras = Extras(), report: Report = silent,
) -> dict:  # fmt: skip
    """The key poses of a video, picked as `extremes.pick_keys` does, on a character; what --report writes."""
    pipelines.check_ending(character, out)
    account = Account({"input": str(media), "output": str(out)})
    motion = pipelines.solved(media, options, extras, account, part(report, 0.0, 0.7))
    rows = extremes.pick_keys(motion, count, min_motion_m)
    if count is not None and len(rows) < count:
        account.warnings.append(f"Only {len(rows)} of {count} key poses differ enough from what lies between the others.")
    keys = Keys(seconds=tuple(float(row / motion.fps) for row in rows))
    pipelines.put(motion, Path(media).stem, character, out, extras, account, part(report, 0.7, 1.0), keys)
    return account.as_dict()
