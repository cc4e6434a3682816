"""ONNX files, opened by onnxruntime on the CPU."""

from __future__ import annotations

from pathlib import Path

from .registry import package


def opened(path: Path, threads: int, who: str, *, arena: bool = True):
    """An InferenceSession; Unavailable without onnxruntime, where `who` begins the sentence.

    threads: 0 for all cores.  They sleep while they wait for one another: spinning, as by default, gains
    nothing and costs much beside another busy process.  arena: whether memory of the largest run is kept for the next.
    """
    runtime = package("onnxruntime", who, "learn")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # errors are raised, and told by who asks
    options.enable_cpu_mem_arena = arena
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def refusals(who: str) -> tuple:
    """What onnxruntime raises of a file that is damaged or another one."""
    state = package("onnxruntime", who, "learn").capi.onnxruntime_pybind11_state
    return (
        state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NoModel, state.NotImplemented,
        state.RuntimeException,
    )  # fmt: skip
