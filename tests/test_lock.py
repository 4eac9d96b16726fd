"""One daemon per pid file, per interface and per protocol number."""

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
from ndpbr_py.system.lock import NamespaceLocks, PidFile, SharedSettingLock, running
from tests.lab import Host, Lab

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
    """The file holds the pid, only its owner may read it, and it is removed at the stop."""
    path = tmp_path / "run" / "ndpbr.pid"

    with held(path) as pid:
        assert (running(path), path.read_text()) == (pid, f"{pid}\n")
        assert oct(path.stat().st_mode & 0o777) == "0o600"

    assert (running(path), path.exists()) == (None, False)


def test_second_daemon_is_refused(tmp_path: Path) -> None:
    """A pid file has one daemon, which the kernel names, whatever the file says."""
    path = tmp_path / "ndpbr.pid"
    with held(path) as pid:
        path.write_text("1\n")
        with pytest.raises(NdpbrError) as error:
            PidFile(path)

    assert str(error.value) == f"ndpbr is already running, pid {pid} ({path})"


@pytest.mark.parametrize("lock", ["flock(file, fcntl.LOCK_EX)", "lockf(file, fcntl.LOCK_SH)"])
def test_lock_for_reading_is_no_daemon(lock: str, tmp_path: Path) -> None:
    """A user that may only read a stale pid file cannot make its number look like a daemon's."""
    path = tmp_path / "ndpbr.pid"
    path.write_text(f"{os.getpid()}\n")
    code = f"import fcntl, sys\nfile = open(sys.argv[1])\nfcntl.{lock}\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()

        assert running(path) is None


def test_query_does_not_block_a_start(tmp_path: Path) -> None:
    """A daemon can start however often others ask for the running one meanwhile."""
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


@pytest.mark.parametrize(
    "text", ["", "garbage\n", f"{os.getpid()}\n", "9" * 23 + "\n"], ids=["empty", "text", "ours", "huge"]
)
def test_stale_pid_file_is_no_daemon(text: str, tmp_path: Path) -> None:
    """A file without a lock is stale, whatever process has its number now; it is replaced."""
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
    """A link in the place of the pid file is an error: its target is not written."""
    victim, path = tmp_path / "victim", tmp_path / "ndpbr.pid"
    victim.write_text("untouched")
    path.symlink_to(victim)

    with pytest.raises(NdpbrError, match=r"^cannot write the pid file .*: "):
        PidFile(path)
    with pytest.raises(NdpbrError, match=r"^cannot read the pid file .*: "):
        running(path)
    assert victim.read_text() == "untouched"


def test_name_has_one_owner() -> None:
    """A name that another ndpbr holds is refused with the holder's pid, and none of the other names stays locked."""
    first = NamespaceLocks(["test interface lan0"])

    with pytest.raises(NdpbrError) as error:
        NamespaceLocks(["test interface lan1", "test interface lan0"])

    assert str(error.value) == f"test interface lan0 is already in use by another ndpbr, pid {os.getpid()}"
    NamespaceLocks(["test interface lan1"]).release()
    first.release()
    NamespaceLocks(["test interface lan0"]).release()


def test_name_is_refused_again_and_again() -> None:
    """A supervisor that starts a second daemon again and again is refused each time, without blocking."""
    first = NamespaceLocks(["test interface lan0"])
    said = []
    for _ in range(200):
        with pytest.raises(NdpbrError) as error:
            NamespaceLocks(["test interface lan0"])
        said.append(str(error.value))
    first.release()

    assert said[9] == f"test interface lan0 is already in use by another ndpbr, pid {os.getpid()}"
    assert said[-1] == "test interface lan0 is already in use by another ndpbr, pid unknown"


def test_setting_is_shared_per_namespace(lab: Lab) -> None:
    """Instances of one network namespace see each other and the values found; those of another do not."""
    router, other = lab.host("router"), lab.host("other")
    first, second = _joined(router, 135, found=0), _joined(router, 255, found=1)
    stranger = _joined(other, 136, found=0)
    seen = [(lock.others(), lock.others(0), lock.others(1)) for lock in (first, second, stranger)]
    first.leave()

    assert seen == [(True, False, True), (True, True, False), (False, False, False)]
    assert not second.others()


def _joined(host: Host, protocol: int, found: int) -> SharedSettingLock:
    lock = SharedSettingLock(Path("/proc/sys/net/ipv6/conf/all/proxy_ndp"), protocol)

    def join() -> None:
        with lock.transition():
            lock.join(found)

    host.inside(join)
    return lock
