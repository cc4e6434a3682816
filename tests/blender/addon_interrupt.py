"""Animates by the command's handler until a signal ends it; leaves with the handler's exit code."""

import os
import sys
from pathlib import Path

import bpy
import session

path, work, video = sys.argv[1:]
extension = session.install(path)
session.armature("Hero")
hero = Path(work) / "hero.blend"
bpy.ops.wm.save_as_mainfile(filepath=str(hero))
words = ["animate", video, "--to", str(hero), "--out", str(Path(work) / "out.blend"), "--progress", "json"]
code = extension.registration.cli.main(words)
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)
