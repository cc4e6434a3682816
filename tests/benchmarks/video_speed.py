"""Frames a second and peak memory of video to motion, for video.py."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path

import av
import numpy as np
import psutil
import video_clips as clips

from poseloom import cores
from poseloom.capture import AnimateOptions, media_to_motion

_ROUNDS, _TIMES = 3, 8
_LONG_S, _SHORT_S = 600, 10


def sample() -> Path:
    return Path(str(resources.files("poseloom.assets") / "sample.mp4"))


def seconds(work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def speed(figures: dict, path: Path | None = None) -> None:
    """throughput_ratio: our frames a second from file to motion (preset good, one process) over those of a bare
    complexity-1 loop over the same frames, decoded before; one_core_ratio: where its networks compute on one thread, as
    the bare loop's do; two_process_ratio: two processes, one thread each, over one process of one thread;
    two_process_gain: over one process as users have it.

    Medians of the ratios of three rounds, taken in turns, on the sample clip played eight times over.
    """
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder) / "long.mp4"
        frames_in(long, path or sample(), _TIMES)
        frames = clips.decoded(long)
        clips.look(frames[:5])
        media_to_motion(sample(), AnimateOptions(end="5"))
        took = {name: [] for name in ("bare", "ours", "one_core", "two")}
        for _ in range(_ROUNDS):
            took["bare"].append(seconds(lambda: clips.look(frames)))
            took["ours"].append(seconds(lambda: media_to_motion(long, AnimateOptions(processes=1))))
            with cores.at_most(1):
                took["one_core"].append(seconds(lambda: media_to_motion(long, AnimateOptions(processes=1))))
            took["two"].append(seconds(lambda: media_to_motion(long, AnimateOptions(processes=2))))

        def ratio(slow: str, fast: str) -> float:
            return float(np.median(np.array(took[slow]) / took[fast]))

        figures["speed_frames"] = len(frames)
        figures |= {f"{name}_ms_frame": 1000 * np.median(took[name]) / len(frames) for name in took}
        figures["throughput_ratio"], figures["one_core_ratio"] = ratio("bare", "ours"), ratio("bare", "one_core")
        figures["two_process_ratio"], figures["two_process_gain"] = ratio("one_core", "two"), ratio("ours", "two")


def memory(figures: dict) -> None:
    """peak_ratio_10min: peak resident memory of `poseloom animate --processes 1` and its children on ten minutes over
    ten seconds."""
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        rig = Path(folder) / "rig.bvh"
        _character(rig)
        for length in (_SHORT_S, _LONG_S):
            film = Path(folder) / f"{length}.mp4"
            frames_in(film, sample(), round(length * 30 / 136 + 0.5))
            peaks[length] = peak_mb(
                [sys.executable, "-m", "poseloom", "animate", film, "--to", rig, "--out", film.with_suffix(".bvh"),
                 "--end", f"{length}s", "--progress", "none", "--processes", 1, "--fresh"]
            )  # fmt: skip
            figures[f"peak_mb_{length}s"] = peaks[length]
    figures["peak_ratio_10min"] = peaks[_LONG_S] / peaks[_SHORT_S]


def frames_in(out: Path, path: Path, times: int) -> None:
    """`path` played `times` over, its packets copied."""
    with av.open(str(out), "w") as writing:
        stream, shift = None, 0
        for _ in range(times):
            with av.open(str(path)) as reading:
                source = reading.streams.video[0]
                stream = stream or writing.add_stream_from_template(source)
                end = shift
                for packet in reading.demux(source):
                    if packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        end, packet.stream = max(end, packet.pts + (packet.duration or 0)), stream
                        writing.mux(packet)
                shift = end


def _character(path: Path) -> None:
    """A rig in a BVH file, so that no Blender counts."""
    from poseloom.motion.bvh import motion_to_rig, write_bvh
    from poseloom.motion.skeleton import standard
    from poseloom.motion.types import Motion

    still = np.tile([1.0, 0.0, 0.0, 0.0], (2, 22, 1))
    write_bvh(path, *motion_to_rig(Motion(standard(), still, np.tile([0.0, 0.0, 0.96], (2, 1)), 30.0)))


def peak_mb(command) -> float:
    process, peak = psutil.Popen([str(word) for word in command], stdout=subprocess.DEVNULL), 0
    while process.poll() is None:
        try:
            peak = max(peak, sum(p.memory_info().rss for p in [process, *process.children(recursive=True)]))
        except psutil.NoSuchProcess:  # one has just ended
            pass
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} left with {process.returncode}")
    return peak / 1e6
