"""What a checkpoint of the embedded model makes by torch and diffusers: CHECKPOINT IN.npz OUT.npz."""

import sys

import numpy as np
import torch

from poseloom.render import parts

pipeline = parts.load(sys.argv[1], {}, torch.float32)
with np.load(sys.argv[2]) as npz:
    given = {name: torch.from_numpy(npz[name]) for name in npz.files}
pose, other = given["pose"], given["pose"].flip(0)
made = pipeline(given["reference"], other, pose, given["warped"], noise=given["noise"])
with torch.no_grad():
    condition = pipeline.unet.guide(given["reference"], other, pose, given["warped"])
np.savez(sys.argv[3], made=made.numpy(), **{f"condition{i}": part.numpy() for i, part in enumerate(condition)})
