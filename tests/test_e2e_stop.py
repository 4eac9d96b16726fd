"""After a stop the machine is as it was before the start."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import LAN, Home
from tests.lab import TIMEOUT_S, Host, until
from tests.observed import clean, proxies, routes, settings
from tests.program import Daemon

DEVS = ("wan0", "lan0")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_cleans_up(home: Home, daemon: Start, number: signal.Signals) -> None:
    """SIGTERM and SIGINT end the daemon with status 0, no entry left, and every setting restored."""
    before = _odd_settings(home.router)
    running = _learned(home, daemon)
    changed = settings(home.router, *DEVS)
    running.process.send_signal(number)

    assert running.process.wait(TIMEOUT_S) == 0
    assert clean(home.router)
    assert changed != before
    assert settings(home.router, *DEVS) == before
    assert not running.pidfile.exists()
    assert [r["signal"] for r in running.logged("stopping")] == [number.name]
    assert _children(home.router) == []


@pytest.mark.parametrize("event", ["setting-changed", "monitor-started", "host-learned", "started"])
def test_signal_during_the_start_cleans_up(home: Home, daemon: Start, event: str) -> None:
    """A SIGTERM at any point of the startup leaves nothing behind."""
    claim(home.lan, LAN)
    before = settings(home.router, *DEVS)
    running = daemon(home.router, *DEVS, ready=False)
    running.wait_for(event)

    assert running.stop() == 0
    assert clean(home.router)
    assert settings(home.router, *DEVS) == before
    assert _children(home.router) == []


def test_repeated_signals_do_not_disturb_the_cleanup(home: Home, daemon: Start) -> None:
    """SIGTERM and SIGINT, sent again and again, end in the same clean state."""
    before = settings(home.router, *DEVS)
    running = _learned(home, daemon)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        running.process.send_signal(number)

    assert running.process.wait(TIMEOUT_S) == 0
    assert clean(home.router)
    assert settings(home.router, *DEVS) == before


def test_killed_daemon_leaves_no_child_behind(home: Home, daemon: Start) -> None:
    """The ip processes of a daemon end with it, even after SIGKILL."""
    running = _learned(home, daemon)
    until(lambda: len(_children(home.router)) >= 2, what="the monitor and a batch run")
    _crash(running)

    until(lambda: not _children(home.router), what="nothing of the daemon runs any more")


def test_next_start_adopts_what_a_killed_daemon_left(home: Home, daemon: Start) -> None:
    """After a crash hosts stay reachable; the next run adopts them, and restores the first run's settings."""
    echo(home.lan)
    before = _odd_settings(home.router)
    _crash(_learned(home, daemon))
    reachable = ask(home.inet, LAN, timeout=10.0)
    home.router.ip(f"-6 neigh flush {LAN} dev lan0")
    second = daemon(home.router, *DEVS)
    adopted = second.wait_for("host-learned", address=LAN)
    second.wait_for("host-verified", address=LAN)

    assert reachable is not None
    assert (adopted["dev"], adopted["reason"]) == ("lan0", "adopted")
    assert f"{LAN} dev lan0 proto 135" in routes(home.router)
    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)
    assert second.stop() == 0
    assert clean(home.router)
    assert settings(home.router, *DEVS) == before


def test_next_start_forgets_an_absent_host(home: Home, daemon: Start) -> None:
    """An adopted host that does not answer any more is forgotten."""
    _crash(_learned(home, daemon))
    home.lan.ip(f"address del {LAN}/64 dev eth0")
    home.router.ip("-6 neigh flush dev lan0")
    for dev in DEVS:
        home.router.sysctl(f"net/ipv6/neigh/{dev}/retrans_time_ms", 100)
    second = daemon(home.router, *DEVS)
    second.wait_for("host-forgotten", address=LAN, reason="no-answer")

    until(lambda: f"{LAN} dev lan0 proto 135" not in routes(home.router), what="the route is gone")
    until(lambda: f"{LAN} dev wan0 proto 135" not in proxies(home.router), what="the proxy entry is gone")


def test_keep_leaves_hosts_reachable(home: Home, daemon: Start) -> None:
    """With --keep hosts stay reachable while no daemon runs; a later run without it cleans up."""
    echo(home.lan)
    before = settings(home.router, *DEVS)
    first = _learned(home, daemon, "--keep")

    assert first.stop() == 0
    assert ask(home.inet, LAN, timeout=10.0) is not None
    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)
    assert daemon(home.router, *DEVS).stop() == 0
    assert clean(home.router)
    assert settings(home.router, *DEVS) == before


def _learned(home: Home, daemon: Start, *options: str) -> Daemon:
    """Return a daemon that has learned and verified the LAN host."""
    running = daemon(home.router, *options, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    return running


def _crash(running: Daemon) -> None:
    running.process.send_signal(signal.SIGKILL)
    running.process.wait(TIMEOUT_S)


def _odd_settings(host: Host) -> dict[str, str]:
    """Give the settings values that are not the kernel's defaults; return all of them."""
    host.sysctl("net/ipv6/neigh/wan0/proxy_delay", 33)
    host.sysctl("net/ipv6/conf/lan0/proxy_ndp", 1)
    return settings(host, *DEVS)


def _children(host: Host) -> list[str]:
    """Return the command lines of the ip(8) processes on *host*."""
    files = [Path("/proc", pid, "cmdline") for pid in host.run("ip", "netns", "pids", host.name).stdout.split()]
    lines = [file.read_text().replace("\0", " ") for file in files if file.exists()]
    return [line for line in lines if "/ip -6 " in line]
