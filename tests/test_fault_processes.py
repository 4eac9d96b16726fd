"""The daemon's ip processes are killed, stopped, or end immediately: the tables converge."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest

from ndpbr_py.iproute2 import program
from tests import stops_before_exec
from tests.claim import claim
from tests.conftest import Start
from tests.home import LAN, Home
from tests.lab import TIMEOUT_S, until
from tests.observed import clean, proxies, settings
from tests.program import Daemon, children

DEVS = ("wan0", "lan0")
OTHER = "2001:db8:64::33"
OURS = {f"{LAN} dev wan0 proto 135", f"{OTHER} dev wan0 proto 135"}


def child(running: Daemon, word: str) -> int:
    """Wait for a child of the daemon that has *word* among its arguments; return its pid."""
    return until(lambda: children(running.process.pid, word), what=f"ip ... {word} runs")[0]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_monitor_is_restarted_and_missed_hosts_are_learned(
    home: Home, daemon: Start, number: signal.Signals
) -> None:
    """A host that appears while no monitor runs is learned when the monitor is back."""
    running = daemon(home.router, *DEVS)
    os.kill(child(running, "monitor"), number)
    record = running.wait_for("monitor-exited")
    claim(home.lan, LAN)
    running.wait_for("host-learned", address=LAN)

    assert record["retry_in_s"] == 1.0
    assert record["status"] == f"status {-number}"
    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)


def test_restarts_of_the_monitor_back_off(home: Home, daemon: Start) -> None:
    """The delay between restarts doubles."""
    running = daemon(home.router, *DEVS)
    for _ in range(3):
        os.kill(child(running, "monitor"), signal.SIGKILL)
        until(lambda: not children(running.process.pid, "monitor"), what="it is gone")

    def pauses() -> list[float]:
        return [record["retry_in_s"] for record in running.logged("monitor-exited")]

    assert until(lambda: len(pauses()) == 3 and pauses(), what="three ends are logged") == [1.0, 2.0, 4.0]


def test_stopped_monitor_is_noticed(home: Home, daemon: Start) -> None:
    """A monitor that prints nothing although the table changes is restarted at the next resync."""
    running = daemon(home.router, "--resync-interval", "1", *DEVS)
    os.kill(child(running, "monitor"), signal.SIGSTOP)
    claim(home.lan, LAN)
    running.wait_for("monitor-unresponsive")
    running.wait_for("host-learned", address=LAN)

    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_standby_is_replaced(home: Home, daemon: Start, number: signal.Signals) -> None:
    """A killed standby is replaced soon, and no command is lost."""
    running = daemon(home.router, *DEVS)
    os.kill(child(running, "-batch"), number)
    running.wait_for("batch-lost", actions=0)
    claim(home.lan, LAN)
    claim(home.lan, OTHER)

    assert until(lambda: proxies(home.router) >= OURS, what="both are installed")


def test_hung_batch_is_killed_and_its_commands_are_repeated(home: Home, daemon: Start) -> None:
    """A batch that hangs is killed after five seconds; the missing entries are added again."""
    running = daemon(home.router, *DEVS)
    os.kill(child(running, "-batch"), signal.SIGSTOP)
    claim(home.lan, LAN)
    lost = running.wait_for("batch-lost")
    until(lambda: f"{LAN} dev wan0 proto 135" in proxies(home.router), what="it is installed")

    assert lost["error"] == "hung for 5 s"
    assert running.stop() == 0
    assert clean(home.router)


def test_child_stopped_before_its_exec_does_not_block_the_daemon(home: Home, tmp_path: Path) -> None:
    """A child that stops between fork and exec is given up; the daemon works on, and SIGTERM still ends it."""
    flag = tmp_path / "flag"
    environment = {stops_before_exec.FLAG: str(flag)}
    stuck = f"{program.find().path} could not be started: it was not executed within 5 s"
    before = settings(home.router, *DEVS)
    running = Daemon(home.router, *DEVS, folder=tmp_path, program=stops_before_exec.PROGRAM, environment=environment)
    running.wait_for("started")
    batches = until(lambda: children(running.process.pid, "-batch"), what="the standby process runs")
    flag.write_text("-batch")
    for pid in batches:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    running.wait_for("batch-lost", error=stuck)
    claim(home.lan, LAN)
    until(lambda: f"{LAN} dev wan0 proto 135" in proxies(home.router), what="it is installed")
    flag.write_text("monitor")
    os.kill(child(running, "monitor"), signal.SIGKILL)
    until(lambda: not flag.exists(), what="the new monitor is stopped before its exec")
    running.process.send_signal(signal.SIGTERM)

    assert running.process.wait(TIMEOUT_S) == 0
    running.wait_for("monitor-exited", status=stuck)
    assert clean(home.router)
    assert settings(home.router, *DEVS) == before


def test_lost_events_request_a_resync(home: Home, daemon: Start) -> None:
    """When the kernel drops an event, the tables are read immediately, and the host is found."""
    running = daemon(home.router, *DEVS)
    os.kill(child(running, "monitor"), signal.SIGSTOP)
    # Each command changes an entry twice; the monitor's buffer of 8 MiB holds 20,000 such events.
    states = ("stale", "reachable") * 130
    entries = [f"2001:db8:65::{n:x} lladdr 02:00:00:00:99:01 dev lan1" for n in range(1, 101)]
    home.router.lay(*(f"neigh replace {entry} nud {state}" for state in states for entry in entries))
    claim(home.lan, LAN)
    os.kill(child(running, "monitor"), signal.SIGCONT)
    running.wait_for("events-lost")
    running.wait_for("host-learned", address=LAN)

    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)
