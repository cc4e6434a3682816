"""Networks of the user's in ONNX files: what they are, what they see, and what becomes of it."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from dots import NETWORKS, Shown, person, picture

from poseloom import cli, own_models, paths
from poseloom.errors import BadInput
from poseloom.motion.layouts import layout
from poseloom.pose import crops, files_of, heads, load, networks
from poseloom.pose.rtm import Rtm

SMALL = Path(__file__).parent / "data" / "small_rtmpose" / "model.onnx"
LIFTER = Path(networks.__file__).parents[1] / "models" / "lifter" / "model.onnx"


def network(name: str) -> str:
    return str(NETWORKS / f"{name}.onnx")


@pytest.mark.parametrize(
    "name, kind, of, size",
    [
        ("simcc17", "simcc", "coco17", (96, 128)), ("simcc26", "simcc", "halpe26", (96, 128)),
        ("simcc133", "simcc", "wholebody133", (144, 192)), ("heatmaps17", "heatmaps", "coco17", (96, 128)),
        ("one_stage17", "one_stage", "coco17", (256, 256)),
    ],
)  # fmt: skip
def test_the_points_of_every_kind_of_network_are_found(name, kind, of, size):
    """Within half a pixel of the network's input (the dots are not centred on its grid)."""
    estimator, rng = Rtm(network(name)), np.random.default_rng(3)
    assert (estimator.network.kind, estimator.network.layout, estimator.network.size) == (kind, of, size)
    count = len(layout(of))
    places = person(count, rng, (60, 40), (340, 440) if count > 26 else (260, 440))
    seen, score = estimator.look(picture([places], (640, 480), 7.0), [(places.min(axis=0), places.max(axis=0))])
    scale = crops.Crop.around(places.min(axis=0), places.max(axis=0), size).size[0] / size[0]
    best = min(range(len(seen)), key=lambda i: np.abs(seen[i] - places).mean())
    away = np.linalg.norm(seen[best] - places, axis=1)
    assert np.median(away) < 0.5 * scale
    # of one stage it is a mean over the picture, which the soft edges of other dots draw aside
    assert away.max() < (1.5 if kind != "one_stage" else 6.0) * scale
    assert (score[best] > 0.5).all() and (score <= 1.0).all()


@pytest.mark.parametrize("name", ["simcc17", "one_stage17"])
def test_one_person_is_followed_and_everyone_told_apart(name):
    """Two people walk in opposite directions, one in each half of the picture."""
    rng = np.random.default_rng(5)
    left, right = person(17, rng, (40, 60), (200, 420)), person(17, rng, (440, 90), (560, 400))
    shots = [picture([left + [2.0 * t, 0.0], right - [3.0 * t, 0.0]], (640, 480)) for t in range(6)]
    clip, rtm = Shown(shots), Rtm(network(name))
    if name == "one_stage17":
        people = rtm.everyone(clip)
        assert [p.person for p in people] == [1, 2]
        for seen, start, pace in ((people[0], left, 2.0), (people[1], right, -3.0)):
            for t in range(6):
                away = np.linalg.norm(seen.xy[t] - (start + [pace * t, 0.0]), axis=1)
                assert np.median(away) < 2.0, t
    else:
        # a network that sees one person at a time, led by the whole picture, keeps to whom it found
        only = person(17, rng, (60, 40), (180, 260))
        (seen,) = rtm(Shown([picture([only + [2.0 * t, 0.0]], (300, 300)) for t in range(6)]))
        away = np.linalg.norm(seen.xy - np.array([only + [2.0 * t, 0.0] for t in range(6)]), axis=2)
        assert np.median(away[1:]) < 2.0
        assert seen.xyz is None


def test_an_empty_clip_shows_nobody():
    with pytest.raises(BadInput, match="No person") as caught:
        Rtm(network("simcc17"))(Shown([np.zeros((240, 320, 3), np.uint8)] * 2))
    assert caught.value.code == "no_person"


def test_simcc_is_the_bin_of_both_maxima():
    x, y = np.zeros((1, 2, 40)), np.zeros((1, 2, 60))
    x[0, 0, 13], y[0, 0, 41] = 0.9, 0.7
    points, score = heads.simcc(x, y, 2.0)
    np.testing.assert_array_equal(points[0, 0], [6.5, 20.5])
    assert score[0, 0] == 0.7 and score[0, 1] == 0.0 and np.isnan(points[0, 1]).all()


@pytest.mark.parametrize("unbiased", [False, True])
def test_a_gaussian_peak_is_found_between_pixels(unbiased):
    import cv2

    rng, (width, height) = np.random.default_rng(0), (48, 64)
    true = rng.uniform([6, 6], [41, 57], (1, 5, 2))
    column, row = np.arange(width), np.arange(height)[:, None]
    maps = np.exp(-((column - true[..., :1, None]) ** 2 + (row - true[..., 1:, None]) ** 2) / (2 * 2.0**2))
    points, score = heads.heatmaps(maps.astype(np.float32), (192, 256), unbiased, cv2)
    scale = [191 / 47, 255 / 63] if unbiased else [4.0, 4.0]
    assert np.abs(points - true * scale).max() < 0.05 * 4.0
    assert (score > 0.9).all()


@pytest.mark.parametrize("unbiased", [False, True])
def test_a_crop_and_back_is_the_identity(unbiased):
    crop = crops.Crop.around((31.0, 12.0), (93.5, 201.0), (192, 256), unbiased)
    points = np.random.default_rng(1).uniform(0, 300, (9, 2))
    there = points @ crop.matrix[:, :2].T + crop.matrix[:, 2]
    np.testing.assert_allclose(crop.back(there), points, atol=1e-9)
    assert crop.size[0] / crop.size[1] == pytest.approx(0.75) and (crop.size >= 1.25 * np.array([62.5, 189.0]) - 1e-9).all()


def refusal(path) -> str:
    with pytest.raises(BadInput) as caught:
        networks.open_network(path)
    return str(caught.value)


def test_what_is_no_pose_network_is_refused_with_what_was_expected(tmp_path):
    said = refusal(LIFTER)
    assert "model.onnx is no pose network: expected one input (N,3,H,W)" in said and "K one of 17, 26, 33, 133" in said
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(Path(network("simcc17")).read_bytes()[:300])
    assert "no ONNX file" in refusal(broken)
    text = tmp_path / "text.onnx"
    text.write_text("not a model")
    assert "no ONNX file" in refusal(text)
    assert "There is no model" in refusal(tmp_path / "gone.onnx")
    with pytest.raises(BadInput, match="--model FILE.onnx"):
        load("rtm")()
    with pytest.raises(BadInput, match="its own model"):
        load("mediapipe:x.onnx")


def test_what_the_words_of_the_command_line_mean(tmp_path):
    model = network("simcc17")
    assert paths.estimator("mediapipe") == "mediapipe" and paths.estimator(None) is None
    assert paths.estimator(None, model) == paths.estimator("rtm", model) == f"rtm:{Path(model).resolve()}"
    assert paths.estimator("rtm", "mine") == "rtm:mine"
    assert files_of(f"rtm:{model}") == [Path(model)] and files_of("mediapipe") == []
    with pytest.raises(BadInput, match="without its checkpoint"):
        paths.estimator(None, "config.py")
    with pytest.raises(BadInput, match="belongs to a config"):
        paths.estimator("rtm", None, "a.pth")


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("POSELOOM_HOME", str(tmp_path / "home"))
    return tmp_path


def run(*words) -> int:
    return cli.main([str(word) for word in words])


def test_a_network_is_added_under_a_name_and_removed(own_home, capsys):
    assert run("models", "add", "mine", "--from", network("simcc26")) == 0
    assert "simcc, halpe26, 96 x 128" in capsys.readouterr().out
    assert Rtm("mine").network.layout == "halpe26"
    assert run("models", "list") == 0 and "mine" in capsys.readouterr().out
    assert run("models", "add", "other", "--from", LIFTER) == 2
    said = capsys.readouterr().err
    assert f"{LIFTER} is no pose network" in said and ".part" not in said and own_models.names() == ["mine"]
    (own_home / "broken.onnx").write_text("no network")
    assert run("models", "add", "other", "--from", own_home / "broken.onnx") == 2
    said = capsys.readouterr().err
    assert f"{own_home / 'broken.onnx'} is no ONNX file" in said and "Download or export it again" in said
    assert ".part" not in said and own_models.names() == ["mine"]
    assert not list(own_models.folder().glob(".*"))
    assert run("models", "add", "../mine", "--from", network("simcc26")) == 2
    assert run("models", "remove", "mine") == 0 and own_models.names() == []
    assert run("models", "remove", "mine") == 2


def test_an_address_needs_a_checksum_that_fits_and_is_never_asked_unasked(own_home, capsys):
    data = Path(network("simcc17")).read_bytes()
    asked = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/net.onnx"
        right = hashlib.sha256(data).hexdigest()
        assert run("models", "add", "far", "--from", address, "--sha256", right) == 2 and not asked  # nobody agreed
        assert run("models", "add", "far", "--from", address, "--yes") == 2 and not asked
        assert "no checksum was given" in capsys.readouterr().err
        assert run("models", "add", "far", "--from", address, "--sha256", "0" * 64, "--yes") == 2
        assert f"has the SHA-256 {right}, not 000" in capsys.readouterr().err and own_models.names() == []
        assert run("models", "add", "far", "--from", address, "--sha256", right, "--yes") == 0 and own_models.names() == ["far"]
    finally:
        server.shutdown()
        server.server_close()


def test_poseloom_pose_by_a_network(own_home, capsys):
    from PIL import Image

    places = person(133, np.random.default_rng(4), (80, 30), (400, 460))
    shown = own_home / "dots.png"
    Image.fromarray(picture([places], (480, 480), 8.0)).save(shown)
    out = own_home / "out.json"
    assert run("pose", shown, "--model", network("simcc133"), "--out", out) == 0, capsys.readouterr().err
    told = json.loads(out.read_text())
    assert told["layout"] == "wholebody133" and "xyz" not in told["people"][0]["frames"][0]
    away = np.linalg.norm(np.array(told["people"][0]["frames"][0]["xy"], float) - places, axis=1)
    assert np.median(away) < 3.0
    other = own_home / "other.json"
    assert run("pose", shown, "--model", network("simcc17"), "--out", other) == 0
    assert json.loads(other.read_text())["layout"] == "coco17"  # what another network saw is not taken for its answer
    other.unlink()
    capsys.readouterr()
    assert run("pose", shown, "--estimator", "rtm", "--out", other) == 2
    assert "--model FILE.onnx" in capsys.readouterr().err
