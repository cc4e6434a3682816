"""Which frame heeds which, and what checkpoints and finished frames say of themselves; no torch."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseloom import checkpoints, cli
from poseloom.errors import BadInput, PoseloomError, Unavailable
from poseloom.motion import png
from poseloom.motion.pictures import Guides
from poseloom.render import flow, provenance
from poseloom.render.order import REFERENCE, batches, halves, needed, sources

SHAPES = dict(count=st.integers(1, 40), every=st.integers(1, 12), size=st.integers(1, 9), reference=st.booleans())


@settings(deadline=None)
@given(**SHAPES, data=st.data())
def test_every_frame_is_made_once_after_those_it_heeds(count, every, size, reference, data):
    wanted = data.draw(st.sets(st.integers(0, count - 1), min_size=1))
    made, there = [], set()
    for batch in batches(sorted(wanted), count, every, size, reference):
        assert set(batch.held) == there and 1 <= len(batch.rows) <= size
        for row, heeded in zip(batch.rows, batch.sources):
            assert heeded == sources(row, count, every, reference)
            assert set(heeded) <= there | set(batch.rows)
        there = (there | set(batch.kept)) - set(batch.dropped)
        made += batch.rows
    assert len(made) == len(set(made)) and set(made) == needed(wanted, count, every, reference) >= wanted
    assert len(there) == 0 or there <= set(made)


@settings(deadline=None)
@given(**SHAPES)
def test_no_more_than_a_stretch_hangs_on_a_frame(count, every, size, reference):
    """So a run that goes on makes few frames anew, and a long one keeps little in memory."""
    assert max(len(needed([frame], count, every, reference)) for frame in range(count)) <= every + 3
    held = [len(batch.held) + len(batch.kept) for batch in batches(range(count), count, every, size, reference)]
    assert max(held) <= 4 + size


@settings(deadline=None)
@given(**SHAPES)
def test_half_batches_do_the_same_work(count, every, size, reference):
    for batch in batches(range(count), count, every, size, reference):
        there = set(batch.held)
        for part in halves(batch):
            assert set(part.held) == there
            assert all(set(row) <= there | set(part.rows) for row in part.sources)
            there = (there | set(part.kept)) - set(part.dropped)
        assert there == (set(batch.held) | set(batch.kept)) - set(batch.dropped)


def test_the_reference_comes_first_and_alone():
    first = next(batches(range(9), 9, 4, 8, True))
    assert first.rows == (REFERENCE,) and first.kept == (REFERENCE,)


def figure(shift=(0.0, 0.0)):
    xy = np.full((1, 18, 2), np.nan, np.float32)
    xy[0, 1], xy[0, 8], xy[0, 9] = (32, 10), (32, 40), (32, 60)
    xy += np.asarray(shift, np.float32)
    away = np.where(np.isfinite(xy[..., 0]), 3.0, np.nan)
    return Guides(1, np.zeros((64, 64, 3), np.uint8), "openpose-18", [1], xy, away, np.isfinite(away))


def test_a_body_that_moves_carries_its_pixels_along():
    place, weight = flow.carried(figure(), figure((8.0, 4.0)), (16, 16))
    assert weight[6, 10] > 0.5 and weight[1, 1] == 0.0
    at = (np.array([10.5, 6.5]) * 4 - [8.0, 4.0]) / 64
    assert place[6, 10] == pytest.approx(at, abs=1e-6)


def test_a_frame_tells_who_made_it(tmp_path):
    made = {"prompt": 'Knight & "dragon" <fight> ü', "seed": "7", "model": "x/y", "licence": "openrail"}
    png.write(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8), provenance.words(made))
    read = png.words(tmp_path / "a.png")
    assert {key: read[key] for key in made} == made and read["Comment"] == "made with AI"
    packet = read[provenance.XMP].split("?>", 1)[1].rsplit("<?", 1)[0]
    tree = ElementTree.fromstring(packet)
    kind = tree.find(".//{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    assert kind.text.endswith("/trainedAlgorithmicMedia")
    assert made["prompt"] in "".join(tree.itertext())


def test_pillow_reads_what_a_frame_tells(tmp_path):
    image = pytest.importorskip("PIL.Image")
    png.write(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8), provenance.words({"prompt": "ein Ritter"}))
    with image.open(tmp_path / "a.png") as opened:
        opened.load()
        assert opened.text["prompt"] == "ein Ritter" and "trainedAlgorithmicMedia" in opened.text[provenance.XMP]


def test_of_a_repository_only_safetensors_are_taken_in_half_precision_where_there_is_one():
    paths = [
        "README.md", "model_index.json", "v1-5-pruned.ckpt", "v1-5-pruned.safetensors", "unet/config.json",
        "unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.safetensors", "vae/config.json",
        "unet/diffusion_pytorch_model.fp16.safetensors", "unet/diffusion_pytorch_model.non_ema.safetensors",
        "vae/diffusion_pytorch_model.safetensors", "tokenizer/merges.txt", "safety_checker/model.safetensors",
    ]  # fmt: skip
    assert checkpoints.chosen_files(paths) == [
        "README.md", "tokenizer/merges.txt", "unet/config.json", "unet/diffusion_pytorch_model.fp16.safetensors",
        "vae/config.json", "vae/diffusion_pytorch_model.safetensors", "model_index.json",
    ]  # fmt: skip
    adapter = ["models/a.safetensors", "models/b.safetensors", "models/image_encoder/model.safetensors", "models/a.bin"]
    assert checkpoints.chosen_files(adapter, "models/a.safetensors") == [adapter[0], adapter[2]]


@pytest.fixture
def hub(monkeypatch):
    """A server that answers as the hub does; its files may be changed, and it keeps what it was asked."""
    files = {"config.json": b"{}", "diffusion_pytorch_model.safetensors": bytes(range(256)) * 5000, "a.bin": b"no"}
    asked, about = [], {"license": "openrail"}

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Range")))
            name = self.path.split("/resolve/abc/")[-1]
            if self.path.startswith("/api/models/me/net"):
                rows = [{"rfilename": n, "size": len(b), "lfs": {"sha256": hashlib.sha256(b).hexdigest()}} for n, b in about_files]
                body = json.dumps({"sha": "abc", "siblings": rows, "cardData": about}).encode()
            elif "/me/net/resolve/" in self.path and name in files:
                body = files[name]
            else:
                self.send_error(401 if "gated" in self.path else 404)
                return
            start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            self.wfile.write(body[start:])

        def log_message(self, *_):
            pass

    about_files = list(files.items())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    server.files, server.asked = files, asked
    yield server
    server.shutdown()
    server.server_close()


def test_a_checkpoint_is_brought_only_when_asked_and_said(hub, capsys):
    assert cli.main(["models", "add", "me/net"]) == 2
    said = capsys.readouterr()
    assert "1.3 MB" in said.out + said.err and "openrail" in said.out + said.err
    assert not any("/resolve/" in path for path, _ in hub.asked)
    with pytest.raises(Unavailable, match="poseloom models add me/net"):
        checkpoints.find("me/net")
    assert cli.main(["models", "add", "me/net", "--yes"]) == 0
    place = checkpoints.find("me/net")
    assert sorted(p.name for p in place.iterdir()) == ["config.json", "diffusion_pytorch_model.safetensors"]
    capsys.readouterr()
    assert cli.main(["models", "list"]) == 0 and "me/net" in capsys.readouterr().out
    assert cli.main(["models", "remove", "me/net"]) == 0 and not place.exists()


def test_a_download_that_broke_off_goes_on_and_a_damaged_one_is_not_taken(hub, tmp_path):
    download = checkpoints.plan("me/net")
    name = "diffusion_pytorch_model.safetensors"
    place = checkpoints.folder_of(tmp_path) / "me/net"
    place.mkdir(parents=True)
    (place / f"{name}.part").write_bytes(hub.files[name][:1000])
    checkpoints.fetch(download, tmp_path)
    assert (place / name).read_bytes() == hub.files[name]
    assert ("/me/net/resolve/abc/" + name, "bytes=1000-") in hub.asked
    hub.files[name] = hub.files[name][::-1]
    (place / name).unlink()
    with pytest.raises(PoseloomError, match="damaged"):
        checkpoints.fetch(download, tmp_path)
    assert not (place / name).exists()


def test_what_the_hub_will_not_give_is_said(hub):
    with pytest.raises(BadInput, match="has no"):
        checkpoints.plan("me/other")
    with pytest.raises(BadInput, match="licence agreed"):
        checkpoints.plan("me/gated")


def test_without_a_network_it_is_one_sentence(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(PoseloomError, match="could not be downloaded"):
        checkpoints.plan("me/net")


def test_a_model_card_tells_the_licence(tmp_path):
    assert checkpoints.licence_of(tmp_path) == "unknown"
    (tmp_path / "README.md").write_text('---\ntags: [a]\nlicense: "creativeml-openrail-m"\n---\nText\n')
    (tmp_path / "unet").mkdir()
    assert checkpoints.licence_of(tmp_path / "unet") == "creativeml-openrail-m"
