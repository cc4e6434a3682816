"""In-betweening after reference clips: where dynamic time warping finds the keys, what the reference does between.

A reference departs from the spline through its own poses at the keys' moments; that departure is added to the spline
through the keys.  So keys are met exactly, which is displacement mapping (Witkin and Popović 1995) with the spline as
the map.  Several references that fit are blended, as motion graphs' neighbours are (Kovar and Gleicher 2003), and
followed the less the less they agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import BadInput
from ..motion import quat
from ..motion.skeleton import JOINTS
from ..motion.types import Motion
from ..progress import Report, silent
from . import dtw, window
from .gaps import keyed_frames, outside, stretches
from .library import FPS, Library, leg_length, pose_features
from .spline import Spline, places, rotations

# how much the frames of a hole say about which reference fits: pose, and travel of the root
_POSE_SAYS, _TRAVEL_SAYS = 0.01, 1.0
_SLANT = 0.1  # what a change of a reference's speed costs, where poses cost about one
BLENDED = 12
_SHARPNESS = 2.0  # how fast a reference's share falls with its cost
_DOUBT = 0.5  # how much what references differ by counts against what they have in common
_TRAVEL_SHARE = 0.5  # of blended references' way over the ground, whose speeds differ more than their poses


@dataclass(frozen=True)
class Candidate:
    """A stretch of a clip: its name, the first and last of its frames used, and its cost against the best one's."""

    clip: str
    first: float
    last: float
    cost: float


class Dtw:
    """Fills holes of the canonical skeleton after a Library.

    `candidate` 0 blends the best references, 1 takes the best alone, 2 the next and so on.
    """

    def __init__(self, library: Library, candidate: int = 0):
        self.library, self.candidate = library, int(candidate)

    def __call__(self, motion: Motion, known, report: Report = silent) -> Motion:
        """The motion with every hole between whole-body keys filled; outside the keys it holds.

        BadInput: not the 22 canonical joints, fewer than two whole-body keys, no clip long enough.
        """
        rows = self._rows(motion, known)
        base = Spline()(motion, np.repeat(rows[:, None], len(JOINTS), axis=1))
        lrot, root = (np.array(a, np.float64) for a in outside(rows, base.lrot, base.root))
        parts = stretches(rows, round(3.0 * motion.fps))
        for done, (first, last) in enumerate(parts):
            report(done / len(parts), "Searching the library")
            own = slice(first, last + 1)
            lrot[own], root[own] = self._after(lrot[own], root[own], motion, rows[own])
        report(1.0, "Filled")
        hole = ~rows
        out_lrot, out_root = np.array(motion.lrot), np.array(motion.root)
        out_lrot[hole], out_root[hole] = lrot[hole], root[hole]
        return motion.with_(lrot=out_lrot, root=out_root)

    def candidates(self, motion: Motion, known, count: int = 5) -> list:
        """For each stretch that is matched as one: ((first frame, last frame), [Candidate, ...]), best first."""
        rows = self._rows(motion, known)
        base = Spline()(motion, np.repeat(rows[:, None], len(JOINTS), axis=1))
        found = []
        for first, last in stretches(rows, round(3.0 * motion.fps)):
            own = slice(first, last + 1)
            _, matches = self._matches(base.lrot[own], base.root[own], motion, rows[own], count)
            found.append(((first, last), [self._told(match, matches[0].cost) for match in matches]))
        return found

    def _rows(self, motion, known):
        if tuple(motion.skeleton.names) != JOINTS:
            raise BadInput("not_humanoid", "Clips of the library move the 22 body joints only.", "Use spline.")
        return keyed_frames(known, len(JOINTS))

    def _told(self, match, best) -> Candidate:
        clip = self.library.clip_of(match.where[0])
        first, last = (float(match.where[k] - self.library.start[clip]) for k in (0, -1))
        return Candidate(self.library.names[clip], first, last, match.cost / max(best, 1e-9))

    def _matches(self, lrot, root, motion, rows, count):
        """(moments, matches): frames of the stretch at the library's rate, and where in the library they fall."""
        step = motion.fps / FPS
        moments = np.minimum(np.arange(int(np.floor((len(rows) - 1) / step + 1e-6)) + 1) * step, len(rows) - 1.0)
        offsets = np.asarray(motion.skeleton.offsets, np.float64)
        low = np.minimum(moments.astype(int), max(len(rows) - 2, 0))
        high, share = np.minimum(low + 1, len(rows) - 1), moments - low
        coarse = quat.slerp(lrot[low], lrot[high], np.repeat(share[:, None], lrot.shape[1], axis=1))
        told = pose_features(
            coarse, root[low] * (1 - share[:, None]) + root[high] * share[:, None], offsets, motion.skeleton.parents
        )
        sure = np.zeros(len(moments), bool)
        sure[np.clip(np.round(np.flatnonzero(rows) / step).astype(int), 0, len(moments) - 1)] = True
        says = np.where(sure[:, None], 1.0, _POSE_SAYS) * np.ones(told.shape[1])
        says[:, -4:] = _TRAVEL_SAYS
        cost = dtw.distances(told, self.library.poses, says)
        # inside a hole only the spline speaks for a frame, so there the reference goes on evenly
        at = np.arange(len(moments))
        return moments, [
            dtw.Match(dtw.smooth_warp(np.interp(at, at[sure], match.where[sure])), match.cost)
            for match in dtw.subsequence(cost, count, starts=self.library.clip_starts, slant=_SLANT)
        ]

    def _after(self, lrot, root, motion, rows):
        """The spline (T,J,4), (T,3) through the keys of a stretch, plus how references depart from theirs."""
        count = self.candidate or BLENDED
        moments, matches = self._matches(lrot, root, motion, rows, count)
        if self.candidate > len(matches):
            raise BadInput(
                "no_candidate", f"Candidate {self.candidate} was asked for, but only {len(matches)} fit.",
                f"Choose one from 1 to {len(matches)}, or 0 for a blend of the best.",
            )  # fmt: skip
        chosen = matches[self.candidate - 1 :] if self.candidate else matches
        share = np.exp(-_SHARPNESS * (np.array([match.cost for match in chosen]) / max(chosen[0].cost, 1e-9) - 1.0))
        leg, here = leg_length(np.asarray(motion.skeleton.offsets)), np.arange(len(rows))
        ways = [self._departure(np.interp(here, moments, match.where), lrot, rows, leg) for match in chosen]
        turns, moves = (np.array(way) for way in zip(*ways))
        share /= share.sum()
        turn, move = np.tensordot(share, turns, 1), np.tensordot(share, moves, 1)
        if not self.candidate:
            common = np.sum(turn**2)
            apart = np.sum(share[:, None, None, None] * (turns - turn) ** 2)
            sure = common / max(common + _DOUBT * apart, 1e-12)
            turn, move = sure * turn, sure * move * [_TRAVEL_SHARE, _TRAVEL_SHARE, 1.0]
        return quat.multiply(lrot, quat.exp(turn)), root + move

    def _departure(self, where, lrot, rows, leg):
        """(T,J,3) turns and (T,3) metres by which the reference at `where` (T,) leaves its own spline."""
        keys = np.flatnonzero(rows)
        clip_lrot, clip_root = self.library.at(where)
        clip_root = clip_root * (leg / self.library.legs[self.library.clip_of(where[0])])
        own_lrot = rotations(keys, clip_lrot[keys], len(rows))
        own_root = places(keys, clip_root[keys], len(rows))
        face = quat.multiply(window.facing(lrot[:, 0]), quat.inverse(window.facing(own_lrot[:, 0])))
        turn = quat.log(quat.multiply(quat.inverse(own_lrot), clip_lrot))
        return turn, quat.rotate(face, clip_root - own_root)
