"""From media to motion: the estimator, the camera, one person, the solver; in this order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional

from . import quality, recall
from .errors import BadInput, Unavailable
from .formats import CAMERAS
from .memory import handing_back
from .motion.conversion import converted
from .motion.layouts import layout
from .motion.resample import resample
from .motion.together import together
from .motion.types import Keypoints, Motion
from .progress import Report, part, silent

WHOLE = "holistic139"  # the layout that tells of hands and face, with a body before them
SEES_WHOLE = "holistic"  # the estimator that gives it
SHORTEST_M, TALLEST_M = 0.3, 3.0
_GLANCE_S = 1.0  # of a stretch in which nobody was seen, to find out whether somebody is there


@dataclass(frozen=True)
class AnimateOptions:
    """What a user may choose; times are "12" (a frame) or "1.5s" (seconds).

    quality one of quality.PRESETS, estimator None: the preset's; person from 1 on of everyone there is, 0: the main one,
    where everyone is looked for only if they are lost; camera "still" or "moving"; processes None: as the clip's length
    asks; reuse: what the estimator saw of the same media before is taken.  hands and face: True wants them, and an
    estimator that sees them where none is named; False leaves them out; None takes what is seen.
    """

    quality: str = "good"
    estimator: Optional[str] = None
    person: int = 0
    height_m: Optional[float] = None
    camera: str = "still"
    start: Optional[str] = None
    end: Optional[str] = None
    fps: Optional[float] = None
    smooth_hz: float = 6.0
    foot_lock: bool = True
    processes: Optional[int] = None
    reuse: bool = False
    hands: Optional[bool] = None
    face: Optional[bool] = None

    def __post_init__(self):
        quality.preset(self.quality)
        if self.camera not in CAMERAS:
            raise BadInput("bad_option", f'There is no camera "{self.camera}".', f"Choose one of {', '.join(CAMERAS)}.")
        if self.height_m is not None and not SHORTEST_M <= self.height_m <= TALLEST_M:
            raise BadInput(
                "bad_height", f"A height of {self.height_m:g} m is not a person's.",
                f"Give metres, from {SHORTEST_M:g} to {TALLEST_M:g}.",
            )  # fmt: skip


def media_to_keypoints(
    path: Path, options: AnimateOptions, report: Report = silent, warnings: Optional[list] = None
) -> Keypoints:
    """Decode and estimate: the chosen person's keypoints.

    To `warnings` are added sentences on what could not be read of the clip.
    """
    return media_to_people(path, options, [options.person], report, warnings)[0]


def media_to_people(
    path: Path, options: AnimateOptions, numbers: Optional[list] = None, report: Report = silent,
    warnings: Optional[list] = None, bodiless: bool = False,
) -> list[Keypoints]:  # fmt: skip
    """The same for several: those with these `numbers` in that order, None: all there are; [0] is the main one alone.

    bodiless: people of whom a picture shows hands alone are welcome too; else that is BadInput "no_person".
    """
    everyone = numbers != [0]
    warnings = [] if warnings is None else warnings
    clip = open_media(path, options)
    asked = {
        "estimator": estimator_of(options, options.quality, warnings),
        "start_s": clip.start_s, "end_s": clip.end_s, "fps": clip.fps,
    }  # fmt: skip
    if everyone:
        asked["everyone"] = True
    moving = options.camera == "moving"
    most = 0.8 if moving else 1.0
    people = _look(clip, asked, options, everyone, part(report, 0.0, most if everyone else 0.9 * most))
    warnings += clip.warnings
    if not _has_body(people[0]):
        if not bodiless:
            raise BadInput(
                "no_person", f"{Path(path).name} shows hands alone, and a pose needs a body.",
                "Choose one in which the whole body is seen.",
            )  # fmt: skip
        if len(people) > 1 and not everyone:
            warnings.append(f"These are the hands of one of {len(people)} people: --person all gives them all.")
    if everyone:
        chosen = [_person(n, people, path) for n in numbers or range(1, len(people) + 1)]
    else:
        chosen = [_sought(path, people[0], asked, options, part(report, 0.9 * most, most))]
        if chosen[0] is not people[0]:
            asked["sought"] = True
    if moving:
        share = 0.2 / len(chosen)
        chosen = [
            _followed(clip, person, {**asked, "view": person.person}, options, part(report, 0.8 + i * share, 0.8 + (i + 1) * share))
            for i, person in enumerate(chosen)
        ]
    return [_of_one_person(person, warnings) for person in chosen]


def still_again(path: Path, seen: Keypoints, options: AnimateOptions, report: Report = silent) -> Keypoints:
    """The person `seen` in a single picture, as the mean of several looks at them; taken from before where that is allowed."""
    from .pose import again, files_of, load

    clip, estimator = open_media(path, options), estimator_of(options, options.quality, [])
    asked = {"estimator": estimator, "looks": [[look.mirrored, look.tilt_rad] for look in again.LOOKS], "person": seen.xy[0, :33].tolist()}
    name = recall.key([*clip.source.files, *files_of(estimator)], asked) if options.reuse else ""
    known = recall.load(name) if name else None
    if known is not None:
        return known[0][0]
    seen = again.seen_again(load(estimator)(), clip, seen, report)
    if name:
        recall.keep(name, [seen], [])
    return seen


def estimator_of(options: AnimateOptions, preset: str, warnings: list) -> str:
    """The estimator named, else one that sees what is wanted, else the one of the quality `preset`; `warnings` as
    `quality.estimator`."""
    wanted = SEES_WHOLE if options.hands or options.face else None
    return quality.estimator(preset, options.estimator or wanted, warnings)


def _has_body(seen: Keypoints) -> bool:
    of = layout(seen.layout)
    return bool(seen.score[:, [name not in of.fine for name in of.names]].any())


def _person(number: int, people: list, path: Path) -> Keypoints:
    if not 1 <= number <= len(people):
        raise BadInput(
            "no_such_person",
            f"Person {number} was asked for, but {len(people)} "
            f"{'person was' if len(people) == 1 else 'people were'} found in {Path(path).name}.",
            f"Choose a person from 1 to {len(people)}." if len(people) > 1 else "Leave out --person.",
        )
    return people[number - 1]


def _look(clip, asked: dict, options: AnimateOptions, everyone: bool, report: Report) -> list[Keypoints]:
    """The main person, or everyone in the clip, taken from before where that is allowed."""
    from .pose import files_of, split

    if not options.reuse:
        return split.estimate(asked["estimator"], clip, options.processes, report, everyone)
    name = recall.key([*clip.source.files, *files_of(asked["estimator"])], asked, part(report, 0.0, 0.02))
    known = recall.load(name)
    if known is not None:
        people, clip.warnings = known
        report(1.0, "seen before")
        return people
    people = split.estimate(asked["estimator"], clip, options.processes, part(report, 0.02, 1.0), everyone)
    recall.keep(name, people, clip.warnings)
    return people


def _sought(path: Path, seen: Keypoints, asked: dict, options: AnimateOptions, report: Report) -> Keypoints:
    """The main person `seen`, found among everyone where they were lost for long while somebody was in sight."""
    from .media import Clip
    from .pose import sought, stretches

    one, others = stretches.of_one_person(seen)
    gap = sought.lost(one)
    if gap is None:
        return seen
    clip, asked = open_media(path, options), {**asked, "everyone": True}
    try:
        if not others:
            first = clip.start_s + gap[0] / clip.fps
            end = clip.start_s + min(gap[1] / clip.fps, gap[0] / clip.fps + _GLANCE_S)
            glance = Clip(clip.source, first, end, clip.fps)
            _look(glance, {**asked, "start_s": first, "end_s": end}, options, True, part(report, 0.0, 0.1))
        report(0.1, "looking for everyone")
        found = sought.found(one, _look(clip, asked, options, True, part(report, 0.1, 1.0)))
    except BadInput as error:
        if error.code != "no_person":
            raise
        return seen
    return seen if found is one else found


def _followed(clip, person: Keypoints, asked: dict, options: AnimateOptions, report: Report) -> Keypoints:
    """The keypoints with the view of a camera that moved, taken from before where that is allowed."""
    from .pose import background

    name = recall.key(clip.source.files, asked) if options.reuse else ""
    known = recall.load(name) if name else None
    if known is not None:
        return known[0][0]
    person = replace(person, view=background.follow(clip, person, report))
    if name:
        recall.keep(name, [person], [])
    return person


def _of_one_person(seen: Keypoints, warnings: list) -> Keypoints:
    from .pose import stretches

    seen, others = stretches.of_one_person(seen)
    for first, end in others:
        times = [f"{seen.start_s + frame / seen.fps:.2f} s" for frame in (first, end)]
        warnings.append(f"From {times[0]} to {times[1]} somebody else was seen in this person's stead; these frames count as unseen.")
    return seen


def open_media(path: Path, options: AnimateOptions):
    """The Clip of a video or of pictures, from --start to --end at --fps; a draft's at half its rate."""
    from .media import Clip, open_clip

    clip = open_clip(path, start=options.start, end=options.end, fps=options.fps)
    if not _halved(options) or clip.fps < quality.FEWEST_FPS:
        return clip
    return Clip(clip.source, clip.start_s, clip.end_s, 0.5 * clip.fps)


def _halved(options: AnimateOptions) -> bool:
    return quality.preset(options.quality).thrifty and options.fps is None


@handing_back()
def keypoints_to_motion(
    keypoints: Keypoints, options: AnimateOptions, report: Report = silent, warnings: Optional[list] = None,
    still: bool = False,
) -> Motion:  # fmt: skip
    """Solve: constant bones, joint rotations, feet on the floor; shots of a clip that cuts each by itself.

    still: it is a single picture, held for a while.
    To `warnings` are added sentences on what was done apart or could not be.
    """
    from .pose import clean, faces, hands, in_space, stills, stretches, view
    from .pose.doubts import doubts
    from .pose.solve import solve

    warnings = [] if warnings is None else warnings
    whole = keypoints
    if whole.layout == WHOLE:
        keypoints = converted(whole, "blazepose")
    lift = lifter(warnings, still)
    apart = stretches.cut_apart(keypoints)
    motions = []
    for number, stretch in enumerate(apart):
        share = part(report, number / len(apart), (number + 1) / len(apart))
        seen, lost = view.steadied(clean.without_cut_off_legs(stretch.keypoints))
        if lost:
            warnings.append(f"In {lost:.0%} of the frames the camera turns too far away from where it looked; they count as unseen.")
        lifted = [lift and lift(seen, part(share, 0.0, 0.2))]
        seen = in_space.for_solver(seen, lifted[0])
        if still and lift:
            seen, lifted[0] = stills.agreed(seen, lifted[0])
        motions.append(solve(
            seen, height_m=options.height_m, smooth_hz=options.smooth_hz, foot_lock=options.foot_lock,
            lifted=lifted.pop(), report=part(share, 0.2, 1.0),  # not held while it is worked on
        ))  # fmt: skip
        warnings += doubts(seen, motions[-1])
    if len(apart) > 1:
        times = ", ".join(f"{keypoints.start_s + s.first / keypoints.fps:.2f} s" for s in apart[1:])
        warnings.append(
            f"The clip cuts at {times}: its {len(apart)} shots are solved apart, each beginning where the one before ended."
        )
    motion = stretches.join(motions, options.foot_lock)
    if whole.layout == WHOLE:
        motion = motion if options.hands is False else hands.with_hands(motion, whole)
        motion = motion if options.face is False else faces.with_face(motion, whole)
    elif options.hands or options.face:
        warnings.append(f'Hands and face were asked for, but this estimator does not see them in space: try "{SEES_WHOLE}".')
    few = 0.5 * quality.FEWEST_FPS <= motion.fps < quality.FEWEST_FPS
    return resample(motion, 2.0 * motion.fps) if few and _halved(options) else motion


def people_to_motions(
    people: list[Keypoints], options: AnimateOptions, report: Report = silent, warnings: Optional[list] = None
) -> list[Motion]:
    """The motions of several people of one clip, on one floor; `warnings` as `keypoints_to_motion`, with numbers."""
    motions: list[Motion] = []
    for i, seen in enumerate(people):
        said: list = []
        share = part(report, i / len(people), (i + 1) / len(people))
        motions.append(keypoints_to_motion(seen, options, share, said))
        if warnings is not None:
            warnings += [f"Person {seen.person}: {sentence}" for sentence in said]
    return together(motions, people)


def lifter(warnings: list, still: bool = False):
    """The lifter, of clips or of a `still`, where it and onnxruntime are there; else None, and to `warnings` is added how
    to get it."""
    from .pose.lift import MODEL, STILL, Lifter

    try:
        return Lifter(STILL if still else MODEL)
    except Unavailable as error:
        warnings.append(f"Depth is by the estimator alone, without the lifter: {error}")
        return None


def media_to_motion(path: Path, options: AnimateOptions, report: Report = silent) -> tuple[Keypoints, Motion]:
    seen = media_to_keypoints(path, options, part(report, 0.0, 0.9))
    return seen, keypoints_to_motion(seen, options, part(report, 0.9, 1.0))
