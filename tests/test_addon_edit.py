"""What one does after a run in the panel: take it back, layer it, edit it, correct roles, do a whole folder."""

from __future__ import annotations

from test_addon import extension, python, run_script  # noqa: F401  fixtures

KEPT = ("NLA", "FAKE_USER")


def test_a_run_can_be_reverted_whatever_happened_since(python, extension, tmp_path):  # noqa: F811
    found = run_script(python, "addon_layers.py", extension, tmp_path, home=tmp_path / "home")
    for how in KEPT:
        for since in ("nothing", "save_and_load", "push", "tweak", "twice"):
            assert found[f"{how}_{since}"] == [], (how, since)  # nothing differs: actions, slot, strips, pose
    assert found["undone"] == "Hero|walk"
    assert found["bare"] == [True, 0, False]


def test_tweaks_come_on_top_of_what_plays_below(python, extension, tmp_path):  # noqa: F811
    found = run_script(python, "addon_layers.py", extension, tmp_path, home=tmp_path / "home")
    assert found["combine"]["through"] < 1e-3  # radians: an empty layer changes nothing
    assert abs(found["combine"]["turned"] - 0.5) < 1e-3
    assert found["combine"]["layers"] == ["Hero|tweaks", "COMBINE", "Hero|walk"]
    said, frame = found["fights"]
    assert "A driver overrules the keys of the rotation of mixamorig:Head" in said
    assert "Copy Rotation on mixamorig:LeftArm changes what was keyed" in said
    assert "Master is posed and moves along what was keyed below it" in said
    assert "RightArm" not in said and "RightLeg" not in said
    assert frame == 4


def test_edits_write_what_the_functions_say_and_touch_nothing_else(python, extension, tmp_path):  # noqa: F811
    found = run_script(python, "addon_edit.py", extension, tmp_path, home=tmp_path / "home")
    starts = {
        "reduce": 5, "mirror": 5, "loop": 15, "found loop": None, "trim": 25, "trim of reduced": 26, "in place": 5,
        "root": 5, "hips again": 5, "hips after trim": 15,
    }  # fmt: skip
    for name, start in starts.items():
        case = found[name]
        assert case["deg"] < 0.01 and case["mm"] < 0.05, (name, case)  # float32 keys
        assert case["seen_deg"] < 0.01, (name, case)
        assert case["others"], name
        assert start is None or case["start"] == start, (name, case)
        assert case["types"] == (["GENERATED"] if "reduce" in name else ["JITTER"]), (name, case)
    before, after, _ = found["reduced keys"]
    assert after < before / 5
    deg, mm = found["reduced within"]
    assert deg < 2.0 * 1.001 and mm < 8.0 * 1.001
    assert found["mirror of reduced"][1] < before / 5 and found["mirror of reduced"][2] == ["GENERATED"]
    assert found["undone"]
    assert found["cyclic"] == [True, 15.0, 65.0]
    assert found["keys after trim"] < after
    assert found["root keyed"] == [1]  # the walk goes along -Y: the other components had no keys and need none
    assert "no loop in an action from 15 to 45" in found["said"]["loop outside"]
    assert "Nothing is left between 500 and 600" in found["said"]["nothing left"]
    assert "has no action to change" in found["said"]["no action"]


def test_roles_are_corrected_kept_and_found_again(python, extension, tmp_path):  # noqa: F811
    found = run_script(python, "addon_roles.py", extension, tmp_path, home=tmp_path / "home")
    assert found["listed"][0] > 60 and found["listed"][1] == "mixamorig:LeftHand"
    assert found["corrected"] == ["mixamorig:Spare", True]
    assert found["keyed"] == [False, True]  # the head's own bone is left alone, the one chosen is keyed
    assert "no left thigh" in found["required"]
    assert 'no bone "Nothing"' in found["no such bone"] and 'no part "tail"' in found["no such part"]
    assert found["after loading"] == "mixamorig:Spare"
    assert found["saved"] == ["FINISHED"] and "comes with Poseloom" in found["ours"]
    assert found["by the preset"] == "mixamorig:Spare"  # with the corrections forgotten
    assert found["another"] == [False, True]  # and on another armature, in another file
    assert found["by hand"] == [True, ""]


def test_a_folder_becomes_actions_and_can_be_cancelled_and_reverted(python, extension, tmp_path):  # noqa: F811
    found = run_script(python, "addon_folder.py", extension, tmp_path, home=tmp_path / "home")
    assert found["before"] == found["undone"] == ["HeroAction"]
    assert found["made"] == ["HeroAction", "Hero|a", "Hero|b"]
    assert found["said"].startswith("2 actions made, 1 clip failed. c.bvh") and found["active"] == "Hero|a"
    assert found["difference"] < 1e-5
    assert found["reverted"] == [["HeroAction"], "HeroAction", 0]
    assert found["below"] == 4
    state, made, whole, hint, seconds, left = found["cancelled"]
    assert state == "cancelled" and made == 3 and whole and seconds < 1.0 and left == 0
    assert "3 actions made before" in hint
    assert "no clip in" in found["empty"] and "no folder" in found["nowhere"]


def test_edits_move_ik_controls_along_and_what_they_deform(python, extension, tmp_path):  # noqa: F811
    found = run_script(python, "addon_ik_edit.py", extension, tmp_path, home=tmp_path / "home")
    apart_mm = found["as retargeted"]["fk"]  # Rigify's own IK shortens limbs a little
    # a reduction may move both kinds of controls by 5 mm each, and to mirror what was reduced reduces once more
    more_mm = {"reduce": 10.0, "mirror of reduced": 20.0}
    for name, case in found.items():
        if name != "seam":
            assert case["switch"] == 0.0, name
            assert case["fk"] < apart_mm + more_mm.get(name, 1.0), (name, case)
    for name in ("mirror", "trim", "root", "hips"):
        assert found[name]["mm"] < 0.01, (name, found[name])
    assert found["reduce"]["mm"] < 10.0  # 5 mm for each control, and a limb hangs between two
    assert found["mirror of reduced"]["mm"] < 15.0
    went, still = found["in place"]["went"]
    assert went > 1.0 and still < 0.001
    assert found["seam"] < 0.01
