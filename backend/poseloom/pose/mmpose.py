"""Any model of mmpose, by its config and checkpoint, in a process of its own Python environment."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Optional

import numpy as np

from .. import mmpose_environment
from ..errors import BadInput, PoseloomError
from ..motion.types import Keypoints
from ..progress import Report, silent
from .mmpose_worker import receive, send
from .networks import LAYOUTS

_HOW = "Add --model CONFIG.py --checkpoint FILE.pth."


class MMPose:
    """`Estimator` by mmpose: top-down models (HRNet, RTMPose) and those that see everyone at once (RTMO, associative
    embedding); points in the picture, no depth.  model: "CONFIG.py|CHECKPOINT.pth"."""

    def __init__(self, model: Optional[str] = None):
        if model is None or "|" not in model:
            raise BadInput("no_model", 'The estimator "mmpose" needs a config and its checkpoint.', _HOW)
        mmpose_environment.check()
        self.config, self.checkpoint = self.files(model)
        for path in (self.config, self.checkpoint):
            if not path.is_file():
                raise BadInput("no_such_file", f"There is no file {path}.", _HOW)
        _check_sum(self.checkpoint)

    @staticmethod
    def files(model: str) -> list:
        return [Path(part) for part in model.split("|", 1)]

    def __call__(self, clip, report: Report = silent) -> list[Keypoints]:
        return self._follow(clip, report, False)

    def everyone(self, clip, report: Report = silent) -> list[Keypoints]:
        return self._follow(clip, report, True)

    def _follow(self, clip, report: Report, everyone: bool) -> list[Keypoints]:
        from .following import follow

        report(0.0, "mmpose starts")
        with self.started() as eyes:
            return follow(clip, eyes.look, eyes.layout, everyone, eyes.whole, report)

    def started(self) -> "Eyes":
        """The process, with the model in it; to be used in a `with`."""
        return Eyes([*mmpose_environment.command(), str(self.config), str(self.checkpoint)])


class Eyes:
    """A process of mmpose that looks; layout: of its points; whole: it sees everyone, whatever the boxes."""

    def __init__(self, words: list):
        with ExitStack() as stack:
            self._log = stack.enter_context(tempfile.TemporaryFile())
            self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)
            stack.callback(self._stop)
            first = self._answer()
            if first["points"] not in LAYOUTS:
                raise BadInput(
                    "unknown_layout", f"This model gives {first['points']} points, and we know models of "
                    f"{', '.join(map(str, LAYOUTS))}.",
                )  # fmt: skip
            self.layout, self.whole = LAYOUTS[first["points"]], first["whole"]
            self._open = stack.pop_all()

    def __enter__(self) -> "Eyes":
        return self

    def __exit__(self, *_) -> None:
        self._open.close()

    def look(self, rgb: np.ndarray, boxes: list):
        """(points (N,K,2) px, score (N,K)) of the people in boxes [(low (2,), high (2,))], or of everyone."""
        corners = np.reshape([np.concatenate(box) for box in boxes], (-1, 4)).astype(np.float32)
        try:
            send(self._process.stdin, {}, rgb=np.ascontiguousarray(rgb), boxes=corners)
        except OSError:
            pass  # it is gone; why, it has said
        found = self._answer()
        score = np.where(np.isfinite(found["xy"]).all(axis=-1), np.nan_to_num(found["score"]), 0.0)
        return found["xy"].astype(np.float64), np.clip(score, 0.0, 1.0)

    def _answer(self) -> dict:
        found = receive(self._process.stdout)
        if found is None:
            code = self._process.wait()
            raise PoseloomError("worker_died", f"mmpose's process stopped with code {code}: {self._last_line()}.")
        if "error" in found:
            raise BadInput(found["code"], f"{found['error'].rstrip('.')}.", _HOW)
        return found

    def _last_line(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1].strip().rstrip(".") if lines else "without a word"

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


def _check_sum(checkpoint: Path) -> None:
    """BadInput where the file's name carries the beginning of a SHA-256, as OpenMMLab's do, and it is another's."""
    named = re.search(r"-([0-9a-f]{8})(?:_\d{8})?\.pth$", checkpoint.name)
    if named is None:
        return
    with checkpoint.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(named[1]):
        raise BadInput(
            "other_checksum", f"{checkpoint.name} is damaged: its SHA-256 begins with {found[:8]}, not {named[1]}.",
            "Fetch it again.",
        )  # fmt: skip
