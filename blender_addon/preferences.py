"""Where the backend is, and how results are kept."""

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty


class PoseloomPreferences(bpy.types.AddonPreferences):
    bl_idname = __package__

    backend_command: StringProperty(
        name="Backend command",
        description="The command that starts the backend, such as /path/to/poseloom serve. "
        "Empty: the one that its installation noted down",
    )
    address: StringProperty(
        name="Address",
        description="Address and port of a backend that is running already, such as http://127.0.0.1:8797. "
        "Empty: one on this computer is found by itself",
    )
    token: StringProperty(
        name="Token",
        description="The token of the backend at that address: it stands in server.json in its data folder. "
        "Only needed with an address of another computer",
        subtype="PASSWORD",
    )
    cache_folder: StringProperty(
        name="Cache folder",
        description="Where motions that came back from the backend are kept. Empty: the extension's own folder",
        subtype="DIR_PATH",
    )
    previous: EnumProperty(
        name="Previous action",
        description="What happens to the action that the armature has when a new one is made",
        items=(
            ("NLA", "Muted NLA strip", "Keep it as a muted strip on its own NLA track"),
            ("FAKE_USER", "Fake user", "Keep it in the file by a fake user, without a strip"),
        ),
        default="NLA",
    )

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        box = layout.column(heading="Backend")
        box.prop(self, "backend_command", placeholder="As its installation noted")
        box.prop(self, "address", placeholder="Found by itself on this computer")
        token = box.column()
        token.enabled = bool(self.address)
        token.prop(self, "token")
        box.operator("poseloom.check_backend", icon="FILE_REFRESH")
        layout.prop(self, "cache_folder", placeholder="The extension's own")
        layout.prop(self, "previous")


def get() -> PoseloomPreferences:
    """The user's preferences of this extension."""
    return bpy.context.preferences.addons[__package__].preferences


def cache_folder() -> Path:
    """Where motions are kept; made if it is not there."""
    chosen = get().cache_folder
    if not chosen:
        return Path(bpy.utils.extension_path_user(__package__, path="motions", create=True))
    folder = Path(bpy.path.abspath(chosen))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
