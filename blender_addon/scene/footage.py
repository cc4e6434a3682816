"""The footage behind an Action: noted on it, and shown behind the character through the camera that filmed it."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix
from poseloom.errors import BadInput
from poseloom.motion.resection import Shot
from poseloom.motion.types import Keypoints

from .. import compat
from .clock import rate
from .strips import stored_path

_NOTE, _MARK = "poseloom_media", "poseloom_match"
_ZOOMS = 0.01  # lenses are keyed where they change by more than this share
_BEHIND = 1.05  # the plane stands behind the body by this share of its distance
SHOWN_AS = ("BACKGROUND", "PLANE")


def note(action, video: str, seen: str, first: int) -> None:
    """`action` was made of `video`; its keypoints lie in the file `seen`, their first on frame `first`."""
    action[_NOTE] = {"video": video, "seen": seen, "first": first}


def of(action) -> dict | None:
    """What `note` said of an Action, None where it was not made of a video."""
    found = None if action is None else action.get(_NOTE)
    return None if found is None else {"video": found["video"], "seen": found["seen"], "first": int(found["first"])}


def show(obj, video: str, keypoints: Keypoints, shots: list[Shot], first: int, shown_as: str = "BACKGROUND"):
    """A camera named after `obj` that sees it as the video showed the person, with the video behind; the camera.

    shots are `resection.cameras` of the character's joints in scene units.  One that was made before is replaced.
    The video plays along with the scene, whatever the rates of both.
    """
    if shown_as not in SHOWN_AS:
        raise BadInput("bad_option", f'shown_as is "{shown_as}"; known: {", ".join(SHOWN_AS)}.')
    _forget(obj)
    scene = bpy.context.scene
    name = f"{obj.name} match"
    data = bpy.data.cameras.new(name)
    camera = bpy.data.objects.new(name, data)
    camera[_MARK] = obj.name
    scene.collection.objects.link(camera)
    camera.rotation_mode = "QUATERNION"
    data.clip_end = max(data.clip_end, 1e3)
    rows = np.concatenate([shot.first + np.arange(len(shot.world)) for shot in shots])
    frames = first + rows * rate(scene) / keypoints.fps
    _place(camera, frames, np.concatenate([shot.world for shot in shots]))
    _focus(data, frames, np.concatenate([shot.focal_px for shot in shots]), keypoints.size, scene.render)
    image, source_fps = _movie(video)
    if image is not None:
        away = np.linalg.norm(shots[0].world[0, :3, 3] - np.array(obj.matrix_world.translation)) * _BEHIND
        wide = away * keypoints.size[0] / shots[0].focal_px[0]
        user = _background(data, image) if shown_as == "BACKGROUND" else _plane(camera, image, away, wide, keypoints.size)
        owner = data if shown_as == "BACKGROUND" else camera.children[0]
        _play(owner, user, image, first, keypoints.start_s, source_fps, rate(scene))
    return camera


def look_through(camera, context) -> bool:
    """Let the 3D viewport of `context`, or the window's first, look through `camera`; whether there is one."""
    areas = [context.area] if context.area and context.area.type == "VIEW_3D" else []
    areas += [area for area in (context.screen.areas if context.screen else ()) if area.type == "VIEW_3D"]
    if context.scene.camera is None:
        context.scene.camera = camera
    for area in areas[:1]:
        space = area.spaces.active
        space.use_local_camera, space.camera = True, camera
        space.region_3d.view_perspective = "CAMERA"
        return True
    return False


def _forget(obj) -> None:
    """Remove the camera that was made for `obj` before, and what hangs on it."""
    for old in [o for o in bpy.data.objects if o.get(_MARK) == obj.name and o.type == "CAMERA"]:
        for child in old.children:
            bpy.data.objects.remove(child)
        data = old.data
        bpy.data.objects.remove(old)
        if not data.users:
            bpy.data.cameras.remove(data)


def _place(camera, frames, world) -> None:
    if np.ptp(world, axis=0).max() < 1e-6:
        camera.matrix_world = Matrix(world[0].tolist())
        return
    turns = np.array([Matrix(w[:3, :3].tolist()).to_quaternion() for w in world])
    sign = np.cumprod(np.concatenate([[1.0], np.where((turns[1:] * turns[:-1]).sum(axis=1) < 0.0, -1.0, 1.0)]))
    _key(camera, frames, {"location": world[:, :3, 3], "rotation_quaternion": turns * sign[:, None]})


def _focus(data, frames, focal_px, size, render) -> None:
    """The lens for which the video fills the camera's frame in one direction, as backgrounds are fitted."""
    width, height = size
    frame = render.resolution_x * render.pixel_aspect_x / (render.resolution_y * render.pixel_aspect_y)
    by_height = width / height < frame
    data.sensor_fit = "VERTICAL" if by_height else "HORIZONTAL"
    lens = focal_px * (data.sensor_height / height if by_height else data.sensor_width / width)
    data.lens = float(lens[0])
    if np.ptp(lens) > _ZOOMS * lens[0]:
        _key(data, frames, {"lens": lens[:, None]})


def _movie(video: str) -> tuple:
    """(the image, its frames a second); (None, 0) where the video is gone or is made of pictures."""
    path = Path(bpy.path.abspath(video))
    if not path.is_file():
        return None, 0.0
    try:
        image = bpy.data.images.load(stored_path(path), check_existing=True)
    except RuntimeError:
        return None, 0.0
    if image.source != "MOVIE":
        return image, 0.0
    clip = bpy.data.movieclips.load(str(path.resolve()))
    fps = float(clip.fps)
    bpy.data.movieclips.remove(clip)
    return image, fps


def _background(data, image):
    data.show_background_images = True
    background = data.background_images.new()
    background.image, background.alpha, background.frame_method = image, 1.0, "FIT"
    background.display_depth = "BACK"
    return background.image_user


def _plane(camera, image, away, wide, size):
    plane = bpy.data.objects.new(f"{camera.name} plane", None)
    plane[_MARK] = camera[_MARK]
    bpy.context.scene.collection.objects.link(plane)
    plane.empty_display_type, plane.data = "IMAGE", image
    plane.empty_display_size = wide * max(size) / size[0]
    plane.empty_image_offset, plane.empty_image_depth = (-0.5, -0.5), "BACK"
    plane.parent, plane.location = camera, (0.0, 0.0, -away)
    return plane.image_user


def _play(owner, user, image, first: int, start_s: float, source_fps: float, scene_fps: float) -> None:
    """Let the video show on frame `first` what it shows at `start_s`, and go on in time with the scene."""
    if not source_fps:
        return
    user.frame_start, user.frame_duration = first, max(1, image.frame_duration)
    user.use_auto_refresh, user.use_cyclic = True, False
    user.frame_offset = round(start_s * source_fps)
    if abs(source_fps / scene_fps - 1.0) > 1e-3:
        last = max(2, round((image.frame_duration / source_fps - start_s) * scene_fps))
        frames = np.arange(last)
        offset = np.round((start_s + frames / scene_fps) * source_fps) - frames
        behind = user.id_data == owner and hasattr(owner, "lens")  # of a camera
        path = f"{'background_images[0].' if behind else ''}image_user.frame_offset"
        user.frame_duration = int(image.frame_duration + abs(offset).max() + last)
        _key(owner, first + frames, {path: offset[:, None]}, "CONSTANT")


def _key(owner, frames, curves: dict, interpolation: str = "LINEAR") -> None:
    """One key a frame on `owner`, in an Action of its own: {data path: (T,n)}."""
    animation = owner.animation_data_create()
    if animation.action is None:
        action = bpy.data.actions.new(owner.name)
        channels, slot = compat.new_channels(action, owner)
        compat.assign_action(animation, action, slot)
    else:
        channels = compat.action_channels(animation.action, compat.assigned_slot(animation))
    for path, values in curves.items():
        for i in range(values.shape[1]):
            curve = compat.fcurve(channels, path, i, "Match")
            curve.keyframe_points.add(len(frames))
            curve.keyframe_points.foreach_set("co", np.stack([frames, values[:, i]], -1).astype(np.float32).ravel())
            for point in curve.keyframe_points:
                point.interpolation = interpolation
            curve.update()
