"""The list of key-frame pictures, kept with the scene, and their previews."""

from pathlib import Path

import bpy
import bpy.utils.previews
from bpy.props import CollectionProperty, IntProperty, PointerProperty, StringProperty
from poseloom.named_pictures import SPACING

_previews = None


class PoseloomPicture(bpy.types.PropertyGroup):
    """A picture and where its pose is keyed; its name is that of the file."""

    path: StringProperty(name="Picture", description="The picture with a person in it", subtype="FILE_PATH")
    frame: IntProperty(name="Frame", description="The frame on which its pose is keyed", default=1)


class PoseloomPictures(bpy.types.PropertyGroup):
    found: CollectionProperty(type=PoseloomPicture, name="Pictures", description="The pictures whose poses are keyed")
    active: IntProperty(name="Picture", description="The picture shown below the list")
    spacing: IntProperty(
        name="Spacing", description="Frames from one picture to the next that is added", default=SPACING, min=1, max=1000
    )

    def add(self, path: str, first: int) -> None:
        """Below the others, `spacing` frames after the last; the first one on frame `first`."""
        frame = max(picture.frame for picture in self.found) + self.spacing if self.found else first
        picture = self.found.add()
        picture.name, picture.path, picture.frame = Path(path).name, path, frame
        self.active = len(self.found) - 1

    def by_frame(self) -> list:
        return sorted(self.found, key=lambda picture: picture.frame)


def icon_of(path: str) -> int:
    """The number of the icon that shows a picture; 0 where there is none."""
    full = bpy.path.abspath(path)
    if _previews is None or not Path(full).is_file():
        return 0
    if full not in _previews:
        _previews.load(full, full, "IMAGE")
    return _previews[full].icon_id


def register() -> None:
    global _previews
    bpy.types.Scene.poseloom_pictures = PointerProperty(type=PoseloomPictures)
    _previews = bpy.utils.previews.new()


def unregister() -> None:
    global _previews
    bpy.utils.previews.remove(_previews)
    _previews = None
    del bpy.types.Scene.poseloom_pictures
