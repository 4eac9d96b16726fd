"""Silent hosts are verified by the kernel's neighbor discovery, each once per interval."""

from __future__ import annotations

from tests.claim import claim
from tests.conftest import Run, Start
from tests.echo import ask, echo
from tests.home import LAN, Home
from tests.lab import until
from tests.observed import neighbor, proxies, routes, shorten_neighbor_timers
from tests.program import Daemon


def test_silent_host_that_vanished_expires(home: Home, daemon: Start) -> None:
    """An absent host is noticed although no host sends to it: probed twice, then forgotten."""
    shorten_neighbor_timers(home.router, "lan0")
    running = _learned(home, daemon)
    # On a busy machine what was asked when it was learned may still be under way: that would find it gone, too.
    until(lambda: _rounds(running) >= 1, what="its turn has come")
    home.lan.ip(f"address del {LAN}/64 dev eth0")
    running.wait_for("host-forgotten", address=LAN)
    reasons = [record["reason"] for record in running.log() if record.get("address") == LAN]

    assert reasons[-2:] == ["one-more-try", "no-answer"]
    until(lambda: not proxies(home.router) and not routes(home.router), what="the host's entries are gone")


def test_silent_host_that_drops_echo_requests_stays(home: Home, daemon: Start, ndpbr: Run) -> None:
    """A present host whose firewall drops pings is retained: it answers neighbor discovery."""
    home.lan.sysctl("net/ipv6/icmp/echo_ignore_all", 1)
    shorten_neighbor_timers(home.router, "lan0")
    running = _learned(home, daemon)
    until(lambda: _rounds(running) >= 3, what="the host was looked for three times")
    until(lambda: "REACHABLE" in neighbor(home.router, LAN, "lan0"), what="it answers")

    assert f"{LAN} lan0 -> wan0 (FAILED)" in ndpbr(home.router, "show", "--ping").stdout.splitlines()
    assert not running.logged("host-forgotten")
    echo(home.lan)
    assert ask(home.inet, LAN, timeout=10.0) is not None


def _learned(home: Home, daemon: Start) -> Daemon:
    """Return a daemon with the shortest interval that has verified the LAN host."""
    running = daemon(home.router, "--expire-interval", "1", "wan0", "lan0")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    return running


def _rounds(running: Daemon) -> int:
    """Return how often the LAN host was probed."""
    return len([r for r in running.log() if r.get("address") == LAN and r["reason"] == "not-confirmed"])
