"""Kinds of job for the life-cycle tests, and a backend that knows them.

`python tests/server_kinds.py [--port N] [--hang-s S] ...` runs `poseloom.server.app.serve` with
these beside the real kinds: the documented way to add some.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from poseloom.errors import BadInput, PoseloomError
from poseloom.motion.files import write_bytes
from poseloom.server.kinds import KINDS, Kind


@dataclass(frozen=True)
class Options:
    seconds: float = 0.2
    how: str = ""


def count(files, options, out, report):
    """Progress in small steps, then one result."""
    for step in range(20):
        report(step / 20, f"step {step}")
        time.sleep(options.seconds / 20)
    write_bytes(out / "count.json", b'{"steps": 20}')


def echo(files, options, out, report):
    write_bytes(out / "copy.bin", files["media"].read_bytes())
    write_bytes(out / "name.json", files["media"].name.encode())


def native(files, options, out, report):
    """A temporary file, two children, and then one native call that lasts `seconds`.

    how="gil": the call holds the interpreter's lock, so no Python thread of the process runs.
    """
    report(0.1, "before the call")
    handle, temporary = tempfile.mkstemp(suffix=".half")
    os.write(handle, b"half")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    (out / "half.npz.part").write_bytes(b"half")
    notes = Path(options.how.partition(":")[2])
    write_bytes(notes, f"{os.getpid()} {child.pid} {other.pid} {temporary}".encode())
    library = ctypes.PyDLL(None) if options.how.startswith("gil") else ctypes.CDLL(None)
    library.sleep(int(options.seconds))


def crash(files, options, out, report):
    report(0.5, "about to crash")
    if options.how == "segfault":
        ctypes.string_at(0)
    if options.how == "abort":
        os.abort()
    os._exit(7)


def hang(files, options, out, report):
    report(0.25, "the last sign of life")
    time.sleep(3600)


def fail(files, options, out, report):
    if options.how == "bad_input":
        raise BadInput("no_person", "Nobody was seen in the clip.", "Choose another clip.")
    raise ValueError("the model is upset")


def full(files, options, out, report):
    """Writes a result where the disk is full, for real: /dev/full answers ENOSPC."""
    (out / "motion.npz.part").symlink_to("/dev/full")
    write_bytes(out / "motion.npz", b"x" * 100_000)


def where(files, options, out, report):
    """The process that does the jobs, to see that it stays the same."""
    write_bytes(out / "pid.json", str(os.getpid()).encode())


TEST_KINDS = {
    body.__name__: Kind(f"server_kinds:{body.__name__}", Options, ("media",) if body is echo else (), (), "For tests.")
    for body in (count, echo, native, crash, hang, fail, full, where)
}


def main() -> int:
    from poseloom.server import app, launch

    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int)
    parser.add_argument("--hang-s", type=float, default=60.0)
    parser.add_argument("--upload-limit", type=int, default=8 << 20)
    parser.add_argument("--file-limit", type=int, help="bytes that a file may have (RLIMIT_FSIZE)")
    parser.add_argument("--protocol", type=int)
    arguments = parser.parse_args()
    if arguments.protocol:
        app.PROTOCOL = launch.PROTOCOL = arguments.protocol
    if arguments.file_limit:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (arguments.file_limit, arguments.file_limit))
    try:
        app.serve(
            host=arguments.host,
            port=arguments.port,
            hang_s=arguments.hang_s,
            upload_limit_bytes=arguments.upload_limit,
            kinds={**KINDS, **TEST_KINDS},
            report_ready=lambda address: print(address, flush=True),
        )
    except PoseloomError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
