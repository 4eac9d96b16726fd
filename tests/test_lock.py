"""One daemon a pid file, one an interface."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ndpbr_py.errors import NdpbrError
from ndpbr_py.system.lock import NamespaceLocks, PidFile, running

HOLD = """
import sys
from pathlib import Path
from ndpbr_py.system.lock import PidFile
held = PidFile(Path(sys.argv[1]))
print(flush=True)
sys.stdin.read()
held.remove()
"""


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Yield the pid of a process that holds the pid file *path*, and ends as a daemon does."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child.pid


def test_pid_file_names_the_daemon_while_it_runs(tmp_path: Path) -> None:
    """The file holds the pid, and is nobody else's to read; it goes with the daemon."""
    path = tmp_path / "run" / "ndpbr.pid"

    with held(path) as pid:
        assert (running(path), path.read_text()) == (pid, f"{pid}\n")
        assert oct(path.stat().st_mode & 0o777) == "0o600"

    assert (running(path), path.exists()) == (None, False)


def test_second_daemon_is_refused(tmp_path: Path) -> None:
    """A pid file has one daemon, and the kernel says which, whatever stands in the file."""
    path = tmp_path / "ndpbr.pid"
    with held(path) as pid:
        path.write_text("1\n")
        with pytest.raises(NdpbrError) as error:
            PidFile(path)

    assert str(error.value) == f"ndpbr runs already, as pid {pid} ({path})"


@pytest.mark.parametrize("lock", ["flock(file, fcntl.LOCK_EX)", "lockf(file, fcntl.LOCK_SH)"])
def test_lock_that_anybody_can_take_is_no_daemon(lock: str, tmp_path: Path) -> None:
    """Who may only read a stale pid file cannot make its number look like a daemon's."""
    path = tmp_path / "ndpbr.pid"
    path.write_text(f"{os.getpid()}\n")
    code = f"import fcntl, sys\nfile = open(sys.argv[1])\nfcntl.{lock}\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()

        assert running(path) is None


def test_who_looks_is_not_in_the_way(tmp_path: Path) -> None:
    """However often somebody asks for the daemon meanwhile, one can start."""
    path = tmp_path / "ndpbr.pid"
    path.touch()
    code = "import sys\nfrom pathlib import Path\nfrom ndpbr_py.system.lock import running\nprint(flush=True)\n"
    code += "while True: running(Path(sys.argv[1]))"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        try:
            for _ in range(1000):
                path.touch()
                PidFile(path).remove()
        finally:
            child.kill()


@pytest.mark.parametrize("text", ["", "garbage\n", f"{os.getpid()}\n", "99999999999999999999999\n"])
def test_stale_pid_file_is_no_daemon(text: str, tmp_path: Path) -> None:
    """A file that nobody holds is stale, whatever process has its number now; it is taken over."""
    path = tmp_path / "ndpbr.pid"
    path.write_text(text)

    assert running(path) is None
    PidFile(path).remove()


def test_killed_daemon_holds_nothing(tmp_path: Path) -> None:
    """However a daemon ends, its pid file is free."""
    path = tmp_path / "ndpbr.pid"
    with held(path) as pid:
        found = running(path)
        os.kill(pid, signal.SIGKILL)

    assert (found, path.exists()) == (pid, True)
    assert running(path) is None


def test_pid_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    """Who puts a link in our way does not have us write elsewhere."""
    victim, path = tmp_path / "victim", tmp_path / "ndpbr.pid"
    victim.write_text("untouched")
    path.symlink_to(victim)

    with pytest.raises(NdpbrError, match=r"^the pid file .* could not be written: "):
        PidFile(path)
    with pytest.raises(NdpbrError, match=r"^the pid file .* could not be read: "):
        running(path)
    assert victim.read_text() == "untouched"


def test_name_has_one_owner() -> None:
    """An interface that another ndpbr has is refused, and its pid is named; nothing is held then."""
    first = NamespaceLocks(["test interface lan0"])

    with pytest.raises(NdpbrError) as error:
        NamespaceLocks(["test interface lan1", "test interface lan0"])

    assert str(error.value) == f"another ndpbr, pid {os.getpid()}, has test interface lan0 already"
    NamespaceLocks(["test interface lan1"]).release()
    first.release()
    NamespaceLocks(["test interface lan0"]).release()


def test_name_is_refused_however_often_it_is_asked_for() -> None:
    """A supervisor that starts a second daemon for ever is refused each time, and at once."""
    first = NamespaceLocks(["test interface lan0"])
    said = []
    for _ in range(200):
        with pytest.raises(NdpbrError) as error:
            NamespaceLocks(["test interface lan0"])
        said.append(str(error.value))
    first.release()

    assert said[9] == f"another ndpbr, pid {os.getpid()}, has test interface lan0 already"
    assert said[-1] == "another ndpbr, pid unknown, has test interface lan0 already"
