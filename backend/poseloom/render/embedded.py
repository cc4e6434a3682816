"""Frames by the small model that ships with Poseloom: this character, of a reference picture, in that pose; no torch.

One person in a square; where the pictures are larger or wider, what is made is enlarged, and its edges go on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Mapping, Optional, Sequence

import numpy as np

from .. import sessions
from ..errors import BadInput, Unavailable
from ..motion import openpose
from ..motion.pictures import Frames, Guides, Shot
from ..progress import Report, silent
from . import encoding, framing, scaling, warping

MODEL = Path(__file__).parents[1] / "models" / "render"
FILES = ("model.json", "guide.onnx", "denoiser.onnx")
FORMAT, VERSION = "poseloom-render", 2
CONDITION = ("fine", "coarse", "sources")  # what the guide tells the denoiser
_AGAIN = "It comes with Poseloom's source: install that again, or name a checkpoint by --model."
_WHO = "The embedded model"


@dataclass(frozen=True)
class Options:
    """steps of denoising; noise 0..1: how strong what frames begin with is, less makes them calmer and softer;
    shared_noise: all begin with the same; weights: a folder in place of the model that ships; threads 0: as many as there
    are cores."""

    steps: int = 4
    noise: float = 0.2
    shared_noise: bool = True
    weights: str = ""
    threads: int = 0

    def __post_init__(self):
        if not 0.0 <= self.noise <= 1.0:
            raise BadInput("bad_option", f'The option "noise" is {self.noise}.', "Choose from 0 to 1.")


class Embedded:
    """Renders guides by the embedded model, loaded once."""

    def __init__(self, options: Options = Options(), network=None):
        """network: in place of the ONNX files (see `posed.Network`)."""
        self.options = options
        self.network = network or Network(Path(options.weights) if options.weights else MODEL, options.threads)
        self.network.schedule(options.steps)

    def __call__(
        self, guides: Sequence[Guides], shot: Shot, report: Report = silent, made: Mapping[int, Frames] = {}
    ) -> Iterator[Frames]:
        """See `Renderer`; frames come in order.  BadInput without a reference picture whose pose is known."""
        if shot.reference is None:
            raise BadInput(
                "no_reference", "The embedded model needs a picture of the character.",
                "Give one: --reference hero.png; or name a checkpoint that takes words alone by --model.",
            )  # fmt: skip
        if shot.posed is None:
            raise Unavailable(
                "no_estimator", "Nobody can look for the person in the reference picture: no estimator is installed.",
                "Install the extra pose, or name a checkpoint by --model.",
            )  # fmt: skip
        if len(guides):
            yield from _Run(self, guides, shot, report).frames(made)


class Network:
    """The model's files, opened.  Pictures are (3,S,S) float32 -1..1, poses points (xy (18,2) px of them, away (18,) m,
    seen (18,)), NaN for what is not known."""

    def __init__(self, folder: Path, threads: int = 0):
        for name in FILES:
            if not (folder / name).is_file():
                raise Unavailable("weights_missing", f"The embedded model is not whole: {folder} has no {name}.", _AGAIN)
        try:
            self.told = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            if (self.told["format"], self.told["version"]) != (FORMAT, VERSION):
                raise ValueError(f"it is a {self.told['format']} of version {self.told['version']}")
            self.size, self.licence = int(self.told["size"]), str(self.told["licence"])
            self._guide, self._denoiser = (
                sessions.opened(folder / name, threads, _WHO) for name in FILES[1:]
            )
            blank, nobody = np.zeros((3, self.size, self.size), np.float32), points_of(None, None)
            self.clean(blank, 999.0, self.condition(blank, nobody, nobody))
        except (ValueError, KeyError, TypeError, *sessions.refusals(_WHO)) as error:
            said = str(error).strip().splitlines()[0][:160]
            raise BadInput("wrong_weights", f"The embedded model in {folder} is damaged or another one: {said}.", _AGAIN) from error

    def schedule(self, steps: int) -> list:
        """[(time, alpha)] of each step; BadInput for a number of steps that the model does not know."""
        known = self.told["alphas"]
        if str(steps) not in known:
            raise BadInput("bad_option", f'The option "steps" is {steps}.', f"The embedded model takes {', '.join(known)}.")
        return [tuple(pair) for pair in known[str(steps)]]

    def condition(self, reference, known, wanted) -> Sequence:
        """What the denoiser is told: CONDITION, of a reference and its pose `known`, for the pose `wanted`."""
        return self._guide.run(CONDITION, given(reference, known, wanted))

    def clean(self, noisy, time: float, condition: Sequence) -> np.ndarray:
        """The guess at the clean picture (3,S,S), -1..1."""
        fed = {"noisy": noisy[None], "time": np.array([time], np.float32), **dict(zip(CONDITION, condition))}
        return np.clip(self._denoiser.run(None, fed)[0][0], -1.0, 1.0)

    def sample(self, noisy, condition, steps: Sequence[tuple], stepped: Callable = lambda step: None) -> np.ndarray:
        """The clean picture (3,S,S) by deterministic DDIM (Song, Meng, Ermon 2021) through `schedule`; `stepped` is called
        before each step."""
        for step, (time, alpha) in enumerate(steps):
            stepped(step)
            clean = self.clean(noisy, time, condition)
            if step + 1 < len(steps):
                noise = (noisy - np.sqrt(alpha) * clean) / np.sqrt(1.0 - alpha)
                after = steps[step + 1][1]
                noisy = (np.sqrt(after) * clean + np.sqrt(1.0 - after) * noise).astype(np.float32)
        return clean


def starting_noise(size: int, seed: int, frame: Optional[int] = None) -> np.ndarray:
    """(3,S,S) of a generator of the frame's own; without a frame of one that is the same for all."""
    own = np.random.default_rng([seed % 2**63, 0 if frame is None else 1 + 2 * abs(frame) + (frame < 0)])
    return own.standard_normal((3, size, size)).astype(np.float32)


class _Run:
    """One call: the reference as the model sees it, and the square of each frame."""

    def __init__(self, renderer: Embedded, guides: Sequence[Guides], shot: Shot, report: Report):
        self.network, self.options = renderer.network, renderer.options
        self.guides, self.shot, self.report = guides, shot, report
        self.steps = self.network.schedule(self.options.steps)

    def frames(self, made: Mapping[int, Frames]) -> Iterator[Frames]:
        self.report(0.0, "looking at the poses")
        self._prepare()
        todo = [i for i, frame in enumerate(self.numbers) if frame not in made]
        for count, i in enumerate(todo):
            guides = self.guides[i]

            def stepped(step: int) -> None:
                self.report((count + step / len(self.steps)) / len(todo), f"step {step + 1} of {len(self.steps)}")

            wanted = _within(points_of(guides, self.person), self.squares[i], self.network.size)
            stepped(0)
            condition = self.network.condition(self.reference, self.known, wanted)
            clean = self.network.sample(self.noise(guides.frame), condition, self.steps, stepped)
            rgb = placed(clean, self.squares[i], guides.size)
            yield Frames(guides.frame, rgb, self._made(guides))

    def _prepare(self) -> None:
        size, shot = self.network.size, self.shot
        self.numbers, points, self.person = [], [], None
        for guides in self.guides:
            self.person = main_person(guides) if self.person is None else self.person
            self.numbers.append(guides.frame)
            points.append(points_of(guides, self.person))
        gap = int(np.median(np.diff(self.numbers))) if len(points) > 1 else 1
        squares = framing.squares(*(np.stack([p[i] for p in points]) for i in (0, 1)), self.guides[0].size, gap)
        gone = ~np.isfinite(squares).all(axis=1)
        if gone.all():
            raise BadInput("nobody_seen", "The guides show nobody.", "Choose other frames.")
        squares[gone] = squares[np.flatnonzero(~gone)[0]]  # a frame without that person is the background alone
        self.squares = squares
        seen = points_of(shot.posed, main_person(shot.posed))
        (square,) = framing.squares(seen[0][None], seen[1][None], shot.posed.size)
        self.reference = _as_input(scaling.framed(shot.reference, _box(square), (size, size)))
        self.known = _within(seen, square, size)

    def noise(self, frame: int) -> np.ndarray:
        frame = None if self.options.shared_noise else frame
        return np.float32(self.options.noise) * starting_noise(self.network.size, self.shot.seed, frame)

    def _made(self, guides: Guides) -> dict:
        size, shot = self.network.size, self.shot
        least, most = (f"{times:.1f}" for times in np.quantile(self.squares[:, 2] / size, (0, 1)))
        times = most if least == most else f"up to {most}"
        notes = [
            (self.squares[:, 2].max() > 1.05 * size, f"made at {size} x {size} pixels and enlarged {times} times"),
            (len(guides.people) > 1, f"one of {len(guides.people)} people is shown"),
            (bool(shot.prompt), "the prompt was not read: this model takes no words"),
        ]
        out = {
            "prompt": shot.prompt, "seed": shot.seed, "model": f"Poseloom's embedded model, {size} x {size}",
            "licence": self.network.licence, "steps": self.options.steps, "noise": self.options.noise, "scheduler": "DDIM", "reference": "a picture",
            "note": "; ".join(text for true, text in notes if true),
        }  # fmt: skip
        return {key: str(value) for key, value in out.items() if value != ""}


def main_person(guides: Guides):
    """The number of the one who takes most room in the picture; None where nobody is shown."""
    xy = guides.xy[:, : encoding.BODY]
    shown = np.isfinite(xy).all(axis=-1).any(axis=-1)
    if not shown.any():
        return None
    with np.errstate(invalid="ignore"):
        room = np.where(shown[:, None], np.fmax.reduce(xy, axis=1) - np.fmin.reduce(xy, axis=1), 0.0).sum(axis=1)
    return int(guides.people[np.argmax(room)])


def points_of(guides: Guides, person) -> tuple:
    """(xy (18,2), away (18,), seen (18,)) of that person's points; NaN and 0 for those that are not there."""
    row = [] if person is None else np.flatnonzero(guides.people == person)
    if not len(row):
        return np.full((encoding.BODY, 2), np.nan), np.full(encoding.BODY, np.nan), np.zeros(encoding.BODY)
    names = openpose.names(openpose.body_of(guides.layout))
    at = [names.index(name) for name in openpose.BODIES[encoding.BODY]]
    return guides.xy[row[0], at], guides.away[row[0], at], guides.seen[row[0], at]


def placed(clean: np.ndarray, square, size: tuple) -> np.ndarray:
    """(H,W,3) uint8: a picture (3,S,S) -1..1 where its square is in one of `size`, its edges going on beyond."""
    scale = clean.shape[-1] / square[2]
    box = tuple(scale * v for v in (-square[0], -square[1], size[0] - square[0], size[1] - square[1]))
    return scaling.to_bytes(scaling.framed(127.5 * (clean.transpose(1, 2, 0) + 1.0), box, size))


def given(reference, known, wanted) -> dict:
    """What the guide reads, each (1,...), of one picture and two poses as `Network` has them."""
    size = reference.shape[-1]
    (known_xy, known_away), (xy, away) = ([np.asarray(a)[None] for a in points[:2]] for points in (known, wanted))
    return {
        "reference": reference[None],
        "reference_pose": encoding.encode(known_xy, known_away, np.asarray(known[2])[None], size),
        "pose": encoding.encode(xy, away, np.asarray(wanted[2])[None], size),
        "warped": warping.warp(reference[None], (known_xy, known_away), (xy, away)),
    }


def _within(points: tuple, square, size: int) -> tuple:
    """The points in pixels of a picture `size` wide that shows the square."""
    xy, away, seen = points
    return (xy - square[:2]) * (size / square[2]), away, seen


def _as_input(rgb: np.ndarray) -> np.ndarray:
    return np.clip(rgb.transpose(2, 0, 1) / 127.5 - 1.0, -1.0, 1.0).astype(np.float32)


def _box(square) -> tuple:
    left, top, side = square
    return left, top, left + side, top + side
