"""A pose that is taken as an armature's rest pose, for the odd one whose own rest pose no geometry can read.

It is a custom property of the armature object, so it is saved with the file.
"""

from __future__ import annotations

from typing import Optional

import numpy as np
from poseloom.errors import BadInput
from poseloom.motion.types import RigMotion

from . import armature

_KEY = "poseloom_rest"


def keep(obj) -> None:
    """Take the pose that one sees now, constraints and drivers applied, as the rest pose of `obj`."""
    rig = armature.read(obj)
    poses = armature.pose_matrices(obj, rig.bones)[None]
    basis, location = armature.relative_to_rest(rig, poses)
    obj[_KEY] = {name: [*map(float, basis[0, b]), *map(float, location[0, b])] for b, name in enumerate(rig.bones)}


def forget(obj) -> None:
    obj.pop(_KEY, None)


def is_kept(obj) -> bool:
    return _KEY in obj.keys()


def kept(obj) -> Optional[RigMotion]:
    """The pose as a motion of one frame, None where none was kept; bones that are gone are left out."""
    note = obj.get(_KEY)
    if note is None:
        return None
    found = {name: np.array(list(values)) for name, values in note.items() if name in obj.data.bones}
    if not found:
        raise BadInput(
            "rest_gone", f'None of the bones whose pose was kept as rest is in "{obj.name}".', "Forget that pose."
        )
    values = np.stack(list(found.values()))[None]
    return RigMotion(tuple(found), values[..., :4], values[..., 4:], np.ones(len(found), bool), 30.0)
