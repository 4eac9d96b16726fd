"""A start that cannot work is refused with one sentence, before anything is changed."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests import program
from tests.conftest import Run, Start
from tests.home import Home
from tests.lab import Host
from tests.observed import clean, settings
from tests.program import NET_ADMIN, PROGRAM, ROOT, with_ip, without

DEVS = ("wan0", "lan0", "lan1")
NAME = "IFACE: expected an interface name of 1 to 15 letters, digits, `_`, `.` and `-` "
BUSYBOX = """#!/bin/sh
echo "BusyBox v1.35.0 () multi-call binary." >&2
exit 1
"""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "run needs at least two interfaces, for example: ndpbr run wan0 lan0"),
        (["wan0"], "run needs at least two interfaces, for example: ndpbr run wan0 lan0"),
        (["wan0", "lan0", "wan0"], "IFACE: expected each interface once, got 'wan0' more than once"),
        (["wan0", "lan0/../lan1"], NAME),
        (["wan0", "lan0 lan1"], NAME),
        (["wan0", "a-name-too-long-"], NAME),
        (["wan0", ""], NAME),
        (["wan0", "all"], NAME),
        (["wan0", ".."], NAME),
        (["wan0", "if3"], NAME),
        (["wan0", "lan0\nflush"], NAME),
        (["--prefix", "fe80::1/64", "wan0", "lan0"], "--prefix: expected an IPv6 prefix such as 2001:db8:1::/64, got "),
        (["--protocol", "2", "wan0", "lan0"], "--protocol: expected a number from 5 to 255"),
        (["--expire-interval", "0", "wan0", "lan0"], "--expire-interval: expected 1 to"),
        (["--no-such-option", "wan0", "lan0"], "unrecognized arguments: --no-such-option"),
    ],
)
def test_wrong_usage_is_refused(home: Home, ndpbr: Run, tmp_path: Path, words: list[str], sentence: str) -> None:
    """A wrong command line is answered with what was expected and what was received."""
    before = settings(home.router, *DEVS)
    ended = ndpbr(home.router, *_files(tmp_path), *words)

    _refused(ended, 2, sentence)
    _untouched(home.router, before, tmp_path)


def test_start_without_net_admin_is_refused(home: Home, tmp_path: Path) -> None:
    """Without CAP_NET_ADMIN the daemon does not start."""
    before = settings(home.router, *DEVS)
    words = (*without(NET_ADMIN), *PROGRAM, *_files(tmp_path), "wan0", "lan0")
    ended = home.router.run(*words, cwd=ROOT)

    _refused(ended, 1, "run requires root or CAP_NET_ADMIN")
    _untouched(home.router, before, tmp_path)


def test_missing_ip_is_refused(home: Home, tmp_path: Path) -> None:
    """Without ip(8) the daemon says which package is needed."""
    before = settings(home.router, *DEVS)
    nothing = tmp_path / "nothing"
    nothing.touch(mode=0o644)
    ended = with_ip(home.router, nothing, *PROGRAM, *_files(tmp_path), "wan0", "lan0")

    _refused(ended, 1, "ndpbr needs the ip command of the iproute2 package, found none on PATH")
    _untouched(home.router, before, tmp_path)


@pytest.mark.parametrize("command", ["run", "show", "flush"])
def test_ip_of_busybox_is_refused(home: Home, tmp_path: Path, command: str) -> None:
    """busybox's ip has no monitor, and flushes too much: only its version is read."""
    before = settings(home.router, *DEVS)
    called = tmp_path / "called"
    other = tmp_path / "busybox"
    other.write_text(BUSYBOX.replace("echo", f'echo "$*" >>{called}\necho', 1))
    other.chmod(0o755)
    words = (*_files(tmp_path), "wan0", "lan0") if command == "run" else (command,)
    ended = with_ip(home.router, other, *PROGRAM, *words)

    _refused(ended, 1, "ndpbr needs the ip command of the iproute2 package, got ")
    assert called.read_text() == "-V\n"
    _untouched(home.router, before, tmp_path)


@pytest.mark.parametrize(("pidfile", "devs"), [("other.pid", ("lan0", "lan1")), ("ndpbr.pid", ("lan1", "wan0"))])
def test_second_daemon_is_refused(home: Home, daemon: Start, ndpbr: Run, pidfile: str, devs: tuple[str, ...]) -> None:
    """A second daemon with an interface or the pid file of a running one names its pid and ends."""
    running = daemon(home.router, "wan0", "lan0")
    before = settings(home.router, *DEVS)
    folder = running.pidfile.parent
    words = ("--pidfile", str(folder / pidfile), "run", "--state-dir", str(folder / "second"), *devs)
    ended = ndpbr(home.router, *words)

    _refused(ended, 1, f"pid {running.process.pid}")
    assert settings(home.router, *DEVS) == before
    assert running.process.poll() is None
    assert running.pidfile.read_text() == f"{running.process.pid}\n"


def _files(folder: Path) -> tuple[str, ...]:
    return "--pidfile", str(folder / "ndpbr.pid"), "run", "--state-dir", str(folder / "state")


def _refused(ended: CompletedProcess[str], status: int, sentence: str) -> None:
    assert ended.returncode == status, ended.stderr
    assert ended.stdout == ""
    assert ended.stderr.startswith("ndpbr: ")
    assert sentence in ended.stderr
    assert ended.stderr.count("\n") == 1


def _untouched(host: Host, before: dict[str, str], folder: Path) -> None:
    assert settings(host, *DEVS) == before
    assert clean(host)
    assert not [path for path in folder.iterdir() if path.name in ("ndpbr.pid", "state")]


def test_daemon_has_priority_over_busy_programs(home: Home, tmp_path: Path) -> None:
    """The daemon and its processes run with a nice value of -10."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    if home.router.run(sys.executable, "-c", f"import os; os.nice(-1 - {own})").returncode != 0:
        pytest.skip("raising a priority requires CAP_SYS_NICE")
    # The suite may run with a nice value, which the daemon would take for its own.
    usual = ("nice", "-n", str(-own), *program.PROGRAM)
    running = program.Daemon(home.router, "wan0", "lan0", folder=tmp_path, program=usual)
    running.wait_for("started")

    assert _nice(running.process.pid) == -10
    assert {_nice(pid) for pid in program.children(running.process.pid)} - {None} == {-10}


def test_nice_value_of_the_user_is_kept(home: Home, tmp_path: Path) -> None:
    """A nice value that the daemon was started with is not changed."""
    nice = ("nice", "-n", "3", *program.PROGRAM)
    running = program.Daemon(home.router, "wan0", "lan0", folder=tmp_path, program=nice)
    running.wait_for("started")

    assert _nice(running.process.pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + 3, 19)


def _nice(pid: int) -> int | None:
    with suppress(ProcessLookupError):  # a batch that has ended
        return os.getpriority(os.PRIO_PROCESS, pid)
    return None
