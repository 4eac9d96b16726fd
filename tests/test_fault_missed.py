"""Changes that happen while no monitor runs are found in the kernel's tables."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.claim import claim
from tests.conftest import Start
from tests.home import LAN, Home
from tests.lab import until
from tests.observed import clean, neighbor, proxies, shorten_neighbor_timers
from tests.program import Daemon
from tests.storm import children

DEVS = ("wan0", "lan0")
OFTEN = ("--resync-interval", "1", "--expire-interval", "1")
WITHOUT_MONITOR = '#!/bin/sh\ncase "$*" in *" monitor "*) exit 1 ;; esac\nexec {ip} "$@"\n'


def test_host_that_failed_without_an_event_is_forgotten(home: Home, daemon: Start) -> None:
    """A FAILED state that no monitor printed is found in the table; the host is probed and forgotten."""
    shorten_neighbor_timers(home.router, "lan0")
    # Long enough that the daemon last saw it as REACHABLE.
    home.router.sysctl("net/ipv6/neigh/lan0/base_reachable_time_ms", 30_000)
    running = _learned_without_monitor(home, daemon)
    home.router.ip(f"-6 neigh change {LAN} dev lan0 nud probe")
    until(lambda: "FAILED" in neighbor(home.router, LAN, "lan0"), 0.9, "it has failed before a monitor is back")
    running.wait_for("host-forgotten", address=LAN, timeout=20.0)

    until(lambda: not proxies(home.router), what="the host is not proxied")


def test_host_whose_entry_vanished_without_an_event_is_probed(home: Home, daemon: Start) -> None:
    """A host last seen REACHABLE, whose neighbor entry is gone, is probed in its turn."""
    shorten_neighbor_timers(home.router, "lan0")
    home.router.sysctl("net/ipv6/neigh/lan0/base_reachable_time_ms", 30_000)
    running = _learned_without_monitor(home, daemon)
    home.router.ip("-6 neigh flush dev lan0")
    assert neighbor(home.router, LAN, "lan0") == ""
    running.wait_for("host-forgotten", address=LAN, timeout=20.0)

    until(lambda: not proxies(home.router), what="the host is not proxied")


def test_monitor_that_always_ends_immediately(
    home: Home, daemon: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a working monitor the daemon uses the tables, and restarts the monitor less and less often."""
    ip = shutil.which("ip")
    (tmp_path / "ip").write_text(WITHOUT_MONITOR.format(ip=ip))
    (tmp_path / "ip").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    running = daemon(home.router, "--resync-interval", "1", *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-learned", address=LAN)
    until(lambda: _pauses(running)[:3] == [1.0, 2.0, 4.0], 15.0, "the pauses double")

    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)
    assert "monitor-unresponsive" not in {record["event"] for record in running.log()}
    assert running.stop() == 0
    assert clean(home.router)


def _learned_without_monitor(home: Home, daemon: Start) -> Daemon:
    """Return a daemon that has verified the LAN host; its monitor was killed, and the host is gone."""
    running = daemon(home.router, *OFTEN, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    home.lan.ip(f"address del {LAN}/64 dev eth0")
    os.kill(children(running, "monitor")[0], signal.SIGKILL)
    running.wait_for("monitor-exited")
    return running


def _pauses(running: Daemon) -> list[float]:
    return [record["retry_in_s"] for record in running.log() if record["event"] == "monitor-exited"]
