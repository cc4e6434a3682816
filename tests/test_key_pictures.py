"""Key poses of pictures, and picked of motions: which frame, whose pose, and nothing between."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from poseloom import cli, key_pictures, named_pictures
from poseloom.errors import BadInput
from poseloom.key_poses import Keys, on_rig, through
from poseloom.motion import extremes, quat, skeleton
from poseloom.motion.bvh import motion_to_rig, read_bvh, write_bvh
from poseloom.motion.skeleton import motion_fk
from poseloom.motion.types import Motion
from poseloom.rigs.recognise import recognise

SAMPLE = ROOT / "backend" / "poseloom" / "assets" / "sample.mp4"
HEIGHT = 0.05


def raised(angles, fps=30.0) -> Motion:
    """A body that raises its left arm by these angles, standing."""
    body = skeleton.standard()
    lrot = np.tile(quat.IDENTITY, (len(angles), len(body), 1))
    lrot[:, body.index("upper_arm_l")] = quat.from_axis_angle(np.tile([0.0, 1.0, 0.0], (len(angles), 1)), np.array(angles))
    return Motion(body, lrot, np.tile(body.offsets[0], (len(angles), 1)), fps)


@pytest.fixture(scope="module")
def shots(tmp_path_factory) -> Path:
    """Frames of the sample clip as pictures, and one of them in odd formats."""
    pytest.importorskip("mediapipe", reason="seeing needs mediapipe")
    from PIL import Image

    from poseloom.media import open_clip

    folder = tmp_path_factory.mktemp("shots")
    for frame in open_clip(SAMPLE, start="0", end="61"):
        if frame.index % 30 == 0:
            Image.fromarray(frame.rgb).save(folder / f"s{frame.index:02d}.png")
    return folder


@pytest.fixture(scope="module")
def body(tmp_path_factory) -> Path:
    """A character that needs no Blender."""
    path = tmp_path_factory.mktemp("body") / "body.bvh"
    write_bvh(path, *motion_to_rig(raised([0.0, 0.0])))
    return path


@pytest.fixture
def run(capsys):
    def inner(*words):
        code = cli.main([str(word) for word in words])
        return (code, *capsys.readouterr())

    return inner


# which frame


@pytest.mark.parametrize(
    "frames, expected",
    [
        ([None, None, None], [1, 13, 25]), ([5, None, None, 20], [5, 10, 15, 20]), ([None, 40, None], [28, 40, 52]),
        ([None, None, 6], [2, 4, 6]), ([1, 24, 40], [1, 24, 40]), ([40, 1], [1, 40]),
    ],
)  # fmt: skip
def test_pictures_without_a_frame_lie_evenly_between_those_that_have_one(frames, expected, tmp_path):
    words = []
    for i, frame in enumerate(frames):
        (tmp_path / f"{i}.png").touch()
        words.append(f"{tmp_path / f'{i}.png'}{'' if frame is None else f'@{frame}'}")
    assert named_pictures.are_meant(words)
    assert named_pictures.frames_of([picture.time for picture in named_pictures.named(words, 12)], 24.0, 1, 12) == expected


def test_a_time_in_seconds_is_one_of_the_scene(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.png").touch()
    pictures = named_pictures.named([str(tmp_path / word) for word in ("b.png@1.5s", "c.png@2s", "a.png@5")])
    assert [(p.path.stem, p.time) for p in pictures] == [("a", 5), ("b", "1.5s"), ("c", "2s")]
    times = [p.time for p in pictures]
    assert named_pictures.frames_of(times, 24.0) == [5, 37, 49] and named_pictures.frames_of(times, 10.0, start=3) == [5, 18, 23]
    assert named_pictures.frames_of(["1s", None, "2s"], 30.0) == [31, 46, 61]
    with pytest.raises(BadInput) as refused:
        named_pictures.frames_of(["0.5s", 13], 24.0)
    assert refused.value.code == "no_room"


def test_a_file_whose_name_holds_an_at_is_that_file(tmp_path):
    (tmp_path / "me@2").mkdir()
    path = tmp_path / "me@2" / "a@3.png"
    path.touch()
    assert [(p.path, p.time) for p in named_pictures.named([str(path)])] == [(path, None)]
    assert named_pictures.named([f"{path}@7"])[0].time == 7


@pytest.mark.parametrize("words", [
    ("a.png@5", "b.png@5"), ("a.png@9", "b.png", "c.png@9"), ("a.png", "b.png@1"), ("a.png@9", "b.png", "c.png@3"),
])  # fmt: skip
def test_two_pictures_on_one_frame_are_refused(words, tmp_path):
    for word in words:
        (tmp_path / word.partition("@")[0]).touch()
    with pytest.raises(BadInput) as refused:
        named_pictures.named([str(tmp_path / word) for word in words])
    assert refused.value.code == "no_room"


def test_pictures_and_videos_do_not_mix():
    for words in (("a.png", "b.mp4"), ("a.mp4", "b.jpg@3")):
        with pytest.raises(BadInput) as refused:
            named_pictures.are_meant(words)
        assert refused.value.code == "mixed_media" and words[0] in refused.value.message
    with pytest.raises(BadInput) as refused:
        named_pictures.are_meant(["a.mp4@3"])
    assert refused.value.code == "not_a_picture"
    assert not named_pictures.are_meant(["a.mp4", "b.mov"]) and not named_pictures.are_meant(["shot_%04d.png"])


# on a rig


def test_poses_stand_on_their_frames_and_know_nothing_of_each_other(body):
    rig, _ = read_bvh(body)
    rig, poses = recognise(rig).rig, raised([0.2, 1.2, -0.4])
    together, frames = on_rig(poses, Keys(times=(3, 4, 40)), rig, 24.0)
    alone, _ = on_rig(raised([1.2]), Keys(times=(9,)), rig, 24.0)
    assert frames.tolist() == [3, 4, 40]
    np.testing.assert_array_equal(together.basis[1], alone.basis[0])
    filled = through(together, frames, 24.0)
    assert len(filled) == 38 and filled.fps == 24.0
    # equal as rotations: q and -q are one
    same = np.abs(np.sum(np.array(filled.basis[[0, 1, 37]], float) * together.basis, axis=-1))
    np.testing.assert_allclose(same, 1.0, atol=1e-6)


def test_picked_poses_are_those_of_the_whole_motion(body):
    rig, _ = read_bvh(body)
    rig, motion = recognise(rig).rig, raised(np.linspace(0.0, 1.0, 31))
    poses, frames = on_rig(motion, Keys(seconds=(0.0, 0.5, 1.0)), rig, 30.0, start=11)
    whole, _ = on_rig(motion, Keys(seconds=tuple(np.arange(31) / 30.0)), rig, 30.0)
    assert frames.tolist() == [11, 26, 41]
    np.testing.assert_array_equal(poses.basis, whole.basis[[0, 15, 30]])


# picking


def test_key_poses_are_the_turning_points():
    swing = 1.2 * np.sin(np.linspace(0.0, 6.0 * np.pi, 91))
    rows = extremes.pick_keys(raised(swing))
    for top in np.arange(7.5, 90.0, 15.0):
        assert np.abs(rows - top).min() <= 1.0, rows
    assert rows[0] == 0 and rows[-1] == 90 and len(rows) == 8


def test_still_stretches_get_no_key_of_their_own():
    rng = np.random.default_rng(3)
    still = 0.002 * rng.normal(size=60)
    rows = extremes.pick_keys(raised(np.concatenate([still, np.linspace(0.0, 1.3, 20), 1.3 + still])))
    assert rows[0] == 0 and rows[-1] == 139
    assert not ((rows > 0) & (rows < 52)).any() and not ((rows > 88) & (rows < 139)).any(), rows
    assert ((rows > 52) & (rows < 88)).sum() >= 2, rows


def test_a_contact_that_begins_is_a_candidate_and_n_is_n():
    motion = raised(np.linspace(0.0, 1.0, 61))
    contact = np.zeros((61, 6))
    contact[20:33, 0] = 1.0
    assert extremes.candidates(motion.with_(contact=contact))[[20, 32]].all()
    for count in (2, 3, 7):
        assert len(extremes.pick_keys(raised(1.2 * np.sin(np.linspace(0.0, 6.0, 91))), count, 1e-4)) == count
    assert len(extremes.pick_keys(motion, 50)) < 50  # not by the bound
    with pytest.raises(BadInput):
        extremes.pick_keys(motion, 1)


# pictures


def test_three_pictures_become_three_poses(shots, body, run, tmp_path):
    words = [f"{shots / name}@{frame}" for name, frame in (("s00.png", 1), ("s30.png", 24), ("s60.png", 40))]
    code, said, wrong = run("animate", *words, "--to", body, "--out", tmp_path / "out.bvh", "--report", tmp_path / "report.json")
    assert code == 0, wrong
    assert "3 key poses on frames 1, 24, 40 at 24 fps" in said
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["keys"] == [1, 24, 40] and len(told["input"]) == 3
    _, motion = read_bvh(tmp_path / "out.bvh")
    assert len(motion) == 40


def test_all_pictures_get_one_body_on_one_floor_each_facing_as_seen(shots):
    from PIL import Image, ImageOps

    ImageOps.mirror(Image.open(shots / "s00.png")).save(shots / "mirrored.png")
    poses = key_pictures.pictures_to_poses([shots / n for n in ("s00.png", "mirrored.png", "s60.png")], key_pictures.AnimateOptions())
    assert len(poses) == 3
    gpos = motion_fk(poses)[1]
    assert np.abs(gpos[..., 2].min(axis=1)).max() < 0.15  # joints of feet, above their soles
    np.testing.assert_allclose(poses.root[:, :2], 0.0, atol=1e-6)
    ahead = quat.rotate(np.array(poses.lrot[:, 0], float), [0.0, -1.0, 0.0])
    yaw = np.degrees(np.arctan2(ahead[:, 0], -ahead[:, 1]))
    assert abs(yaw[0]) > 5.0 and abs(yaw[0] + yaw[1]) < 12.0, yaw  # the mirror turns it the other way


def test_bad_pictures_are_read_or_refused_by_name(shots, body, run, tmp_path):
    from PIL import Image

    whole = Image.open(shots / "s30.png")
    rgba = np.dstack([np.array(whole), np.full(whole.size[::-1], 255, np.uint8)])
    rgba[:40] = 0
    Image.fromarray(rgba).save(tmp_path / "alpha.png")
    whole.convert("CMYK").save(tmp_path / "cmyk.jpg")
    _write_16_bit(tmp_path / "deep.png", np.array(whole))
    Image.new("RGB", (640, 480), (120, 130, 140)).save(tmp_path / "nobody.png")
    straight = key_pictures.pictures_to_poses([shots / "s30.png"], key_pictures.AnimateOptions())
    for name in ("alpha.png", "cmyk.jpg", "deep.png"):
        pose = key_pictures.pictures_to_poses([tmp_path / name], key_pictures.AnimateOptions())
        off = motion_fk(pose)[1] - motion_fk(straight)[1]
        assert np.linalg.norm(off, axis=-1).mean() < HEIGHT, name
    code, said, wrong = run("animate", shots / "s30.png", tmp_path / "nobody.png", "--to", body, "--out", tmp_path / "out.bvh")
    assert code == 2 and "nobody.png" in wrong and "drawings" in wrong and not (tmp_path / "out.bvh").exists()
    (tmp_path / "text.png").write_text("no picture")
    code, said, wrong = run("animate", tmp_path / "text.png", "--to", body, "--out", tmp_path / "out.bvh")
    assert code == 2 and "text.png" in wrong


def test_transparency_shows_grey(tmp_path):
    from PIL import Image

    from poseloom.media import open_clip

    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:4] = [200, 10, 30, 255]
    Image.fromarray(rgba).save(tmp_path / "a.png")
    rgb = next(iter(open_clip(tmp_path / "a.png"))).rgb
    assert rgb[1, 1].tolist() == [200, 10, 30] and rgb[6, 6].tolist() == [128, 128, 128]


def test_a_drawing_is_refused_or_said_to_be_a_guess(body, run, tmp_path):
    from PIL import Image, ImageDraw

    page = Image.new("RGB", (480, 640), "white")
    pen = ImageDraw.Draw(page)
    pen.ellipse((200, 60, 280, 140), outline="black", width=6)
    for line in ((240, 140, 240, 340), (240, 180, 140, 260), (240, 180, 340, 260), (240, 340, 170, 560), (240, 340, 310, 560)):
        pen.line(line, fill="black", width=6)
    page.save(tmp_path / "stick.png")
    code, said, wrong = run("animate", tmp_path / "stick.png", "--to", body, "--out", tmp_path / "out.bvh")
    assert (code == 2 and "stick.png" in wrong) or (code == 0 and "guess" in said), (code, said, wrong)


def test_of_five_people_the_large_one_in_the_middle_is_taken_and_said(shots, body, run, tmp_path):
    from PIL import Image

    from poseloom.media import open_clip
    from poseloom.pose import load

    seen = load("mediapipe")()(open_clip(shots / "s00.png"))[0]
    (left, top), (right, bottom) = np.nanmin(seen.xy[0], axis=0) - 30, np.nanmax(seen.xy[0], axis=0) + 30
    person = Image.open(shots / "s00.png").crop((int(left), int(top), int(right), int(bottom)))
    person = person.resize((int(420 * person.width / person.height), 420))
    small = person.resize((int(0.8 * person.width), int(0.8 * person.height)))
    wide = person.width + 4 * small.width + 100
    crowd, x = Image.new("RGB", (wide, 480), person.getpixel((2, 2))), 20
    for i in range(5):
        one = person if i == 2 else small
        crowd.paste(one, (x, 440 - one.height))
        x += one.width + 15
    crowd.save(tmp_path / "five.png")
    code, said, wrong = run("animate", tmp_path / "five.png", "--to", body, "--out", tmp_path / "out.bvh", "--report", tmp_path / "r.json")
    assert code == 0, wrong
    assert "5 people are here" in said and "--person" in said, said
    chosen = json.loads((tmp_path / "r.json").read_text())
    assert chosen["keys"] == [1]
    code, said, wrong = run("animate", tmp_path / "five.png", "--person", 4, "--to", body, "--out", tmp_path / "four.bvh")
    assert code == 0 and "people are here" not in said
    assert (tmp_path / "four.bvh").read_text() != (tmp_path / "out.bvh").read_text()
    code, said, wrong = run("animate", tmp_path / "five.png", "--person", 9, "--to", body, "--out", tmp_path / "nine.bvh")
    assert code == 2 and "Person 9 was asked for, but 5 people" in wrong


def test_heic_is_read_with_the_plug_in(shots):
    pillow_heif = pytest.importorskip("pillow_heif", reason="HEIC needs pillow-heif")
    from PIL import Image

    from poseloom.media import open_clip

    whole = Image.open(shots / "s30.png")
    pillow_heif.from_pillow(whole).save(shots / "s30.heic", quality=95)
    rgb = next(iter(open_clip(shots / "s30.heic"))).rgb
    assert np.abs(rgb.astype(int) - np.array(whole)).mean() < 4.0
    (shots / "bad.heic").write_bytes((shots / "s30.heic").read_bytes()[:300])
    with pytest.raises(BadInput) as refused:
        open_clip(shots / "bad.heic")
    assert "bad.heic" in refused.value.message


def test_heic_without_the_plug_in_is_refused_with_its_name(body, run, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "photo.HEIC").write_bytes(b"\0" * 100)
    code, said, wrong = run("animate", tmp_path / "photo.HEIC", "--to", body, "--out", tmp_path / "out.bvh")
    assert code == 2 and "photo.HEIC" in wrong and "pillow-heif" in wrong


@pytest.mark.slow
def test_a_picture_of_a_hundred_megapixels(shots, tmp_path):
    from PIL import Image

    Image.open(shots / "s30.png").resize((12000, 9000)).save(tmp_path / "huge.jpg", quality=85)
    huge, usual = (key_pictures.pictures_to_poses([p], key_pictures.AnimateOptions()) for p in (tmp_path / "huge.jpg", shots / "s30.png"))
    assert np.degrees(quat.angle(np.array(huge.lrot[0], float), np.array(usual.lrot[0], float))).mean() < 8.0


@pytest.mark.parametrize(
    "words, said",
    [
        (("--overlay", "o.mp4"), "--overlay belongs to videos"), (("--also", "2=rigify"), "--also belongs to videos"),
        (("--start", "1s"), "--start belongs to videos"), (("--pick-keys", "3"), "--pick-keys belongs to videos"),
        (("--camera", "moving"), "--camera moving belongs to videos"),
    ],
)  # fmt: skip
def test_what_pictures_do_not_have_is_refused(words, said, body, run, tmp_path):
    (tmp_path / "a.png").touch()
    code, _, wrong = run("animate", tmp_path / "a.png", "--to", body, "--out", tmp_path / "o.bvh", *words)
    assert code == 2 and said in wrong, wrong


def test_key_poses_of_a_video(body, run, tmp_path):
    pytest.importorskip("mediapipe", reason="seeing needs mediapipe")
    picked = ("--end", "60", "--pick-keys", "5", "--min-motion", "1")
    code, said, wrong = run("animate", SAMPLE, *picked, "--to", body, "--out", tmp_path / "o.bvh")
    assert code == 0 and "5 key poses on frames 1, " in said, said + wrong
    code, _, wrong = run("animate", SAMPLE, "--min-motion", "5", "--to", body, "--out", tmp_path / "p.bvh")
    assert code == 2 and "--min-motion belongs to key poses" in wrong


def _write_16_bit(path: Path, rgb) -> None:
    """A PNG with 16 bits a channel, which Pillow does not write."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = rgb.shape[:2]
    rows = b"".join(b"\0" + (row.astype(">u2") * 257).astype(">u2").tobytes() for row in rgb)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
