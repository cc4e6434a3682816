"""The backend's door: who may call and how much they may send, ports, and the truth of the OpenAPI document."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys

import psutil
import pytest

pytest.importorskip("fastapi")

from backend_process import Backend, runs, wait_for  # noqa: E402
from poseloom import PROTOCOL, __version__, client, settings  # noqa: E402
from poseloom.errors import BadInput  # noqa: E402
from poseloom.server import launch  # noqa: E402


@pytest.fixture(scope="module")
def backend(tmp_path_factory):
    running = Backend(tmp_path_factory.mktemp("home"))
    yield running
    running.stop()


# -- who may call, and how much -------------------------------------------------------------


def test_no_call_is_answered_without_the_token(backend):
    documented = [(verb.upper(), route) for route, verbs in backend.document["paths"].items() for verb in verbs]
    assert {("GET", "/health"), ("POST", "/shutdown")} <= set(documented)
    for verb, target in [*documented, ("GET", "/openapi.json"), ("GET", "/nowhere")]:
        for token in ("", "wrong", backend.note["token"][:-1]):
            status, body = backend.call(verb, target.format(job="a", name="b"), token=token)
            answer = json.loads(body)
            assert status == 401 and answer["code"] == "wrong_token"
            assert not {__version__, str(backend.port), backend.note["token"]} & set(str(answer).split())
    assert runs(backend.process.pid)
    status, body = backend.call("GET", "/health")
    assert status == 200 and json.loads(body) == {"version": __version__, "protocol": PROTOCOL}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8797", "127.0.0.1.evil.example", "[::1", "10.0.0.1"])
def test_a_foreign_host_is_refused_even_with_the_token(backend, host):
    for target in ("/health", "/jobs"):
        status, body = backend.call("GET", target, host=host)
        assert status == 403 and json.loads(body)["code"] == "wrong_host"


def test_the_backend_listens_on_loopback_alone(backend):
    listening = [c for c in psutil.Process(backend.process.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert [(c.laddr.ip, c.laddr.port) for c in listening] == [("127.0.0.1", backend.port)]
    if sys.platform == "linux":  # all of 127/8 is this computer: a socket on 0.0.0.0 would answer there
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", backend.port), timeout=5)


def test_server_json_is_private_and_the_token_is_in_no_other_file(backend):
    note = backend.note
    assert set(note) == {"host", "port", "token", "pid", "version", "protocol"} and len(note["token"]) >= 32
    assert stat.S_IMODE(os.stat(settings.server_json(backend.home)).st_mode) == 0o600
    backend.call("GET", f"/jobs/{note['token']}", token="")  # even one that is sent in the wrong place
    backend.run("fail")
    for folder, _, names in os.walk(backend.home):
        for name in names:
            path = os.path.join(folder, name)
            if path != str(settings.server_json(backend.home)):
                assert note["token"].encode() not in open(path, "rb").read(), path


def test_the_server_process_loads_no_model_library(backend):
    loaded = " ".join(region.path for region in psutil.Process(backend.process.pid).memory_maps())
    assert "python" in loaded and not any(name in loaded for name in ("mediapipe", "cv2", "scipy", "torch", "/av/"))
    code = "import sys, poseloom.server.app; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"mediapipe", "cv2", "scipy", "torch", "av", "bpy"} & set(modules)
    assert psutil.Process(backend.process.pid).memory_info().rss < 160e6


def test_uploads_are_limited_streamed_and_whole(backend, tmp_path):
    uploads = settings.uploads_folder(backend.home)
    before = set(os.listdir(uploads))
    for chunked in (False, True):
        body = (b"x" * (1 << 20) for _ in range(10)) if chunked else b"x" * (10 << 20)
        status, answer = backend.call("POST", "/uploads?name=big.mp4", body, chunked=chunked)
        assert status == 413 and "8 MB" in json.loads(answer)["message"]
    with socket.create_connection(("127.0.0.1", backend.port)) as sock:  # one that breaks off
        token = backend.note["token"]
        head = f"POST /uploads?name=a.mp4 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        sock.sendall(f"{head}Content-Length: 1000000\r\n\r\n".encode() + b"x" * 500_000)
        wait_for(lambda: set(os.listdir(uploads)) - before)
    wait_for(lambda: set(os.listdir(uploads)) == before)
    status, answer = backend.call("POST", "/uploads?name=..%2F..%2Fclip%3A.mp4", b"abc")
    assert status == 201
    upload = json.loads(answer)
    assert (uploads / upload["id"] / upload["name"]).read_bytes() == b"abc" and "/" not in upload["name"]
    status, answer = backend.call("POST", "/uploads?name=%2E%2E", b"abc")
    assert status == 422 and json.loads(answer)["code"] == "bad_name"
    status, answer = backend.call("POST", "/jobs", {"kind": "count", "options": {"how": "x" * (2 << 20)}})
    assert status == 413


def test_a_full_disk_refuses_the_upload_with_a_sentence(tmp_path):
    backend = Backend(tmp_path, "--file-limit", str(3 << 20))
    try:
        status, answer = backend.call("POST", "/uploads?name=big.mp4", b"x" * (5 << 20))
        assert status == 507 and json.loads(answer)["code"] == "disk_full"
        assert os.listdir(settings.uploads_folder(tmp_path)) == []
    finally:
        backend.stop()


def test_a_fault_of_ours_is_a_sentence_too(tmp_path):
    backend = Backend(tmp_path)
    try:
        settings.uploads_folder(tmp_path).rmdir()
        settings.uploads_folder(tmp_path).write_text("a file where a folder should be")
        status, answer = backend.call("POST", "/uploads?name=a.mp4", b"abc")
        assert status == 500 and json.loads(answer)["code"] == "internal"
        assert "NotADirectoryError" in (settings.logs_folder(tmp_path) / "backend.log").read_text()
        assert backend.run("count").state == "done"
    finally:
        backend.stop()


def test_on_other_addresses_files_are_uploaded_and_paths_refused(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # sends nothing: asks which address would be used
        except OSError:
            pytest.skip("this computer has no other address")
        address = sock.getsockname()[0]
    backend = Backend(tmp_path, "--host", "0.0.0.0")
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"abc")
    try:
        there = client.Client(f"{address}:{backend.port}", backend.note["token"])
        assert list(there.watch(there.submit("echo", {"media": clip})))[-1].state == "done"
        with pytest.raises(BadInput) as caught:
            there._json("POST", "/jobs", {"kind": "echo", "files": {"media": {"path": str(clip)}}})
        assert caught.value.code == "not_local"
        assert backend.call("GET", "/jobs", host="evil.example")[0] == 403
        assert client.find_backend(tmp_path).address == f"http://127.0.0.1:{backend.port}"
    finally:
        backend.stop()


# -- ports and folders ----------------------------------------------------------------------


def test_a_port_asked_for_and_taken_is_refused_another_is_found(tmp_path):
    with launch.listen("127.0.0.1", None) as taken:
        port = taken.getsockname()[1]
        words = Backend.refused(tmp_path, "--port", str(port))
        assert f"Port {port}" in words and "--port" in words
        with launch.listen("127.0.0.1", None) as other:
            assert other.getsockname()[1] > port >= launch.DEFAULT_PORT
    assert not settings.server_json(tmp_path).exists()


def test_an_address_or_folder_that_cannot_be_used_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "odd" / "server.lock").mkdir(parents=True)
    for home, arguments, words in [
        (tmp_path / "file" / "home", (), "cannot be written"),
        (tmp_path / "odd", (), "cannot be written"),
        (tmp_path / "home", ("--port", "99999"), "99999"),
        (tmp_path / "home", ("--host", "192.0.2.1"), "192.0.2.1"),
    ]:
        assert words in Backend.refused(home, *arguments)


def test_one_backend_a_data_folder(backend):
    words = Backend.refused(backend.home)
    assert "already runs" in words and str(backend.port) in words
    assert backend.client.health()


# -- the OpenAPI document ---------------------------------------------------------------------


def test_every_route_answers_as_the_openapi_document_says(backend, tmp_path):
    call, clip = backend.call, tmp_path / "clip.mp4"
    clip.write_bytes(b"abc")

    def code(status, verb, target, body=None):
        answer = call(verb, target, body)
        assert answer[0] == status, answer
        return json.loads(answer[1])["code"]

    submit = lambda **body: ("POST", "/jobs", body)  # noqa: E731
    assert code(422, *submit(kind="nonsense")) == "unknown_kind"
    assert code(422, *submit(kind="count", files={"media": {"path": str(clip)}})) == "wrong_files"
    assert code(422, *submit(kind="echo")) == "wrong_files"
    assert code(422, *submit(kind="echo", files={"media": {"path": "clip.mp4"}})) == "not_absolute"
    assert code(422, *submit(kind="echo", files={"media": {"path": str(tmp_path / "no.mp4")}})) == "no_file"
    assert code(422, *submit(kind="echo", files={"media": {"upload": "../../etc"}})) == "unknown_upload"
    assert code(422, *submit(kind="echo", files={"media": {}})) == "bad_request"
    assert code(422, *submit(kind="count", options={"secnds": 1.0})) == "unknown_option"
    assert code(422, *submit(kind="count", options={"seconds": "long"})) == "bad_option"
    assert code(422, *submit(kind="count", more=1)) == "bad_request"
    assert code(422, "POST", "/jobs", [1]) == "bad_request"
    assert code(422, *submit(kind="count", options={"seconds": float("nan")})) == "bad_option"
    assert code(422, "POST", "/uploads", {"a": 1}) == "bad_request"
    for verb, target in [
        ("GET", "/jobs/none"), ("GET", "/jobs/none/events"), ("POST", "/jobs/none/cancel"),
        ("GET", "/jobs/none/results/a.npz"),
    ]:  # fmt: skip
        assert code(404, verb, target) == "unknown_job"
    assert code(404, "GET", "/nowhere") == "bad_request"
    assert code(405, "DELETE", "/jobs") == "bad_request"

    running = json.loads(call(*submit(kind="count", options={"seconds": 20.0}))[1])["id"]
    assert code(409, "GET", f"/jobs/{running}/results/count.json") == "not_done"
    assert call("POST", f"/jobs/{running}/cancel")[0] == 200
    assert code(409, "GET", f"/jobs/{running}/results/count.json") == "not_done"
    upload = json.loads(call("POST", "/uploads?name=clip.mp4", b"abc")[1])["id"]
    job = json.loads(call(*submit(kind="echo", files={"media": {"upload": upload}}))[1])["id"]
    assert b'"done"' in call("GET", f"/jobs/{job}/events")[1]
    assert call("GET", f"/jobs/{job}/results/copy.bin") == (200, b"abc")
    assert code(404, "GET", f"/jobs/{job}/results/..%2Fx") == "bad_request"
    assert code(404, "GET", f"/jobs/{job}/results/x.npz") == "unknown_result"
    failed = backend.run("fail").id
    for target in ("/health", "/methods", "/estimators", "/jobs", f"/jobs/{job}", f"/jobs/{failed}", f"/jobs/{running}"):
        assert call("GET", target)[0] == 200

    routes = {(verb, route) for route, verbs in backend.document["paths"].items() for verb in verbs}
    answered = {(verb, route) for verb, route, status in backend.seen if status < 300}
    assert routes - answered == {("post", "/shutdown")}  # tried by the client's tests
    for verb, route in routes:
        assert backend.document["paths"][route][verb]["security"] == [{"HTTPBearer": []}]
