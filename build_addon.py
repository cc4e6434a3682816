"""Build the Blender extension: dist/poseloom-X.Y.Z.zip.  Standard library only, no network.

With --backend, install the backend into the user's data folder instead (pip then needs the network).

The zip holds `blender_addon/` and one wheel, `poseloom_kernel`: the parts of `backend/poseloom`
that need numpy alone, so that retargeting works inside Blender with no backend running.
Blender keeps the wheel it has when a new one bears the same version; the wheel's version
therefore ends in a hash of its sources.  The same tree gives the same bytes.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

TREE = Path(__file__).resolve().parent
# Modules and packages of backend/poseloom that run on numpy and the standard library alone.
KERNEL = (
    "__init__.py",
    "errors.py",
    "progress.py",
    "registry.py",
    "settings.py",
    "client.py",
    "formats.py",
    "grammar.py",
    "options.py",
    "options_render.py",
    "paths.py",
    "presets.py",
    "blender.py",
    "chains.py",
    "rigfill.py",
    "key_poses.py",
    "named_pictures.py",
    "motion",
    "rigs",
    "retarget",
    "inbetween",
)
NOT_IN_KERNEL = re.compile(r"(^|/)(__pycache__/|train[^/]*\.py$|lstm\.py$)")
CHARACTER = ("__init__.py", "LICENCES.md", "body.npz")  # of assets/: what builds our own character
PRESETS = "poseloom/rigs/presets"  # where the top-level rigs/ folder lies in the package
EXTRAS = "pose,learn,server"  # of the package: all that the backend is asked for, but for `render`, which is huge
EPOCH = (1980, 1, 1, 0, 0, 0)
LARGEST = 2 * 1024 * 1024
TEXT_LONGEST = 64  # characters of a tagline or a permission's reason, by Blender's rules


class BuildError(Exception):
    """One sentence that says what is wrong with the tree or with the zip."""


def kernel_files(tree: Path = TREE) -> dict[str, bytes]:
    """{path in the wheel: content} of the kernel, sorted by path."""
    package, files = tree / "backend" / "poseloom", {}
    for entry in KERNEL:
        source = package / entry
        for path in sorted(source.rglob("*.py")) if source.is_dir() else [source]:
            name = path.relative_to(package.parent).as_posix()
            if path.is_file() and not NOT_IN_KERNEL.search(name):
                files[name] = path.read_bytes()
    for name in CHARACTER:
        files[f"poseloom/assets/{name}"] = (package / "assets" / name).read_bytes()
    for path in sorted((tree / "rigs").glob("*")):
        if path.suffix in (".toml", ".py"):
            files[f"{PRESETS}/{path.name}"] = path.read_bytes()
    files.setdefault(f"{PRESETS}/__init__.py", b"")
    return dict(sorted(files.items()))


def kernel_wheel(tree: Path = TREE) -> tuple[str, bytes]:
    """File name and bytes of the kernel's wheel."""
    files = kernel_files(tree)
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    version = f"{package_version(tree)}+{digest.hexdigest()[:12]}"
    info = f"poseloom_kernel-{version}.dist-info"
    files[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: poseloom-kernel\nVersion: {version}\n"
        "Summary: The part of Poseloom that runs inside Blender\nLicense: GPL-3.0-or-later\n"
        "Requires-Python: >=3.11\nRequires-Dist: numpy>=1.24\n"
    ).encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: build_addon\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/LICENSE"] = (tree / "LICENSE").read_bytes()
    rows = [f"{name},sha256={_record_hash(data)},{len(data)}" for name, data in sorted(files.items())]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    return f"poseloom_kernel-{version}-py3-none-any.whl", zip_bytes(files)


def addon_files(tree: Path = TREE) -> dict[str, bytes]:
    """{path in the zip: content} of the whole extension, its manifest naming the wheel."""
    source = tree / "blender_addon"
    files = {
        path.relative_to(source).as_posix(): path.read_bytes()
        for path in source.rglob("*.py")
        if "__pycache__" not in path.parts
    }
    name, wheel = kernel_wheel(tree)
    manifest = (source / "blender_manifest.toml").read_text(encoding="utf-8")
    # a key after the first [table] would belong to that table
    head, table, rest = manifest.partition("\n[")
    files["blender_manifest.toml"] = f'{head.rstrip()}\nwheels = ["./wheels/{name}"]\n{table}{rest}'.encode()
    files[f"wheels/{name}"] = wheel
    files["LICENSE"] = (tree / "LICENSE").read_bytes()
    return files


def zip_bytes(files: dict[str, bytes]) -> bytes:
    """A zip with sorted entries and one fixed date."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # else it says on which system it was built
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def package_version(tree: Path = TREE) -> str:
    text = (tree / "backend" / "poseloom" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(\d+\.\d+\.\d+)"$', text, re.MULTILINE)
    if not found:
        raise BuildError('backend/poseloom/__init__.py has no line __version__ = "X.Y.Z".')
    return found[1]


def validate(data: bytes) -> dict:
    """The manifest in the zip's bytes, after every check that Blender leaves to us; else BuildError."""
    if len(data) > LARGEST:
        raise BuildError(f"The zip has {len(data):,} bytes; the limit is {LARGEST:,}.")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        for name in ("__init__.py", "blender_manifest.toml", "LICENSE"):
            if name not in names:
                raise BuildError(f"The zip has no {name}.")
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
        _check_texts(manifest)
        wheels = manifest.get("wheels", [])
        if not wheels:
            raise BuildError("The manifest lists no wheel.")
        for wheel in wheels:
            if wheel.removeprefix("./") not in names:
                raise BuildError(f"The manifest lists {wheel}, which is not in the zip.")
            _check_wheel(wheel, archive.read(wheel.removeprefix("./")))
        for name in names:
            if name.endswith(".whl") and f"./{name}" not in wheels:
                raise BuildError(f"{name} is in the zip, but not in the manifest.")
            if name.endswith(".py"):
                _check_compiles(name, archive.read(name))
    return manifest


def _check_texts(manifest: dict) -> None:
    keys = "schema_version id version name tagline maintainer type blender_version_min license".split()
    missing = [key for key in keys if key not in manifest]
    if missing:
        raise BuildError(f"The manifest lacks {', '.join(missing)}.")
    texts = {"tagline": manifest["tagline"], **manifest.get("permissions", {})}
    for key, text in texts.items():
        if len(text) > TEXT_LONGEST or not text[-1:].isalnum():
            raise BuildError(f'The manifest\'s text for {key} must end without punctuation and have at most '
                             f'{TEXT_LONGEST} characters: "{text}".')  # fmt: skip


def _check_wheel(name: str, data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        record = next(n for n in archive.namelist() if n.endswith(".dist-info/RECORD"))
        listed = {}
        for row in archive.read(record).decode().splitlines():
            path, digest, _size = row.rsplit(",", 2)
            listed[path] = digest
        if set(listed) != set(archive.namelist()):
            raise BuildError(f"{name}: RECORD does not list what is in the wheel.")
        for path, digest in listed.items():
            content = archive.read(path)
            if digest and digest != f"sha256={_record_hash(content)}":
                raise BuildError(f"{name}: {path} differs from its hash in RECORD.")
            if path.endswith(".py"):
                _check_compiles(f"{name}/{path}", content)


def _check_compiles(name: str, source: bytes) -> None:
    try:
        compile(source, name, "exec")
    except SyntaxError as error:
        raise BuildError(f"{name}, line {error.lineno}: {error.msg}.") from error


def _record_hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def build(out: Path, tree: Path = TREE) -> Path:
    """Write the validated zip into the folder `out`; its path."""
    data = zip_bytes(addon_files(tree))
    manifest = validate(data)
    if manifest["version"] != package_version(tree):
        raise BuildError(f"The manifest says {manifest['version']}, the package {package_version(tree)}.")
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{manifest['id']}-{manifest['version']}.zip"
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(data)
    partial.replace(path)
    return path


def install_backend(extras: str = EXTRAS) -> Path:
    """The backend in an environment of its own in the user's data folder; the note that tells of it."""
    sys.path.insert(0, str(TREE / "backend"))
    from poseloom import settings

    if sys.version_info[:2] != (3, 11):
        raise BuildError(f"The backend needs Python 3.11; this is {sys.version.split()[0]}.")
    python = settings.backend_python()
    venv.create(python.parent.parent, with_pip=True)
    shutil.rmtree(TREE / "build" / "lib", ignore_errors=True)  # else what an older tree left there is installed too
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", TREE / "constraints" / "main.txt"]
    if subprocess.run([*pip, f"{TREE}[{extras}]"]).returncode:
        raise BuildError("pip could not install the backend; its message stands above.")
    return settings.write_backend_json([str(python), "-m", "poseloom", "serve"])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the Blender extension.")
    parser.add_argument("--backend", action="store_true", help="install the backend instead, where the panel finds it")
    parser.add_argument("--render", action="store_true", help="the backend, with torch and diffusers: gigabytes")
    parser.add_argument("--out", type=Path, default=TREE / "dist", metavar="FOLDER", help="where the zip goes")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.backend or chosen.render:
            note = install_backend(f"{EXTRAS},render" if chosen.render else EXTRAS)
            print(f"The backend is installed; {note} tells Blender's panel how to start it.")
            return 0
        path = build(chosen.out)
    except BuildError as error:
        print(f"build_addon: {error}", file=sys.stderr)
        return 1
    print(f"{path}  {path.stat().st_size / 1024:.0f} KiB  sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
