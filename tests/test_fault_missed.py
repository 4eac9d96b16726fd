"""What happens while no monitor listens is found in the tables: hosts that came, and hosts that went."""

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
from tests.observed import clean, hasten, neighbor, proxies
from tests.program import Daemon
from tests.storm import children

DEVS = ("wan0", "lan0")
OFTEN = ("--resync-interval", "1", "--expire-interval", "1")
WITHOUT_MONITOR = '#!/bin/sh\ncase "$*" in *" monitor "*) exit 1 ;; esac\nexec {ip} "$@"\n'


def test_host_that_failed_unheard_is_forgotten(home: Home, daemon: Start) -> None:
    """A FAILED that the monitor was not there to print is found in the table; the host is asked, and forgotten."""
    hasten(home.router, "lan0")
    # Long enough that the daemon last heard of it as REACHABLE.
    home.router.sysctl("net/ipv6/neigh/lan0/base_reachable_time_ms", 30_000)
    running = _learned_then_deaf(home, daemon)
    home.router.ip(f"-6 neigh change {LAN} dev lan0 nud probe")
    until(lambda: "FAILED" in neighbor(home.router, LAN, "lan0"), 0.9, "it has failed before a monitor is back")
    running.wait_for("host-forgotten", address=LAN, timeout=20.0)

    until(lambda: not proxies(home.router), what="nobody is answered for")


def test_host_whose_entry_went_unheard_is_looked_for(home: Home, daemon: Start) -> None:
    """A host last heard as REACHABLE, whose entry has left the cache since, is asked when its turn comes."""
    hasten(home.router, "lan0")
    home.router.sysctl("net/ipv6/neigh/lan0/base_reachable_time_ms", 30_000)
    running = _learned_then_deaf(home, daemon)
    home.router.ip("-6 neigh flush dev lan0")
    assert neighbor(home.router, LAN, "lan0") == ""
    running.wait_for("host-forgotten", address=LAN, timeout=20.0)

    until(lambda: not proxies(home.router), what="nobody is answered for")


def test_monitor_that_always_ends_at_once(
    home: Home, daemon: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a monitor that stays the daemon starts, reads the tables instead, and tries it ever more seldom."""
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


def _learned_then_deaf(home: Home, daemon: Start) -> Daemon:
    """Return a daemon that has verified the LAN host, and whose monitor has just been killed; the host is gone."""
    running = daemon(home.router, *OFTEN, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    home.lan.ip(f"address del {LAN}/64 dev eth0")
    os.kill(children(running, "monitor")[0], signal.SIGKILL)
    running.wait_for("monitor-exited")
    return running


def _pauses(running: Daemon) -> list[float]:
    return [record["retry_in_s"] for record in running.log() if record["event"] == "monitor-exited"]
