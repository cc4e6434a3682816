"""Every text that the extension shows has a tooltip where there is to be one, and is there in German."""

from __future__ import annotations

import ast
import json
import re
import string

import pytest
from conftest import ROOT, need
from test_addon import extension, python, run_script  # noqa: F401  fixtures
from test_addon_window import SCRIPTS, blender  # noqa: F401  fixture

ADDON = ROOT / "blender_addon"
SHOWN = {"text", "placeholder", "heading"}  # arguments of layout functions that Blender translates
LAYOUT = {"label", "prop", "operator", "operator_menu_enum", "column", "row", "prop_search", "progress"}
SAME = {  # German too
    "Clip", "Clips", "Frame", "Spline", "{count} Clips", "FBX", "Format", "GLB", "Name", "Person", "Rig", "Text", "Token",
    "Video", "Backend", "X", "Y", "Z", "-X", "-Y", "-Z",
}  # fmt: skip


def _literals() -> dict:
    """{text: where} of the fixed strings that the source hands to a layout, to `paragraph` or to `say`."""
    found = {}
    for path in sorted(ADDON.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = [word.value for word in node.keywords if called in LAYOUT and word.arg in SHOWN]
            given += node.args[:1] if called == "say" else node.args[2:3] if called == "paragraph" else []
            for value in given:
                for part in ast.walk(value) if not isinstance(value, (ast.JoinedStr, ast.Call)) else ():
                    text = part.value if isinstance(part, ast.Constant) else None
                    if isinstance(text, str) and re.search("[A-Za-z]", text):
                        found[text] = f"{path.relative_to(ROOT)}:{part.lineno}"
    return found


def _holes(text: str) -> set:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_text_shown_in_blender_has_a_tooltip_and_german(python, extension, tmp_path):  # noqa: F811
    found = run_script(python, "addon_texts.py", extension, home=tmp_path / "home")
    assert found["bare"] == []
    assert len(found["texts"]) > 150
    lacking = {text: where for where, text in found["texts"] if text not in found["german"]}
    assert not lacking, lacking
    fixed = {text: where for text, where in _literals().items() if text not in found["german"]}
    assert not fixed, fixed


def test_no_german_is_left_over_or_looks_like_english(extension, python, tmp_path):  # noqa: F811
    found = run_script(python, "addon_texts.py", extension, home=tmp_path / "home")
    source = "".join(path.read_text(encoding="utf-8") for path in ADDON.rglob("*.py") if not path.name.startswith("german"))
    shown = {text for _, text in found["texts"]} | set(_literals())
    for text, german in found["german"].items():
        assert text in shown or text in source, f"nothing says {text!r} any more"
        assert german != text or text in SAME, text
        assert _holes(german) == _holes(text), text
        assert german.endswith("…") == text.endswith("...") and german.endswith(":") == text.endswith(":"), text


@pytest.mark.matrix
def test_blender_says_it_in_german_and_forgets_it_when_we_go(blender):  # noqa: F811
    """In a Blender built with languages, which bpy's wheels are not.  What Blender itself has in German it keeps."""
    answer = blender.work / "texts.json"
    script = SCRIPTS / "addon_texts.py"
    done = blender("--background", "--python-exit-code", "1", "--python", script, "--", answer)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(answer.read_text(encoding="utf-8"))
    need(found["international"], "a Blender built with languages")
    own, ours = found["without us"], found["german"]
    expected = {text: [word if word != text else ours[text] for word in words] for text, words in own.items()}
    assert found["said"] == found["again"] == expected
    assert sum(words == [ours[text]] * 3 for text, words in expected.items()) > 0.9 * len(ours)
    assert own == found["disabled"]
    assert own["Retarget Folder"] == ["Retarget Folder"] * 3
    assert found["said"]["Retarget Folder"] == ["Ordner übertragen"] * 3
    assert found["sentence"] == "{Hero} hat keine Aktion"
