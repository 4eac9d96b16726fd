"""The ip processes that the daemon lives by are killed, stopped, or end at once: it converges all the same."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.claim import claim
from tests.conftest import Start
from tests.home import LAN, Home
from tests.lab import until
from tests.observed import clean, proxies
from tests.program import Daemon

DEVS = ("wan0", "lan0")
OTHER = "2001:db8:64::33"
OURS = {f"{LAN} dev wan0 proto 135", f"{OTHER} dev wan0 proto 135"}


def child(running: Daemon, word: str) -> int:
    """Return the pid of the daemon's child that has *word* among its arguments, as soon as there is one."""
    return until(lambda: _children(running, word), what=f"ip ... {word} runs")[0]


def _children(running: Daemon, word: str) -> list[int]:
    pid = running.process.pid
    pids = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return [child for child in pids if word.encode() in _arguments(child)]


def _arguments(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_monitor_is_replaced_and_what_it_missed_is_learned(
    home: Home, daemon: Start, number: signal.Signals
) -> None:
    """A host that speaks while no monitor runs is learned when there is one again."""
    running = daemon(home.router, *DEVS)
    os.kill(child(running, "monitor"), number)
    record = running.wait_for("monitor-exited")
    claim(home.lan, LAN)
    running.wait_for("host-learned", address=LAN)

    assert record["retry_in_s"] == 1.0
    assert record["status"] == f"status {-number}"
    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)


def test_monitor_that_ends_at_once_is_tried_ever_more_seldom(home: Home, daemon: Start) -> None:
    """The pauses between attempts double."""
    running = daemon(home.router, *DEVS)
    for _ in range(3):
        os.kill(child(running, "monitor"), signal.SIGKILL)
        until(lambda: not _children(running, "monitor"), what="it is gone")

    def pauses() -> list[float]:
        return [record["retry_in_s"] for record in running.log() if record["event"] == "monitor-exited"]

    assert until(lambda: len(pauses()) == 3 and pauses(), what="three ends are logged") == [1.0, 2.0, 4.0]


def test_stopped_monitor_is_noticed(home: Home, daemon: Start) -> None:
    """A monitor that prints nothing although the table changes is taken for dead at the next comparison."""
    running = daemon(home.router, "--resync-interval", "1", *DEVS)
    os.kill(child(running, "monitor"), signal.SIGSTOP)
    claim(home.lan, LAN)
    running.wait_for("monitor-unresponsive", timeout=10.0)
    running.wait_for("host-learned", address=LAN, timeout=10.0)

    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_waiting_batch_is_replaced(home: Home, daemon: Start, number: signal.Signals) -> None:
    """The process that waits for the next host may die: another one waits soon, and no command is lost."""
    running = daemon(home.router, *DEVS)
    os.kill(child(running, "-batch"), number)
    running.wait_for("batch-lost", actions=0)
    claim(home.lan, LAN)
    claim(home.lan, OTHER)

    assert until(lambda: proxies(home.router) >= OURS, what="both are installed")


def test_stopped_batch_is_given_up_and_its_work_done_again(home: Home, daemon: Start) -> None:
    """A batch that hangs is killed after five seconds, and what it should have done is found missing and done."""
    running = daemon(home.router, *DEVS)
    os.kill(child(running, "-batch"), signal.SIGSTOP)
    claim(home.lan, LAN)
    lost = running.wait_for("batch-lost", timeout=10.0)
    until(lambda: f"{LAN} dev wan0 proto 135" in proxies(home.router), timeout=10.0, what="it is installed")

    assert lost["reason"] == "hung for 5 s"
    assert running.stop() == 0
    assert clean(home.router)


def test_lost_events_are_made_up_for(home: Home, daemon: Start) -> None:
    """When the kernel had no room for an event, the tables are read at once, and the host is found."""
    running = daemon(home.router, *DEVS)
    os.kill(child(running, "monitor"), signal.SIGSTOP)
    # Each changes an entry, twice; 8 MiB, the most that the monitor asks for, hold 20,000 such events.
    states = ("stale", "reachable") * 130
    entries = [f"2001:db8:65::{n:x} lladdr 02:00:00:00:99:01 dev lan1" for n in range(1, 101)]
    home.router.lay(*(f"neigh replace {entry} nud {state}" for state in states for entry in entries))
    claim(home.lan, LAN)
    os.kill(child(running, "monitor"), signal.SIGCONT)
    running.wait_for("events-lost")
    running.wait_for("host-learned", address=LAN)

    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)
