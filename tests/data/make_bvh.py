"""Writes tests/data/bvh/*.bvh: one short motion in the many ways that programs write BVH, and files that are broken.

    python tests/data/make_bvh.py

Every good file holds the same motion of the same skeleton, so all must read alike; `plain.bvh` is the measure.
The text is put together here, not by the writer under test.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

OUT = Path(__file__).parent / "bvh"
FRAME_TIME = 0.04
# name, parent, offset in cm with Y up, facing +Z
LEG = [("UpLeg", "Hips", (9, -4, 0)), ("Leg", "UpLeg", (0, -42, 1)), ("Foot", "Leg", (0, -42, -1)),
       ("ToeBase", "Foot", (0, -7, 13))]  # fmt: skip
ARM = [("Shoulder", "Spine1", (3, 18, 0)), ("Arm", "Shoulder", (13, 0, 0)), ("ForeArm", "Arm", (28, 0, 0)),
       ("Hand", "ForeArm", (26, 0, 0))]  # fmt: skip
ENDS = {"Head": (0, 18, 0), "LeftHand": (17, 0, 0), "RightHand": (-17, 0, 0), "LeftToeBase": (0, 0, 7),
        "RightToeBase": (0, 0, 7)}  # fmt: skip


def skeleton():
    joints = [("Hips", "", (0, 0, 0)), ("Spine", "Hips", (0, 10, 0)), ("Spine1", "Spine", (0, 22, 0)),
              ("Neck", "Spine1", (0, 25, 0)), ("Head", "Neck", (0, 9, 2))]  # fmt: skip
    for side, sign in (("Left", 1), ("Right", -1)):
        for chain in (ARM, LEG):
            for name, parent, (x, y, z) in chain:
                trunk = parent in ("Hips", "Spine1")
                joints.append((side + name, parent if trunk else side + parent, (sign * x, y, z)))
    return joints


def frames(count=4):
    """Root places (T,3) cm and angles (T,J,3) degrees about z, x, y in that order."""
    rng = np.random.default_rng(3)
    angles = np.round(rng.uniform(-35, 35, (count, len(skeleton()), 3)), 4)
    places = np.round(np.array([0, 93, 0]) + rng.uniform(-20, 20, (count, 3)), 4)
    return places, angles


def write(
    name, *, indent="\t", newline="\n", last=True, scale=1.0, z_up=False, brace="\n", every=False, without=(),
    extra="", names=None, comment=False, stated=None, frame_time=FRAME_TIME, cut=0, wrap=False, bom=False, lower=False,
):  # fmt: skip
    """One file; the options are what differs from program to program."""
    joints, (places, angles) = skeleton(), frames()
    names = names or {}

    def vector(v):
        x, y, z = (scale * float(c) for c in v)
        return f"{x:.6f} {-z:.6f} {y:.6f}" if z_up else f"{x:.6f} {y:.6f} {z:.6f}"

    turns = "Yrotation Xrotation Zrotation" if z_up else "Zrotation Xrotation Yrotation"
    out, order = ["HIERARCHY"], []

    def put(joint, depth):
        title, _, offset = joint
        index = joints.index(joint)
        order.append(index)
        pad = indent * depth
        open_brace = " {" if brace == " " else f"\n{pad}{{"
        out.append(f"{pad}{'JOINT' if depth else 'ROOT'} {names.get(title, title)}{open_brace}")
        out.append(f"{pad}{indent}OFFSET {vector(offset)}")
        moves = "Xposition Yposition Zposition " if every or not depth else ""
        channels = "" if title in without else f"{moves}{turns}{' ' + extra if extra else ''}"
        out.append(f"{pad}{indent}CHANNELS {len(channels.split())} {channels}".rstrip())
        if comment:
            out.append(f"{pad}{indent}# of no use\n")
        for child in joints:
            if child[1] == title:
                put(child, depth + 1)
        if title in ENDS:
            inner = pad + indent
            out.append(f"{inner}End Site{open_brace}\n{inner}{indent}OFFSET {vector(ENDS[title])}\n{inner}}}")
        out.append(f"{pad}}}")

    put(joints[0], 0)
    stated = len(places) if stated is None else stated
    out += ["MOTION", f"Frames:{indent or ' '}{stated}", f"Frame Time: {frame_time:g}"]
    for place, turn in zip(places, angles):
        row = []
        for index in order:
            title, _, offset = joints[index]
            if title in without:
                continue
            z, x, y = turn[index]
            if every or index == 0:
                row.append(vector(place if index == 0 else offset))
            row.append(f"{-z:.4f} {x:.4f} {y:.4f}" if z_up else f"{z:.4f} {x:.4f} {y:.4f}")
            row += ["1.0"] * len(extra.split())
        line = " ".join(row)
        out.append(line.replace(" ", "\n", 7) if wrap else line)
    text = "\n".join(out) + ("\n" if last else "")
    text = text[: len(text) - cut] if cut else text
    text = text.lower() if lower else text
    data = text.replace("\n", newline).encode()
    (OUT / f"{name}.bvh").write_bytes((b"\xef\xbb\xbf" if bom else b"") + data)


def broken(name, change):
    (OUT / f"{name}.bvh").write_text(change((OUT / "plain.bvh").read_text()), newline="\n")


def main():
    OUT.mkdir(exist_ok=True)
    write("plain")
    write("windows", newline="\r\n", bom=True)
    write("old_mac", newline="\r")
    write("spaces_no_last_newline", indent="  ", last=False)
    write("no_indent", indent="", brace=" ")
    write("comments", comment=True)
    write("metres", scale=0.01)
    write("millimetres", scale=10.0)
    write("inches", scale=1 / 2.54)
    write("cmu_unit", scale=0.45 / 2.54)
    write("odd_unit", scale=0.2477)
    write("z_up", z_up=True)
    write("z_up_metres", z_up=True, scale=0.01)
    write("every_joint_moves", every=True)
    write("scale_channels", extra="Xscale Yscale Zscale")
    spaced = {name: name.replace("Left", "Left ").replace("Right", "Right ") for name, _, _ in skeleton()}
    write("names_with_spaces", names=spaced)
    write("more_frames_stated", stated=9)
    write("fewer_frames_stated", stated=2)
    write("wrapped_lines", wrap=True)
    write("cut_off", cut=60)
    write("feet_without_channels", without=("LeftToeBase", "RightToeBase", "Head"))
    write("same_names", names={"LeftToeBase": "Toe", "RightToeBase": "Toe", "LeftHand": "Hand", "RightHand": "Hand"})
    broken("bad_frame_time", lambda t: t.replace("Frame Time: 0.04", "Frame Time: 0"))
    broken("bad_number", lambda t: t[:-6] + "x" + t[-5:])
    broken("bad_short_row", lambda t: "\n".join(t.split("\n")[:-3] + ["1 2 3", *t.split("\n")[-3:]]))
    broken("bad_channel", lambda t: t.replace("Zrotation", "Wrotation", 1))
    broken("bad_channel_count", lambda t: t.replace("CHANNELS 3", "CHANNELS 4", 1))
    broken("bad_offset", lambda t: t.replace("OFFSET 0.000000 10.000000", "OFFSET 10,0", 1))
    broken("bad_brace", lambda t: t.replace("}\nMOTION", "MOTION"))
    broken("bad_no_motion", lambda t: t[: t.index("MOTION")])
    broken("bad_no_frames", lambda t: t[: t.index("0.04") + 5])
    broken("bad_nan", lambda t: t[:-8] + "nan\n")
    broken("bad_other_file", lambda t: "solid cube\nfacet normal 0 0 1\n")


if __name__ == "__main__":
    main()
