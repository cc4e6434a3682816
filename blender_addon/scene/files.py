"""Characters in and out of files: .blend, .fbx, .glb, .gltf, .vrm."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path

import addon_utils
import bpy
from poseloom.errors import BadInput, PoseloomError
from poseloom.motion.files import partial_path

from .. import compat

READABLE = (".blend", ".fbx", ".glb", ".gltf", ".vrm")
WRITABLE = (".blend", ".fbx", ".glb")
_ZSTD = b"\x28\xb5\x2f\xfd"
# a file system's ways to say that there is no room; EFBIG is a limit on the size of one file
_FULL = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


def load(path, armature: str | None = None, *, keep_clips: bool = False, fps: int | None = None):
    """Open the character at `path` in an empty file: its armature object, rest untouched.

    `armature` names the one that is meant where the file has several.  Clips that come inside
    .fbx, .glb and the like are dropped unless `keep_clips`; a .blend is left as it is.  `fps` is
    that of the empty file, where the file itself has none.  Raises BadInput.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in READABLE:
        raise BadInput("unknown_format", f"{path.name} is no character file.", f"Use one of {', '.join(READABLE)}.")
    if not path.is_file():
        raise BadInput("no_such_file", f"There is no file {path}.")
    if kind == ".blend":
        open_blend(path)
    else:
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        if fps is not None:
            bpy.context.scene.render.fps = fps
        _import(path, kind, keep_clips)
    obj = choose(bpy.context.scene, armature, path.name)
    bpy.context.view_layer.objects.active = obj
    if kind != ".blend" and not keep_clips:
        forget_clips(obj)
    return obj


def open_scene(path) -> None:
    """Open a .blend file as it is; BadInput where it is none, or one of a newer Blender."""
    path = Path(path)
    if path.suffix.lower() != ".blend":
        raise BadInput("unknown_format", f"{path.name} is no Blender file.", "Give a .blend file.")
    if not path.is_file():
        raise BadInput("no_such_file", f"There is no file {path}.", "Check the path.")
    open_blend(path)


def bring(path, into, armature: str | None = None):
    """Open the .blend `into` and bring the character at `path` into its scene; the character's armature object.

    A .blend gives all of its first scene.  Otherwise as `load`.
    """
    path = Path(path)
    open_blend(Path(into))
    if path.suffix.lower() == ".blend":
        found = _append(path)
    else:
        before = set(bpy.context.scene.objects)
        _import(path, path.suffix.lower(), clips=False)
        found = {obj.name: obj for obj in bpy.context.scene.objects if obj not in before}
    obj = _one_of(found, armature, path.name)
    bpy.context.view_layer.objects.active = obj
    if path.suffix.lower() != ".blend":
        forget_clips(obj)
    return obj


def _append(path: Path) -> dict:
    """{name in the file: object} of a .blend whose first scene is added to the open one."""
    _check_version(path)
    try:
        with bpy.data.libraries.load(str(path.resolve())) as (there, here):
            names, here.objects, here.scenes = list(there.objects), list(there.objects), there.scenes[:1]
    except OSError as error:
        raise _unreadable(path) from error
    (scene,) = here.scenes
    for child in scene.collection.children:
        bpy.context.scene.collection.children.link(child)
    for obj in scene.collection.objects:
        bpy.context.scene.collection.objects.link(obj)
    shown = {name: obj for name, obj in zip(names, here.objects) if obj.name in scene.objects}
    bpy.data.scenes.remove(scene)
    return shown


def choose(scene, name: str | None = None, source: str = "The scene"):
    """The armature of the scene, by name where there are several; BadInput tells which there are."""
    return _one_of(dict(scene.objects.items()), name, source)


def _one_of(objects: dict, name: str | None, source: str):
    found = {key: obj for key, obj in objects.items() if obj.type == "ARMATURE"}
    names = ", ".join(sorted(found)) or "none"
    if name is not None:
        if name not in found:
            raise BadInput(
                "no_such_armature", f'{source} has no armature "{name}"; it has: {names}.', "Name one of these."
            )
        return found[name]
    if not found:
        raise BadInput("no_armature", f"{source} has no armature.", "Choose a character that has a skeleton.")
    if len(found) > 1:
        raise BadInput(
            "several_armatures", f"{source} has several armatures: {names}.", "Choose one with --armature NAME."
        )
    return next(iter(found.values()))


def save(path, obj) -> None:
    """Write the character with its Action to `path`, whole or not at all.

    .blend takes the whole file, .fbx and .glb the armature with the meshes it deforms and the
    active Action, which keeps its name and begins at time 0.  Raises BadInput where the place
    cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in WRITABLE:
        raise BadInput("unknown_format", f"Cannot write {path.name}.", f"Use one of {', '.join(WRITABLE)}.")
    partial = partial_path(path)
    try:
        _WRITERS[kind](str(partial), obj)
        partial.replace(path)
    except (RuntimeError, OSError) as error:
        raise unwritable(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


def unwritable(path: Path, error: Exception) -> BadInput:
    """The sentence for what Blender or the system said of a file that could not be written."""
    folder = path.absolute().parent
    said = re.search(r"\[Errno (\d+)\]", str(error))
    number = int(said[1]) if said else getattr(error, "errno", None)
    if number is None:
        number = next((n for n in (*_FULL, errno.ENOENT) if os.strerror(n) in str(error)), None)
    if not folder.is_dir():
        return BadInput("cannot_write", f"Cannot write {path}: there is no folder {folder}.", "Make it first.")
    if not _takes_files(folder):
        return BadInput("cannot_write", f"Cannot write {path}: {folder} is not writable.", "Choose another folder.")
    # where the folder is there, Blender 4 means the half-written file, which it had removed already
    if number in (*_FULL, errno.ENOENT):
        return BadInput(
            "cannot_write", f"Cannot write {path}: the disk of {folder} is full.",
            "Make room on it, or choose another folder.",
        )  # fmt: skip
    return BadInput("cannot_write", f"Cannot write {path}: {_said(error)}", "Choose another folder.")


def _takes_files(folder: Path) -> bool:
    """Whether a file can be made there at all, by trying: rights alone do not tell it of every file system."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        return error.errno in _FULL


def _said(error: Exception) -> str:
    """Of what an operator says, which may be a whole traceback, the sentence that tells."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    lines = [line for line in lines if not line.startswith("Location: ")] or lines
    last = re.sub(r"^(?:\w+(?:Error|Exception): |Error: )+", "", lines[-1])
    return last if last.endswith((".", "!", "?")) else f"{last}."


def meshes_of(obj) -> list:
    """The meshes of the scene that the armature `obj` deforms or carries."""

    def belongs(mesh):
        bound = any(m.type == "ARMATURE" and m.object == obj for m in mesh.modifiers)
        return bound or mesh.parent == obj

    return [o for o in bpy.context.scene.objects if o.type == "MESH" and belongs(o)]


def open_blend(path: Path) -> None:
    _check_version(path)
    try:
        bpy.ops.wm.open_mainfile(filepath=str(path.resolve()), load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise _unreadable(path) from error
    written = tuple(bpy.data.version[:2])
    if written > compat.version():
        raise _newer(path, written)


def _check_version(path: Path) -> None:
    written = blend_version(path)
    if written is not None and written > compat.version():
        raise _newer(path, written)


def _unreadable(path: Path) -> BadInput:
    return BadInput(
        "unreadable_file",
        f"Blender {compat.version_text()} cannot read {path.name}; it is damaged, or a newer Blender made it.",
        "Give the Blender that made it with --blender PATH.",
    )


def _newer(path: Path, written: tuple) -> BadInput:
    return BadInput(
        "newer_blend",
        f"{path.name} was saved by Blender {written[0]}.{written[1]}, newer than this Blender {compat.version_text()}, "
        "which would lose parts of it.",
        "Give that Blender with --blender PATH, or save the file from an older one.",
    )


def blend_version(path: Path) -> tuple | None:
    """(major, minor) of the Blender that saved `path`, from its first bytes; None where they do not tell."""
    with open(path, "rb") as file:
        head = file.read(64 * 1024)
    if head.startswith(_ZSTD):
        import zstandard  # comes with every Blender

        head = zstandard.ZstdDecompressor().decompressobj().decompress(head)
    old = re.match(rb"BLENDER[-_][vV](\d)(\d\d)", head)
    new = re.match(rb"BLENDER\d\d-\d\d[vV](\d\d)(\d\d)", head)
    found = old or new
    return (int(found[1]), int(found[2])) if found else None


def _import(path: Path, kind: str, clips: bool) -> None:
    module = "io_scene_fbx" if kind == ".fbx" else "io_scene_gltf2"
    addon_utils.enable(module)
    try:
        if kind == ".fbx":
            compat.import_fbx(str(path), clips)
        else:
            # bones end where the next one begins; and meshes that hang from bones come out in place
            bpy.ops.import_scene.gltf(filepath=str(path), import_shading="NORMALS", bone_heuristic="TEMPERANCE")
    except RuntimeError as error:
        raise BadInput("unreadable_file", f"{path.name} cannot be read: {_said(error)}", "Export it anew.") from error


def forget_clips(obj) -> None:
    """Without the clips a file brought, every bone in rest."""
    for other in bpy.context.scene.objects:
        other.animation_data_clear()
        if other.type == "MESH" and other.data.shape_keys is not None:
            other.data.shape_keys.animation_data_clear()
    for action in list(bpy.data.actions):
        bpy.data.actions.remove(action)
    for bone in obj.pose.bones:
        bone.location, bone.scale = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        bone.rotation_quaternion, bone.rotation_euler = (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
        bone.rotation_axis_angle = (0.0, 0.0, 1.0, 0.0)
    bpy.context.view_layer.update()


def _write_blend(path: str, obj) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True, relative_remap=True, check_existing=False)


def _write_fbx(path: str, obj) -> None:
    addon_utils.enable("io_scene_fbx")
    with _only(obj), _as_take(obj):
        bpy.ops.export_scene.fbx(
            filepath=path, use_selection=True, object_types={"ARMATURE", "MESH"}, add_leaf_bones=False,
            use_armature_deform_only=True, bake_anim_use_all_actions=False, bake_anim_use_nla_strips=True,
            bake_anim_simplify_factor=0.0, path_mode="COPY", embed_textures=True,
        )  # fmt: skip


def _write_glb(path: str, obj) -> None:
    addon_utils.enable("io_scene_gltf2")
    action = obj.animation_data.action if obj.animation_data else None
    with _only(obj):
        bpy.ops.export_scene.gltf(
            filepath=path, export_format="GLB", use_selection=True, export_animation_mode="ACTIVE_ACTIONS",
            export_nla_strips_merged_animation_name=action.name if action else "", export_anim_slide_to_zero=True,
            export_def_bones=True, export_force_sampling=True, export_optimize_animation_size=False,
            export_anim_single_armature=False, use_active_scene=True,
        )  # fmt: skip


_WRITERS = {".blend": _write_blend, ".fbx": _write_fbx, ".glb": _write_glb}


class _only:
    """The character alone is selected, and the scene's range is that of its Action."""

    def __init__(self, obj):
        self.chosen = [obj, *meshes_of(obj)]
        self.obj = obj

    def __enter__(self):
        scene, layer = bpy.context.scene, bpy.context.view_layer
        self.before = [(o, o.select_get()) for o in layer.objects], (scene.frame_start, scene.frame_end)
        hidden = [o for o in self.chosen if o.name not in layer.objects]
        if hidden:
            names = ", ".join(o.name for o in hidden)
            raise PoseloomError("hidden_parts", f"Parts of the character are in excluded collections: {names}.")
        for o in layer.objects:
            o.select_set(o in self.chosen)
        action = self.obj.animation_data.action if self.obj.animation_data else None
        if action is not None:
            scene.frame_start, scene.frame_end = (int(f) for f in action.frame_range)

    def __exit__(self, *error):
        selected, (start, end) = self.before
        for o, was in selected:
            o.select_set(was)
        bpy.context.scene.frame_start, bpy.context.scene.frame_end = start, end


@contextmanager
def _as_take(obj):
    """The Action of `obj` as the only NLA strip that plays: the exporter writes it under the strip's name, from time 0.

    FBX has the object's name before that of a take when it is read, so the Action is called again what it was.
    """
    animation = obj.animation_data
    if animation is None or animation.action is None:
        yield
        return
    action, slot, plays = animation.action, compat.assigned_slot(animation), animation.use_nla
    others = [(track, track.mute, track.is_solo) for track in animation.nla_tracks]
    track = animation.nla_tracks.new()
    try:
        for other, *_ in others:
            other.mute, other.is_solo = True, False
        animation.use_nla = True
        name = action.name.removeprefix(f"{obj.name}|")
        strip = track.strips.new(name, int(action.frame_range[0]), action)
        compat.assign_action(strip, action, slot)
        yield
    finally:
        animation.nla_tracks.remove(track)
        for other, mute, solo in others:
            other.mute, other.is_solo = mute, solo
        animation.use_nla = plays
        compat.assign_action(animation, action, slot)
