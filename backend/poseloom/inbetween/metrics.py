"""How in-betweening is measured: L2Q, L2P (Harvey et al. 2020) and NPSS (Gopalakrishnan et al. 2019).

All take windows' missing frames only: N windows, T frames, J joints.
"""

from __future__ import annotations

import numpy as np


def l2q(grot, truth) -> float:
    """Mean over frames of the norm over J x 4 of global quaternions, signs aligned."""
    sign = np.where(np.sum(grot * truth, axis=-1, keepdims=True) < 0.0, -1.0, 1.0)
    return float(np.mean(np.sqrt(np.sum((sign * grot - truth) ** 2, axis=(-1, -2)))))


def l2p(gpos, truth, mean, std) -> float:
    """Mean over frames of the norm over J x 3 of global positions, z-scored with training statistics (J,3)."""
    z = (gpos - mean) / std - (truth - mean) / std
    return float(np.mean(np.sqrt(np.sum(z**2, axis=(-1, -2)))))


def npss(grot, truth) -> float:
    """Normalised power spectrum similarity of global quaternions, weighted by the truth's power."""
    sign = np.where(np.sum(grot * truth, axis=-1, keepdims=True) < 0.0, -1.0, 1.0)
    a = _power((sign * grot).reshape(len(grot), grot.shape[1], -1))
    b = _power(truth.reshape(len(truth), truth.shape[1], -1))
    total_a, total_b = a.sum(axis=1), b.sum(axis=1)
    share_a = a / np.where(total_a == 0.0, 1.0, total_a)[:, None]
    share_b = b / np.where(total_b == 0.0, 1.0, total_b)[:, None]
    emd = np.sum(np.abs(np.cumsum(share_a, axis=1) - np.cumsum(share_b, axis=1)), axis=1)
    return float(np.sum(emd * total_b) / np.sum(total_b))


def _power(x):
    return np.abs(np.fft.fft(x, axis=1)) ** 2


def foot_slide(gpos, truth, fps: float, still_m_s: float = 0.15, low_m: float = 0.08) -> float:
    """Mean horizontal speed in cm/s of the toes while the truth's toes stand still near their lowest."""
    from ..motion.skeleton import JOINTS

    toes = [JOINTS.index("toe_l"), JOINTS.index("toe_r")]
    mine, true = gpos[:, :, toes], truth[:, :, toes]
    speed = np.linalg.norm(np.diff(mine, axis=1)[..., :2], axis=-1) * fps
    still = np.linalg.norm(np.diff(true, axis=1), axis=-1) * fps < still_m_s
    still &= true[:, 1:, :, 2] < true[..., 2].min(axis=(1, 2), keepdims=True)[..., 0, None] + low_m
    return float(100.0 * speed[still].mean()) if still.any() else float("nan")
