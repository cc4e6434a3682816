"""The client against a real backend: the wire, finding, starting and stopping, and every refusal's sentence."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

pytest.importorskip("fastapi")

from backend_process import SCRIPT, Backend, gone, wait_for  # noqa: E402
from conftest import ROOT  # noqa: E402
from poseloom import PROTOCOL, __version__, client, settings  # noqa: E402
from poseloom.errors import BadInput, PoseloomError, Unavailable  # noqa: E402
from poseloom.server import launch  # noqa: E402


@pytest.fixture(scope="module")
def backend(tmp_path_factory):
    running = Backend(tmp_path_factory.mktemp("home"))
    yield running
    running.stop()


def refusal(function, *arguments, **named) -> PoseloomError:
    with pytest.raises(PoseloomError) as caught:
        function(*arguments, **named)
    assert caught.value.message.endswith((".", ")")) and caught.value.hint, str(caught.value)
    return caught.value


# -- the wire --------------------------------------------------------------------------------


def test_a_file_by_path_and_an_upload_arrive_alike(backend, tmp_path):
    clip = tmp_path / "Tänzer & co #1.mp4"
    clip.write_bytes(os.urandom(3 << 20))
    for upload in (False, True):
        job = backend.client.submit("echo", files={"media": clip}, upload=upload)
        assert list(backend.client.watch(job))[-1].state == "done"
        assert backend.client.result(job, "copy.bin") == clip.read_bytes()
        assert backend.client.result(job, "name.json").decode() == clip.name
    assert len(os.listdir(settings.uploads_folder(backend.home))) == 1


def test_the_servers_refusals_arrive_as_they_were_raised(backend, tmp_path):
    talk = backend.client
    big = tmp_path / "big.mp4"
    big.write_bytes(b"x" * (30 << 20))
    error = refusal(talk.submit, "echo", {"media": big}, upload=True)
    assert isinstance(error, BadInput) and error.code == "too_large" and "8 MB" in error.message
    assert refusal(talk.status, "none").code == "unknown_job"
    error = refusal(talk.submit, "count", options={"secnds": 1.0})
    assert error.code == "unknown_option" and error.hint == 'Did you mean "seconds"?'
    for value in (float("nan"), tmp_path):
        assert refusal(talk.submit, "count", options={"seconds": value}).code == "bad_option"
    assert refusal(talk.submit, "echo", {"media": tmp_path / "no.mp4"}).code == "no_file"
    assert refusal(talk.submit, "echo", {"media": tmp_path / "no.mp4"}, upload=True).code == "no_file"
    job = talk.submit("count", options={"seconds": 20.0})
    error = refusal(talk.result, job, "count.json")
    assert error.code == "not_done" and ("running" in error.message or "queued" in error.message)
    talk.cancel(job)


def test_a_wrong_token_is_one_sentence(backend):
    stolen = client.Client(backend.address, "stolen")
    for ask in (stolen.jobs, stolen.health, lambda: client.connect(backend.address, "stolen")):
        error = refusal(ask)
        assert error.code == "wrong_token" and isinstance(error, BadInput) and "launch" in error.message


def test_no_backend_and_something_else_are_told_apart():
    with launch.listen("127.0.0.1", None) as sock:
        address = f"127.0.0.1:{sock.getsockname()[1]}"
        for status, body in [("200 OK", b"hi"), ("401 Unauthorized", b"hi"), ("401 Unauthorized", b'{"code": 7}')]:
            answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
            thread = threading.Thread(target=_answer_once, args=(sock, answer))
            thread.start()
            assert refusal(client.Client(address, "").health).code == "not_poseloom"
            thread.join()
    error = refusal(client.Client(address, "").health)
    assert isinstance(error, Unavailable) and error.code == "backend_gone"
    for wrong in ("", "http://", "ftp://127.0.0.1", "http://127.0.0.1:port"):
        assert refusal(client.Client, wrong, "").code == "bad_address"


def _answer_once(sock: socket.socket, answer: bytes) -> None:
    connection, _ = sock.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(answer)


def test_loopback_is_never_sent_through_a_proxy(backend, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert backend.client.health() == {"version": __version__, "protocol": PROTOCOL}


def test_watch_goes_on_by_polling_where_the_event_stream_breaks(backend):
    with launch.listen("127.0.0.1", None) as sock:
        relay = threading.Thread(target=_relay, args=(sock, backend.port), daemon=True)
        relay.start()
        through = client.Client(f"127.0.0.1:{sock.getsockname()[1]}", backend.note["token"])
        job = through.submit("count", options={"seconds": 1.5})
        statuses = list(through.watch(job))
    assert statuses[-1].state == "done" and len({status.text for status in statuses}) > 3


def _relay(sock: socket.socket, port: int) -> None:
    """Passes connections on, but cuts an event stream after its first event."""
    while True:
        try:
            near, _ = sock.accept()
        except OSError:
            return
        far = socket.create_connection(("127.0.0.1", port))
        up = near.recv(65536)
        far.sendall(up)
        last = b"data:" if b"/events" in up else None
        threading.Thread(target=_pump, args=(near, far, None), daemon=True).start()
        threading.Thread(target=_pump, args=(far, near, last), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket, last: bytes | None) -> None:
    try:
        while chunk := source.recv(65536):
            target.sendall(chunk)
            if last and last in chunk:
                break
        target.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the other direction has closed them


def test_watch_tells_that_the_backend_is_gone(tmp_path):
    backend = Backend(tmp_path)
    watching = backend.client.watch(backend.client.submit("count", options={"seconds": 20.0}))
    next(watching)
    backend.kill()
    assert refusal(lambda: list(watching)).code == "backend_gone"


# -- finding, starting, stopping ----------------------------------------------------------------


def test_another_protocol_is_refused_with_the_way_out(tmp_path):
    backend = Backend(tmp_path, "--protocol", "99")
    try:
        for look in (lambda: client.find_backend(tmp_path), backend.client.health):
            error = refusal(look)
            assert error.code == "other_protocol" and "99" in error.message and "same release" in error.hint
    finally:
        backend.stop()


def test_a_server_json_left_by_a_dead_backend_counts_as_none(tmp_path):
    assert client.find_backend(tmp_path) is None
    backend = Backend(tmp_path)
    found = client.find_backend(tmp_path)
    assert found.address == backend.address and found.jobs() == []
    note = backend.note
    backend.kill()
    assert settings.server_json(tmp_path).exists()
    assert client.find_backend(tmp_path) is None
    settings.write_note(settings.server_json(tmp_path), {**note, "pid": os.getpid()})  # the pid lives, but is another's
    assert client.find_backend(tmp_path) is None
    other = Backend(tmp_path / "other")  # and so may its port be
    settings.write_note(settings.server_json(tmp_path), {**note, "pid": os.getpid(), "port": other.port})
    assert client.find_backend(tmp_path) is None
    other.stop()
    settings.server_json(tmp_path).write_text("{half")
    assert client.find_backend(tmp_path) is None


def test_start_and_stop(tmp_path):
    command = [sys.executable, str(SCRIPT)]
    settings.write_backend_json(command, tmp_path)
    assert settings.read_note(settings.backend_json(tmp_path)) == {"command": command, "version": __version__}
    started = client.start_backend(folder=tmp_path)
    assert started.health() and client.start_backend(folder=tmp_path).address == started.address
    assert client.connect(started.address, folder=tmp_path).jobs() == []
    pid = settings.read_note(settings.server_json(tmp_path))["pid"]
    client.stop_backend(started)
    again = client.start_backend(folder=tmp_path)  # at once
    assert settings.read_note(settings.server_json(tmp_path))["pid"] != pid
    client.stop_backend(again)
    gone([pid], 1.0)
    wait_for(lambda: not settings.server_json(tmp_path).exists(), 1.0)
    assert not settings.server_json(tmp_path).exists() and client.find_backend(tmp_path) is None


def test_a_backend_that_does_not_start_says_why(tmp_path):
    assert refusal(client.start_backend, folder=tmp_path).code == "no_backend"
    assert refusal(client.start_backend, [str(tmp_path / "nothing")], folder=tmp_path).code == "backend_missing"
    command = [sys.executable, "-c", "raise SystemExit('fastapi is missing')"]
    error = refusal(client.start_backend, command, folder=tmp_path)
    assert error.code == "backend_not_started" and "fastapi is missing" in error.message
    started = time.monotonic()
    error = refusal(client.start_backend, [sys.executable, "-c", "import time; time.sleep(60)"], timeout_s=1.0, folder=tmp_path)
    assert error.code == "backend_not_started" and time.monotonic() - started < 5.0
    assert refusal(client.connect, "127.0.0.1:8797", folder=tmp_path).code == "no_token"


def test_the_started_backend_outlives_who_started_it(tmp_path):
    code = f"from poseloom import client; client.start_backend([{sys.executable!r}, {str(SCRIPT)!r}])"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "POSELOOM_HOME": str(tmp_path)}, check=True)
    found = wait_for(lambda: client.find_backend(tmp_path))
    client.stop_backend(found)


def test_the_client_needs_the_standard_library_only():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import poseloom.client; import json;"
        "print(json.dumps([m.partition('.')[0] for m in sys.modules]))"
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(ROOT / "backend")]
    names = set(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))
    assert names <= set(sys.stdlib_module_names) | {"poseloom", "__main__"}, names


# -- where things are ----------------------------------------------------------------------------


def test_the_data_folder_is_the_platforms_or_the_chosen_one(monkeypatch, tmp_path):
    monkeypatch.setenv("POSELOOM_HOME", str(tmp_path))
    assert settings.data_folder() == tmp_path and settings.server_json() == tmp_path / "server.json"
    monkeypatch.delenv("POSELOOM_HOME")
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    for platform, expected in [
        ("linux", "/home/ann/.local/share/poseloom"),
        ("darwin", "/home/ann/Library/Application Support/Poseloom"),
    ]:
        monkeypatch.setattr(sys, "platform", platform)
        assert settings.data_folder().as_posix() == expected
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "C:/Users/ann/AppData/Local")
    assert settings.data_folder().as_posix() == "C:/Users/ann/AppData/Local/Poseloom"


def test_a_note_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "server.json"
    settings.write_note(path, {"a": 1}, mode=0o600)
    with pytest.raises(TypeError):
        settings.write_note(path, {"a": object()}, mode=0o600)
    assert settings.read_note(path) == {"a": 1} and os.listdir(path.parent) == ["server.json"]
