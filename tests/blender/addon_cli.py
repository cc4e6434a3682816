"""The handler behind `blender --command poseloom`, called with words as Blender would call it."""

import resource
from pathlib import Path

import bpy
import session


def main(path, work, video):
    extension = session.install(path)
    picture = Path(video).with_name("pose.jpg")
    command, work = extension.registration.cli.main, Path(work)
    clip = session.bvh(work / "walk.bvh")
    session.armature("Hero")
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "hero.blend"))
    (work / "mine.json").write_text('{"poseloom": "retarget", "up": "Y", "root": "in_place"}')
    (work / "broken.fbx").write_bytes(b"Kaydara FBX Binary  \x00\x1a\x00" + bytes(50))
    words = {
        "retarget": ["retarget", clip, "--to", work / "hero.blend", "--out", work / "walk.blend"],
        "again": ["retarget", clip, "--to", work / "hero.blend", "--out", work / "walk.blend"],
        "bvh": ["retarget", clip, "--to", work / "hero.blend", "--out", work / "back.bvh", "--start", "10", "--end",
                "20", "--report", work / "report.json", "--joints", work / "joints.npz"],
        "over the character": ["retarget", clip, "--to", work / "hero.blend", "--out", work / "hero.blend", "--overwrite"],
        "over the report": ["retarget", clip, "--to", work / "hero.blend", "--out", work / "none.bvh",
                            "--report", work / "report.json"],
        "no clip": ["retarget", work / "none.bvh", "--to", work / "hero.blend", "--out", work / "none.blend"],
        "no character": ["retarget", clip, "--to", work / "none.blend", "--out", work / "none.blend"],
        "preset": ["retarget", clip, "--to", "mixamo", "--out", work / "ours.blend"],
        "ending": ["retarget", clip, "--to", work / "hero.blend", "--out", work / "none.txt"],
        "several": ["retarget", clip, work / "none.bvh", "--to", work / "hero.blend", "--out", work / "many"],
        "one broken": ["retarget", work / "broken.fbx", clip, "--to", work / "hero.blend", "--out", work / "rest"],
        "game": ["retarget", clip, "--to", work / "hero.blend", "--out", work / "game.glb", "--game", "--root-bone", "base",
                 "--root", "in-place"],
        "take": ["retarget", work / "walk.blend", "--to", work / "hero.blend", "--out", work / "take.bvh"],
        "takes": ["retarget", work / "walk.blend", work / "back.bvh", "--to", work / "hero.blend", "--out", work / "takes", "--settings",
                  work / "mine.json"],
        "not for games": ["retarget", clip, "--to", work / "hero.blend", "--out", work / "none.bvh", "--game"],
        "bad settings": ["retarget", clip, "--to", work / "hero.blend", "--out", work / "none.blend", "--settings", "None"],
        "usage": ["retarget"],
        "help": ["retarget", "--help"],
        "animate": ["animate", video, "--to", work / "hero.blend", "--out", work / "squats.blend", "--end", "10",
                    "--progress", "json"],
        "picked": ["animate", video, "--to", work / "hero.blend", "--out", work / "picked.blend", "--end", "10", "--pick-keys", "3",
                   "--min-motion", "1", "--confidence", "csv"],
        "over the table": ["animate", video, "--to", work / "hero.blend", "--out", work / "picked.fbx", "--confidence", "csv"],
        "pictures": ["animate", f"{picture}@3", f"{picture}@1s", "--to", work / "hero.blend", "--out", work / "pictures.blend"],
        "pictures and a video": ["animate", picture, video, "--to", work / "hero.blend", "--out", work / "none.blend"],
        "a config alone": ["animate", video, "--model", "c.py", "--to", work / "hero.blend", "--out", work / "none.blend"],
    }  # fmt: skip
    said = {name: session.called(command, list(map(str, given))) for name, given in words.items()}
    said["full disk"] = _on_a_full_disk(
        lambda: session.called(command, ["retarget", str(clip), "--to", str(work / "hero.blend"), "--out", str(work / "none.blend")])
    )
    backend = extension.registration.backend.backend
    state = backend.look(backend.choice()).state
    bpy.ops.wm.open_mainfile(filepath=str(work / "walk.blend"))
    action = bpy.data.objects["Hero"].animation_data.action
    return {
        "said": said,
        "backend": state,
        "action": [action.name, *action.frame_range],
        "made": sorted(p.relative_to(work).as_posix() for p in work.rglob("*") if p.is_file()),
        "clip_difference": _same_walk(clip, work / "back.bvh"),
    }


def _on_a_full_disk(do):
    """What `do` returns where no file may grow beyond 2 kB: a disk that is full, as a program sees it."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        return do()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def _same_walk(clip, written):
    """Largest angle (radians) between the clip's frames 10 to 19 and what came back through the character.

    Of the upper body: retargeting plants the feet, so the legs may differ.
    """
    from poseloom import chains
    from poseloom.motion import quat
    from poseloom.motion.bvh import read_bvh
    from poseloom.motion.resample import resample
    from poseloom.motion.skeleton import motion_fk

    first, _ = chains.clip_to_motion(*read_bvh(clip))
    back, _ = chains.clip_to_motion(*read_bvh(written))
    first = resample(first.with_(lrot=first.lrot[10:20], root=first.root[10:20], contact=None, score=None), back.fps)
    joints = [first.skeleton.index(name) for name in ("pelvis", "spine3", "forearm_l", "forearm_r", "head")]
    assert len(first) == len(back), (len(first), len(back))
    return float(quat.angle(motion_fk(first)[0][:, joints], motion_fk(back)[0][:, joints]).max())


session.run(main)
