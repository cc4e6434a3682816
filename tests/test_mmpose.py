"""mmpose in its own environment: what it sees, whether our own decoding sees the same, and how it is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from conftest import need

from poseloom import cli, mmpose_environment
from poseloom.errors import BadInput, Unavailable
from poseloom.pose import crops, load
from poseloom.pose.mmpose import Eyes, MMPose, _check_sum
from poseloom.pose.rtm import Rtm

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))

import simcc_parity  # noqa: E402

SMALL = Path(__file__).parent / "data" / "small_rtmpose"
MODEL = f"{SMALL / 'config.py'}|{SMALL / 'checkpoint.pth'}"
TRUTH = {name: np.array(xy) for name, xy in json.loads((SMALL / "truth.json").read_text()).items()}


def picture(name: str) -> np.ndarray:
    from PIL import Image

    return np.array(Image.open(SMALL / name).convert("RGB"))


def boxes(name: str) -> list:
    return [(TRUTH[name].min(axis=0), TRUTH[name].max(axis=0))]


def test_our_own_eyes_see_the_people_it_was_trained_on():
    rtm = Rtm(str(SMALL / "model.onnx"))
    for name, xy in TRUTH.items():
        seen, score = rtm.look(picture(name), boxes(name))
        assert np.median(np.linalg.norm(seen[0] - xy, axis=-1)) < 2.0 and score.mean() > 0.3
        other, _ = rtm.look(picture(name)[..., ::-1], boxes(name))
        assert np.abs(other - seen).max() > 1.0  # red and blue are not one to it


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("POSELOOM_HOME", str(tmp_path))
    return tmp_path


def test_an_environment_that_is_missing_or_half_made(own_home, capsys):
    with pytest.raises(Unavailable, match="own, which is missing. Make it by: poseloom setup mmpose"):
        MMPose(MODEL)
    (own_home / "mmpose").mkdir()
    assert mmpose_environment.state() == "half made"
    with pytest.raises(Unavailable, match="which is half made. Make it by"):
        MMPose(MODEL)
    assert cli.main(["setup", "mmpose", "--remove"]) == 0 and mmpose_environment.state() == "missing"
    with pytest.raises(BadInput, match="a config and its checkpoint"):
        load("mmpose")()


def test_a_file_whose_name_tells_its_checksum(tmp_path):
    whole = tmp_path / "small-e3b0c442_20230130.pth"  # of an empty file
    whole.touch()
    _check_sum(whole)
    _check_sum(SMALL / "checkpoint.pth")
    whole.write_bytes(b"cut off")
    with pytest.raises(BadInput, match="is damaged: its SHA-256 begins with .* not e3b0c442"):
        _check_sum(whole)


@pytest.fixture(scope="module")
def ready():
    """mmpose's environment of the user's data folder, or $POSELOOM_MMPOSE, in that of the tests."""
    own, kept = mmpose_environment.folder(), os.environ.pop("POSELOOM_HOME")
    try:
        real = Path(os.environ.get("POSELOOM_MMPOSE") or mmpose_environment.folder())
    finally:
        os.environ["POSELOOM_HOME"] = kept
    need(mmpose_environment.state(real) == "ready", "mmpose's environment (poseloom setup mmpose)")
    own.symlink_to(real)
    yield
    own.unlink()


@pytest.fixture(scope="module")
def eyes(ready):
    with MMPose(MODEL).started() as eyes:
        yield eyes


@pytest.mark.slow
def test_the_same_rows_are_decoded_as_mmpose_does(ready):
    apart, score = simcc_parity.decoding()
    assert apart < 0.01 and score < 1e-6


@pytest.mark.slow
def test_mmpose_sees_the_people_and_we_the_same(eyes):
    """The same weights by torch and mmpose, and by onnxruntime and ours; where two neighbouring bins are as good as
    equal, rounding may choose the other."""
    assert eyes.layout == "coco17" and not eyes.whole
    rtm = Rtm(str(SMALL / "model.onnx"))
    for name, xy in TRUTH.items():
        assert np.median(np.linalg.norm(eyes.look(picture(name), boxes(name))[0][0] - xy, axis=-1)) < 2.0
    apart = simcc_parity.seeing(nullcontext(eyes))
    low, high = boxes("person_0.png")[0]
    one_bin = crops.Crop.around(low, high, rtm.network.size).size[0] / rtm.network.size[0] / rtm.network.split
    assert (apart < 0.01).mean() > 0.98 and apart.max() < 2.0 * one_bin


@pytest.mark.slow
def test_several_boxes_and_none(eyes):
    low, high = boxes("person_0.png")[0]
    both, _ = eyes.look(picture("person_0.png"), [(low, high), (low - 3.0, high + 3.0)])
    assert both.shape == (2, 17, 2) and np.median(np.abs(both[0] - both[1])) < 3.0
    none, score = eyes.look(picture("person_0.png"), [])
    assert none.shape == (0, 17, 2) and score.shape == (0, 17)


_MAKE = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("mmpose_worker", sys.argv[1])
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)
worker.prepare()
import torch
from mmengine.config import Config
from mmpose.registry import MODELS
from mmpose.utils import register_all_modules
register_all_modules()
config = Config.fromfile(sys.argv[2])
config.model.get("backbone", {}).pop("init_cfg", None)
torch.manual_seed(0)
model = MODELS.build(config.model)
model.init_weights()
torch.save({"state_dict": model.state_dict()}, sys.argv[3])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["rtmo/coco/rtmo-s_8xb32-600e_coco-640x640.py", "associative_embedding/coco/ae_hrnet-w32_8xb24-300e_coco-512x512.py",
             "topdown_heatmap/coco/td-hm_hrnet-w32_8xb64-210e_coco-256x192.py"]
)  # fmt: skip
def test_models_of_every_kind_run(name, ready, tmp_path):
    """With weights that were never trained: that they run, and of how many points and people they speak."""
    python, safe, worker = mmpose_environment.command()
    (config,) = Path(python).parents[1].glob(f"lib/*/site-packages/mmpose/.mim/configs/body_2d_keypoint/{name}")
    checkpoint = tmp_path / "random.pth"
    subprocess.run([python, "-c", _MAKE, worker, config, checkpoint], check=True, capture_output=True, timeout=600)
    with MMPose(f"{config}|{checkpoint}").started() as eyes:
        assert eyes.layout == "coco17" and eyes.whole == ("topdown" not in name)
        xy, score = eyes.look(picture("person_0.png"), boxes("person_0.png"))
        assert xy.shape[1:] == (17, 2) and score.shape == xy.shape[:2]
        assert eyes.whole or len(xy) == 1


def refused(*files) -> str:
    with pytest.raises(BadInput) as caught:
        Eyes([*mmpose_environment.command(), *map(str, files)])
    return str(caught.value)


@pytest.mark.slow
def test_configs_and_checkpoints_that_are_none(ready, tmp_path):
    python = mmpose_environment.command()[0]
    config = SMALL / "config.py"
    bare, broken = tmp_path / "bare.py", tmp_path / "broken.py"
    bare.write_text("x = 1\n")
    broken.write_text("model = dict(type='NoSuchModel')\n")
    assert "no config of mmpose: it has no model" in refused(bare, SMALL / "checkpoint.pth")
    assert "makes no model of mmpose" in refused(broken, SMALL / "checkpoint.pth")
    text = tmp_path / "text.pth"
    text.write_text("not weights")
    assert "something else than plain weights" in refused(config, text)
    pickled, other = tmp_path / "pickled.pth", tmp_path / "other.pth"
    script = (
        "import torch, sys, fractions; torch.save({'x': fractions.Fraction(1, 2)}, sys.argv[1]); "
        "torch.save({'state_dict': {'a': torch.zeros(3)}}, sys.argv[2])"
    )
    subprocess.run([python, "-c", script, pickled, other], check=True)
    assert "something else than plain weights" in refused(config, pickled)
    assert "does not belong to" in refused(config, other)
    with pytest.raises(BadInput, match="There is no file"):
        MMPose(f"{config}|{tmp_path / 'gone.pth'}")


@pytest.mark.slow
def test_poseloom_pose_by_mmpose(ready, tmp_path, capsys):
    shutil.copy(SMALL / "person_1.png", tmp_path / "someone.png")
    out = tmp_path / "someone.json"
    words = ["pose", str(tmp_path / "someone.png"), "--fresh", "--out", str(out)]
    assert cli.main([*words, "--model", str(SMALL / "config.py"), "--checkpoint", str(SMALL / "checkpoint.pth")]) == 0
    told = json.loads(out.read_text())
    assert told["layout"] == "coco17"
    away = np.linalg.norm(np.array(told["people"][0]["frames"][0]["xy"], float) - TRUTH["person_1.png"], axis=-1)
    assert np.median(away) < 5.0
    assert cli.main([*words, "--overwrite", "--model", str(SMALL / "config.py")]) == 2
    assert "without its checkpoint" in capsys.readouterr().err
