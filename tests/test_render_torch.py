"""The renderer on checkpoints of the true classes, tiny and random, run by the Python that has torch and diffusers."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from conftest import ROOT, need

PYTHON = ROOT / ".venvs" / "train" / "bin" / "python"
pytestmark = pytest.mark.slow


def environment(home) -> dict:
    return {**os.environ, "PYTHONPATH": str(ROOT / "backend"), "POSELOOM_HOME": str(home), "HF_HOME": str(home), "OMP_NUM_THREADS": "1"}


def run(*words, home):
    done = subprocess.run([str(PYTHON), *map(str, words)], capture_output=True, text=True, env=environment(home), timeout=1500)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Folders of a random checkpoint of Stable Diffusion 1.5's classes and one of SDXL's."""
    need(PYTHON.exists() and (PYTHON.parents[1] / "lib/python3.11/site-packages/diffusers").is_dir(), "diffusers in .venvs/train")
    folder = tmp_path_factory.mktemp("checkpoints")
    for family in ("sd", "sdxl"):
        run(ROOT / "backend/studio/tiny_checkpoint.py", folder / family, "--family", family, home=folder)
    return folder


class Checks:
    """A process that does checks of render_process.py one after the other: torch takes long to load."""

    def __init__(self, tiny, folder, **more):
        words = [PYTHON, ROOT / "tests/render_process.py", tiny / "sd", tiny / "sdxl", folder]
        self.process = subprocess.Popen(
            list(map(str, words)), env={**environment(tiny), **more}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, name):
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("RESULT "):
                answer = json.loads(line[7:])
                assert "failed" not in answer, answer["failed"]
                return answer
        raise AssertionError(f"the process ended by {self.process.wait()} in {name}")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


@pytest.fixture(scope="module")
def check(tiny, tmp_path_factory):
    checks = Checks(tiny, tmp_path_factory.mktemp("checks"))
    yield checks
    checks.close()


def test_it_makes_no_difference_which_frames_share_a_batch(check):
    found = check("batches")
    for name in [n for n in found if not n.endswith("_spread")]:
        assert found[name] <= 1e-4, (name, found)
        assert found[name + "_spread"] > 0.1  # pictures, not one grey


def test_a_frame_heeds_the_one_before_it_over_a_batch_border_too(check):
    found = check("heed")
    for batch in (1, 8):
        changed = found[f"heeding_{batch}"]
        assert changed[3] > 1e-4  # the frame after the one whose guide was changed
        assert max(changed[i] for i in (0, 1, 4, 5, 6)) == 0.0  # earlier frames, keys, and what lies behind a key
        alone = found[f"alone_{batch}"]
        assert alone[2] > 0 and max(alone[i] for i in (0, 1, 3, 4, 5, 6)) == 0.0
    assert found["heeding_1"] == pytest.approx(found["heeding_8"], abs=1e-5)


def test_a_run_that_goes_on_makes_the_same_frames(check):
    assert check("resumed") == {"frames": [13, 15, 16], "most": 0}


def test_one_way_for_every_checkpoint_and_companion(check):
    found = check("kinds")
    for name, seen in found.items():
        assert seen["shape"] == [3, 61, 70, 3], name  # as large as the guides, which no network takes as they are
        assert seen["std"] > 3.0, name
        assert seen["made"]["licence"] == "cc0-1.0" and {"prompt", "seed", "model"} <= seen["made"].keys()
    plain = found["plain"]["mean"]
    for name in ("depth", "lora", "tiny", "unipc"):
        assert found[name]["mean"] != plain, f"{name} changes nothing"
    assert found["adapter"]["mean"] != found["reference"]["mean"]
    assert found["class"]["made"]["scheduler"] == "DEISMultistepScheduler"
    assert found["bfloat16"]["made"]["precision"] == "bfloat16"


def test_every_scheduler_that_has_a_name_works_and_is_another(check):
    found = check("schedulers")
    assert set(found) == {"ddim", "euler", "euler_a", "dpm++", "unipc", "lcm", "tcd", "heun", "ddpm"}
    # the checkpoint's own is DDIM, whose steps are Euler's
    assert found.pop("ddim") == 0.0 and 0.0 < found.pop("euler") < 0.3 < min(found.values()), found


def test_frames_begin_from_a_videos_pictures_and_leave_them_as_far_as_they_may(check):
    found = check("strength")
    assert found.pop("missing") == "no_picture"
    for scheduler, (free, some, little, none) in found.items():
        assert free > some > little >= none, (scheduler, found[scheduler])
        assert none < 0.5 * free


def test_it_stops_within_a_second(check):
    """Steps here take several seconds: it is asked within them."""
    found = check("cancelled")
    assert found["asked"] > 10 and 0 < found["gap_s"] < 1.0


def test_attention_that_asks_between_pictures_gives_the_same(check):
    found = check("attention")
    assert min(found["size"]) > 1e-3 and found["most"] < 1e-5 * min(found["size"])
    assert found["asked"] >= 6 * found["nets"]  # three pictures, and attention to themselves and to the words


def test_what_will_not_do_is_said(check):
    found = check("errors")
    has_scipy = found.pop("has_scipy")
    codes = {name: answer and answer[0] for name, answer in found.items()}
    assert codes.pop("packages") == (None if has_scipy else "missing_package")  # of a scheduler that needs scipy
    assert codes == {
        "missing": "checkpoint_missing", "known": "checkpoint_missing", "no_folder": "no_such_checkpoint",
        "no_part": "part_missing", "pickled": "no_safetensors", "cut": "damaged_checkpoint", "flux": "other_family",
        "no_index": "no_pipeline", "other_control": "other_family", "other_lora": "wrong_part",
        "scheduler": "unknown_scheduler", "no_depth": "no_depth", "no_reference": "no_reference",
        "device": "no_such_device", "steps": "bad_option",
    }  # fmt: skip
    assert "2.1 GB" in found["known"][1] and "openrail" in found["known"][1]
    assert '"unet"' in found["no_part"][1]


def test_numbers_that_run_over_are_made_again_in_float32(check):
    found = check("overflow")
    assert found["precision"] == "float32" and found["said"] and found["frames"] == 2
    assert found["damaged"] == "not_finite"


def test_it_makes_do_with_little_memory_and_says_when_it_cannot(tiny, tmp_path):
    """In a process that has no memory left over from before, and gives back what it no longer needs."""
    fresh = Checks(tiny, tmp_path, MALLOC_ARENA_MAX="1", MALLOC_MMAP_THRESHOLD_="131072")
    found = fresh("memory")
    fresh.close()
    assert found["large"][0] == "out_of_memory"
    *too_little, (frames, at_once) = found["eight"]
    assert too_little and {code for code, _ in too_little} == {"out_of_memory"}
    assert sorted(frames) == list(range(10, 18)), found  # all of them, by the first memory that is enough for any
    assert at_once[0] == 8 and at_once[-1] < 8


def test_it_does_without_onednn_where_that_keeps_failing(check):
    found = check("kernels")
    assert found["tried"] == [[2, True], [1, True], [1, True], *[[1, False]] * 4]  # together, alone, sparing, without
    assert found["frames"] == 2 and found["most"] <= 1
    assert found["enabled"]  # for what is made later


def test_a_checkpoint_learns_a_figure(tmp_path):
    need(PYTHON.exists(), "an environment with torch in .venvs/train")
    out = run(ROOT / "backend/studio/tiny_checkpoint.py", tmp_path / "hero", "--character", "--steps", "40",
              "--pictures", "16", home=tmp_path)  # fmt: skip
    told = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    for net in ("autoencoder", "denoiser"):
        losses = [line["loss"] for line in told if line["net"] == net]  # each the mean of two steps
        assert len(losses) == 20 and sum(losses[-4:]) < 0.7 * sum(losses[:4]), (net, losses)
    card = (tmp_path / "hero" / "README.md").read_text()
    assert "16 pictures" in card and "knows nothing else" in card
