"""What moves a character, read from its curves alone: what Blender shows, only sooner."""

from __future__ import annotations

from test_headless import python, script  # noqa: F401  python is a fixture


def test_curves_tell_what_the_played_scene_shows_and_where_they_cannot_it_is_played(python):  # noqa: F811
    found = script(python, "scene_plain.py")
    for deg, units in (found["kinds"], found["deforming alone"], found["speed"][2:]):
        assert deg < 1e-3 and units < 1e-4  # single precision of the scene
    assert found["sampled"] < 1e-4 and found["cut"] < 1e-4
    assert found["frames"] == [106, 1]  # the playhead stays
    assert all(found["played"].values()) and found["plain again"], found["played"]
    by_curves_s, by_playing_s = found["speed"][:2]
    assert by_playing_s > 3.0 * by_curves_s
