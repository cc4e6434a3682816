"""Chosen CMU clips out of the archive in the data folder."""

from __future__ import annotations

import lzma
import tarfile
from pathlib import Path


def unpack(data: Path, folder: Path, names) -> Path:
    """`folder` with NAME.bvh for each of `names` such as "02_01"."""
    wanted = {f"{name}.bvh" for name in names}
    with lzma.open(data / "mocap" / "cmu_30fps.tar.xz") as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            file = member.name.rsplit("/", 1)[-1]
            if file in wanted:
                (folder / file).write_bytes(tar.extractfile(member).read())
    return folder
