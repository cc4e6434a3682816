"""Checkpoints of diffusion models: where they lie, under which licence, and bringing one from the Hugging Face hub.

A checkpoint is named by a local folder (or file), or by its name on the hub, "OWNER/NAME" or "OWNER/NAME:FILE".  Named so
it is looked for in our models folder and in the hub's own cache; nothing is downloaded but by `fetch`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from .errors import BadInput, PoseloomError, Unavailable
from .progress import Report, silent
from .settings import models_folder

# what the docs name: about how large (GB), and the licence; `plan` asks the hub for the exact ones
KNOWN = {
    "stable-diffusion-v1-5/stable-diffusion-v1-5": (2.1, "creativeml-openrail-m"),
    "lllyasviel/control_v11p_sd15_openpose": (0.7, "openrail"),
    "lllyasviel/control_v11f1p_sd15_depth": (0.7, "openrail"),
    "stabilityai/stable-diffusion-xl-base-1.0": (6.9, "openrail++"),
    "xinsir/controlnet-openpose-sdxl-1.0": (2.5, "apache-2.0"),
    "diffusers/controlnet-depth-sdxl-1.0": (2.5, "openrail++"),
    "madebyollin/taesd": (0.01, "mit"),
    "madebyollin/taesdxl": (0.01, "mit"),
    "latent-consistency/lcm-lora-sdv1-5": (0.13, "openrail++"),
    "latent-consistency/lcm-lora-sdxl": (0.39, "openrail++"),
    "h94/IP-Adapter": (2.6, "apache-2.0"),
}
_WEIGHTS = (".safetensors", ".bin", ".ckpt", ".pt", ".pth", ".onnx", ".onnx_data", ".pb", ".msgpack", ".xml")
_UNUSED = ("safety_checker/", "feature_extractor/")
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(:[\w./-]+)?")
_PIECE = 1 << 20


@dataclass(frozen=True)
class Download:
    """Files (path, bytes, SHA-256 or "") of a checkpoint on the hub, and the licence it is under."""

    name: str
    revision: str
    licence: str
    files: tuple

    @property
    def size_bytes(self) -> int:
        return sum(size for _, size, _ in self.files)


def folder_of(folder: Optional[Path] = None) -> Path:
    """Where checkpoints lie in the models folder, by default the user's."""
    return (folder or models_folder()) / "diffusion"


def is_hub_name(name: str) -> bool:
    return bool(_HUB_NAME.fullmatch(name)) and not Path(name).exists()


def find(name: str, folder: Optional[Path] = None) -> Path:
    """The folder, or the file, that a checkpoint's name stands for; Unavailable tells how to bring it."""
    if Path(name).expanduser().exists():
        return Path(name).expanduser()
    if not is_hub_name(name):
        raise BadInput(
            "no_such_checkpoint", f'There is no folder "{name}".', "Give a checkpoint's folder, or its name on the hub."
        )
    hub, _, file = name.partition(":")
    for place in (folder_of(folder) / hub, _cached(hub)):
        if place is not None and _whole(place, file):
            return place / file if file else place
    size, licence = KNOWN.get(hub, (None, None))
    known = f" (about {size:g} GB, licence {licence})" if size else ""
    raise Unavailable(
        "checkpoint_missing", f'The checkpoint "{name}" is not on this computer.',
        f"Bring it by: poseloom models add {name}{known}",
    )  # fmt: skip


def licence_of(path: Path) -> str:
    """What the model card beside a checkpoint says, "unknown" where there is none."""
    for place in (path, *list(path.parents)[:2]):
        card = place / "README.md"
        if card.is_file():
            said = re.search(r"^license(?:_name)?:\s*(\S+)\s*$", card.read_text(encoding="utf-8", errors="replace"), re.M)
            return said[1].strip("\"'") if said else "unknown"
    return "unknown"


def there(folder: Optional[Path] = None) -> list:
    """(name, bytes, licence) of the checkpoints that were brought here."""
    base = folder_of(folder)
    found = sorted(p for p in base.glob("*/*") if p.is_dir()) if base.is_dir() else []
    return [
        (str(p.relative_to(base).as_posix()), sum(f.stat().st_size for f in p.rglob("*") if f.is_file()), licence_of(p))
        for p in found
    ]


def remove(name: str, folder: Optional[Path] = None) -> bool:
    """Delete a checkpoint that `fetch` brought; False where it was not there."""
    place = folder_of(folder) / name.partition(":")[0]
    found = is_hub_name(name) and place.is_dir()
    if found:
        shutil.rmtree(place)
    return found


def plan(name: str) -> Download:
    """What bringing a checkpoint from the hub would download: safetensors alone, of half precision where there are any.

    BadInput where the hub has no such checkpoint, keeps it behind a licence to agree to, or has no safetensors of it.
    """
    hub, _, file = name.partition(":")
    told = json.loads(_open(hub, f"/api/models/{urllib.parse.quote(hub)}?blobs=true").read())
    card = told.get("cardData") or {}
    files = {s["rfilename"]: s for s in told.get("siblings", ())}
    wanted = chosen_files(files, file)
    if not any(path.endswith(".safetensors") for path in wanted):
        what = f'no file "{file}"' if file and file not in files else "no weights as .safetensors, only pickled ones, which can run code"
        raise BadInput("no_safetensors", f'The checkpoint "{hub}" has {what}.', "Choose another checkpoint.")
    rows = [(path, files[path].get("size") or 0, (files[path].get("lfs") or {}).get("sha256", "")) for path in wanted]
    return Download(hub, told["sha"], str(card.get("license_name") or card.get("license") or "unknown"), tuple(rows))


def chosen_files(paths, file: str = "") -> list:
    """Which of a repository's files a checkpoint needs, what makes it count as whole last.

    Of a pipeline its parts without the safety checker, else the folder's own weights; `file` is a single weight file,
    which comes with the folder `image_encoder` beside it, if any.
    """
    paths = set(paths)
    if file:
        beside = str(Path(file).parent / "image_encoder").replace("\\", "/") + "/"
        wanted = {p for p in paths if p == file or (p.startswith(beside) and p.endswith((".json", ".safetensors")))}
        return sorted(wanted | (paths & {"README.md"}))
    pipeline = "model_index.json" in paths
    deep = {p for p in paths if p.count("/") == 1 and not p.startswith(_UNUSED)} if pipeline else {p for p in paths if "/" not in p}
    wanted = {p for p in deep if p.endswith((".json", ".txt", ".model"))} | (paths & {"README.md", "model_index.json"})
    wanted |= {p for p in deep if p.endswith(".safetensors") and not _doubled(p, deep)}
    return sorted(wanted, key=lambda p: (p in ("model_index.json", "config.json"), p))


def _doubled(path: str, paths) -> bool:
    """Whether the same weights are there in half precision too, or this is the training's other copy."""
    stem = path.removesuffix(".safetensors")
    return "non_ema" in path or (not stem.endswith(".fp16") and f"{stem}.fp16.safetensors" in paths)


def fetch(download: Download, folder: Optional[Path] = None, report: Report = silent) -> Path:
    """Download into the models folder; where it is then.  One that was interrupted goes on where it was.

    A file takes its name when it is whole and has its SHA-256.  PoseloomError where the network fails.
    """
    place, done = folder_of(folder) / download.name, 0
    for path, size, digest in download.files:
        target = place / path
        if place.resolve() not in target.resolve().parents:
            raise BadInput("odd_path", f'The checkpoint has a file "{path}" outside its folder.', "Do not use it.")
        if not (target.is_file() and target.stat().st_size == size):
            target.parent.mkdir(parents=True, exist_ok=True)
            _fetch_file(download, path, size, digest, target, lambda more: report(
                min(1.0, (done + more) / max(download.size_bytes, 1)), path))  # fmt: skip
        done += size
    report(1.0, download.name)
    return place


def _fetch_file(download: Download, path: str, size: int, digest: str, target: Path, told) -> None:
    partial = target.with_name(target.name + ".part")
    have = partial.stat().st_size if partial.exists() else 0
    if have > size:
        partial.unlink()
        have = 0
    url = f"/{urllib.parse.quote(download.name)}/resolve/{download.revision}/{urllib.parse.quote(path)}"
    try:
        with _open(download.name, url, have) as answer, open(partial, "ab" if have and answer.status == 206 else "wb") as file:
            while piece := answer.read(_PIECE):
                file.write(piece)
                told(file.tell())
    except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
        raise _no_network(download.name, error) from error
    except OSError as error:
        raise PoseloomError("not_written", f"{partial} could not be written: {error.strerror}.", "Is the disk full?") from error
    with open(partial, "rb") as file:
        whole = not digest or hashlib.file_digest(file, "sha256").hexdigest() == digest
    if partial.stat().st_size != size or not whole:
        partial.unlink()
        raise PoseloomError("damaged_download", f"{path} of {download.name} came damaged.", "Try again.")
    partial.replace(target)


def _open(name: str, url: str, start: int = 0):
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    headers = {"User-Agent": "poseloom"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        return urllib.request.urlopen(urllib.request.Request(endpoint + url, headers=headers), timeout=30)
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            raise BadInput(
                "gated_checkpoint", f'The hub has no "{name}", or wants its licence agreed to first.',
                f"Look at {endpoint}/{name}; what you download there can be given as a folder.",
            ) from error  # fmt: skip
        if error.code == 404:
            raise BadInput("no_such_checkpoint", f'The hub has no "{name}".', "Check its name.") from error
        raise _no_network(name, error) from error
    except (urllib.error.URLError, TimeoutError) as error:
        raise _no_network(name, error) from error


def _no_network(name: str, error) -> PoseloomError:
    why = getattr(error, "reason", error)
    return PoseloomError("no_download", f'"{name}" could not be downloaded: {why}.', "Is there a network? What came is kept.")


def _whole(place: Path, file: str) -> bool:
    if file:
        return (place / file).is_file()
    return any((place / name).is_file() for name in ("model_index.json", "config.json")) or any(place.glob("*.safetensors"))


def _cached(hub: str) -> Optional[Path]:
    """The checkpoint in the hub's own cache, where other programs may have left it."""
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    base = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub") / f"models--{hub.replace('/', '--')}"
    try:
        revision = (base / "refs" / "main").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return base / "snapshots" / revision
