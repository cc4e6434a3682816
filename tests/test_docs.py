"""The documents say what the code does."""

from __future__ import annotations

import importlib
import re
import shlex
import tomllib

import pytest
from conftest import ROOT

import poseloom

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("rigs/*.md")])


def fenced_commands(text: str) -> list:
    """The lines of indented or fenced code that call `poseloom`, continuation lines joined."""
    text = text.replace("\\\n", " ")
    lines = re.findall(r"^(?: {4}|\$ )?((?:\.venv/bin/)?poseloom .*)$", text, flags=re.MULTILINE)
    return [line.split("#")[0].split("`")[0].strip() for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_shown_is_understood(page):
    from poseloom.grammar import build_parser

    for line in fenced_commands(page.read_text(encoding="utf-8")):
        words = shlex.split(line)[1:]
        try:
            build_parser("poseloom").parse_args(words)
        except SystemExit as stop:
            assert stop.code == 0, f"{page.name}: {line}"


def test_readme_shows_commands_at_all():
    assert len(fenced_commands((ROOT / "README.md").read_text(encoding="utf-8"))) >= 6


def test_one_version_everywhere():
    changelog = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    manifest = tomllib.loads((ROOT / "blender_addon" / "blender_manifest.toml").read_text(encoding="utf-8"))["version"]
    assert poseloom.__version__ == changelog == project == manifest


@pytest.mark.parametrize("stage", ["poseloom.pose", "poseloom.inbetween"])
def test_every_method_stands_in_the_docs(stage):
    docs = "\n".join(p.read_text(encoding="utf-8") for p in PAGES)
    for name, method in importlib.import_module(stage).METHODS.items():
        assert f"`{name}`" in docs, f"{stage}: {name} has no row in the docs"
        assert method.licence in docs, f"{stage}: the licence of {name} is not in the docs"


def test_every_preset_stands_in_the_docs():
    page = (ROOT / "rigs" / "README.md").read_text(encoding="utf-8")
    presets = list(ROOT.glob("rigs/*.toml"))
    assert presets
    for path in presets:
        assert f"`{path.stem}`" in page, f"{path.name} has no row in rigs/README.md"


def test_nothing_names_one_machine():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|Users)/\w", text), page
