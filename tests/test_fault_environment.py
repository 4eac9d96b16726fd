"""Faults of the environment: disk, standard streams, clock and signals."""

from __future__ import annotations

import ast
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ndpbr_py
from tests.claim import claim
from tests.conftest import Start
from tests.home import LAN, Home
from tests.lab import TIMEOUT_S, Host, until
from tests.observed import clean, proxies, settings
from tests.program import PROGRAM, ROOT

DEVS = ("wan0", "lan0")
PROXY = f"{LAN} dev wan0 proto 135"
READ_ONLY = 'mount -t tmpfs -o ro tmpfs "$0"'
SLEEPER = """import sys, time
from pathlib import Path
from ndpbr_py.cli import main
slept, clock_gettime = Path(sys.argv.pop(1)), time.clock_gettime
time.clock_gettime = lambda clock: clock_gettime(clock) + 3600.0 * (clock == time.CLOCK_BOOTTIME and slept.exists())
sys.exit(main())
"""
FULL = 'mount -t tmpfs -o size=4k tmpfs "$0" && head -c 4096 /dev/zero >"$0/ballast"'


@pytest.mark.parametrize("disk", [READ_ONLY, FULL], ids=["read-only", "full"])
def test_settings_that_cannot_be_saved_are_a_warning(home: Home, tmp_path: Path, disk: str) -> None:
    """On a read-only or full disk the daemon warns once, and restores the settings from memory."""
    before = settings(home.router, *DEVS)
    folder = tmp_path / "state"
    folder.mkdir()
    running = _in_shell(
        home.router, tmp_path, f'{disk} && exec "$@"', "--resync-interval", "1", "wan0", "lan0", "later0"
    )
    _until_logged(tmp_path, "event=started")
    claim(home.lan, LAN)
    until(lambda: PROXY in proxies(home.router), what="the host is learned")
    # One more setting to save, and two more resyncs.
    home.router.ip("link add later0 type veth peer name later1")
    until(lambda: home.router.sysctl("net/ipv6/conf/later0/proxy_ndp") == "1", what="the new interface is set, too")
    running.terminate()

    assert running.wait(TIMEOUT_S) == 0
    assert _log(tmp_path).count("event=settings-unsaved") == 1
    assert "level=warning event=settings-unsaved" in _log(tmp_path)
    assert clean(home.router)
    assert settings(home.router, *DEVS) == before
    assert home.router.sysctl("net/ipv6/conf/later0/proxy_ndp") == "0"


def test_start_without_a_pid_file_is_refused(home: Home, tmp_path: Path) -> None:
    """A daemon that cannot write its pid, so that `kill` could not stop it, refuses to start."""
    before = settings(home.router, *DEVS)
    folder = tmp_path / "state"
    folder.mkdir()
    running = _in_shell(home.router, tmp_path, f'{FULL} && exec "$@"', *DEVS, pidfile=folder / "ndpbr.pid")

    assert running.wait(TIMEOUT_S) == 1
    assert _log(tmp_path) == f"ndpbr: cannot write the pid file {folder}/ndpbr.pid: {os.strerror(errno.ENOSPC)}\n"
    assert settings(home.router, *DEVS) == before


def test_closed_standard_streams_disturb_nothing(home: Home, tmp_path: Path) -> None:
    """A daemon started with 0, 1 and 2 closed works like any other, and logs into none of its own pipes."""
    before = settings(home.router, *DEVS)
    running = _in_shell(home.router, tmp_path, 'exec "$@" <&- >&- 2>&-', *DEVS)
    until((tmp_path / "state" / "settings-135.json").exists, what="the daemon has begun")
    claim(home.lan, LAN)
    until(lambda: PROXY in proxies(home.router), what="the host is learned")
    running.terminate()

    assert running.wait(TIMEOUT_S) == 0
    assert clean(home.router)
    assert settings(home.router, *DEVS) == before


def test_reader_of_the_log_that_ends_disturbs_nothing(home: Home, tmp_path: Path) -> None:
    """Standard error is a pipe that no process reads any more (EPIPE): the daemon works on, and ends with 0."""
    reader, writer = os.pipe()
    options = (
        "--pidfile",
        str(tmp_path / "pid"),
        "--log-level",
        "debug",
        "run",
        "--state-dir",
        str(tmp_path / "state"),
    )
    running = home.router.spawn(*PROGRAM, *options, *DEVS, stderr=writer, cwd=ROOT)
    os.close(writer)
    with open(reader) as log:
        until(lambda: "event=started" in log.readline(), what="the daemon has started")
    claim(home.lan, LAN)
    until(lambda: PROXY in proxies(home.router), what="the host is learned")
    running.terminate()

    assert running.wait(TIMEOUT_S) == 0
    assert clean(home.router)


def test_sighup_requests_a_resync(home: Home, daemon: Start) -> None:
    """A flushed entry, of which the kernel sends no event, is back soon after SIGHUP."""
    running = daemon(home.router, "--resync-interval", "3600", *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    home.router.ip("-6 neigh flush proxy")
    running.process.send_signal(signal.SIGHUP)

    until(lambda: PROXY in proxies(home.router), what="the entry is back")
    assert running.wait_for("host-repaired", address=LAN)["reason"] == "kernel-differs"


def test_sigusr1_logs_the_state(home: Home, daemon: Start) -> None:
    """SIGUSR1 logs the daemon's state, and changes nothing."""
    running = daemon(home.router, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    running.process.send_signal(signal.SIGUSR1)
    state = running.wait_for("state")
    counters = running.wait_for("counters", hosts=1, hosts_learned=1, hosts_verified=1)

    assert (state["level"], state["interfaces"], state["up"]) == ("info", ["wan0", "lan0"], ["lan0", "wan0"])
    assert (state["hosts"], state["monitor_restarts"], state["events_lost"]) == (1, 0, 0)
    assert state["resyncs"] == counters["resyncs"] >= 1
    assert "hosts_forgotten" not in counters


def test_resume_requests_a_resync(home: Home, tmp_path: Path) -> None:
    """When the machine resumes, the tables are compared immediately; and an hour later the state is logged.

    The test does not suspend the machine: it sets the clock that counts suspend an hour ahead.
    """
    slept = tmp_path / "slept"
    options = ("--resync-interval", "3600", "--expire-interval", "50", *DEVS)
    running = _in_shell(
        home.router, tmp_path, 'exec "$@"', *options, program=(sys.executable, "-c", SLEEPER, str(slept))
    )
    _until_logged(tmp_path, "event=started")
    claim(home.lan, LAN)
    until(lambda: PROXY in proxies(home.router), what="the host is learned")
    time.sleep(1.5)  # the pause after the first resyncs
    home.router.ip("-6 neigh flush proxy")
    slept.touch()
    _until_logged(tmp_path, "event=resumed suspended_s=3600")
    _until_logged(
        tmp_path, "event=state interfaces=wan0,lan0 up=lan0,wan0 prefixes=2001:db8:64::/64 default_routes=wan0"
    )

    until(lambda: PROXY in proxies(home.router), what="the entry is back")
    running.terminate()
    assert running.wait(TIMEOUT_S) == 0


def test_no_timer_uses_the_wall_clock() -> None:
    """The wall clock is used only for time stamps that users and other programs read, so setting it moves no timer.

    A namespace has no wall clock of its own, and a test must not set the machine's.  So the test reads the source:
    everything else uses time.monotonic() or the event loop, which has the same clock.
    """
    wall = {"time", "time_ns", "gmtime", "localtime", "strftime", "ctime", "CLOCK_REALTIME", "now", "utcnow", "today"}
    clocks = {"time", "datetime", "date"}
    readers = set()
    for file in Path(ndpbr_py.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if node.value.id in clocks and node.attr in wall:
                    readers.add(file.name)
            elif isinstance(node, ast.ImportFrom) and node.module in ("time", "datetime"):
                readers.add(f"{file.name}: from {node.module} import ...")

    assert readers == {
        "sink.py",
        "metrics.py",
        "table.py",
        "clock.py",
        "clock.py: from datetime import ...",
        "timestamps.py: from datetime import ...",  # those of a recording
    }  # and TimeStamper of structlog


def _in_shell(
    host: Host,
    folder: Path,
    script: str,
    *words: str,
    pidfile: Path | None = None,
    program: tuple[str, ...] = PROGRAM,
) -> subprocess.Popen[str]:
    """Start the daemon from a shell *script*, in which $0 is its state directory; its mounts end with it."""
    options = ("--pidfile", str(pidfile or folder / "ndpbr.pid"), "run", "--state-dir", str(folder / "state"), *words)
    with (folder / "log").open("w") as log:
        return host.spawn("sh", "-c", script, str(folder / "state"), *program, *options, stderr=log, cwd=ROOT)


def _log(folder: Path) -> str:
    return (folder / "log").read_text()


def _until_logged(folder: Path, words: str) -> None:
    until(lambda: words in _log(folder), what=f"the log has {words}")
