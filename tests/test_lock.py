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
from ndpbr_py.system.lock import SETTINGS, PidFile, SharedSettingLock, locked, running
from tests.conftest import Start
from tests.home import Home
from tests.lab import TIMEOUT_S, Host, Lab
from tests.observed import settings
from tests.program import ROOT, can_become_a_user

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

    assert str(error.value) == (
        f"already running (pid {pid}); for a second instance use another --protocol, --pidfile, --state-dir"
    )


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


def test_name_has_one_owner(lab: Lab) -> None:
    """A name that another ndpbr holds is refused with the holder's pid, and none of the other names stays locked."""
    router, other = lab.host("router"), lab.host("other")
    with names_held(router, "interface lan0") as pid:
        refused = _names(router, "interface lan1", "interface lan0")
        free = _names(router, "interface lan1"), _names(other, "interface lan0")
        seen = router.inside(lambda: locked(["interface lan0", "interface lan1"]))

    assert refused == f"interface lan0 is already in use by another ndpbr, pid {pid}"
    assert free == ("", "")
    assert seen == ["interface lan0"]
    assert _names(router, "interface lan0") == ""


ABSTRACT = """
for kind, name in ((socket.SOCK_STREAM, "interface wan0"), (socket.SOCK_DGRAM, "protocol 135")):
    bound = socket.socket(socket.AF_UNIX, kind)
    bound.bind("\\0ndpbr/" + name)
    globals()[name] = bound
"""
RECORD = """
held = []
for path in glob.glob("/proc/sys/net/ipv6/conf/*/*") + glob.glob("/run/ndpbr/*"):
    for flags in ("r", "r+"):
        try:
            held.append(open(path, flags))
            fcntl.lockf(held[-1], fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pass
"""


@pytest.mark.parametrize("take", [ABSTRACT, RECORD], ids=["the old names", "every file that can be opened"])
def test_unprivileged_user_cannot_keep_a_daemon_from_starting(home: Home, daemon: Start, take: str) -> None:
    """Whatever a user without privileges locks, the daemon starts, and restores its settings."""
    before = settings(home.router, "wan0", "lan0")
    become = "import fcntl, glob, os, socket, sys\nos.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    code = f"{become}{take}\nprint(flush=True)\n"
    holder = home.router.spawn(
        sys.executable, "-c", code + "sys.stdin.read()", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None and holder.stdout.readline() == "\n"

    assert daemon(home.router, "wan0", "lan0").stop() == 0
    assert settings(home.router, "wan0", "lan0") == before
    assert holder.poll() is None


def test_daemons_of_two_users_find_each_other(lab: Lab) -> None:
    """A service's user with CAP_NET_ADMIN cannot take what root holds, and the other way round."""
    if not can_become_a_user():
        pytest.skip("setpriv (util-linux) is not installed")
    router = lab.host("router")
    words = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    rights = ("--inh-caps=+net_admin", "--ambient-caps=+net_admin")
    with names_held(router, "protocol 135") as pid:
        refused = _names(router, "protocol 135", become=(*words, *rights))
        powerless = _names(router, "protocol 135", become=words)

    assert refused == f"protocol 135 is already in use by another ndpbr, pid {pid}"
    assert powerless == ""  # it holds nothing, and cannot change anything
    with names_held(router, "protocol 135", become=(*words, *rights)) as pid:
        assert _names(router, "protocol 135") == f"protocol 135 is already in use by another ndpbr, pid {pid}"


TAKE = """
import sys
from ndpbr_py.errors import NdpbrError
from ndpbr_py.system.lock import NamespaceLocks
try:
    held = NamespaceLocks(sys.argv[1:])
except NdpbrError as error:
    print(error, flush=True)
else:
    print(flush=True)
sys.stdin.read()
"""


def _names(host: Host, *names: str, become: tuple[str, ...] = ()) -> str:
    """Return the error of a process that locks *names* and ends."""
    return host.run(*become, sys.executable, "-c", TAKE, *names, input="", cwd=ROOT).stdout.strip()


@contextmanager
def names_held(host: Host, *names: str, become: tuple[str, ...] = ()) -> Iterator[int]:
    """Yield the pid of a process that holds *names*."""
    words = (*become, sys.executable, "-c", TAKE, *names)
    child = host.spawn(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None and child.stdout.readline() == "\n"
    yield child.pid
    child.communicate("", timeout=TIMEOUT_S)


def test_setting_is_shared_per_namespace(lab: Lab) -> None:
    """Instances of one network namespace see each other and the original values; those of another do not."""
    router, other = lab.host("router"), lab.host("other")
    first, second = _joined(router, 135, original=0), _joined(router, 255, original=1)
    stranger = _joined(other, 136, original=0)
    seen = [(lock.others(), lock.others(0), lock.others(1)) for lock in (first, second, stranger)]
    first.leave()

    assert seen == [(True, False, True), (True, True, False), (False, False, False)]
    assert not second.others()


def _joined(host: Host, protocol: int, original: int) -> SharedSettingLock:
    lock = SharedSettingLock(Path("/proc/sys/net/ipv6", SETTINGS), protocol)

    def join() -> None:
        with lock.transition():
            lock.join(original)

    host.inside(join)
    return lock
