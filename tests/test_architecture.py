"""The shape of the code: who may import whom, how long a file may be, what may be in the tree."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib

import pytest
from conftest import ROOT, python_of

BACKEND = ROOT / "backend" / "poseloom"
ADDON = ROOT / "blender_addon"
KERNEL = (
    "errors", "progress", "registry", "client", "settings", "formats", "grammar", "options", "options_render", "paths",
    "presets", "blender", "motion", "rigs", "retarget", "inbetween", "chains", "rigfill", "key_poses", "named_pictures",
)  # fmt: skip
HEAVY = {"torch", "onnxruntime", "onnx", "mediapipe", "diffusers", "cv2", "scipy", "av", "PIL"}
STAGES = ("pose", "inbetween", "retarget", "render")
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
MIB = 1 << 20


def tracked() -> list:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def python_files() -> list:
    return [p for p in tracked() if p.suffix == ".py"]


def package_of(path) -> str:
    if ADDON in path.parents:
        return ".".join(("addon", *path.relative_to(ADDON).with_suffix("").parts))
    return ".".join(("poseloom", *path.relative_to(BACKEND).with_suffix("").parts))


def imports(path, top_level_only=False) -> set:
    """Absolute dotted names that a file imports; relative ones resolved."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = package_of(path).split(".") if (BACKEND in path.parents or ADDON in path.parents) else ["script"]
    package = parts[:-1]
    found = set()
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names} | {module}
    return found


def roots(names) -> set:
    return {name.split(".")[0] for name in names}


def in_kernel(path) -> bool:
    if BACKEND not in path.parents:
        return False
    first = path.relative_to(BACKEND).parts[0].removesuffix(".py")
    return first in (*KERNEL, "__init__") and path.name != "lstm.py" and not path.name.startswith("train")


SOURCES = [p for p in python_files() if BACKEND in p.parents or ADDON in p.parents]


def test_top_level_is_what_the_readme_says():
    for name in ("blender_addon", "backend", "rigs", "tests", "docs", "constraints", "build_addon.py",
                 "pyproject.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "Makefile"):  # fmt: skip
        assert (ROOT / name).exists(), f"{name} is missing"


def test_kernel_needs_numpy_and_the_standard_library_only():
    allowed = set(sys.stdlib_module_names) | {"numpy", "poseloom", "__future__"}
    for path in filter(in_kernel, SOURCES):
        names = imports(path)
        assert roots(names) <= allowed, f"{path}: {roots(names) - allowed}"
        for name in names:
            if name.startswith("poseloom."):
                first = name.split(".")[1]
                assert first in (*KERNEL, "__version__", "PROTOCOL"), f"{path} imports {name}, which is not kernel"


def test_bpy_stays_in_the_extension_and_its_two_doors():
    for path in python_files():
        if roots(imports(path)) & {"bpy", "bpy_extras", "mathutils", "addon_utils", "bl_ext"}:
            ok = ADDON in path.parents or path == BACKEND / "blender.py"
            ok = ok or (ROOT / "backend" / "studio") in path.parents or (ROOT / "tests") in path.parents
            assert ok, f"{path} imports bpy"


def test_version_differences_have_one_address():
    for path in SOURCES:
        if path != ADDON / "compat.py":
            assert "app.version" not in path.read_text(encoding="utf-8"), f"{path} asks for Blender's version"


def test_heavy_packages_are_imported_when_a_method_is_built():
    """Training modules and the renderer by diffusers are imported by name alone, so they may import torch at their top."""
    by_name = {BACKEND / "render" / f"{name}.py" for name in ("asking", "controlnet", "consistency", "device", "network", "parts", "posed")}
    for path in SOURCES:
        top = roots(imports(path, top_level_only=True))
        allowed = {"torch"} if path.name.startswith("train") else {"torch", "diffusers", "PIL"} if path in by_name else set()
        trains = path.name.startswith("train")
        assert path in by_name or trains or not {f"poseloom.render.{p.stem}" for p in by_name} & imports(path), path
        assert not (top & HEAVY) - allowed, f"{path} imports {top & HEAVY} when it is imported"
        if path.name == "__init__.py":
            assert not roots(imports(path)) & HEAVY, f"{path} imports {roots(imports(path)) & HEAVY}"


def test_torch_stays_in_training_and_rendering():
    other_environment = BACKEND / "pose" / "mmpose_worker.py"  # a program for mmpose's own Python
    for path in SOURCES:
        if "torch" in roots(imports(path)) and path != other_environment:
            assert path.name.startswith("train") or BACKEND / "render" in path.parents, f"{path} imports torch"


def test_a_stage_never_imports_another_stage():
    for path in SOURCES:
        parts = package_of(path).split(".")
        if parts[0] != "poseloom" or parts[1] not in STAGES:
            continue
        for name in imports(path):
            other = name.split(".")[1:2]
            assert not (name.startswith("poseloom.") and other and other[0] in STAGES and other[0] != parts[1]), (
                f"{path} imports {name}"
            )
            assert not name.startswith(("poseloom.pipelines", "poseloom.server", "poseloom.cli", "poseloom.commands")), f"{path}: {name}"


def test_extension_arrows():
    for path in SOURCES:
        package = package_of(path)
        if not package.startswith("addon"):
            continue
        names = imports(path)
        if not package.startswith(("addon.registration", "addon.operators")):
            assert not any(n.startswith("addon.operators") for n in names), f"{path} imports operators"
        if package.startswith("addon.scene"):
            outside = {n for n in names if n.startswith("addon.") and not n.startswith(("addon.scene", "addon.compat"))}
            assert not outside, f"{path} imports {outside}"
        for name in names:
            if name.startswith("poseloom.") and not package.startswith("addon.headless"):
                assert name.split(".")[1] in (*KERNEL, "__version__", "PROTOCOL"), f"{path} imports {name}: not kernel"
        assert "poseloom_addon" not in roots(names), f"{path}: only relative imports inside the extension"


def test_files_are_short():
    long = {p: n for p in python_files() if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400}
    assert not long, long


def test_no_file_is_a_drawer():
    assert not [p for p in python_files() if p.stem in FORBIDDEN_NAMES]


def test_no_bare_except():
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"{path}:{node.lineno}"


def test_the_tree_stays_small():
    sizes = {p: p.stat().st_size for p in tracked()}
    assert sum(sizes.values()) < 48 * MIB
    for path, size in sizes.items():
        assert size <= 15 * MIB, path
    for path, size in sizes.items():
        if path.suffix == ".png" and (ROOT / "docs") in path.parents:
            assert size <= 400_000, f"{path} is {size} bytes"


def test_every_package_is_installed():
    """A plain `pip install .` takes the packages that pyproject.toml lists and no others."""
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    for top, name in ((BACKEND, "poseloom"), (ADDON, "poseloom_addon")):
        there = {".".join((name, *p.parent.relative_to(top).parts)) for p in SOURCES if top in p.parents}
        assert there <= listed, there - listed


@pytest.mark.matrix
@pytest.mark.parametrize("name", ["kernel1", "kernel2"])
def test_kernel_runs_with_nothing_but_numpy(name):
    """In environments that hold only the oldest and a recent numpy: import all of it, and use it."""
    python = python_of(name)
    run = subprocess.run(
        [python, "-I", ROOT / "tests" / "kernel_alone.py", ROOT / "backend"], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("numpy 1.24" if name == "kernel1" else "numpy 2."), run.stdout
