"""In-betweening by a bidirectional LSTM that learns the difference to interpolation; run by onnxruntime."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from .. import sessions
from ..errors import BadInput, Unavailable
from ..motion import quat
from ..motion.contacts import foot_points
from ..motion.resample import resample
from ..motion.skeleton import JOINTS
from ..motion.types import Motion
from ..progress import Report, part, silent
from . import ahead, window
from .gaps import AROUND, gaps, keyed_frames, outside
from .library import Library
from .onward import go_on

MODEL = Path(__file__).resolve().parents[1] / "models" / "inbetween" / "model.onnx"
AHEAD = MODEL.with_name("ahead.onnx")
_WHO = "The in-betweening network"
FPS = 30.0  # what they were trained at
FASTEST = 2.5  # leg lengths a second: the root's speed in all but a hundredth of the training frames
_MOST = window.LONGEST + 2 * AROUND  # frames of a window, as in training
_AT_ONCE = 24  # windows; more leave the processor's caches
_SURE_S = 1.5  # for so long it goes on by what the network says: it learned on little more
_SEAM = 10  # frames in which the network's pose takes over from the movement so far
_LEVEL_M = 0.02  # by which the lowest foot may leave the ground's height
_FALL_M_S = 1.5  # at which who is in the air comes down


def files_of(name: str) -> tuple[Path, Path]:
    """The networks called so, that which fills and that which goes on: "" or "shipped", ours; else those in a folder,
    or one of the two files there.  BadInput without them."""
    if name in ("", "shipped"):
        return MODEL, AHEAD
    folder = Path(name).parent if Path(name).name in (MODEL.name, AHEAD.name) else Path(name)
    files = folder / MODEL.name, folder / AHEAD.name
    for file in files:
        if not file.is_file():
            raise BadInput("no_such_model", f"There is no {file}.", "Give the --out folder of poseloom train inbetween.")
    return files


class Lstm:
    """Fills holes of the canonical skeleton, gaps of one length in one batch."""

    longest_s = window.LONGEST / FPS  # what it was trained for

    def __init__(self, model: Path = MODEL, threads: int = 1):
        self.session = _session(model, threads, tuple(window.STARTS))

    def __call__(self, motion: Motion, known, report: Report = silent) -> Motion:
        """The motion with every hole between whole-body keys filled; outside the keys it holds.

        BadInput: not the 22 canonical joints, or fewer than two whole-body keys.
        """
        _check_joints(motion)
        rows = keyed_frames(known, len(JOINTS))
        lrot, root = outside(rows, motion.lrot, motion.root)
        lrot, root = lrot.astype(np.float64), root.astype(np.float64)
        alike = defaultdict(list)
        for gap in gaps(rows):
            first, last = _with_neighbours(rows, gap, round(_MOST * motion.fps / FPS))
            alike[rows[first : last + 1].tobytes(), gap.hole[0] - first].append((first, gap.hole))
        out_lrot, out_root = np.array(motion.lrot), np.array(motion.root)
        out_lrot[~rows], out_root[~rows] = lrot[~rows], root[~rows]
        for done, ((shape, before), group) in enumerate(alike.items()):
            report(done / len(alike), "Filling")
            pattern = np.frombuffer(shape, bool)
            frames = np.array([np.arange(first, first + len(pattern)) for first, _ in group])
            offsets = np.repeat(np.asarray(motion.skeleton.offsets, np.float64)[None], len(group), axis=0)
            filled = self.fill(lrot[frames], root[frames], offsets, motion.skeleton.parents, pattern, motion.fps)
            own = slice(before, before + group[0][1][1] - group[0][1][0] + 1)
            out_lrot[frames[:, own]], out_root[frames[:, own]] = filled[0][:, own], filled[1][:, own]
        report(1.0, "Filled")
        return motion.with_(lrot=out_lrot, root=out_root)

    def fill(self, lrot, root, offsets, parents, known, fps: float = FPS):
        """Windows (N,T,J,4), (N,T,3) on skeletons (N,J,3) with one pattern known (T,): both filled.

        Away from 30 fps the network works on a 30 fps copy of the window, and its change to the
        interpolation is carried over to the window's own frames.
        """
        if len(lrot) > _AT_ONCE:
            cuts = [slice(i, i + _AT_ONCE) for i in range(0, len(lrot), _AT_ONCE)]
            parts = [self.fill(lrot[c], root[c], offsets[c], parents, known, fps) for c in cuts]
            return tuple(np.concatenate(part) for part in zip(*parts))
        known = np.asarray(known, bool)
        seg, anchor = window.segments(known), int(np.argmin(known)) - 1
        lrot, root, yaw, ground = window.to_anchor(lrot, root, anchor)
        own_rate = abs(fps - FPS) < 0.01
        filled = (self._filled if own_rate else self._at_other_rate)(lrot, root, offsets, parents, seg, anchor, fps)
        filled = window.from_anchor(*filled, yaw, ground)
        back = window.from_anchor(lrot, root, yaw, ground)
        return np.where(known[:, None, None], back[0], filled[0]), np.where(known[:, None], back[1], filled[1])

    def _filled(self, lrot, root, offsets, parents, seg, anchor, fps=FPS):
        starts = {name: start(lrot, root, seg) for name, start in window.STARTS.items()}
        told = {name: window.features(*curve, offsets, parents, seg, anchor) for name, curve in starts.items()}
        change = self.session.run(["change"], told)[0].astype(np.float64)
        change *= window.trust(lrot, root, offsets, parents, seg, FPS)[..., None]
        return window.apply(*window.midway(starts.values()), change, seg)

    def _at_other_rate(self, lrot, root, offsets, parents, seg, anchor, fps):
        base_lrot, base_root = window.interpolate(lrot, root, seg)
        edges, places = _at_30_fps(seg.known, fps)
        inner, own = np.arange(places[-1] + 1), np.arange(len(seg.known))
        hole = ~seg.known[np.minimum(edges[:-1] + 1, own[-1])]
        coarse = ~np.any([(inner > x) & (inner < y) for x, y in zip(places[:-1][hole], places[1:][hole])], axis=0)
        lrot, root = _between(base_lrot, base_root, np.interp(inner, places, edges))
        turned, moved = self._filled(lrot, root, offsets, parents, window.segments(coarse), int(np.argmin(coarse)) - 1)
        turn, move = quat.log(quat.multiply(quat.inverse(lrot), turned)), moved - root
        at = np.interp(own, edges, places)
        low = np.clip(np.floor(at).astype(int), 0, places[-1] - 1)
        share = (at - low)[:, None]
        turn = turn[:, low] * (1 - share[..., None]) + turn[:, low + 1] * share[..., None]
        move = move[:, low] * (1 - share) + move[:, low + 1] * share
        return quat.multiply(base_lrot, quat.exp(turn)), base_root + move


def _with_neighbours(rows, gap, most: int) -> tuple:
    """(first, last) of a gap's window, with the keys before and after where its own are single poses, if that is
    no longer than `most` frames."""
    first, last = gap.first, gap.last
    keys = np.flatnonzero(rows)
    if first == gap.hole[0] - 1 and first > keys[0]:
        near = int(keys[keys < first][-1])
        first = near if last - near < most else first
    if last == gap.hole[1] + 1 and last < keys[-1]:
        near = int(keys[keys > last][0])
        last = near if near - first < most else last
    return first, last


def _at_30_fps(known, fps: float) -> tuple:
    """Where runs of known frames and holes meet, (K,) in the pattern's own frames and (K,) at 30 fps."""
    edges = [0]
    for i in np.flatnonzero(known[1:] != known[:-1]):
        edges.append(int(i) if known[i] else int(i) + 1)
    edges = np.unique(edges + [len(known) - 1])
    lengths = np.diff(edges)
    holes = ~known[edges[:-1] + 1]
    return edges, np.concatenate([[0], np.cumsum(np.maximum(np.where(holes, 2, 1), np.round(lengths * FPS / fps)))]).astype(int)


def _between(lrot, root, at):
    """lrot (N,T,J,4), root (N,T,3) at frames at (S,) that need not be whole."""
    low = np.clip(np.floor(at).astype(int), 0, lrot.shape[1] - 2)
    share = np.clip(at - low, 0.0, 1.0)[:, None]
    turned = quat.slerp(lrot[:, low], lrot[:, low + 1], np.broadcast_to(share, (len(lrot), len(low), lrot.shape[2])))
    return turned, root[:, low] * (1 - share) + root[:, low + 1] * share


class Continue:
    """Goes on after the last frame, one frame after another, by the LSTM that runs forward."""

    def __init__(self, model: Path = AHEAD, threads: int = 1):
        self.session = _session(model, threads, ("step", "memory", "cell"))
        self.memory = self.session.get_inputs()[1].shape

    def __call__(self, motion: Motion, frames: int, report: Report = silent) -> Motion:
        """`motion` and `frames` more frames; what was there stays bit for bit.

        What lies beyond a second and a half is a repetition of what fits best of all before, as the network has not
        learned to be right for longer.  The lowest foot keeps to the height of the ground under the motion, the root
        to the pace of people.  BadInput: not the 22 canonical joints, or fewer than two frames.
        """
        _check_joints(motion)
        if len(motion) < 2:
            raise BadInput("too_short", "One frame tells no movement to go on from.", "Give ten frames or more.")
        lead = min(frames, round(_SURE_S * motion.fps))
        ground = float(sole_heights(motion).min())
        led = self._led(motion, lead, ground, part(report, 0.0, min(1.0, 2.0 * lead / frames)))
        if lead < frames:
            own = resample(led, FPS)
            body = own.skeleton
            clip = Library.of(own.lrot, own.root, body.offsets[None], body.parents, [0, len(own)], ("itself",))
            led = go_on(led, frames - lead, clip, part(report, 0.5, 1.0), ground)
        report(1.0, "Continued")
        return motion.with_(
            lrot=led.lrot, root=led.root, contact=np.concatenate([motion.contact, np.zeros((frames, 6))]),
            score=np.concatenate([motion.score, np.ones((frames, len(JOINTS)))]),
            curves={name: np.concatenate([curve, np.repeat(curve[-1:], frames)]) for name, curve in motion.curves.items()},
        )  # fmt: skip

    def _led(self, motion: Motion, frames: int, ground: float, report: Report) -> Motion:
        """`motion` and `frames` more by the network alone."""
        back = resample(Motion(motion.skeleton, motion.lrot[::-1], motion.root[::-1], motion.fps), FPS)
        lrot, root = (np.asarray(x[:AROUND][::-1], np.float64) for x in (back.lrot, back.root))  # the last frame is one
        many = int(np.ceil(frames * FPS / motion.fps)) + 1
        leg = ahead.leg_length(motion.skeleton.offsets)
        said = self._run(ahead.steps(lrot[None], root[None], np.array([leg]))[0], many, report)
        more_lrot, more_root = ahead.unstep(said, ahead.heading(lrot[-1, 0]), root[-1], leg)
        swing = quat.multiply(lrot[-1], quat.inverse(lrot[-2]))  # on as before, at first, also from an unheard-of pose
        off = quat.log(quat.multiply(quat.multiply(swing, lrot[-1]), quat.inverse(more_lrot[0])))
        fade = np.clip(1.0 - np.arange(many) / _SEAM, 0.0, 1.0)[:, None, None] ** 2
        more_lrot = quat.multiply(quat.exp(fade * off), more_lrot)
        more = Motion(
            motion.skeleton, np.concatenate([lrot[-1:], more_lrot]), np.concatenate([root[-1:], more_root]), FPS
        )
        more = resample(on_ground(more, ground), motion.fps)
        new = slice(1, frames + 1)
        return Motion(
            motion.skeleton, np.concatenate([motion.lrot, more.lrot[new]]), np.concatenate([motion.root, more.root[new]]),
            motion.fps,
        )  # fmt: skip

    def _run(self, steps, frames: int, report: Report):
        memory = cell = np.zeros(self.memory, np.float32)
        said = []
        for i in range(len(steps) + frames - 1):
            x = steps[i] if i < len(steps) else said[-1]
            x, memory, cell = self.session.run(None, {"step": x[None].astype(np.float32), "memory": memory, "cell": cell})
            x = x[0].astype(np.float64)
            x[-3:-1] *= min(1.0, FASTEST * ahead.RATE / FPS / max(float(np.hypot(*x[-3:-1])), 1e-9))
            if i >= len(steps) - 1:
                said.append(x)
                report(len(said) / frames, "Continuing")
        return np.array(said)


def sole_heights(motion: Motion):
    """(T,) height of the lowest point of the soles, metres."""
    return foot_points(motion)[..., 2].min(axis=1)


def on_ground(motion: Motion, ground: float) -> Motion:
    """The motion raised or lowered where its lowest foot is more than 2 cm off the ground's height (metres); who is
    further off at the first frame, in a jump, comes down at the pace of a fall."""
    off = sole_heights(motion) - ground
    fallen = _FALL_M_S / motion.fps * np.arange(len(off))
    lift = np.clip(off, -np.maximum(_LEVEL_M, -off[0] - fallen), np.maximum(_LEVEL_M, off[0] - fallen)) - off
    return motion.with_(root=motion.root + lift[:, None] * ahead.UP)


def _check_joints(motion: Motion) -> None:
    if tuple(motion.skeleton.names) != JOINTS:
        raise BadInput("not_humanoid", "The LSTM knows the 22 body joints, and this skeleton has others.", "Use spline.")


def _session(model: Path, threads: int, inputs: tuple):
    """BadInput where the file is no network with these inputs."""
    if not Path(model).exists():
        raise Unavailable(
            "model_missing", f"The in-betweening model {Path(model).name} is missing.",
            "Use --method spline, or reinstall Poseloom.",
        )  # fmt: skip
    try:
        session = sessions.opened(model, threads, _WHO)
    except sessions.refusals(_WHO) as error:
        raise _no_network(model) from error
    if {told.name for told in session.get_inputs()} != set(inputs):
        raise _no_network(model)
    return session


def _no_network(model) -> BadInput:
    return BadInput("bad_model", f"{model} is no in-betweening network.", "Give the --out folder of poseloom train inbetween.")
