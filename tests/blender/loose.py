"""For scripts that test the extension's scene functions from the source tree, without installing it.

Import this first: it makes `poseloom` and `poseloom_addon` importable in any Blender's Python.
"""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _load(name, folder):
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


import bpy  # noqa: E402,F401  (before numpy, whose right version it brings)

_load("poseloom", ROOT / "backend" / "poseloom")
_load("poseloom_addon", ROOT / "blender_addon")
