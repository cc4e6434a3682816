"""In-betweening by a bidirectional LSTM that learns the difference to interpolation; run by onnxruntime."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from ..errors import BadInput, Unavailable
from ..motion import quat
from ..motion.skeleton import JOINTS
from ..motion.types import Motion
from ..progress import Report, silent
from . import window
from .gaps import gaps, keyed_frames, outside

MODEL = Path(__file__).resolve().parents[1] / "models" / "inbetween" / "model.onnx"
FPS = 30.0  # what it was trained at


class Lstm:
    """Fills holes of the canonical skeleton, gaps of one length in one batch."""

    def __init__(self, model: Path = MODEL, threads: int = 1):
        if not Path(model).exists():
            raise Unavailable(
                "model_missing", f"The in-betweening model {Path(model).name} is missing.",
                "Use --method spline, or reinstall Poseloom.",
            )  # fmt: skip
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def __call__(self, motion: Motion, known, report: Report = silent) -> Motion:
        """The motion with every hole between whole-body keys filled; outside the keys it holds.

        BadInput: not the 22 canonical joints, or fewer than two whole-body keys.
        """
        if tuple(motion.skeleton.names[: len(JOINTS)]) != JOINTS or len(motion.skeleton) != len(JOINTS):
            raise BadInput(
                "not_humanoid", "The LSTM fills the 22 body joints only, and this skeleton has others.", "Use spline."
            )
        rows = keyed_frames(known, len(JOINTS))
        lrot, root = outside(rows, motion.lrot, motion.root)
        lrot, root = lrot.astype(np.float64), root.astype(np.float64)
        alike = defaultdict(list)
        for gap in gaps(rows):
            alike[rows[gap.first : gap.last + 1].tobytes()].append(gap)
        for done, group in enumerate(alike.values()):
            report(done / len(alike), "Filling")
            frames = np.array([np.arange(g.first, g.last + 1) for g in group])
            offsets = np.repeat(np.asarray(motion.skeleton.offsets, np.float64)[None], len(group), axis=0)
            pattern = rows[group[0].first : group[0].last + 1]
            filled = self.fill(lrot[frames], root[frames], offsets, motion.skeleton.parents, pattern, motion.fps)
            lrot[frames], root[frames] = filled
        report(1.0, "Filled")
        keep = ~rows
        out_lrot, out_root = np.array(motion.lrot), np.array(motion.root)
        out_lrot[keep], out_root[keep] = lrot[keep], root[keep]
        return motion.with_(lrot=out_lrot, root=out_root)

    def fill(self, lrot, root, offsets, parents, known, fps: float = FPS):
        """Windows (N,T,J,4), (N,T,3) on skeletons (N,J,3) with one pattern known (T,), one hole: both filled.

        Away from 30 fps the network works on a 30 fps copy of the window, and its change to the
        interpolation is carried over to the window's own frames.
        """
        known = np.asarray(known, bool)
        seg, anchor = window.segments(known), int(np.argmin(known)) - 1
        lrot, root, yaw, ground = window.to_anchor(lrot, root, anchor)
        base_lrot, base_root = window.interpolate(lrot, root, seg)
        if abs(fps - FPS) < 0.01:
            change = self._change(base_lrot, base_root, offsets, parents, seg, anchor)
            filled = window.apply(base_lrot, base_root, change, seg)
        else:
            filled = self._at_other_rate(base_lrot, base_root, offsets, parents, seg, anchor, fps)
        filled = window.from_anchor(*filled, yaw, ground)
        back = window.from_anchor(lrot, root, yaw, ground)
        return np.where(known[:, None, None], back[0], filled[0]), np.where(known[:, None], back[1], filled[1])

    def _change(self, base_lrot, base_root, offsets, parents, seg, anchor):
        told = window.features(base_lrot, base_root, offsets, parents, seg, anchor)
        return self.session.run(["change"], {"features": told})[0].astype(np.float64)

    def _at_other_rate(self, base_lrot, base_root, offsets, parents, seg, anchor, fps):
        own = np.arange(len(seg.known))
        first, last = anchor, int(seg.after[anchor + 1])
        length = max(2, round((last - first) * FPS / fps))
        before, behind = min(9, int(anchor * FPS / fps)), min(9, int((own[-1] - last) * FPS / fps))
        inner = np.arange(-before, length + behind + 1)
        where = np.interp(
            inner, [-before, 0, length, length + behind],
            [first - before * fps / FPS, first, last, last + behind * fps / FPS],
        )  # fmt: skip
        coarse = window.segments((inner <= 0) | (inner >= length))
        low = np.clip(np.floor(where).astype(int), 0, own[-1] - 1)
        share = np.clip(where - low, 0.0, 1.0)
        share_of = np.broadcast_to(share[:, None], (len(base_lrot), len(low), base_lrot.shape[2]))
        lrot = quat.slerp(base_lrot[:, low], base_lrot[:, low + 1], share_of)
        root = base_root[:, low] * (1 - share[:, None]) + base_root[:, low + 1] * share[:, None]
        change = self._change(lrot, root, offsets, parents, coarse, before)
        turned, moved = window.apply(lrot, root, change, coarse)
        turn, move = quat.log(quat.multiply(quat.inverse(lrot), turned)), moved - root
        at = np.interp(own, where, np.arange(len(where)))
        low = np.clip(np.floor(at).astype(int), 0, len(where) - 2)
        share = (at - low)[:, None]
        turn = turn[:, low] * (1 - share[..., None]) + turn[:, low + 1] * share[..., None]
        move = move[:, low] * (1 - share) + move[:, low + 1] * share
        return quat.multiply(base_lrot, quat.exp(turn)), base_root + move
