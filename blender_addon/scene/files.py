"""Characters in and out of files: .blend, .fbx, .glb, .gltf, .vrm."""

from __future__ import annotations

import re
from pathlib import Path

import addon_utils
import bpy
from poseloom.errors import BadInput, PoseloomError
from poseloom.motion.files import partial_path

from .. import compat

READABLE = (".blend", ".fbx", ".glb", ".gltf", ".vrm")
WRITABLE = (".blend", ".fbx", ".glb")
_ZSTD = b"\x28\xb5\x2f\xfd"


def load(path, armature: str | None = None):
    """Open the character at `path` in an empty file: its armature object, rest untouched.

    `armature` names the one that is meant where the file has several.  Clips that come inside
    .fbx, .glb and the like are dropped; a .blend is left as it is.  Raises BadInput.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in READABLE:
        raise BadInput("unknown_format", f"{path.name} is no character file.", f"Use one of {', '.join(READABLE)}.")
    if not path.is_file():
        raise BadInput("no_such_file", f"There is no file {path}.")
    if kind == ".blend":
        _open_blend(path)
    else:
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        _import(path, kind)
    obj = choose(bpy.context.scene, armature, path.name)
    bpy.context.view_layer.objects.active = obj
    if kind != ".blend":
        _forget_clips(obj)
    return obj


def choose(scene, name: str | None = None, source: str = "The scene"):
    """The armature of the scene, by name where there are several; BadInput tells which there are."""
    found = {obj.name: obj for obj in scene.objects if obj.type == "ARMATURE"}
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
    active Action.  Raises BadInput where the place cannot be written.
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
        reason = str(error).strip().splitlines()[-1].removeprefix("Error: ")
        raise BadInput(
            "cannot_write", f"Cannot write {path}: {reason}.", "Choose another folder, or make room on the disk."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def meshes_of(obj) -> list:
    """The meshes of the scene that the armature `obj` deforms or carries."""

    def belongs(mesh):
        bound = any(m.type == "ARMATURE" and m.object == obj for m in mesh.modifiers)
        return bound or mesh.parent == obj

    return [o for o in bpy.context.scene.objects if o.type == "MESH" and belongs(o)]


def _open_blend(path: Path) -> None:
    written = blend_version(path)
    if written is not None and written > compat.version():
        raise _newer(path, written)
    try:
        bpy.ops.wm.open_mainfile(filepath=str(path.resolve()), load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise BadInput(
            "unreadable_file",
            f"Blender {compat.version_text()} cannot read {path.name}; it is damaged, or a newer Blender made it.",
            "Give the Blender that made it with --blender PATH.",
        ) from error
    written = tuple(bpy.data.version[:2])
    if written > compat.version():
        raise _newer(path, written)


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


def _import(path: Path, kind: str) -> None:
    module = "io_scene_fbx" if kind == ".fbx" else "io_scene_gltf2"
    addon_utils.enable(module)
    try:
        if kind == ".fbx":
            compat.import_fbx(str(path))
        else:
            # bones end where the next one begins; and meshes that hang from bones come out in place
            bpy.ops.import_scene.gltf(filepath=str(path), import_shading="NORMALS", bone_heuristic="TEMPERANCE")
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].removeprefix("Error: ")
        raise BadInput("unreadable_file", f"{path.name} cannot be read: {reason}", "Export it anew.") from error


def _forget_clips(obj) -> None:
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
    with _only(obj):
        bpy.ops.export_scene.fbx(
            filepath=path, use_selection=True, object_types={"ARMATURE", "MESH"}, add_leaf_bones=False,
            use_armature_deform_only=True, bake_anim_use_all_actions=False, bake_anim_use_nla_strips=False,
            bake_anim_simplify_factor=0.0, path_mode="COPY", embed_textures=True,
        )  # fmt: skip


def _write_glb(path: str, obj) -> None:
    addon_utils.enable("io_scene_gltf2")
    with _only(obj):
        bpy.ops.export_scene.gltf(
            filepath=path, export_format="GLB", use_selection=True, export_animation_mode="ACTIVE_ACTIONS",
            export_def_bones=True, export_force_sampling=True, export_optimize_animation_size=False,
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
