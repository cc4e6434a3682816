"""The renderer that ships: its sampler, what it says of itself, and what it does with what will not do."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from conftest import need
from test_rendering import bend, clip, run, scene  # noqa: F401  fixtures

from poseloom import stills
from poseloom.errors import BadInput, Cancelled, Unavailable
from poseloom.motion import png
from poseloom.motion.pictures import Guides, Shot
from poseloom.render import METHODS, cast, embedded, encoding, guides
from poseloom.render.embedded import Embedded, Network, Options

pytest.importorskip("onnxruntime")


@pytest.fixture(autouse=True, scope="module")
def weights():
    need((embedded.MODEL / "denoiser.onnx").is_file(), "the embedded model")


def shown(count=4, size=(128, 128)) -> list:
    """Guides of somebody who lifts a leg."""
    people = cast.of_motion(bend(count), size)
    return [guides.make(t + 10, [1], people.points[t], people.camera(t)) for t in range(count)]


def character(size=(160, 200)) -> tuple:
    """A picture in which a painted figure stands, and its guides."""
    people = cast.of_motion(bend(2), size)
    posed = guides.make(0, [1], people.points[0], people.camera(0))
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    rgb = np.full((size[1], size[0], 3), 150.0)
    at = dict(zip(range(18), posed.xy[0, :18]))
    for (a, b), colour in zip(encoding.LIMBS, guides.LIMB_COLOURS[18]):
        line = at[b] - at[a]
        t = np.clip(((x - at[a][0]) * line[0] + (y - at[a][1]) * line[1]) / (line @ line), 0, 1)
        near = np.hypot(x - at[a][0] - t * line[0], y - at[a][1] - t * line[1]) < 7
        rgb[near] = 0.5 * np.array(colour)
    return rgb.astype(np.uint8), posed


REFERENCE, POSED = character()
SHOT = Shot("the hero", seed=3, reference=REFERENCE, posed=POSED)


@pytest.fixture(scope="module")
def renderer():
    return Embedded(Options(threads=1))


def rendered(renderer, count=4, shot=SHOT, **more) -> dict:
    return {f.frame: f for f in renderer(shown(count), shot, **more)}


# the sampler


class Gaussian:
    """What the best denoiser says of pictures whose pixels are independent and normal, of a mean and a spread."""

    mean, spread = 0.2, 0.25

    def __init__(self, steps: int):
        times = np.linspace(1.0, 0.0, steps + 1)[:-1]
        self.steps = [(t, float(np.cos(0.5 * np.pi * t) ** 2) * (t < 1)) for t in times]
        self.alpha = dict(self.steps)

    def clean(self, noisy, time, condition):
        a, s2 = self.alpha[time], self.spread**2
        return self.mean + np.sqrt(a) * s2 / (a * s2 + 1 - a) * (noisy - np.sqrt(a) * self.mean)


def test_samples_are_spread_as_what_was_learned():
    noise = embedded.starting_noise(64, 1)
    few, many = (Network.sample(g := Gaussian(n), noise, None, g.steps) for n in (4, 200))
    assert many.mean() == pytest.approx(0.2, abs=0.01) and many.std() == pytest.approx(0.25, rel=0.03)
    assert few.std() < many.std() and np.corrcoef(few.ravel(), noise.ravel())[0, 1] > 0.999  # it is one smooth map


def test_each_frame_has_noise_of_its_own():
    alone = [embedded.starting_noise(16, 5, frame) for frame in (-1, 0, 1, 2)]
    assert (alone[1] == embedded.starting_noise(16, 5, 0)).all()
    for i, a in enumerate(alone):
        assert all(abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.2 for b in alone[:i])
    assert not (embedded.starting_noise(16, 5) == embedded.starting_noise(16, 6)).any()


# frames


def test_the_same_seed_makes_the_same_frames_whichever_are_asked_for(renderer):
    whole = rendered(renderer)
    assert sorted(whole) == [10, 11, 12, 13]
    again = rendered(renderer)
    rest = rendered(renderer, made={10: whole[10], 12: whole[12]})
    assert sorted(rest) == [11, 13]
    for frame, one in {**again, **rest}.items():
        assert (one.rgb == whole[frame].rgb).all()
    other = rendered(renderer, shot=Shot("", seed=4, reference=REFERENCE, posed=POSED))
    assert any((other[f].rgb != whole[f].rgb).any() for f in whole)


def test_frames_are_as_large_as_their_guides(renderer):
    for size in ((70, 61), (200, 90)):
        (frame,) = renderer(shown(1, size), SHOT)
        assert frame.rgb.shape == (size[1], size[0], 3) and frame.rgb.std() > 3


def test_every_frame_tells_how_it_came_to_be(renderer):
    (frame,) = renderer(shown(1, (256, 256)), SHOT)
    assert frame.made["seed"] == "3" and frame.made["prompt"] == "the hero" and frame.made["licence"] == "CC0-1.0"
    assert "embedded model" in frame.made["model"] and frame.made["steps"] == "4"
    assert "enlarged 2.0 times" in frame.made["note"] and "no words" in frame.made["note"]
    assert METHODS["embedded"].licence == frame.made["licence"]


def test_of_who_comes_near_one_enlargement_is_told(renderer):
    people = cast.of_motion(bend(3), (256, 256))
    nearer = (people.points[t] - [0.0, 1.2 * t, 0.0] for t in range(3))
    frames = list(renderer([guides.make(t, [1], points, people.camera(t)) for t, points in enumerate(nearer)], SHOT))
    (note,) = {frame.made["note"] for frame in frames}
    assert "enlarged up to " in note


def test_it_tells_each_step_and_stops_there(renderer):
    told = []
    list(renderer(shown(2), SHOT, lambda fraction, text: told.append((fraction, text))))
    assert sum(text.startswith("step ") for _, text in told) >= 8 and [f for f, _ in told] == sorted(f for f, _ in told)

    def stop(fraction, text):
        if text == "step 3 of 4":
            raise Cancelled()

    with pytest.raises(Cancelled):
        list(renderer(shown(2), SHOT, stop))


def test_one_of_several_people_is_shown_and_that_is_said(renderer):
    one = shown(1)[0]
    xy, away, seen = np.concatenate([one.xy, 0.5 * one.xy]), np.repeat(one.away, 2, 0), np.repeat(one.seen, 2, 0)
    two = Guides(10, one.pose, one.layout, [1, 2], xy, away, seen)
    (both,), (alone,) = renderer([two], SHOT), renderer([one], SHOT)
    assert (both.rgb == alone.rgb).all() and "one of 2 people" in both.made["note"]


# what will not do


def test_it_needs_a_reference_whose_pose_is_known(renderer):
    with pytest.raises(BadInput, match="picture of the character"):
        list(renderer(shown(1), Shot("x")))
    with pytest.raises(Unavailable, match="no estimator"):
        list(renderer(shown(1), Shot("x", reference=REFERENCE)))


def test_options_it_does_not_know():
    with pytest.raises(BadInput, match='"noise" is 2'):
        Options(noise=2)
    with pytest.raises(BadInput, match='"steps" is 5'):
        Embedded(Options(steps=5, threads=1))


def damaged(folder, name: str, data: bytes):
    shutil.copytree(embedded.MODEL, folder)
    (folder / name).write_bytes(data)
    return str(folder)


def test_weights_that_are_missing_or_others(tmp_path):
    with pytest.raises(Unavailable, match="has no model.json"):
        Embedded(Options(weights=str(tmp_path)))
    half = (embedded.MODEL / "denoiser.onnx").read_bytes()[:5000]
    told = json.loads((embedded.MODEL / "model.json").read_text())
    swapped = (embedded.MODEL / "guide.onnx").read_bytes()
    for i, (name, data) in enumerate((
        ("denoiser.onnx", half), ("denoiser.onnx", swapped), ("model.json", b"{"), ("model.json", b"[]"),
        ("model.json", json.dumps({**told, "version": 99}).encode()), ("model.json", json.dumps({**told, "size": 64}).encode()),
    )):  # fmt: skip
        with pytest.raises(BadInput, match="damaged or another one") as error:
            Embedded(Options(weights=damaged(tmp_path / str(i), name, data), threads=1))
        assert str(error.value).count("\n") == 0 and "--model" in error.value.hint


def test_without_a_scene_a_picture_of_the_character_is_wanted(clip, tmp_path, capsys):  # noqa: F811
    assert run("--motion", clip, "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "picture of the character" in said and "--reference" in said and not (tmp_path / "out").exists()
    assert run("--motion", clip, "--reference", "gone.png", "--frames", "1", "--size", 64, "--out", tmp_path / "out") == 2
    assert "no file gone.png" in capsys.readouterr().err
    assert run("--motion", clip, "--reference", "x.png", "--set", "lora=x", "--out", tmp_path / "out") == 2
    assert 'no option "lora"' in capsys.readouterr().err


# the whole way


def test_a_scene_is_rendered_with_nothing_but_what_ships(scene, tmp_path, capsys):  # noqa: F811
    """By the command line: its own character is the reference, and the sheet shows the poses found again."""
    out = tmp_path / "out"
    words = [scene, "--frames", "1,3", "--armature", "Mixamo", "--size", 128, "--passes", "none", "--out", out, "--progress", "none"]
    assert run(*words) == 0
    assert "2 frames made" in capsys.readouterr().out
    made = png.read(out / "frames" / "0001.png")
    assert made.shape == (96, 128, 3) and png.words(out / "frames" / "0001.png")["licence"] == "CC0-1.0"
    assert png.read(out / "sheet.png").shape[0] == 3 * 192
    rgb, posed = stills.reference(out / "reference")
    assert rgb.shape == (320, 320, 3)
    names = encoding.openpose.BODIES[18]
    wall = rgb[:10].reshape(-1, 3).mean(axis=0)
    for name in ("shoulder_l", "hip_r", "knee_l", "nose"):  # the picture shows the body where its guides say
        x, y = posed.xy[0, names.index(name)].astype(int)
        assert np.abs(rgb[y, x] - wall).max() > 25, name
    assert np.abs(rgb[:, :10].astype(float) - wall).max() < 30  # and nobody else
    assert run(*words, "--resume") == 0
    assert "0 frames made, 2 kept" in capsys.readouterr().out
