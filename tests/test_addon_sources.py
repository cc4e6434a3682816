"""The panel's other sources: takes of other programs' files, other armatures; odd rests and axes; settings kept."""

from __future__ import annotations

from test_addon import extension, python, run_script  # noqa: F401  fixtures


def test_every_source_comes_out_alike_and_leaves_nothing_behind(python, extension, tmp_path, data):  # noqa: F811
    found = run_script(
        python, "addon_sources.py", extension, tmp_path, data / "rigs" / "RobotExpressive.glb", home=tmp_path / "home"
    )
    takes = found["takes"]
    assert takes["actor.blend"] == [["walk"], "walk"] and len(takes["actor.fbx"][0]) == 1
    assert len(takes["RobotExpressive.glb"][0]) == 14 and "Walking" in takes["RobotExpressive.glb"][0]
    assert "several takes" in found["several"] and "Wave" in found["several"]
    assert 'no take "Fly"' in found["no such take"]
    assert found["unchanged"] and found["left nothing"]
    assert max(found["same"].values()) < 5e-3, found["same"]  # metres at the hands, beside the BVH it came from
    assert found["made"] == "Hero|actor"
    assert found["robot"] == ["Hero|RobotExpressive_Walking", "done"]
    assert found["folder"] == ["Hero|actor", "Hero|walk"]
    action, apart_m, unchanged, missing, itself = found["armature"]
    assert action == "Hero|walk" and apart_m < 5e-3 and unchanged
    assert '"Nobody"' in missing and "its own source" in itself
    went = found["root"]
    assert went["hips"] > 1.0 and went["in_place"] < 0.1 and "root bone" in went["bone"]
    detected, by_hand, wrong_up = found["axes"]
    assert by_hand < 1e-3 and (isinstance(wrong_up, str) or wrong_up > 0.5)
    kept, apart_m, still = found["rest"]
    assert kept and apart_m < 0.02 and not still
    check_settings(found["settings"])


def check_settings(found):
    """They are kept, loaded, shared as files, and refused in a sentence."""
    kept, loaded, gone, other, bad, video, names, videos = found
    assert kept == {"poseloom": "retarget", "up": "-Z", "unit": 0.01, "controls": "ik", "root": "in_place"}
    assert loaded == ["in_place", "-Z", 0.01, "ik", "DETECT"]
    assert "My game" in gone and "not for animate" in other
    assert '"speed"' in bad and "Known: controls" in bad
    assert video["smooth_hz"] == 3.5 and video["height"] == 1.82 and video["foot_lock"] is False
    assert names == ["for you"] and videos == ["Slow"]
