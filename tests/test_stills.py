"""Reference pictures: read, made small, and the person in them found."""

from __future__ import annotations

import numpy as np
import pytest
from test_headless import python, script  # noqa: F401  a fixture
from test_rendering import Painter, clip, drawn  # noqa: F401  fixture

from poseloom import rendering, stills
from poseloom.errors import BadInput
from poseloom.motion import lens, openpose, png
from poseloom.render import cast

pytest.importorskip("mediapipe")
image = pytest.importorskip("PIL.Image")


def test_the_person_in_a_picture_is_found(data):
    rgb = stills.read(data / "media" / "pose.jpg")
    posed = stills.posed(rgb)
    assert posed.size == rgb.shape[1::-1]
    at = dict(zip(openpose.BODIES[18], posed.xy[0]))
    assert at["wrist_r"][0] < at["shoulder_r"][0] < at["shoulder_l"][0] < at["wrist_l"][0]  # both arms out
    assert at["nose"][1] < at["neck"][1] < at["hip_l"][1] < at["ankle_l"][1]
    found = stills.found_again([rgb, np.full_like(rgb, 90)])
    assert found[0].any() and not found[1].any()


@pytest.mark.parametrize("picture", [
    np.full((200, 200, 3), 120, np.uint8), np.random.default_rng(0).integers(0, 255, (160, 90, 3), dtype=np.uint8),
])  # fmt: skip
def test_a_reference_without_a_person_is_refused_whatever_renders(clip, tmp_path, picture):  # noqa: F811
    png.write(tmp_path / "wall.png", picture)
    guides = rendering.draw(clip, drawn(frames=(1,)), tmp_path / "out")
    for method in ("embedded", "controlnet"):
        wish = rendering.RenderOptions(prompt="a", method=method, reference=str(tmp_path / "wall.png"))
        with pytest.raises(BadInput, match="wall.png shows no person"):
            rendering.render(guides, wish, renderer=Painter())


def test_huge_transparent_and_turned_pictures(tmp_path):
    image.new("RGB", (6000, 3000), (10, 20, 30)).save(tmp_path / "huge.jpg")
    assert stills.read(tmp_path / "huge.jpg").shape == (512, 1024, 3)
    image.new("RGBA", (40, 20), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (stills.read(tmp_path / "clear.png") == 128).all()
    turned = image.new("RGB", (40, 20), (1, 2, 3))
    exif = image.Exif()
    exif[0x0112] = 6  # a quarter turn
    turned.save(tmp_path / "turned.jpg", exif=exif)
    assert stills.read(tmp_path / "turned.jpg").shape == (40, 20, 3)
    palette = image.new("P", (30, 30))
    palette.save(tmp_path / "palette.gif")
    assert stills.read(tmp_path / "palette.gif").shape == (30, 30, 3)


def test_references_are_told_apart_by_what_they_show(tmp_path):
    assert stills.fingerprint(None) == ""
    for name, shade in (("a", 1), ("b", 2)):
        png.write(tmp_path / f"{name}.png", np.full((8, 8, 3), shade, np.uint8))
    a, b = (stills.fingerprint(tmp_path / f"{name}.png") for name in "ab")
    assert a != b and a == stills.fingerprint(tmp_path / "a.png")


def test_a_scenes_character_is_pictured_alone_in_every_blender(python, tmp_path):  # noqa: F811
    """From its front, whatever stands before and beside it."""
    told = script(python, "scene_portrait.py", tmp_path)
    posed = cast.load(tmp_path / "figures.npz")
    rgb = stills.read(tmp_path / "frames" / f"{told['frame']:04d}.png").astype(float)
    assert rgb.shape == (96, 96, 3) and posed.frames.tolist() == [told["frame"]] and posed.names == ("Mixamo",)
    shown = np.abs(rgb - np.median(rgb[:4].reshape(-1, 3), axis=0)).max(axis=-1) > 20
    xy = lens.to_pixels(posed.camera(0), lens.in_camera(posed.camera(0), posed.points[0, 0, :18]))
    assert shown[tuple(xy.astype(int).T[::-1])].mean() > 0.9  # every point on the body but a face's edge
    assert not shown[:, :4].any() and not shown[:, -4:].any() and 0.05 < shown.mean() < 0.4
    assert xy[openpose.BODIES[18].index("shoulder_l"), 0] > xy[openpose.BODIES[18].index("shoulder_r"), 0]  # it faces us
