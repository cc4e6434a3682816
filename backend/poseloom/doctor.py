"""What is installed, what is missing, and whether that matters."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import socket
import sys
from dataclasses import asdict, dataclass
from typing import Optional

from . import __version__, blender, cores, settings, weights
from .errors import PoseloomError
from .registry import install_line

PORT = 8797
# package: (its module, what it is for, whether animating needs it)
PACKAGES = {
    "numpy": ("numpy", "everything", True),
    "mediapipe": ("mediapipe", "seeing people", True),
    "av": ("av", "reading and writing video", True),
    "scipy": ("scipy", "solving", True),
    "bpy": ("bpy", "characters, headless", False),
    "onnxruntime": ("onnxruntime", "learned in-betweening, depth and frames", False),
    "fastapi": ("fastapi", "the backend", False),
    "uvicorn": ("uvicorn", "the backend", False),
    "rich": ("rich", "progress bars", False),
}


@dataclass(frozen=True)
class Finding:
    """One line: `state` is "ok", "missing" (can be done without) or "broken" (is needed)."""

    what: str
    state: str
    text: str
    hint: str = ""


def examine(blender_path: Optional[str] = None) -> list[Finding]:
    """All there is to say, in the order in which one reads it."""
    found = [
        Finding("poseloom", "ok", f"{__version__} on Python {platform.python_version()}, {platform.platform()}"),
        _device(),
    ]
    found += [_package(name, *row) for name, row in PACKAGES.items()]
    found += [_model(status) for status in weights.status()]
    found += [_network(network) for network in weights.shipped()]
    found += [_blender(blender_path), _port(), _registered()]
    return found


def tell(findings: list[Finding], *, as_json: bool = False) -> int:
    """Print the findings; 0, or 1 where something needed is broken."""
    broken = [f for f in findings if f.state == "broken"]
    if as_json:
        print(json.dumps({"ok": not broken, "findings": [asdict(f) for f in findings]}, indent=2))
    else:
        for f in findings:
            print(f"{f.state:8} {f.what:24} {f.text}")
            if f.hint and f.state != "ok":
                print(f"{'':33} {f.hint}")
        print(f"{len(broken)} broken." if broken else "All that is needed is here.")
    return 1 if broken else 0


def _device() -> Finding:
    return Finding("processor", "ok", f"{cores.mine()} cores; every stage runs on them, no GPU is needed")


def _package(name: str, module: str, purpose: str, needed: bool) -> Finding:
    missing = "broken" if needed else "missing"
    extra = "pose" if needed else {"bpy": "blender", "rich": "terminal", "onnxruntime": "learn"}.get(name, "server")
    hint = install_line(extra)
    if importlib.util.find_spec(module) is None:
        return Finding(name, missing, f"not installed; for {purpose}", hint)
    try:
        return Finding(name, "ok", f"{importlib.metadata.version(name)}, for {purpose}")
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, "ok", f"of unknown version, for {purpose}")


def _model(status) -> Finding:
    model = status.model
    text = f"{status.state}, {model.size_bytes / 1e6:.1f} MB, {model.licence}; {model.summary}"
    if status.state == "present":
        return Finding(model.name, "ok", text)
    state = "broken" if model.needed or status.state == "damaged" else "missing"
    return Finding(model.name, state, text, f"From: {model.source}")


def _network(network) -> Finding:
    if not network.size_bytes:
        way = "It comes with Poseloom's source: install that again."
        return Finding(network.name, "missing", f"missing; {network.purpose}", way)
    text = f"present, {network.size_bytes / 1e6:.1f} MB, {network.licence}; {network.purpose}"
    return Finding(network.name, "ok", text)


def _blender(path: Optional[str]) -> Finding:
    try:
        found = blender.run({"do": "versions"}, blender=path)
    except PoseloomError as error:
        # a Blender that was named must work; without one, BVH and keypoints still do
        state = "missing" if error.code == "no_blender" and path is None else "broken"
        return Finding("Blender", state, error.message, error.hint)
    where = path or "the bpy package"
    return Finding("Blender", "ok", f"{found['blender']} ({where}), numpy {found['numpy']}")


def _port() -> Finding:
    note = settings.read_note(settings.server_json()) or {}
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
            return Finding("port", "ok", f"{PORT} is free")
        except OSError:
            if note.get("port") == PORT:
                return Finding("port", "ok", f"{PORT} is held by the running backend, process {note.get('pid')}")
            return Finding("port", "missing", f"{PORT} is taken by another program", "The next free port is taken.")


def _registered() -> Finding:
    command = settings.read_backend_command()
    if command is None:
        return Finding("panel", "missing", "Blender's panel does not know this backend", "poseloom register")
    try:
        settings.check_command(command)
    except PoseloomError as error:
        return Finding("panel", "broken", error.message, error.hint)
    return Finding("panel", "ok", f"starts the backend by: {' '.join(command)}")
