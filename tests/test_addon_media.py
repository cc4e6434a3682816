"""What comes along with a motion from a video, in every Blender."""

from __future__ import annotations

from test_addon import ROOT, extension, python, run_script  # noqa: F401  fixtures


def test_contacts_confidence_and_the_matching_view_come_along_and_go_again(python, extension, tmp_path):  # noqa: F811
    video = ROOT / "backend" / "poseloom" / "assets" / "sample.mp4"
    found = run_script(python, "addon_media.py", extension, tmp_path, video, home=tmp_path / "home")
    assert found["marks"] == [
        ["L arm seen", 61], ["L arm unseen", 31], ["L foot down", 16], ["L foot down", 56], ["L foot up", 36],
        ["R foot down", 11], ["R foot up", 23],
    ]  # fmt: skip
    assert "rig switches" not in found["outcome"]
    assert found["hand"] == [[11.0, 1.0], [31.0, 0.1], [61.0, 1.0]] and found["sure"] == 1 and found["read"] == 0.1
    match = found["match"]
    assert match["cameras"] == ["Hero match"] and match["planes"] == []
    assert match["off_px"] < 20.0  # of 720: the made-up contacts move legs, not arms
    assert match["shown"] and match["user"] == [11, 0, "MOVIE"]
    before, after = found["relock"]["slid_mm"]
    assert before > 30.0 and after < 3.0, (before, after)
    assert found["relock"]["others"] == [] and found["relock"]["keys"] and found["relock"]["changed"]
    assert found["reverted"] == [True, True]
    assert found["csv"] == [["frame", "time_s", "pelvis"], 61, "11", "0.100", "Hero_walk.confidence.csv"]
    assert found["no curves"] and found["none"] == [True, 1]
    assert "no markers" in found["said"]["no marks"] and "no longer kept" in found["said"]["gone"]
