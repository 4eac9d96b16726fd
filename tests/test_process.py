"""Arguments -> a child process and our ends of its pipes."""

from __future__ import annotations

import errno
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import process
from tests.scripts import script

FAILING_START = """
import os, resource, sys, threading
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import process
def opened():
    return {n for n in range(100) if os.path.exists(f"/proc/self/fd/{n}")}
def refuse(error):
    def refused(*_):
        raise error
    return refused
process.output("/bin/true")
before = opened()
N = len(before)
exec(sys.argv[2])
for _ in range(3):
    try:
        process.start(sys.argv[1], stdin=True, stdout=True)
    except NdpbrError as error:
        print(error)
try:
    print("a child is left:", os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    pass
if opened() != before:
    print("descriptors are left:", opened() - before)
"""


def open_files() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"))


def test_output_is_complete(tmp_path: Path) -> None:
    """Status, standard output and standard error are complete, and arguments arrive unchanged."""
    path = script(tmp_path, 'printf "%s|" "$@"', "head -c 300000 /dev/zero", "echo oh >&2", "exit 3")

    ended = process.output(path, "a b", "*", "'\"")

    assert (ended.status, ended.stderr) == (3, b"oh\n")
    assert ended.stdout == b"a b|*|'\"|" + b"\0" * 300_000


def test_child_that_hangs_is_killed(tmp_path: Path) -> None:
    """After the timeout the child is killed, and the complaint says so after what the child wrote itself."""
    path = script(tmp_path, "echo first", "echo oh >&2", "exec sleep 1000")
    for timeout_s in (0.2, 2.0, 20.0):  # a busy machine may not have started it yet
        ended = process.output(path, timeout_s=timeout_s)
        if "oh" in ended.complaint:
            break

    assert (ended.status, ended.stdout) == (-signal.SIGKILL, b"first\n")
    assert ended.complaint == f"oh\nno answer within {timeout_s:g} s"


@pytest.mark.parametrize(
    ("status", "stderr", "complaint"),
    [
        (2, b"RTNETLINK answers: No such device\n", "RTNETLINK answers: No such device"),
        (2, b"", "ended with status 2"),
        (-9, b" \n", "killed by signal 9"),
    ],
)
def test_complaint_is_never_empty(status: int, stderr: bytes, complaint: str) -> None:
    """A child that failed without a word is described by its end."""
    assert process.Ended(status, b"", stderr).complaint == complaint


def test_pipes_are_open_and_do_not_block(tmp_path: Path) -> None:
    """A child that copies stdin to stdout returns what is written; our ends do not block."""
    child = process.start(script(tmp_path, "exec cat"), stdin=True, stdout=True)
    assert not os.get_blocking(child.fd("stdout"))

    os.write(child.fd("stdin"), b"hello\n")
    select.select([child.fd("stdout")], [], [])
    printed = os.read(child.fd("stdout"), 100)
    child.close()

    assert (printed, child.wait()) == (b"hello\n", 0)
    with pytest.raises(ValueError, match="expected an open stdin, got a closed one"):
        child.fd("stdin")


def test_child_without_stdin_reads_nothing(tmp_path: Path) -> None:
    """A child without a pipe to its stdin does not read ours."""
    assert process.output(script(tmp_path, "exec cat")) == process.Ended(0, b"", b"")


@pytest.mark.parametrize("mode", [None, 0o644])
def test_missing_program_gives_one_line(mode: int | None, tmp_path: Path) -> None:
    """While ip is upgraded it is retried: the error is one line, and no descriptor stays open."""
    path = tmp_path / "ip"
    if mode is not None:
        path.touch(mode)
    before = open_files()

    for _ in range(3):
        with pytest.raises(NdpbrError) as error:
            process.start(str(path), stdin=True, stdout=True)

    assert str(error.value) == f"{path} could not be started: it is missing, or not executable"
    assert open_files() == before


def test_file_that_cannot_be_run_gives_one_line(tmp_path: Path) -> None:
    """A file that the kernel cannot run, or a directory, is an error of one line."""
    (tmp_path / "ip").write_text("\x7fnonsense")
    (tmp_path / "ip").chmod(0o755)

    for path in (tmp_path / "ip", tmp_path):
        with pytest.raises(NdpbrError) as error:
            process.start(str(path), stdin=True, stdout=True)
        assert str(error.value).startswith(f"{path} could not be started: ")
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("talk", ["exec sleep 1000", "for n in 1 2 3 4 5 6 7 8 9; do echo; sleep 0.2; done"])
def test_timeout_is_for_the_whole_run(talk: str, tmp_path: Path) -> None:
    """A child is killed after the timeout, whether it is silent or keeps printing."""
    ended = process.output(script(tmp_path, talk), timeout_s=0.3)

    assert ended.status == -signal.SIGKILL


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        ("os.fork = refuse(OSError(11, 'no room'))", "no room"),
        ("threading.Thread.start = refuse(RuntimeError('no thread'))", "no thread"),
        *(
            (f"resource.setrlimit(resource.RLIMIT_NOFILE, (N + {n}, N + {n}))", os.strerror(errno.EMFILE))
            for n in range(12)
        ),
    ],
)
def test_failed_start_gives_one_line_and_leaves_nothing(trouble: str, sentence: str, tmp_path: Path) -> None:
    """If no process, thread or pipe can be made, the error is one line, and no descriptor or child is left."""
    path = script(tmp_path, "exec sleep 1000")
    words = [sys.executable, "-c", FAILING_START, path, trouble]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()

    assert printed == [f"{path} could not be started: {sentence}"] * 3


STOPPED_EXEC = """
import os, signal, sys
def stopped(*_):
    os.kill(os.getpid(), signal.SIGSTOP)
exec(sys.argv[2])
os.execv = os.execve = stopped
"""


@pytest.mark.parametrize("survives", [False, True], ids=["stopped", "cannot be killed"])
def test_child_that_never_executes_its_program_is_killed_or_abandoned(survives: bool, tmp_path: Path) -> None:
    """A child that stops between fork and exec is killed after some seconds; one that does not die is abandoned."""
    path = script(tmp_path, "exec sleep 1000")
    # The last child of all that stays is killed with its parent.
    immortal = "import ndpbr_py.iproute2.process as p; p.os.kill = lambda pid, n: n == 9 or os.abort()"
    prelude = "kill = os.kill\ndef stopped(*_): kill(os.getpid(), signal.SIGSTOP)\n" + (immortal if survives else "")
    code = STOPPED_EXEC + FAILING_START.split("for _ in range(3):")[0].split("exec(sys")[0].split("process.output")[0]
    code += """
before = opened()
try:
    process.start(sys.argv[1], stdin=True, stdout=True)
except NdpbrError as error:
    print(error)
try:
    print("a child is left" if os.waitpid(-1, os.WNOHANG) == (0, 0) else "a dead child is left")
except ChildProcessError:
    print("no child is left")
print("descriptors are left:", opened() - before)
"""
    words = [sys.executable, "-c", code, path, prelude]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()

    assert printed == [
        f"{path} could not be started: it was not executed within 5 s",
        "a child is left" if survives else "no child is left",
        "descriptors are left: set()",
    ]


def test_children_leave_nothing_behind(tmp_path: Path) -> None:
    """After many children there are as many descriptors and threads as before."""
    path = script(tmp_path, "echo x")
    process.output(path)
    before = open_files()

    for _ in range(20):
        process.output(path)

    assert open_files() == before
    assert threading.active_count() < 10


def test_signal_to_a_child_that_has_ended_is_no_error(tmp_path: Path) -> None:
    """A child may end at any time; its pid is never signalled once it could be that of another process."""
    child = process.start(script(tmp_path, "exit 0"))
    child.wait()

    child.signal(signal.SIGKILL)

    assert child.wait() == 0
    child.close()


def test_child_dies_with_its_parent(tmp_path: Path) -> None:
    """Even if the parent is killed with SIGKILL, its child ends."""
    code = (
        "import sys, time\nfrom ndpbr_py.iproute2 import process\n"
        "child = process.start(sys.argv[1])\nprint(child.pid, flush=True)\ntime.sleep(1000)"
    )
    path = script(tmp_path, "exec sleep 1000")
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()

    assert select.select([child], [], [], 20.0)[0] == [child]
    os.close(child)
