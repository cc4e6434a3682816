"""Ours beside a free add-on, "Animation Retargeting" by Mwni (version 1.0.0), on the same clips and characters.

    python tests/benchmarks/retarget_peer.py --addon FOLDER [--json FILE] [--clips 09_01 ...] [--frames 150]

Needs POSELOOM_DATA and a Python with bpy.  FOLDER is the add-on's own, as its authors publish it; nothing of it is here.
A row is a way to retarget onto a character of 1.75 m whose rest is an A-pose, over the clips: the median of what
`poseloom.retarget.quality.measure` says of each, and frames a second by the clock from the clip in the scene to its keys.

The add-on finds no bones: it is told those that we recognise, and the clip is scaled to the character's legs for it.
  as it comes    its rest alignment not set up; clips of CMU rest with their hips in the origin
  rests matched  the character posed by us as the clip's skeleton rests, and where, then its Apply: better than by eye
  feet           and its Correct Feet Position
Its Bake is `nla.bake` of what its drivers do, which is called here.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "blender"), str(TESTS / "benchmarks"), str(TESTS)]
import loose  # noqa: E402,F401  isort: skip
import bpy  # noqa: E402
import numpy as np  # noqa: E402
from cmu_clips import unpack  # noqa: E402
from poseloom import chains  # noqa: E402
from poseloom.motion.bvh import read_bvh  # noqa: E402
from poseloom.motion.types import RigMotion  # noqa: E402
from poseloom.retarget import from_rig, skeleton_of, to_rig  # noqa: E402
from poseloom.retarget.limbs import leg_length  # noqa: E402
from poseloom.retarget.quality import measure  # noqa: E402
from poseloom.rigs.recognise import recognise  # noqa: E402
from poseloom_addon.scene import armature, character, keying  # noqa: E402

CLIPS = ("09_01", "09_06", "29_02", "49_02", "49_06", "49_15")
RIGS = ("mixamo", "unreal")
WAYS = ("as it comes", "rests matched", "feet")
FIGURES = ("bone_deg", "slide_after_cm_s", "penetration_mm", "sole_mm")


class Case:
    """A clip of some frames, and a new character in an empty scene to put it on."""

    def __init__(self, path, frames, rig):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        bpy.context.preferences.filepaths.use_scripts_auto_execute = True
        self.path, (self.source, recorded) = path, read_bvh(path)
        self.recorded = RigMotion(recorded.bones, recorded.basis[:frames], recorded.location[:frames], recorded.keyed,
                                  recorded.fps)  # fmt: skip
        bpy.context.scene.render.fps = round(recorded.fps)
        self.obj = character.build(rig)
        self.found = recognise(armature.read(self.obj))
        self.motion, self.skeleton = chains.clip_to_motion(self.source, self.recorded)

    def row(self, rig_motion, seconds) -> dict:
        told = measure(self.motion, self.found.rig, rig_motion).as_dict()
        return {**{key: told[key] for key in FIGURES}, "fps": len(self.motion) / seconds}


def ours(case: Case) -> dict:
    began = time.perf_counter()
    motion, _ = chains.clip_to_motion(case.source, case.recorded)
    rig_motion, found = chains.motion_to_rig(motion, armature.read(case.obj), motion.fps)
    keying.write(case.obj, rig_motion, name="ours", start_frame=1)
    seconds = time.perf_counter() - began
    return case.row(armature.read_motion(case.obj, 1, len(motion), rig=found.rig), seconds)


def theirs(case: Case, way: str) -> dict:
    frames, target = len(case.motion), case.obj
    bpy.ops.import_anim.bvh(filepath=str(case.path))
    source = bpy.context.object
    recorded = skeleton_of(case.skeleton.rig)
    legs = [leg_length(s.names, np.asarray(s.offsets)) for s in (skeleton_of(case.found.rig), recorded)]
    metre = np.cbrt(np.linalg.det(case.source.world[:3, :3]))  # metres in a unit of the file, which Blender takes for one
    source.scale = [metre * legs[0] / legs[1]] * 3
    bpy.context.view_layer.update()
    bpy.context.view_layer.objects.active = target
    began = time.perf_counter()
    state = target.animation_retarget_state
    for joint, bones in case.found.rig.roles.items():
        if joint in case.skeleton.rig.roles:
            pair = state.mappings.add()
            pair.target, pair.source = bones[0], case.skeleton.rig.roles[joint][0]
    state.selected_source = source
    bpy.ops.retarget_alignment.edit()
    if way != "as it comes":
        _pose_as(case)
    bpy.context.view_layer.update()
    bpy.ops.retarget_alignment.apply()
    if way == "feet":
        for side, word in (("l", "left"), ("r", "right")):
            limb = state.get_ik_limb(f"{word}-foot") or state.create_ik_limb(f"{word}-foot")
            limb.origin_bone, limb.target_bone = (case.found.rig.roles[f"{j}_{side}"][0] for j in ("thigh", "foot"))
        state.correct_feet = True
    bpy.ops.object.mode_set(mode="POSE")
    target.animation_data.action = bpy.data.actions.new("theirs")
    bpy.ops.nla.bake(frame_start=1, frame_end=frames, step=1, visual_keying=True, use_current_action=True,
                     bake_types={"POSE"}, only_selected=False)  # fmt: skip
    seconds = time.perf_counter() - began
    bpy.ops.object.mode_set(mode="OBJECT")
    state.disable_drivers = True  # what is left are its keys
    return case.row(armature.read_motion(target, 1, frames, rig=case.found.rig), seconds)


def _pose_as(case: Case):
    """The character posed as the clip's skeleton rests."""
    rest = RigMotion(case.source.bones, case.recorded.basis[:1] * 0.0 + [1.0, 0.0, 0.0, 0.0],
                     np.full((1, len(case.source), 3), np.nan), case.recorded.keyed, 30.0)  # fmt: skip
    posed = to_rig(from_rig(rest, case.skeleton.rig), case.found.rig, plant_feet=False)
    mapped = {pair.target for pair in case.obj.animation_retarget_state.mappings}
    for b, name in enumerate(posed.bones):
        if posed.keyed[b] and name in mapped:
            bone = case.obj.pose.bones[name]
            bone.rotation_mode = "QUATERNION"
            bone.rotation_quaternion = posed.basis[0, b].tolist()
            bone.location = np.nan_to_num(posed.location[0, b]).tolist()
    bpy.context.view_layer.update()


def load(folder: Path):
    spec = importlib.util.spec_from_file_location(
        folder.name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    sys.modules[folder.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.register()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--addon", type=Path, required=True, help="the add-on's folder, its name without - or spaces")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--clips", nargs="*", default=CLIPS)
    parser.add_argument("--frames", type=int, default=150)
    args = parser.parse_args()
    load(args.addon.resolve())
    figures = {}
    print("| rig | | " + " | ".join((*FIGURES, "fps")) + " |\n|" + " --- |" * 7)
    with tempfile.TemporaryDirectory() as name:
        folder = unpack(Path(os.environ["POSELOOM_DATA"]), Path(name), args.clips)
        for rig in RIGS:
            for way in ("ours", *WAYS):
                cases = (Case(folder / f"{clip}.bvh", args.frames, rig) for clip in args.clips)
                rows = [ours(case) if way == "ours" else theirs(case, way) for case in cases]
                median = {key: float(np.median([row[key] for row in rows if row[key] is not None])) for key in rows[0]}
                print(f"| {rig} | {way} | " + " | ".join(f"{value:.3g}" for value in median.values()) + " |", flush=True)
                figures.update({f"{rig}_{way}_{key}".replace(" ", "_"): value for key, value in median.items()})
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    code = 1
    try:
        main()
        code = 0
    finally:
        # bpy is unsafe at exit: a trace is printed first, then the process is left at once
        if code:
            import traceback

            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
