"""Batches handed to a Dask scheduler: a real one, of which a worker is killed."""

from __future__ import annotations

import importlib.util

import psutil
import pytest
from conftest import need
from test_batch import body, clips, outputs, run, STAGED, started, wait_for, write_clips  # noqa: F401  fixtures too


@pytest.mark.slow
@pytest.mark.parametrize("to", ["body", "mixamo"])
def test_a_cluster_does_the_same_and_a_lost_machine_takes_no_clip_along(to, body, run, tmp_path):
    need(importlib.util.find_spec("distributed"), "the extra cluster")
    import distributed

    if to == "mixamo":
        pytest.importorskip("bpy", reason="this Python has no bpy")
    clips, out = write_clips(tmp_path / "clips", 16, frames=300), tmp_path / "out"
    who = body if to == "body" else to
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=str(tmp_path)
    ) as cluster:
        words = ("retarget", clips, "--to", who, "--out", out, "--format", "bvh")
        process = started(*words, "--cluster", cluster.scheduler_address)
        wait_for(lambda: len(list(out.glob("walk*.bvh"))) >= 3, 90.0)
        assert len(list(out.glob("walk*.bvh"))) < 16
        psutil.Process(cluster.workers[0].pid).kill()
        said, wrong = process.communicate(timeout=120)
    assert process.returncode == 0, wrong
    assert "16 of 16 clips done, 0 failed." in said
    made = outputs(out)
    assert len(made) == 16 and not any(STAGED.search(name) for name in made)
    assert run("retarget", clips, "--to", who, "--out", tmp_path / "here", "--format", "bvh")[0] == 0
    assert outputs(tmp_path / "here") == made


@pytest.mark.slow
def test_a_cluster_that_is_not_there(clips, body, run, tmp_path):
    need(importlib.util.find_spec("distributed"), "the extra cluster")
    words = ("retarget", clips, "--to", body, "--out", tmp_path / "out", "--cluster")
    for address in ("tcp://127.0.0.1:9", "nowhere"):
        code, _, wrong = run(*words, address)
        assert code == 2 and "No Dask scheduler answers" in wrong
