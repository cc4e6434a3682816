"""Rendering by diffusion: guides in, frames out.

A method is one class in one file of this package, made without arguments (or with its own
`Options`) and called with guides and a shot.
"""

from __future__ import annotations

from typing import Iterator, Mapping, Protocol, Sequence

from .. import registry
from ..motion.pictures import Frames, Guides, Shot
from ..progress import Report
from ..registry import Method


class Renderer(Protocol):
    def __call__(
        self, guides: Sequence[Guides], shot: Shot, report: Report, made: Mapping[int, Frames]
    ) -> Iterator[Frames]:
        """The frames of `guides` that are not in `made`, each as soon as it is done, in any order.

        `guides` are drawn or read each time one is asked for: hold few of them at a time.  `made` has
        what an earlier run finished, by `Guides.frame`, read when asked for: it is not made or given
        again, but what comes may be kept alike to it.  Every frame is as large as its guides and
        carries in `Frames.made` at least prompt, seed, model and licence.

        `report` is called at least once a denoising step.  Unavailable where the checkpoint or a
        package is missing, BadInput for a checkpoint or reference that will not do; Cancelled through
        `report`.
        """


METHODS = {
    "embedded": Method(
        "poseloom.render.embedded:Embedded",
        "our own small model: the character of a reference picture in each pose, offline, in a second a frame; no words",
        "CC0-1.0",
        extra="learn",
    ),
    "controlnet": Method(
        "poseloom.render.controlnet:ControlNet",
        "any Stable Diffusion 1.5 or SDXL checkpoint with its pose ControlNet, by diffusers",
        "Apache-2.0, and the checkpoint's own",
        extra="render",
    ),
}

NEEDS_REFERENCE = ("embedded",)  # of these, the methods that make nothing without a picture of the character


def load(name: str) -> type:
    """The renderer class behind `name`; UnknownMethod or Unavailable with the way out."""
    return registry.load("renderer", METHODS, name)
