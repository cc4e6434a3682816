"""Key-frame pictures, pose assets and the sound of a clip, in every Blender."""

from __future__ import annotations

import pytest
from clips import write_sound
from test_addon import ROOT, extension, python, run_script  # noqa: F401  fixtures


def test_pictures_become_keys_that_can_be_filled_and_saved(python, extension, tmp_path):  # noqa: F811
    pytest.importorskip("mediapipe", reason="seeing needs mediapipe")
    from PIL import Image

    from poseloom import settings
    from poseloom.media import open_clip

    settings.write_backend_json(folder=tmp_path / "home" / "data")
    sample = ROOT / "backend" / "poseloom" / "assets" / "sample.mp4"
    for frame in open_clip(sample, end="61"):
        if frame.index in (0, 60):
            Image.fromarray(frame.rgb).save(tmp_path / f"s{frame.index:02d}.png")
    write_sound(tmp_path / "sound.mp4", 2.0)
    found = run_script(
        python, "addon_pictures.py", extension, tmp_path, tmp_path / "s00.png", tmp_path / "s60.png", tmp_path / "sound.mp4", sample,
        home=tmp_path / "home",
    )  # fmt: skip
    assert found["polls"] == [False, False, False]
    added, moved, spaced, left = found["list"][:3], *found["list"][3:]
    assert added == [["s00.png", 5], ["s60.png", 17], ["s00.png", 29]]
    assert moved == [5, 17, 29, 1] and spaced == [5, 25, 45] and left == ["s00.png", "s60.png"]
    assert "on one frame, 5" in found["said"]["one frame"] and "none.png" in found["said"]["no file"]
    assert found["actions before"] == 0
    assert "key poses on 5, 29" in found["outcome"]
    assert found["frames"] == [5, 29] and found["kinds"] == [["KEYFRAME", "BEZIER"]]
    assert found["assets"] == ["Hero s00", "Hero s60"] and found["asset"] < 1e-6
    assert found["pictured"][0] and found["pictured"][1] > 60
    assert found["fill"] and found["filled"] == 25 and found["same keys"] == 0.0
    if isinstance(found["sound"], str):
        assert "built without sound" in found["sound"]
        return
    kind, span, begin, said, strips, sounds = found["sound"]
    assert kind == "SOUND" and span == [11, 41] and begin == -4.0
    assert "no sound" in said and strips == 1 and sounds == 1
