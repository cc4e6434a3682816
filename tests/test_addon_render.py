"""Render with diffusion from the extension, through a real backend."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from backend_process import Backend
from conftest import ROOT, need, python_of
from test_addon import extension, run_script  # noqa: F401  a fixture


def beside_torch(folder: Path) -> str:
    """A PYTHONPATH that adds torch and diffusers of the environment `train` to this Python, behind what it has itself."""
    torch = python_of("train").parents[1] / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    need((torch / "diffusers").is_dir(), "diffusers in the environment train")
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.path.append({str(torch)!r})\n")
    return str(folder)


def tiny_checkpoint(out: Path) -> Path:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "backend"), "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [str(python_of("train")), str(ROOT / "backend" / "studio" / "tiny_checkpoint.py"), str(out)],
        env=environment, check=True, timeout=300, capture_output=True,
    )  # fmt: skip
    return out


def test_refusals_guides_and_keys(extension, tmp_path):  # noqa: F811
    pytest.importorskip("bpy", reason="this Python has no bpy")
    backend = Backend(tmp_path / "backend")
    try:
        found = run_script(
            Path(sys.executable), "addon_render.py", extension, tmp_path, backend.address, backend.note["token"], home=tmp_path / "home"
        )
    finally:
        backend.stop()
    no_camera, no_prompt, no_package = found["refused"]
    assert "no active camera" in no_camera and "no prompt" in no_prompt
    assert "needs the Python package" in no_package or "stable-diffusion" in no_package, no_package
    text, pictures = found["guides"]
    assert "Guides of 6 frames" in text and pictures == ["0001", "0002", "0003", "0004", "0005", "0006"]
    assert found["keys"] == ["0003", "0009"]
    assert found["changed"][1:] == ["Shot", ""]  # the user's own file is as it was
    said = found["command"]
    assert {name: said[name][0] for name in said if name != "made"} == {
        "guides": 0, "again": 2, "no prompt": 2, "no scene": 2, "gone": 2, "pass": 2, "pair": 2, "camera": 2, "strip": 2,
    }, said  # fmt: skip
    assert "guides of 2 frames" in said["guides"][1]
    assert said["made"] == [f"{kind}/{frame}.png" for kind in ("depth", "normal", "pose") for frame in ("0002", "0004")]
    assert "--resume" in said["again"][2] and "no prompt" in said["no prompt"][2] and "none.blend" in said["gone"][2]
    assert "NAME=VALUE" in said["pair"][2] and '"Nope"' in said["camera"][2]
    no_mesh, text, span, licence, model = found["embedded"]
    assert "no mesh" in no_mesh
    assert text.startswith("2 frames made, 0 kept") and span == [1, 3]
    assert licence == "CC0-1.0" and "embedded model" in model


@pytest.mark.slow
def test_frames_come_back_as_strips(extension, tmp_path, monkeypatch):  # noqa: F811
    """By a tiny checkpoint of the true classes; a longer range keeps what is there, and lands on another channel."""
    pytest.importorskip("bpy", reason="this Python has no bpy")
    monkeypatch.setenv("PYTHONPATH", beside_torch(tmp_path / "site"))
    tiny_checkpoint(tmp_path / "tiny")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    backend = Backend(tmp_path / "backend")
    monkeypatch.delenv("PYTHONPATH")
    try:
        found = run_script(
            Path(sys.executable), "addon_render.py", extension, tmp_path, backend.address, backend.note["token"], tmp_path / "tiny",
            home=tmp_path / "home",
        )  # fmt: skip
    finally:
        backend.stop()
    text, strips = found["first"]
    assert text.startswith("3 frames made, 0 kept") and strips == [[1, 1, 7, "the hero walks", True, 6]]
    text, strips = found["more"]
    assert text.startswith("1 frames made, 3 kept") and strips[1] == [2, 1, 9, "the hero walks", True, 8]
    code, out, err = found["command"]["frames"]
    assert code == 0 and "3 frames made" in out and json.loads(out.splitlines()[0])["stage"] == "shot.blend", err
    assert found["command"]["scenes"] == ["Scene"]
    text, strip = found["one"]
    assert text.startswith("1 frames made, 0 kept") and strip[1:3] == [2, 3]
