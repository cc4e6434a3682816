"""Key poses of single rendered pictures against their exact truth: frames of the rendered clips, each solved alone.

images                  pictures: of each clip of build/clips/SET the frames at 1/6, 1/2 and 5/6 of it
images_angle_error_deg  mean over pictures of the difference of the angles at elbows and knees, and of those between upper
                        arms, thighs and trunk; _worst: that of the worst picture
images_rotation_deg     of the joints' rotations beside the pelvis, about all three axes
images_facing_deg       of the pelvis' heading as the camera sees it
images_floor_mm         how far the lowest heel or ball is from the floor it truly has in pictures in which somebody stands
images_seen             the share of pictures in which the person was found
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import video_measures
from PIL import Image
from video_clips import rendered_already

from poseloom.errors import BadInput
from poseloom.key_pictures import pictures_to_poses
from poseloom.media import open_clip
from poseloom.motion import quat
from poseloom.motion.contacts import foot_points
from poseloom.motion.skeleton import JOINTS
from poseloom.pipelines import AnimateOptions

_SHARES = (1 / 6, 1 / 2, 5 / 6)


def images(figures: dict, kind: str = "test", count: int | None = None) -> list:
    """Adds the figures; the rows (picture, angle, rotation, facing in degrees)."""
    rows, floor, missed = [], [], 0
    for truth in rendered_already(kind, 1, count):
        wanted = {round(share * (len(truth.gpos) - 1)): None for share in _SHARES}
        with tempfile.TemporaryDirectory() as folder:
            for frame in open_clip(truth.path):
                if frame.index in wanted:
                    path = wanted[frame.index] = Path(folder) / f"{truth.path.stem}_{frame.index}.png"
                    Image.fromarray(frame.rgb).save(path)
            for t, path in wanted.items():
                try:
                    pose = pictures_to_poses([path], AnimateOptions())
                except BadInput:
                    missed += 1
                    continue
                places, grot = video_measures.joints_of(pose), truth.more["grot"][[t]]
                rows.append((
                    path.stem, video_measures.angle_deg(places, truth.gpos[[t]]),
                    video_measures.rotation_deg(pose, grot, truth.more["names"].tolist()), _facing_deg(pose, truth, t),
                ))  # fmt: skip
                if truth.more["contact"][t, :4].max() > 0.5:
                    floor.append(abs(foot_points(pose)[0, :, 2].min() - truth.more["soles"][t, :, 2].min()))
    angle, rotation, facing = np.array([row[1:] for row in rows]).T
    figures |= {
        "images": len(rows) + missed, "images_seen": len(rows) / (len(rows) + missed), "images_angle_error_deg": angle.mean(),
        "images_angle_error_deg_worst": angle.max(), "images_rotation_deg": rotation.mean(), "images_facing_deg": facing.mean(),
        "images_floor_mm": 1000.0 * np.mean(floor),
    }  # fmt: skip
    return rows


def _facing_deg(pose, truth, t: int) -> float:
    """Between the headings of both pelvises, the camera's own heading taken out of the truth's."""
    world = truth.more["world"]
    away = (world if world.ndim == 2 else world[t])[:3, :3] @ [0.0, 0.0, -1.0]
    camera = np.arctan2(-away[0], away[1])
    pelvis = JOINTS.index("pelvis")
    heading = [np.arctan2(x, -y) for x, y, _ in (
        quat.rotate(np.array(turn, float), [0.0, -1.0, 0.0]) for turn in (truth.more["grot"][t, pelvis], pose.lrot[0, pelvis])
    )]  # fmt: skip
    off = heading[0] - camera - heading[1]
    return abs(np.degrees((off + np.pi) % (2.0 * np.pi) - np.pi))
