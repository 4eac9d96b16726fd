"""Changes that happen while no monitor runs are found in the kernel's tables."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.claim import claim
from tests.conftest import Start
from tests.home import LAN, Home, carry
from tests.lab import until
from tests.observed import clean, neighbor, proxies, shorten_neighbor_timers
from tests.program import Daemon, children

DEVS = ("wan0", "lan0")
OFTEN = ("--resync-interval", "1", "--expire-interval", "1")
# Without a monitor while the file "deaf" is there.
DEAF = '#!/bin/sh\ncase "$*" in *" monitor "*) [ ! -e {folder}/deaf ] || exit 1 ;; esac\nexec {ip} "$@"\n'


def test_host_that_failed_without_an_event_is_forgotten(
    home: Home, daemon: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A FAILED state that no monitor printed is found in the table; the host is probed and forgotten."""
    _may_be_deaf(tmp_path, monkeypatch)
    shorten_neighbor_timers(home.router, "lan0")
    # Long enough that the daemon last saw it as REACHABLE.
    home.router.sysctl("net/ipv6/neigh/lan0/base_reachable_time_ms", 30_000)
    running = _learned_without_monitor(home, daemon, tmp_path)
    home.router.ip(f"-6 neigh change {LAN} dev lan0 nud probe")
    until(lambda: "FAILED" in neighbor(home.router, LAN, "lan0"), what="it has failed before a monitor is back")
    (tmp_path / "deaf").unlink()
    running.wait_for("host-forgotten", address=LAN)

    until(lambda: not proxies(home.router), what="the host is not proxied")


def test_host_whose_entry_vanished_without_an_event_is_probed(
    home: Home, daemon: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host last seen REACHABLE, whose neighbor entry is gone, is probed in its turn."""
    _may_be_deaf(tmp_path, monkeypatch)
    shorten_neighbor_timers(home.router, "lan0")
    home.router.sysctl("net/ipv6/neigh/lan0/base_reachable_time_ms", 30_000)
    running = _learned_without_monitor(home, daemon, tmp_path)
    home.router.ip("-6 neigh flush dev lan0")
    assert neighbor(home.router, LAN, "lan0") == ""
    (tmp_path / "deaf").unlink()
    running.wait_for("host-forgotten", address=LAN)

    until(lambda: not proxies(home.router), what="the host is not proxied")


def test_move_found_in_the_tables_corrects_neighbor_caches(
    home: Home, daemon: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old neighbor of a host gets the router's lladdr, although no monitor printed that the host moved."""
    _may_be_deaf(tmp_path, monkeypatch)
    (tmp_path / "deaf").touch()
    running = daemon(home.router, "--resync-interval", "1", *DEVS, "lan1")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    lladdr = home.lan.mac("eth0")
    carry(home.lan, home.lan2)
    home.lan.ip("address add 2001:db8:64::77/64 dev eth0 nodad")
    home.lan.ip(f"neigh replace {LAN} lladdr {lladdr} dev eth0 nud stale")
    home.router.ip("-6 neigh flush dev lan0")
    home.router.ip(f"neigh replace {LAN} lladdr {lladdr} dev lan1 nud probe")
    running.wait_for("host-moved", address=LAN, dev="lan1")
    running.wait_for("host-advertised", address=LAN, reason="moved")

    until(lambda: home.router.mac("lan0") in neighbor(home.lan, LAN, "eth0"), what="the cache is corrected")


def test_monitor_that_always_ends_immediately(
    home: Home, daemon: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a working monitor the daemon uses the tables, and restarts the monitor less and less often."""
    _may_be_deaf(tmp_path, monkeypatch)
    (tmp_path / "deaf").touch()
    running = daemon(home.router, "--resync-interval", "1", *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-learned", address=LAN)
    until(lambda: _pauses(running)[:3] == [1.0, 2.0, 4.0], what="the pauses double")

    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)
    assert "monitor-unresponsive" not in {record["event"] for record in running.log()}
    assert running.stop() == 0
    assert clean(home.router)


def _may_be_deaf(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "ip").write_text(DEAF.format(folder=folder, ip=shutil.which("ip")))
    (folder / "ip").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def _learned_without_monitor(home: Home, daemon: Start, folder: Path) -> Daemon:
    """Return a daemon that has verified the LAN host; its monitor was killed, and the host is gone."""
    running = daemon(home.router, *OFTEN, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    home.lan.ip(f"address del {LAN}/64 dev eth0")
    (folder / "deaf").touch()
    os.kill(children(running.process.pid, "monitor")[0], signal.SIGKILL)
    running.wait_for("monitor-exited")
    return running


def _pauses(running: Daemon) -> list[float]:
    return [record["retry_in_s"] for record in running.logged("monitor-exited")]
