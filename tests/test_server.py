"""The backend's life: jobs from submit to end, crashes, hangs, cancels, restarts, and what is kept."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import pytest

pytest.importorskip("fastapi")

from backend_process import Backend, gone, runs, wait_for  # noqa: E402
from poseloom import settings  # noqa: E402
from poseloom.errors import BadInput  # noqa: E402
from poseloom.server import store  # noqa: E402
from poseloom.server.jobs import Jobs  # noqa: E402
from server_kinds import TEST_KINDS  # noqa: E402


@pytest.fixture(scope="module")
def backend(tmp_path_factory):
    running = Backend(tmp_path_factory.mktemp("home"))
    yield running
    running.stop()


# -- jobs ----------------------------------------------------------------------------------


def test_a_job_reports_progress_and_leaves_its_results(backend):
    talk = backend.client
    job = talk.submit("count", options={"seconds": 1.0})
    statuses = list(talk.watch(job))
    fractions = [status.fraction for status in statuses]
    assert fractions == sorted(fractions) and len(set(fractions)) > 4
    assert statuses[0].state in ("queued", "running") and statuses[-1].state == "done" and fractions[-1] == 1.0
    assert any(status.text.startswith("step") for status in statuses)
    assert statuses[-1].results == ("count.json",)
    assert json.loads(talk.result(job, "count.json")) == {"steps": 20}
    assert os.listdir(settings.jobs_folder(backend.home) / job) == ["results"]
    assert talk.jobs()[0] == talk.status(job) == statuses[-1]


def test_the_worker_stays_warm_between_jobs(backend):
    pids = []
    for _ in range(2):
        status = backend.run("where")
        pids.append(backend.client.result(status.id, "pid.json"))
    assert pids[0] == pids[1]


def test_what_is_over_is_never_shown_as_it_was_before(backend):
    """Asked without a pause, the state, the share done and the results change in one step."""
    for _ in range(3):
        job = backend.client.submit("count", options={"seconds": 0.1})
        last = None
        while last is None or not last.final:
            status = backend.client.status(job)
            assert last is None or status.fraction >= last.fraction
            last = status
        assert (last.fraction, last.text, last.results) == (1.0, "Done", ("count.json",))


def test_many_at_once_are_done_in_their_order(backend):
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda _: backend.client.submit("count", options={"seconds": 0.05}), range(12)))
        last = list(pool.map(lambda job: list(backend.client.watch(job))[-1], jobs))
    assert {status.state for status in last} == {"done"}
    log = (settings.logs_folder(backend.home) / "backend.log").read_text()
    began = [line.split()[4] for line in log.splitlines() if line.endswith(" starts")][-12:]
    assert began == [job.id for job in reversed(backend.client.jobs()[:12])]


def test_a_worker_that_dies_while_idle_is_replaced(backend):
    backend.run("count")
    worker = int(backend.client.result(backend.run("where").id, "pid.json"))
    os.kill(worker, signal.SIGKILL)
    gone([worker], 1.0)
    assert backend.run("count").state == "done"


def test_a_job_given_to_a_dying_worker_is_done_by_the_next(backend):
    """The worker dies after it was given the job and before it began, as an idle one does in the very moment."""
    backend.run("count")
    worker = int(backend.client.result(backend.run("where").id, "pid.json"))
    os.kill(worker, signal.SIGSTOP)
    job = backend.client.submit("where")
    wait_for(lambda: backend.client.status(job).state == "running")
    os.kill(worker, signal.SIGKILL)
    assert list(backend.client.watch(job))[-1].state == "done"
    assert int(backend.client.result(job, "pid.json")) != worker


def test_a_job_whose_workers_die_as_often_as_it_may_be_tried_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("poseloom.server.jobs.MAX_ATTEMPTS", 1)
    with running(tmp_path, hang_s=20.0) as (kept, jobs):
        worker = done_by(kept, jobs, jobs.submit("where", {}, {}).id)
        os.kill(worker, signal.SIGSTOP)
        job, after = (jobs.submit("where", {}, {}).id for _ in range(2))
        wait_for(lambda: jobs.get(job)[0].state == "running")
        os.kill(worker, signal.SIGKILL)
        assert done_by(kept, jobs, after) != worker
        failed = jobs.get(job)[0]
        assert failed.state == "failed" and failed.error["code"] == "job_not_begun"
        assert "died before it began (SIGKILL)" in failed.error["message"]


def test_a_worker_that_is_idle_for_long_gives_its_memory_back(tmp_path):
    with running(tmp_path, hang_s=20.0, idle_s=0.5) as (kept, jobs):
        pids = []
        for _ in range(2):
            pids.append(done_by(kept, jobs, jobs.submit("where", {}, {}).id))
            wait_for(lambda: not runs(pids[-1]), 5.0)
        assert pids[0] != pids[1]


@contextmanager
def running(folder, **settings_of_jobs):
    """The jobs of a backend without its server."""
    kept = store.Store(folder)
    settings.logs_folder(folder).mkdir()
    jobs = Jobs(kept, TEST_KINDS, **settings_of_jobs)
    jobs.start()
    try:
        yield kept, jobs
    finally:
        jobs.stop()
        kept.close()


def done_by(kept, jobs, job: str) -> int:
    """The process that did a job of the kind "where"."""
    wait_for(lambda: jobs.get(job)[0].state == "done")
    return int((kept.job_folder(job) / "results" / "pid.json").read_text())


def test_a_queued_job_that_this_version_cannot_read_fails_alone(tmp_path):
    kept = store.Store(tmp_path)
    strange = [kept.add("count", {}, {"speed": 3}), kept.add("vanished", {}, {})]
    strange.append(kept.add("echo", {"media": {"upload": "gone"}}, {}))
    kept.close()
    backend = Backend(tmp_path)
    try:
        codes = [list(backend.client.watch(job.id))[-1].error.code for job in strange]
        assert codes == ["old_job", "unknown_kind", "unknown_upload"]
        assert backend.run("count").state == "done"
    finally:
        backend.stop()


@pytest.mark.parametrize(
    "how, words", [("segfault", "SIGSEGV"), ("abort", "SIGABRT"), ("exit", "code 7")], ids=["segfault", "abort", "exit"]
)
def test_a_crash_fails_that_job_alone_with_its_reason(backend, how, words):
    status = backend.run("crash", how=how)
    assert status.state == "failed" and status.error.code == "job_crashed"
    assert words in status.error.message and "about to crash" in status.error.message
    assert backend.run("count").state == "done"


def test_a_model_that_hangs_fails_that_job_alone(tmp_path):
    backend = Backend(tmp_path, "--hang-s", "1.5")
    try:
        started = time.monotonic()
        status = backend.run("hang")
        assert status.error.code == "job_hung" and "the last sign of life" in status.error.message
        assert 1.5 <= time.monotonic() - started < 6.0
        assert backend.run("count", seconds=3.0).state == "done"  # longer than hang_s, but it reports
    finally:
        backend.stop()


def test_errors_of_a_job_keep_their_sentence_and_way_out(backend):
    status = backend.run("fail", how="bad_input")
    error = status.error
    assert isinstance(error, BadInput)
    assert (error.code, error.hint) == ("no_person", "Choose another clip.")
    status = backend.run("fail")
    assert status.error.code == "job_failed" and "ValueError: the model is upset" in status.error.message
    assert "Traceback" in (settings.logs_folder(backend.home) / "backend.log").read_text()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_fails_the_job_and_leaves_no_half_result(backend):
    status = backend.run("full")
    assert status.error.code == "disk_full" and "full" in status.error.message and status.error.exit_code == 2
    assert os.listdir(settings.jobs_folder(backend.home) / status.id) == []


@pytest.mark.parametrize("lock", ["free", "gil"])
def test_cancel_inside_one_native_call_takes_less_than_a_second(backend, tmp_path, lock):
    talk, notes = backend.client, tmp_path / "notes"
    job = talk.submit("native", options={"seconds": 30.0, "how": f"{lock}:{notes}"})
    wait_for(notes.exists)
    *pids, temporary = notes.read_text().split()
    pids = [int(pid) for pid in pids]
    assert all(map(runs, pids)) and os.path.exists(temporary)
    started = time.monotonic()
    status = talk.cancel(job)
    gone(pids, 1.0)
    assert time.monotonic() - started < 1.0
    assert status.state == "cancelled"
    assert os.listdir(settings.jobs_folder(backend.home) / job) == [] and not os.path.exists(temporary)
    assert backend.run("count").state == "done"
    assert talk.cancel(job) == status  # twice is as once


def test_a_job_cancelled_in_the_queue_never_starts(backend):
    talk = backend.client
    first = talk.submit("count", options={"seconds": 20.0})
    second = talk.submit("count")
    assert talk.status(second).state == "queued"
    assert talk.cancel(second).state == "cancelled"
    wait_for(lambda: talk.status(first).state == "running")
    assert talk.cancel(first).state == "cancelled"
    assert list(talk.watch(second))[-1].state == "cancelled"
    done = backend.run("count")
    assert talk.cancel(done.id) == done  # what is over stays as it is


def test_a_restart_shows_old_jobs_and_takes_up_the_half_done_once(tmp_path):
    backend = Backend(tmp_path)
    done = backend.run("count")
    half = backend.client.submit("count", options={"seconds": 4.0})
    queued = backend.client.submit("count")
    wait_for(lambda: backend.client.status(half).fraction > 0.1)
    first_token = backend.note["token"]
    backend.kill()
    assert (settings.jobs_folder(tmp_path) / half / "work").exists()  # a crash tidies nothing up

    backend = Backend(tmp_path)
    talk = backend.client
    assert backend.note["token"] != first_token
    assert talk.status(done.id) == done and talk.result(done.id, "count.json")
    wait_for(lambda: talk.status(half).fraction > 0.1)
    assert talk.status(queued).state == "queued"
    backend.kill()

    backend = Backend(tmp_path)
    try:
        status = backend.client.status(half)
        assert status.state == "failed" and status.error.code == "backend_stopped"
        assert not (settings.jobs_folder(tmp_path) / half / "work").exists()
        assert list(backend.client.watch(queued))[-1].state == "done"
    finally:
        backend.stop()


def test_sigterm_ends_in_good_order_and_keeps_the_job_for_the_next_launch(tmp_path):
    backend = Backend(tmp_path)
    job = backend.client.submit("count", options={"seconds": 2.0})
    wait_for(lambda: backend.client.status(job).fraction > 0.1)
    family = psutil.Process(backend.process.pid).children(recursive=True)
    started = time.monotonic()
    assert backend.stop() == 0
    assert time.monotonic() - started < 4.0
    gone(family, 1.0)
    assert not settings.server_json(tmp_path).exists()
    backend = Backend(tmp_path)
    try:
        assert list(backend.client.watch(job))[-1].state == "done"
    finally:
        backend.stop()


# -- what is kept ------------------------------------------------------------------------------


def test_a_list_of_jobs_from_another_version_is_refused_with_a_way_out(tmp_path):
    with sqlite3.connect(settings.jobs_db(tmp_path)) as db:
        db.execute("pragma user_version = 99")
    with pytest.raises(BadInput, match="another version"):
        store.Store(tmp_path)
    settings.jobs_db(tmp_path).write_bytes(b"not a database at all" * 100)
    with pytest.raises(BadInput, match="cannot be used.*Move that file away"):
        store.Store(tmp_path)


def test_clean_removes_old_and_then_oldest_but_nothing_in_use(tmp_path):
    kept = store.Store(tmp_path)
    day = 86400.0

    def job(days, size, state="done", upload=None):
        files = {"media": {"upload": upload}} if upload else {}
        made = kept.add("count", files, {}).id
        (kept.job_folder(made) / "results").mkdir(parents=True)
        (kept.job_folder(made) / "results" / "a.npz").write_bytes(b"x" * size)
        if state != "queued":
            kept.finish(made, state, 1.0, "")
            kept._execute("update jobs set finished_s = ? where id = ?", (time.time() - days * day, made))
        return made

    def upload(days, size):
        name, path = kept.new_upload("clip.mp4")
        path.write_bytes(b"x" * size)
        os.utime(path.parent, times=(time.time() - days * day,) * 2)
        return name

    sent, waiting, fresh = upload(30, 1000), upload(30, 1000), upload(0, 1000)
    old, young, younger = job(8, 100, upload=sent), job(3, 600), job(1, 600, "failed")
    queued = job(0, 0, "queued", upload=waiting)
    cleaned = store.clean(tmp_path, keep_days=7, keep_bytes=1000)
    assert (cleaned.jobs, cleaned.uploads) == (2, 1) and cleaned.freed_bytes == 100 + 600 + 1000
    assert [j.id for j in kept.all()] == [queued, younger]
    assert set(os.listdir(settings.uploads_folder(tmp_path))) == {waiting, fresh}
    assert set(os.listdir(settings.jobs_folder(tmp_path))) == {queued, younger}
    assert {old, young}.isdisjoint(j.id for j in kept.all())
    kept.close()


# -- the real kinds ----------------------------------------------------------------------------


def test_methods_are_the_stages_tables(backend):
    from poseloom import pose

    tables = backend.client.methods()
    assert set(tables["stages"]["pose"]) == set(pose.METHODS)
    assert {"animate", "pose"} <= set(tables["jobs"])
    assert "height_m" in tables["jobs"]["animate"]["options"]["properties"]


def test_a_clip_becomes_a_motion(backend, data):
    from poseloom.motion.files import keypoints_from_bytes, motion_from_bytes

    pytest.importorskip("mediapipe")
    options = {"end": "12", "height_m": 1.7}
    status = backend.run("animate", {"media": data / "media" / "pose_squats.mp4"}, **options)
    assert status.state == "done", status.error
    motion = motion_from_bytes(backend.client.result(status.id, "motion.npz"))
    keypoints = keypoints_from_bytes(backend.client.result(status.id, "keypoints.npz"))
    report = json.loads(backend.client.result(status.id, "report.json"))
    assert len(motion) == len(keypoints) == report["frames"] > 5
    assert report["found_share"] == 1.0 and set(report["seconds"]) == {"estimate", "solve"}
    assert not any("mediapipe" in region.path for region in psutil.Process(backend.process.pid).memory_maps())
    status = backend.run("pose", {"media": data / "media" / "pose.jpg"})
    assert status.state == "done", status.error
    broken = backend.home / "broken.mp4"
    broken.write_bytes(b"this is no video" * 1000)
    status = backend.run("pose", {"media": broken})
    assert status.state == "failed" and status.error.exit_code == 2, status.error
