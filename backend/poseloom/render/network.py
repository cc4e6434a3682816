"""The embedded model: a small pose-guided denoising U-Net in pixel space, as a model of diffusers.

Two halves.  `Guide` runs once a frame: it reads the pose wanted, the reference picture, the reference's pose and what
`warping.warp` lays of the reference onto the pose wanted, and looks up by cross-attention, for each cell of the picture,
where in the reference the same part of the body is.  `Denoiser` runs at every step: it paints, or keeps what one of the
pictures of the guide shows.  Pictures are folded so that they are 64 and 32 cells a side, whatever their size.
"""

from __future__ import annotations

import torch
from diffusers import ConfigMixin, DDIMScheduler, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn import functional as F

from . import warping
from .encoding import BODY, CELLS, CHANNELS, FINE, LIMBS

REGIONS = 11  # what a cell may show: the background, or one of the body's ten
NEAR = 384  # cells about the limbs, among which parts of the body are looked up
LAST = 999  # the time of pure noise
SOURCES = warping.PICTURES + 1  # pictures that may be kept: those of the warp, and what was looked up
BEHIND = 2  # which of these is the background
_CRISP = 3.0  # outlines are harder than they are sure
# what is painted: the body, the background; logits of the body, of keeping the background, of the body's pictures: at first
_PAINTED = (0.0,) * 6 + (0.0, 2.0, -2.0, 1.0, 0.0, -2.0)
SAME, ALONG, ACROSS = 8.0, 12.0, 1.5  # see `same_place`
_GROUP = 8
_SHARP = 8.0  # how far what is learned can outweigh that


def scheduler() -> DDIMScheduler:
    """Steps from pure noise to the picture; the model says what the clean picture is."""
    return DDIMScheduler(
        beta_schedule="squaredcos_cap_v2", prediction_type="sample", rescale_betas_zero_snr=True,
        timestep_spacing="trailing", clip_sample=True,
    )  # fmt: skip


def _norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(width // _GROUP, width)


def level(x, size: float):
    """x (B,C,h,w), each cell's root mean square made `size`, so that nothing can grow without end."""
    return x * (size * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-4))


class Residual(nn.Module):
    """Two convolutions added to what comes in; what `told` (B,time) says is added between them."""

    def __init__(self, width: int, time: int = 0, norm: bool = True):
        super().__init__()
        self.norm = _norm(width) if norm else nn.SiLU()
        self.enter, self.leave = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.told = nn.Linear(time, width) if time else None
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x, told=None):
        y = self.enter(self.norm(x))
        if self.told is not None:
            y = y + self.told(told)[:, :, None, None]
        return x + self.leave(F.silu(y))


class Attention(nn.Module):
    """Each cell heeds all others."""

    def __init__(self, width: int):
        super().__init__()
        self.norm, self.ask, self.leave = _norm(width), nn.Conv2d(width, 3 * width, 1), nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x):
        q, k, v = (t.flatten(2).transpose(1, 2) for t in self.ask(self.norm(x)).chunk(3, dim=1))
        found = torch.softmax(q @ k.transpose(1, 2) * q.shape[-1] ** -0.5, dim=-1) @ v
        return x + self.leave(found.transpose(1, 2).reshape(x.shape))


class Trunk(nn.Module):
    """A pose, and for a reference its picture too, to features of each cell that know the whole."""

    def __init__(self, pixels: int, widths):
        super().__init__()
        a, b, c = widths
        self.pose, self.picture = nn.Conv2d(CHANNELS, a, 1), nn.Conv2d(pixels, a, 1)
        self.here = nn.Conv2d(a, a, 1)
        self.down, self.lower = nn.Conv2d(a, b, 2, stride=2), nn.Conv2d(b, c, 2, stride=2)
        self.bottom = nn.ModuleList([Residual(c), Attention(c)])
        self.raise_, self.up = nn.Conv2d(c, b, 1), nn.Conv2d(b, a, 1)
        self.join, self.last = Residual(b), nn.Conv2d(a, a, 1)

    def forward(self, pose, picture):
        x = F.silu(self.pose(pose) + self.picture(picture))
        x = x + F.silu(self.here(x))
        y = F.silu(self.down(x))
        z = self.lower(y)
        for layer in self.bottom:
            z = layer(z)
        y = self.join(y + F.interpolate(self.raise_(z), scale_factor=2.0))
        x = x + F.interpolate(self.up(y), scale_factor=2.0)
        return level(x + self.last(F.silu(x)), 1.3)


class Guide(nn.Module):
    """(reference, its pose, the pose wanted, the warp) -> what the frame shows, finely (B,A,64,64) and coarsely (B,B,32,32),
    and the pictures that may be kept (B,3 SOURCES,S,S)."""

    def __init__(self, size: int, widths, fine: int, key: int):
        super().__init__()
        self.fold, width = size // CELLS, widths[0]
        self.finer, pixels = size // FINE, 3 * self.fold**2
        self.trunk = Trunk(pixels, widths)
        self.q, self.k = nn.Conv2d(width, key, 1), nn.Conv2d(width, key, 1)
        self.v = nn.Conv2d(width, 16, 1)
        shown = warping.CHANNELS * self.finer**2
        self.look = nn.Sequential(nn.Conv2d(shown, fine, 1), nn.SiLU(), nn.Conv2d(fine, fine, 3, padding=1))
        self.lower = nn.Conv2d(fine, width, 2, stride=2)
        self.mix = nn.Sequential(nn.Conv2d(3 * width + 2 * pixels + 16, width, 1), nn.SiLU(), nn.Conv2d(width, width, 1))
        self.region, self.rest = nn.Conv2d(width, REGIONS, 1), nn.Conv2d(width, 3, 1)  # heads for training alone

    def forward(self, reference, reference_pose, pose, warped):
        return self.study(reference, reference_pose, pose, warped)[0]

    def study(self, reference, reference_pose, pose, warped, more=None):
        """fine, coarse, sources; trunk's features of (wanted, reference); what is found of `more` (B,M,32,32) of the
        reference."""
        patches = F.pixel_unshuffle(reference, self.fold)
        wanted, known = self.trunk(torch.cat([pose, reference_pose]), torch.cat([torch.zeros_like(patches), patches])).chunk(2)
        values = [patches, self.v(known)] + ([] if more is None else [more])
        learned = level(self.q(wanted), _SHARP * self.q.out_channels**-0.5), level(self.k(known), 1.0)
        q, k = (torch.cat(pair, dim=1) for pair in zip(learned, same_place(pose, reference_pose)))
        found = self._look_up(q, k, torch.cat(values, dim=1), pose, reference_pose)
        width = patches.shape[1] + 16
        fine = self.look(F.pixel_unshuffle(warped, self.finer))
        mixed = self.mix(torch.cat([wanted, known, self.lower(F.silu(fine)), patches, found[:, :width]], dim=1))
        carried = F.pixel_shuffle(found[:, : patches.shape[1]], self.fold)
        sources = torch.cat([warped[:, : 3 * warping.PICTURES], carried], dim=1)
        return (fine, wanted + mixed, sources), (wanted, known), found[:, width:]

    def _look_up(self, q, k, value, pose, reference_pose):
        """(B,C,32,32) of value, where q (frame) meets k (reference); 0 in cells that are far from all limbs."""
        here, there = (near_limbs(p)[:, None] for p in (pose, reference_pose))
        q, k, value = (
            x.flatten(2).gather(2, at.expand(-1, x.shape[1], -1)) for x, at in ((q, here), (k, there), (value, there))
        )
        heed = torch.softmax(q.transpose(1, 2) @ k, dim=-1)
        found = value @ heed.transpose(1, 2)
        blank = torch.zeros_like(found[:, :, :1]).repeat(1, 1, CELLS * CELLS)
        return blank.scatter(2, here.expand(-1, found.shape[1], -1), found).unflatten(2, (CELLS, CELLS))


def same_place(pose, reference_pose):
    """Queries and keys (B,4 L,32,32) of poses (B,C,32,32), whose product is large where both are at the same place of the
    same limb: the sum over limbs of m m' (SAME - ALONG (t - t')² - ACROSS (s - s')²), for weights m, places t along and s
    across the limb.  It is where the search begins, before anything is learned."""
    (m, mt, ms), (n, nt, ns) = (_places(p) for p in (pose, reference_pose))
    far, near = (
        (ALONG * x * x + ACROSS * y * y) / w.clamp_min(1e-3) for w, x, y in ((m, mt, ms), (n, nt, ns))
    )  # weight times squared place
    a, b = (2 * ALONG) ** 0.5, (2 * ACROSS) ** 0.5
    return torch.cat([SAME * m - far, m, a * mt, b * ms], dim=1), torch.cat([n, -near, a * nt, b * ns], dim=1)


def _places(pose):
    """Weight, weight times place along, weight times place across (B,L,32,32) of each limb, as `encoding.encode` has them."""
    blocks = pose[:, 3 * BODY :].unflatten(1, (6, len(LIMBS)))
    return blocks[:, 0], blocks[:, 3], blocks[:, 4]


def near_limbs(pose):
    """(B,NEAR) the cells nearest to the limbs of poses (B,C,32,32)."""
    return pose[:, 3 * BODY : 3 * BODY + len(LIMBS)].amax(dim=1).flatten(1).topk(NEAR, dim=1).indices


class Denoiser(nn.Module):
    """(noisy picture, time 0..999, what the guide gives: fine, coarse, sources) -> the clean picture, -1..1."""

    def __init__(self, size: int, widths, fine: int, time: int):
        super().__init__()
        a, (coarse, b, c) = fine, widths
        self.fold = fold = size // FINE
        self.clock = nn.Sequential(nn.Linear(64, time), nn.SiLU(), nn.Linear(time, time), nn.SiLU())
        self.enter = nn.Conv2d(3 * (1 + SOURCES) * fold * fold, a, 1)
        self.one, self.down = Residual(a, norm=False), nn.Conv2d(a, b, 2, stride=2)
        self.join, self.two, self.lower = nn.Conv2d(coarse, b, 1), Residual(b, time), nn.Conv2d(b, c, 2, stride=2)
        self.three, self.heed, self.four = Residual(c, time), Attention(c), Residual(c, time)
        self.raise_, self.five = nn.Conv2d(b + c, b, 1), Residual(b, time)
        self.up = nn.Conv2d(a + b, a, 1)
        self.six, self.seven = Residual(a, norm=False), Residual(a, norm=False)
        self.last = nn.Conv2d(a, len(_PAINTED) * fold * fold, 1)
        self.region = nn.Conv2d(a, REGIONS, 1)  # for training alone
        with torch.no_grad():
            self.last.weight.mul_(0.1)
            self.last.bias.copy_(torch.tensor(_PAINTED).repeat_interleave(fold * fold))

    def forward(self, noisy, time, fine, coarse, sources):
        return self.study(noisy, time, fine, coarse, sources)[0]

    def study(self, noisy, time, fine, coarse, sources, exact=None):
        """The clean picture; the body alone (B,3,S,S), the logit of a pixel being it (B,1,S,S), and those of what each cell
        shows (B,REGIONS,64,64); exact: sources in more digits, to be kept."""
        angle = time.float()[:, None] * torch.exp(-9.21 * torch.arange(32, device=time.device) / 32)[None]
        told = self.clock(torch.cat([angle.sin(), angle.cos()], dim=1).to(fine.dtype))
        # what is pure noise says nothing, so it is not shown
        shown = noisy * (1 - time / LAST).view(-1, 1, 1, 1).to(noisy.dtype)
        x = F.silu(self.enter(F.pixel_unshuffle(torch.cat([shown, sources], dim=1), self.fold)) + fine)
        x = self.one(x)
        y = self.two(self.down(x) + self.join(coarse), told)
        z = self.four(self.heed(self.three(self.lower(y), told)), told)
        y = self.five(self.raise_(torch.cat([y, F.interpolate(z, scale_factor=2.0)], dim=1)), told)
        x = self.seven(self.six(self.up(torch.cat([x, F.interpolate(y, scale_factor=2.0)], dim=1))))
        x = F.silu(x)
        out = F.pixel_shuffle(self.last(x), self.fold)
        exact = sources if exact is None else exact
        out = out.to(exact.dtype)
        body, ground, on, keep, choice = out.split([3, 3, 1, 1, SOURCES], dim=1)
        pictures = exact.unflatten(1, (SOURCES, 3))
        behind = ground + torch.sigmoid(keep) * (pictures[:, BEHIND] - ground)
        pictures = torch.cat([body[:, None], pictures[:, :BEHIND], pictures[:, BEHIND + 1 :]], dim=1)
        body = (torch.softmax(choice, dim=1)[:, :, None] * pictures).sum(dim=1)
        return behind + torch.sigmoid(_CRISP * on) * (body - behind), body, on, self.region(x)


class PoseUNet(ModelMixin, ConfigMixin):
    """Both halves; `size` of the pictures is a multiple of 64 pixels."""

    @register_to_config
    def __init__(self, size: int = 128, widths=(64, 96, 160), fine: int = 48, key: int = 48, time: int = 160):
        super().__init__()
        self.guide = Guide(size, widths, fine, key)
        self.denoiser = Denoiser(size, widths, fine, time)

    def forward(self, noisy, time, reference, reference_pose, pose, warped):
        return self.denoiser(noisy, time, *self.guide(reference, reference_pose, pose, warped))
