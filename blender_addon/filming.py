"""What the user chooses about rendering with diffusion, kept with the scene."""

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

EVERY_FRAMES = (
    ("RANGE", "Range", "All frames of the scene's range, or of its preview range"),
    ("FRAME", "This Frame", "The frame at the playhead: a look at what comes"),
    ("KEYS", "Keys", "The frames on which the selected keys of the armature's action lie, or all its keys without a selection"),
)


class PoseloomFilming(bpy.types.PropertyGroup):
    prompt: StringProperty(name="Prompt", description="What the frames show")
    negative: StringProperty(name="Negative prompt", description="What the frames do not show")
    seed: IntProperty(name="Seed", description="The same seed gives the same frames", default=0, min=0)
    model: StringProperty(
        name="Checkpoint",
        description="A diffusion checkpoint: a folder on the backend's computer, or its name on the Hugging Face hub; "
        "empty: the embedded model. Nothing is downloaded by itself",
    )  # fmt: skip
    reference: StringProperty(
        name="Reference", description="A picture of the character; empty: with the embedded model one that is taken of it from its front",
        subtype="FILE_PATH",
    )
    steps: IntProperty(name="Steps", description="Of denoising: fewer are faster; distilled models need 4", default=20, min=1, max=200)
    every: IntProperty(name="Every", description="Only every so many frames, each held until the next", default=1, min=1)
    size: IntProperty(
        name="Size", description="Pixels of the longer side; 0: that of the scene's renders", default=512, min=0, max=4096
    )
    depth: BoolProperty(
        name="Depth", description="Show the renderer the scene's depth too, where the checkpoint has a network for it", default=False
    )
    guides_only: BoolProperty(
        name="Guides only", description="Draw pose maps and depth for other tools, and stop there", default=False
    )
    which: EnumProperty(name="Frames", description="Which frames are rendered", items=EVERY_FRAMES)
    folder: StringProperty(
        name="Folder", description="Where guides and frames are kept, a folder for each run",
        default="//poseloom_frames/", subtype="DIR_PATH",
    )
