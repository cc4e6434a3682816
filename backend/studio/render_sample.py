"""Renders the sample clip that we ship, and writes down its truth.

    python backend/studio/render_sample.py CLIP.bvh [--frames FOLDER] [--out backend/poseloom/assets]

CLIP.bvh is CMU trial 09_12 at 30 frames a second ("navigate"), of which 4.5 s are used: a walk
of more than 2 m and a turn of more than 180 degrees.  On top of it the right hand goes across
the chest to the left shoulder.  The character is the CC0 body of build_body.py on its MakeHuman
rig, in a room made here; the camera looks 10 degrees down.  Frames go to FOLDER first; those
already there are not rendered again.  `--only 0,60` renders just these frames.  The motion passes
through the package's own retargeting, so a later version may render a slightly other clip: clip
and truth belong together and are always written together.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import render_truth
from mathutils import Vector
from poseloom_addon.scene import armature, character, keying
from sample_room import furnish

from poseloom.motion import quat
from poseloom.motion.bvh import read_bvh
from poseloom.motion.skeleton import fk, local_rotations
from poseloom.retarget import from_rig, pose_matrices, to_rig
from poseloom.rigs.recognise import recognise

FPS = 30
SIZE = (640, 480)
TAKE = slice(30, 166)
HEIGHT_M = 1.75
PITCH_DEG, AZIMUTH_DEG, LENS_MM = 10.0, 28.0, 35.0
MARGIN = 0.06  # of the picture's height kept free around the body
FEET_UP_DEG = 13.0  # the trial's feet, carried over to this body, stand that much on their toes
CROSS_S = (0.7, 1.3, 2.0, 2.6)  # the hand sets out, arrives, leaves, is back
HAND_ON_SHOULDER = np.array([0.10, -0.17, 0.06])  # metres from spine3, in the chest's axes


def ease(x, low, high):
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t**3 * (10 - 15 * t + 6 * t * t)


def taken(path: Path):
    """The part of the clip we use, turned to face -Y at its first frame, its pelvis above the origin."""
    rig, motion = read_bvh(path)
    motion = from_rig(motion, recognise(rig).rig)
    lrot, root = np.array(motion.lrot[TAKE], np.float64), np.array(motion.root[TAKE], np.float64)
    left = quat.rotate(lrot[0, 0], np.array([1.0, 0.0, 0.0]))
    turn = quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), -math.atan2(left[1], left[0]))
    lrot[:, 0] = quat.multiply(turn, lrot[:, 0])
    root = quat.rotate(turn, root - root[0] * [1, 1, 0])
    for joint in ("foot_l", "foot_r"):
        toes_up = quat.from_axis_angle(np.array([1.0, 0.0, 0.0]), -math.radians(FEET_UP_DEG))
        j = motion.skeleton.index(joint)
        lrot[:, j] = quat.multiply(lrot[:, j], toes_up)
    return motion.with_(lrot=lrot, root=root, contact=None, score=None, fps=FPS)


def frame_of(along, hinge):
    """Quaternions (T,4) that take -X to `along` and Z to `hinge`, both (T,3) at right angles."""
    along = along / np.linalg.norm(along, axis=-1, keepdims=True)
    hinge = hinge / np.linalg.norm(hinge, axis=-1, keepdims=True)
    return quat.from_matrix(np.stack([-along, np.cross(hinge, -along), hinge], -1))


def cross_arm(motion):
    """The right hand on the left shoulder for a while: two bones and an elbow that points down and out."""
    parents, names = motion.skeleton.parents, motion.skeleton.names
    lpos = np.repeat(np.asarray(motion.skeleton.offsets, np.float64)[None], len(motion), 0)
    lpos[:, 0] = motion.root
    grot, gpos = fk(motion.lrot, lpos, parents)
    chest, upper, fore, hand = (names.index(n) for n in ("spine3", "upper_arm_r", "forearm_r", "hand_r"))
    a, b = (float(np.linalg.norm(motion.skeleton.offsets[j])) for j in (fore, hand))
    goal = gpos[:, chest] + quat.rotate(grot[:, chest], HAND_ON_SHOULDER + [0, 0, 0.12])
    reach = goal - gpos[:, upper]
    far = np.linalg.norm(reach, axis=-1, keepdims=True)
    way = reach / far
    far = np.minimum(far, 0.98 * (a + b))
    pole = quat.rotate(grot[:, chest], np.array([-0.35, -0.55, -0.75]))
    pole -= (pole * way).sum(-1, keepdims=True) * way
    pole /= np.linalg.norm(pole, axis=-1, keepdims=True)
    along = (a * a + far * far - b * b) / (2 * far)
    elbow = along * way + np.sqrt(np.maximum(a * a - along * along, 0)) * pole
    lower = far * way - elbow
    hinge = np.cross(elbow, lower)
    time = np.arange(len(motion)) / FPS
    share = (ease(time, *CROSS_S[:2]) - ease(time, *CROSS_S[2:]))[:, None]
    new = grot.copy()
    new[:, upper] = quat.slerp(grot[:, upper], frame_of(elbow, hinge), share[:, 0])
    new[:, fore] = quat.slerp(grot[:, fore], frame_of(lower, hinge), share[:, 0])
    new[:, hand] = quat.slerp(grot[:, hand], frame_of(lower, hinge), share[:, 0])
    return motion.with_(lrot=local_rotations(new, parents))


def bend_toes(rig, moved):
    """Keeps the toes level while the heel comes off the floor: all five bones of a foot alike."""
    basis, keyed, pose = np.array(moved.basis, np.float64), np.array(moved.keyed), pose_matrices(rig, moved)
    for side in "LR":
        foot = rig.index(f"foot.{side}")
        turn = pose[:, foot, :3, :3] @ np.linalg.inv(rig.rest[foot, :3, :3])
        forward = turn @ [0.0, -1.0, 0.0]
        down = np.arcsin(np.clip(-forward[:, 2], 0.0, 1.0))
        ball = pose[:, rig.index(f"toe2-1.{side}"), 2, 3]
        bend = quat.from_axis_angle(turn @ [1.0, 0.0, 0.0], -down * (1.0 - ease(ball, 0.08, 0.20)))
        for toe in "12345":
            bone = rig.index(f"toe{toe}-1.{side}")
            axes = quat.from_matrix(turn @ rig.rest[bone, :3, :3])
            basis[:, bone] = quat.multiply(quat.inverse(axes), quat.multiply(bend, axes))
            keyed[bone] = True
    return replace(moved, basis=basis, keyed=keyed)


def lowest(body) -> float:
    evaluated = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    places = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", places)
    evaluated.to_mesh_clear()
    return float(places[2::3].min())


def perform(motion):
    """The character playing `motion`, its soles brought to the floor."""
    actor = character.build("makehuman", "Actor")
    rig = recognise(armature.read(actor)).rig
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 0, len(motion) - 1
    for again in range(2):
        keying.write(actor, bend_toes(rig, to_rig(motion, rig)), name="Sample", start_frame=0, keep_previous="fake_user")
        gaps = []
        for frame in range(len(motion)):
            scene.frame_set(frame)
            gaps.append(lowest(actor.children[0]))
        gaps = np.array(gaps)
        print(f"lowest point of the body: {gaps.min() * 1e3:.0f} to {gaps.max() * 1e3:.0f} mm")
        if not again:  # some foot carries him at any time, so the lowest point belongs on the floor
            window = np.hanning(15) / np.hanning(15).sum()
            shift = np.convolve(np.pad(gaps, 7, mode="edge"), window, mode="valid")
            motion = motion.with_(root=np.asarray(motion.root) - shift[:, None] * [0, 0, 1])
    return actor


def aim(camera, gpos) -> None:
    """As near as the whole body allows at every frame, seen from ahead and a little from one side."""
    azimuth, pitch = math.radians(AZIMUTH_DEG), math.radians(PITCH_DEG)
    camera.data.lens, camera.data.sensor_width = LENS_MM, 36.0
    camera.rotation_euler = (math.pi / 2 - pitch, 0.0, azimuth)
    forward = Vector((-math.sin(azimuth) * math.cos(pitch), math.cos(azimuth) * math.cos(pitch), -math.sin(pitch)))
    corners = [(dx, dy, dz) for dx in (-0.12, 0.12) for dy in (-0.12, 0.12) for dz in (-0.1, 0.2)]
    around = np.concatenate([gpos + corner for corner in corners])
    middle = Vector((around.reshape(-1, 3).min(0) + around.reshape(-1, 3).max(0)) / 2)
    side = Vector((math.cos(azimuth), math.sin(azimuth), 0.0))
    best = None
    for distance in np.arange(2.5, 8.0, 0.05):
        for across in np.arange(-0.6, 0.61, 0.1):
            for up in np.arange(-0.4, 0.41, 0.1):
                camera.location = middle - forward * distance + side * across + Vector((0, 0, up))
                bpy.context.view_layer.update()
                K, world = render_truth.camera_matrices(camera, SIZE)
                xy = render_truth.project(around, K, world)
                edge = MARGIN * SIZE[1]
                room = min(xy.min(), (np.array(SIZE) - xy.reshape(-1, 2).max(0)).min()) - edge
                if room >= 0 and (best is None or room > best[0]):
                    best = (room, camera.location.copy())
        if best:
            camera.location = best[1]
            return
    raise SystemExit("No place was found from which the whole body stays in the picture.")


def set_up_render(samples: int) -> None:
    scene = bpy.context.scene
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = *SIZE, 100
    render.fps, render.use_persistent_data = FPS, True
    render.image_settings.file_format = "PNG"
    scene.view_settings.view_transform = "Standard"
    cycles = scene.cycles
    cycles.samples, cycles.use_denoising, cycles.use_adaptive_sampling = samples, False, False
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = 0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.seed, cycles.use_animated_seed = 1, True


def encode(frames: list, path: Path, crf: int) -> None:
    import av

    partial = path.with_name("part-" + path.name)
    with av.open(str(partial), "w", options={"movflags": "faststart"}) as out:
        stream = out.add_stream("libx264", rate=FPS, options={"crf": str(crf), "preset": "slow"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for file in frames:
            with av.open(str(file)) as picture:
                shot = next(picture.decode(video=0)).to_ndarray(format="rgb24")
            out.mux(stream.encode(av.VideoFrame.from_ndarray(shot, format="rgb24")))
        out.mux(stream.encode())
    partial.replace(path)


def main() -> None:
    assets = Path(__file__).resolve().parents[1] / "poseloom/assets"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, help="09_12.bvh")
    parser.add_argument("--frames", type=Path, default=Path("build/sample"))
    parser.add_argument("--out", type=Path, default=assets)
    parser.add_argument("--samples", type=int, default=6)
    parser.add_argument("--crf", type=int, default=21)
    parser.add_argument("--only", help="frame numbers with commas between; no clip is made")
    options = parser.parse_args()

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    actor = perform(cross_arm(taken(options.clip)))
    recorder = render_truth.Recorder(actor)
    every = range(scene.frame_end + 1)
    for frame in every:
        scene.frame_set(frame)
        recorder.read()
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    aim(camera, recorder.joints())
    furnish(recorder.joints(), camera)
    set_up_render(options.samples)

    options.frames.mkdir(parents=True, exist_ok=True)
    files = [options.frames / f"{frame:04d}.png" for frame in every]
    for frame in every if options.only is None else map(int, options.only.split(",")):
        if options.only is None and files[frame].exists():
            continue
        scene.frame_set(frame)
        scene.render.filepath = str(files[frame].with_name(f"part-{files[frame].name}").resolve())
        bpy.ops.render.render(write_still=True)
        files[frame].with_name(f"part-{files[frame].name}").replace(files[frame])
    if options.only is None:
        encode(files, options.out / "sample.mp4", options.crf)
        truth = render_truth.write(options.out / "sample_truth.npz", recorder, camera, SIZE, FPS, HEIGHT_M)
        print({name: array.shape for name, array in truth.items()})
    sys.stdout.flush()
    os._exit(0)  # the bpy module is unsafe at exit


if __name__ == "__main__":
    main()
