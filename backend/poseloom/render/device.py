"""Where a pipeline runs, in which precision, and how it makes do with the memory there is."""

from __future__ import annotations

import contextlib

import torch

from ..errors import BadInput, PoseloomError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_NO_KERNEL = "could not create a primitive"
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "alloc_cpu", "std::bad_alloc", _NO_KERNEL)


def chosen(name: str) -> torch.device:
    """The device called so, or the best there is for ""; BadInput where this computer has no such one."""
    has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if not name:
        return torch.device(next(kind for kind in has if has[kind]))
    kind = name.partition(":")[0]
    if not has.get(kind):
        there = ", ".join(k for k in has if has[k])
        raise BadInput("no_such_device", f'There is no device "{name}" that PyTorch can use; there is: {there}.', "Leave it out.")
    return torch.device(name)


def precision(name: str, device: torch.device) -> torch.dtype:
    """The number type called so, or the device's usual one for ""."""
    if name:
        if name not in PRECISIONS:
            raise BadInput("bad_option", f'There is no precision "{name}".', f"Choose one of {', '.join(PRECISIONS)}.")
        return PRECISIONS[name]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.float16 if device.type == "mps" else torch.float32


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this is PyTorch's or Python's way to say so; on the CPU it is a plain RuntimeError."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


class Fit:
    """What was given up so far to fit into memory: first frames made together, then speed.

    `most` frames at once; `shrink` gives up the next thing; within `kernels()` the frames are to be made.
    """

    def __init__(self, pipeline, device: torch.device, most: int):
        self.pipeline, self.device, self.most = pipeline, device, most
        self.spared = self.plain = False
        self._offloads = ["enable_model_cpu_offload", "enable_sequential_cpu_offload"] if device.type != "cpu" else []

    def shrink(self, size: tuple, frames: int, error: BaseException) -> None:
        """After `frames` (at once, of `size` pixels) were too many; PoseloomError where nothing is left to give up."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if frames > 1:
            self.most = max(1, frames // 2)
        elif not self.spared:
            self.spared = True
            self.pipeline.vae.enable_slicing()
            self.pipeline.vae.enable_tiling()
        elif not self.plain and _NO_KERNEL in str(error):
            self.plain = True
        elif self._offloads:
            self.pipeline.to("cpu")
            getattr(self.pipeline, self._offloads.pop(0))(device=self.device)
        else:
            raise PoseloomError(
                "out_of_memory",
                f"A frame of {size[0]} x {size[1]} pixels does not fit into the memory of this {self._what()}.",
                "Make the frames smaller, take a smaller checkpoint, or close other programs.",
            ) from error

    def kernels(self):
        """Without oneDNN once it failed for a single frame: it keeps a failure with the shape, and would fail for ever."""
        return torch.backends.mkldnn.flags(enabled=False) if self.plain else contextlib.nullcontext()

    def _what(self) -> str:
        if self.device.type == "cuda":
            whole = torch.cuda.get_device_properties(self.device)
            return f"{whole.name} ({whole.total_memory / 2**30:.0f} GB)"
        return "computer" if self.device.type == "cpu" else "device"
