"""The program as a process: signals, pipes, full disks, closed descriptors, cron."""

import array
import fcntl
import io
import json
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from helpers import payload, write

FULL = Path("/dev/full")
GLACIER = [sys.executable, "-m", "glaciercli"]


def start(*words, **options):
    return subprocess.Popen(
        [*GLACIER, *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finish(*words, redirected="", limit="-c 0", **options):
    """Run to the end, as a shell does: with its redirections, and what its ulimit takes."""
    script = f'ulimit {limit}; exec "$@" {redirected}'
    line = ["/bin/sh", "-c", script, "sh", *GLACIER, *map(str, words)]
    return subprocess.run(
        line,
        check=False,
        **{"capture_output": True, "text": True, "stdin": subprocess.DEVNULL, **options},
    )


@pytest.fixture
def slow_upload(glacier, engine, tmp_path):
    """An upload that hangs in the middle, as long as nobody stops it."""
    glacier("vault", "create", "photos")
    file = write(tmp_path / "big.tar", payload(3 << 20))
    fault = engine.faults.add("UploadMultipartPart", kind="delay", seconds=30, skip=1)
    process = start("upload", file, "-V", "photos", "--part-size", "1MiB", "--workers", "1")
    deadline = time.monotonic() + 20
    while not engine.faults.delivered(fault):
        assert time.monotonic() < deadline, process.communicate()
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    yield process, file
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_transfer_in_time_with_the_line_that_goes_on(glacier, slow_upload, number):
    process, file = slow_upload
    began = time.monotonic()
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=10)

    assert time.monotonic() - began < 5
    assert process.returncode == 128 + number
    assert stdout == ""
    assert "hint: what was done is kept, and the same command goes on: glacier upload" in stderr
    assert f"glacier upload {file} -V photos" in stderr

    assert glacier("upload", file, "-V", "photos", "--output", "json").json["size"] == 3 << 20
    assert glacier("upload", "list", "-V", "photos", "--output", "json").json == []


_IMPORTS = """
import os, pathlib, signal, sys, threading
from importlib.util import LazyLoader, module_from_spec, spec_from_file_location
from glaciercli.cli import boundary, signals
from glaciercli.cli.app import App

path = pathlib.Path(sys.argv[1])
path.write_text("import os, signal; os.kill(os.getpid(), signal.SIGTERM); whole = True")
spec = spec_from_file_location("lazy", path)
spec.loader = LazyLoader(spec.loader)
sys.modules["lazy"] = module_from_spec(spec)
spec.loader.exec_module(sys.modules["lazy"])

def work():
    from lazy import whole
    print(whole, flush=True)
    while True:
        signal.pause()

signals.catch_signals(threading.Event(), ["x"])
os._exit(boundary.run(work, App(), ["x"]))
"""


def test_a_signal_in_the_middle_of_an_import_waits_for_its_end(tmp_path):
    """The interpreter forgets what a lazy module raises, and goes on with half of it."""
    run = subprocess.run(
        [sys.executable, "-c", _IMPORTS, str(tmp_path / "lazy.py")],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert (run.returncode, run.stdout) == (128 + signal.SIGTERM, "True\n"), run.stderr
    assert "glacier x" in run.stderr


def test_a_signal_before_there_is_anything_to_say_leaves_no_traceback():
    early = """
import os, signal, sys
from glaciercli.__main__ import main

class Early:
    def find_spec(self, name, *_):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Early())
main()
"""
    run = subprocess.run(
        [sys.executable, "-c", early], check=False, capture_output=True, text=True, timeout=20
    )

    assert (run.returncode, run.stderr) == (-signal.SIGINT, "")


_LOCKED = """
import os, signal, sys, threading, time
from glaciercli.cli import boundary, signals
from glaciercli.cli.app import App

def run(moment):
    app, seen = App(threading.Event()), 0

    def trace(frame, event, _):
        nonlocal seen
        if frame.f_code.co_filename != threading.__file__:
            return None
        if event == "line":
            seen += 1
            if seen == moment:
                os.kill(os.getpid(), signal.SIGTERM)
        return trace

    def work():
        sys.settrace(trace)
        app.stop.wait(0.001)
        threading.Thread(target=int, daemon=True).start()
        sys.settrace(None)
        if seen < moment:
            os._exit(0)
        while True:
            signal.pause()

    signals.catch_signals(app.stop, ["x"])
    os._exit(boundary.run(work, app, ["x"]))

def ended(child):
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs"

moment, codes = 0, []
while not codes or codes[-1] != 0:
    moment += 1
    child = os.fork()
    codes.append(ended(child) if child else run(moment))
print(*codes)
"""


def test_a_signal_ends_a_run_that_holds_a_lock_of_threading():
    """At each line that waiting for an event and starting a thread run with a lock in hand."""
    run = subprocess.run(
        [sys.executable, "-c", _LOCKED], check=False, capture_output=True, text=True, timeout=60
    )

    *codes, last = run.stdout.split()
    assert last == "0", run.stderr
    assert len(codes) > 20
    assert set(codes) == {"143"}, codes


def test_a_second_signal_ends_it_at_once(slow_upload):
    process, _ = slow_upload
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)

    process.communicate(timeout=5)
    assert process.returncode == 130


def test_a_second_signal_leaves_the_line_that_goes_on():
    """`timeout` sends its signal twice: to the program, and to the group that it is in."""
    twice = """
import os, signal, threading
from glaciercli.cli.signals import catch_signals
from glaciercli.errors import Interrupted

catch_signals(threading.Event(), ["upload", "big.tar"])
try:
    os.kill(os.getpid(), signal.SIGTERM)
except Interrupted:
    os.kill(os.getpid(), signal.SIGTERM)
"""
    run = subprocess.run(
        [sys.executable, "-c", twice], check=False, capture_output=True, text=True, timeout=20
    )

    assert run.returncode == 128 + signal.SIGTERM
    assert "hint: what was done is kept, and the same command goes on: " in run.stderr
    assert run.stderr.endswith(": glacier upload big.tar\n")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_pipe_that_takes_little_at_a_time_gets_all(glacier, tmp_path, monkeypatch, unbuffered):
    """Made non-blocking by whoever made it; and Python, told to be unbuffered, writes just once."""
    data = payload(3 << 20)
    glacier("vault", "create", "photos")
    glacier("upload", write(tmp_path / "big.tar", data), "-V", "photos")
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    words = ["archive", "download", "big.tar", "-", "-V", "photos", "-q"]
    with io.FileIO(ours) as pipe, subprocess.Popen([*GLACIER, *words], stdout=theirs) as process:
        os.close(theirs)
        deadline, full = time.monotonic() + 20, fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
        while array.array("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0] < full:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        got = pipe.readall()

    assert (process.returncode, got == data) == (0, True)


def test_text_is_read_from_a_pipe_that_has_nothing_yet(glacier):
    glacier("vault", "create", "photos")
    theirs, ours = os.pipe()
    os.set_blocking(theirs, False)
    words = [*GLACIER, "policy", "set", "photos", "-"]
    with subprocess.Popen(words, stdin=theirs, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20
        while not os.get_blocking(theirs) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.close(theirs)
        os.write(ours, b"{")
        os.close(ours)

        assert "is not JSON" in process.stderr.read()


def test_a_pipe_that_is_closed_is_no_success(glacier):
    glacier("vault", "create", "photos")
    read, write_end = os.pipe()
    os.close(read)

    run = finish("vault", "list", capture_output=False, stdout=write_end, stderr=subprocess.PIPE)

    os.close(write_end)
    assert (run.returncode, run.stderr) == (141, "")


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_full_disk_is_no_success(glacier, form):
    glacier("vault", "create", "photos")
    with FULL.open("w") as full:
        run = finish(
            "vault", "list", "--output", form, capture_output=False, stdout=full,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    assert run.returncode == 5
    assert "No space left on device" in run.stderr


@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"])
def test_a_result_that_could_not_be_printed_is_printed_by_the_next_run(
    glacier, tmp_path, monkeypatch, stdout
):
    """And costs nothing twice: no archive, no retrieval."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.bin", b"x" * 1000)
    glacier("vault", "create", "photos")
    for words in (
        ("upload", "a.bin", "-V", "photos"),
        ("archive", "list", "-V", "photos"),
        ("archive", "download", "a.bin", "b.bin", "-V", "photos"),
        ("archive", "download", "a.bin", "-", "-V", "photos"),
    ):
        run = finish(*words, "--output", "json", redirected=stdout)
        assert (run.returncode, run.stdout) == (5, ""), run.stderr
        assert "No space left" in run.stderr or "closed" in run.stderr or "Bad file" in run.stderr
        assert finish(*words, "--output", "json").returncode == 0

    assert (tmp_path / "b.bin").read_bytes() == b"x" * 1000
    assert len(glacier("archive", "list", "-V", "photos", "--output", "json").ids) == 1
    assert len(glacier("job", "list", "-V", "photos", "--output", "json").json) == 1


def test_a_stderr_that_is_full_stops_no_work(glacier, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.bin", b"x" * 1000)
    glacier("vault", "create", "photos")
    glacier("upload", "a.bin", "-V", "photos")
    words = ("archive", "download", "a.bin", "b.bin", "-V", "photos")  # says that it costs
    run = finish(*words, redirected="2>/dev/full")

    assert run.returncode == 0, run.stdout
    assert (tmp_path / "b.bin").read_bytes() == b"x" * 1000


@pytest.mark.slow
def test_memory_does_not_grow_with_the_parts(glacier, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    glacier("vault", "create", "photos")
    with (tmp_path / "big.tar").open("wb") as file:
        file.truncate(512 << 20)
    limit = "-v 480000"  # KiB of addresses, of which threads take most; four parts need more

    for words in (
        ("upload", "big.tar", "--part-size", "128MiB", "--workers", "4", "-V", "photos"),
        ("archive", "download", "big.tar", "restored.tar", "--workers", "4", "-V", "photos"),
    ):
        run = finish(*words, limit=limit)
        assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_descriptor_is_not_taken_by_a_database(glacier, closed):
    glacier("vault", "create", "photos")

    close = f"{closed}{'<' if closed == 0 else '>'}&-"
    run = finish("vault", "list", "--output", "json", redirected=close)

    assert run.returncode == (5 if closed == 1 else 0)
    if closed != 1:
        assert json.loads(run.stdout)[0]["VaultName"] == "photos"


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("upload - <&-", 5, "stdin is closed"),
        ("treehash - <&-", 5, "stdin is closed"),
        ("policy set - <&-", 5, "stdin is closed"),
        ("archive download a.bin - >&-", 5, "stdout is closed"),
        ("job output id - >&-", 5, "stdout is closed"),
        ("upload a.bin 2>&-", 0, ""),
        ("vault delete 2>&-", 2, ""),
        ("vault list --local-root here", 5, "current directory: No such file"),
        ("vault list", 0, ""),
    ],
)
def test_what_is_closed_or_gone_is_no_bug(glacier, tmp_path, monkeypatch, line, code, said):
    monkeypatch.setenv("GLACIER_VAULT", "photos")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    file = write(tmp_path / "a.bin", payload(10))
    glacier("vault", "create")
    glacier("upload", file)
    job = glacier("job", "start", "archive", "a.bin", "--output", "json").json["JobId"]
    here = tmp_path / "here"
    here.mkdir()
    line = line.replace("upload a.bin", f"upload {file}").replace(" id ", f" {job} ")

    script = f"cd {here} && rmdir {here} && exec {' '.join(GLACIER)} {line}"
    ended = subprocess.run(["/bin/sh", "-c", script], check=False, capture_output=True, text=True)

    assert (ended.returncode, said in ended.stderr) == (code, True), ended.stderr


def test_cron_has_no_terminal_no_home_and_no_locale(glacier, home, tmp_path):
    environ = {
        "PATH": os.environ["PATH"],
        "LANG": "C",
        "GLACIER_HOME": str(home),
        "GLACIER_LOCAL": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    glacier("vault", "create", "photos")
    file = write(tmp_path / "Zürich.tar", payload(2000))

    run = finish("upload", file, "-V", "photos", "--quiet", "--output", "json", env=environ)

    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout)["name"] == "Zürich.tar"
    asked = finish("vault", "delete", "photos", env=environ)
    assert (asked.returncode, "--yes" in asked.stderr) == (2, True)
