"""Characters for games: what is in the file, read into an empty scene, is what the scene showed."""

from __future__ import annotations

import pytest
from test_headless import python, script  # noqa: F401  the fixture is used by its name

MM = 1e-3


@pytest.mark.parametrize("who", ["mixamo", "rigify"])
def test_a_game_file_holds_the_deforming_bones_where_they_were(who, python, tmp_path):  # noqa: F811
    """At twice the scene's rate, from an object that stands, turns and is scaled somewhere, with and without a root."""
    told = script(python, "scene_game.py", who, tmp_path)
    assert sorted(told["seen"]) == [".fbx None", ".fbx motion_root", ".glb None", ".glb motion_root"]
    for case, seen in told["seen"].items():
        root = ["motion_root"] if "motion_root" in case else []
        assert seen["apart_m"] < MM, case
        assert seen["bones"] == sorted([*told["deforming"], *root]), case
        assert sorted(seen["told"]["bones"]) == seen["bones"]
        assert seen["frames"] == 31, case
        assert len(seen["actions"]) == 1 and seen["actions"][0].startswith(told["action"]), case
        # the body by its weights, and a mesh that had hung from a bone
        assert len(seen["skinned"]) == told["meshes"] == 2 and all(seen["skinned"]), case
        assert seen["top_apart_m"] < MM, case
        assert {name for name in seen["names"] if "poseloom" in name} == set()
        if root:
            assert seen["tops"] == root
            # it stays on the ground and goes where the hips go
            assert seen["rise_m"] < MM and abs(seen["way_m"] - seen["hips_way_m"]) < MM and seen["way_m"] > 0.5


@pytest.mark.parametrize("who", ["mixamo"])
def test_the_scene_is_left_as_it_was(who, python, tmp_path):  # noqa: F811
    """After exports, after every refusal and after a cancel; and nothing half-written lies about."""
    told = script(python, "scene_game.py", who, tmp_path)
    assert told["unchanged"] == [True] * 7
    assert told["refused"] == ["bone_taken", "bad_fps", "unknown_format", "cancelled", "cannot_write"]
    assert told["left"] == []
