"""Filling between keys in Blender, as a user does it, in every version."""

from __future__ import annotations

from test_addon import extension, python, run_script  # noqa: F401  fixtures

AS_IT_WAS = {"keys": True, "inside": True, "clear": True, "new": True}


def test_fills_leave_keys_handles_and_all_else_as_they_were(python, extension, tmp_path):  # noqa: F811
    found = run_script(python, "addon_inbetween.py", extension, tmp_path, home=tmp_path / "home")
    for case in ("spline", "dtw 1.0", "dtw 0.01", "machine"):
        assert found[case] == AS_IT_WAS, case
    assert found["refilled"] == [AS_IT_WAS, True]
    assert found["same again"] and found["undone"]
    assert found["one bone"] and found["its range"] and found["a bone's own key"]
    assert found["on a walk"] < 3.0  # degrees, of a clip that is in the library
    assert found["fitted to keys"] < 3.0 and "no motion yet" in found["no motion yet"]
    assert found["clips"][0] == "same"
    assert found["eased pair"] == [21.0, 40.0]
    assert found["continued"] == [66, True]
    assert found["library"] == ["Poses", "same", "slower"]
    assert found["constant"] == [AS_IT_WAS, True]
    said, there = found["shared"]
    assert "Hero.001 plays this action too" in said and there == [] and found["shared by will"] == 37
    assert "one key" in found["one key"] and "neighbouring frames" in found["neighbours"]
    assert "frame 13" in found["nan"] and "no number" in found["nan"]
    assert "backend" in found["no backend"] and "use spline" in found["no library"]
    kept, frames, off = found["retimed"]
    assert kept and frames == [1, 61] and off < 0.03
    assert "Choose one" in found["retime nothing"]
    assert "Use spline" in found["machine by clips"]
