"""What our errors say: read in the source, as most of them are rare."""

from __future__ import annotations

import ast
import re

import pytest
from conftest import ROOT

from poseloom import errors

SOURCES = [*sorted((ROOT / "backend" / "poseloom").rglob("*.py")), *sorted((ROOT / "blender_addon").rglob("*.py"))]
KINDS = {name for name in vars(errors) if isinstance(getattr(errors, name), type)} - {"Cancelled"} | {"Failure"}
FOREIGN = re.compile(r"\b(error|reason|words|exception)\}$")


def ends(node) -> list:
    """How a text of the source may end: the literal's last words, or `{what}` where a value stands there."""
    if isinstance(node, ast.IfExp):
        return ends(node.body) + ends(node.orelse)
    if isinstance(node, ast.JoinedStr) and node.values:
        last = node.values[-1]
        return [last.value] if isinstance(last, ast.Constant) else [f"{{{ast.unparse(last.value)}}}"]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def unfinished(text: str) -> list:
    """(line, end) of the messages and hints of errors made in a source that do not end as a sentence does."""
    found = []
    for call in ast.walk(ast.parse(text)):
        name = getattr(getattr(call, "func", None), "id", "") if isinstance(call, ast.Call) else ""
        if name not in KINDS:
            continue
        message, hint = ([*call.args, None, None][i] for i in (1, 2))
        for end in ends(message) if message else []:
            # our own texts are sentences already; those of systems and libraries are not
            if not end.endswith((".", "?", "!")) and (not end.endswith("}") or FOREIGN.search(end)):
                found.append((call.lineno, end))
        for end in ends(hint) if hint else []:
            # a way out may be a command to copy, after a colon, or a link
            if not end.endswith((".", "?", "!", "}")) and end and ": " not in end:
                found.append((call.lineno, end))
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_error_is_whole_sentences(path):
    assert unfinished(path.read_text(encoding="utf-8")) == []


def test_an_error_without_its_full_stop_is_found():
    assert unfinished('BadInput("code", "No end", "Nor here")') == [(1, "No end"), (1, "Nor here")]
    assert unfinished('BadInput("code", f"It failed: {reason}", "Try: ls")') == [(1, "{reason}")]
    assert unfinished('PoseloomError("code", f"It failed: {why}." if why else "It failed", hint)') == [(1, "It failed")]


def test_what_is_missing_is_brought_from_the_source():
    """No package index has Poseloom, so no way out may say `pip install "poseloom[...]"`."""
    wrong = [path for path in SOURCES if re.search(r"pip install\W+poseloom\b", path.read_text(encoding="utf-8"))]
    assert not wrong
