"""Absent hosts are forgotten, and present hosts are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import LAN, Home
from tests.lab import until
from tests.observed import neighbor, proxies, routes, shorten_neighbor_timers
from tests.program import Daemon

ABSENT = "2001:db8:64::dead"  # no host's


def test_vanished_host_is_forgotten_when_it_fails_twice(home: Home, daemon: Start) -> None:
    """A host that leaves while another host sends to it is probed once more, then loses its entries."""
    shorten_neighbor_timers(home.router, "lan0")
    running = _learned(home, daemon)
    _vanish(home)
    ask(home.inet, LAN, timeout=0.1)
    running.wait_for("host-forgotten", address=LAN)

    assert _steps(running)[-2:] == [("host-probed", "one-more-try"), ("host-forgotten", "no-answer")]
    until(lambda: not proxies(home.router) and not routes(home.router), what="the host's entries are gone")


def test_host_that_comes_back_is_learned_again(home: Home, daemon: Start) -> None:
    """A forgotten host is learned again like a new one, and the log says how long it was away, and was wanted."""
    shorten_neighbor_timers(home.router, "lan0")
    echo(home.lan)
    running = _learned(home, daemon)
    _vanish(home)
    ask(home.inet, LAN, timeout=0.1)
    forgotten = running.wait_for("host-forgotten", address=LAN)
    home.lan.ip(f"address add {LAN}/64 dev eth0 nodad")
    claim(home.lan, LAN)
    returned = running.wait_for("host-learned", address=LAN, returned=True)

    assert until(lambda: ask(home.inet, LAN, timeout=0.5)) is not None
    assert forgotten["solicited"] is True
    assert forgotten["known_for_s"] >= forgotten["last_seen_s"] > 0
    assert returned["away_s"] >= forgotten["last_seen_s"]
    assert returned["solicited"] is True


def test_forgotten_host_is_found_although_the_modem_knows_the_router(home: Home, daemon: Start) -> None:
    """A host wakes up and sends nothing; the modem, which has the router's lladdr in its cache, does not solicit."""
    shorten_neighbor_timers(home.router, "lan0", "wan0")
    echo(home.lan)
    running = _learned(home, daemon)
    _vanish(home)
    ask(home.inet, LAN, timeout=0.1)
    running.wait_for("host-forgotten", address=LAN)
    home.modem.ip(f"neigh replace {LAN} lladdr {home.router.mac('wan0')} dev lan0 nud permanent")
    home.lan.ip(f"address add {LAN}/64 dev eth0 nodad")

    assert until(lambda: ask(home.inet, LAN, timeout=0.5)) is not None
    running.wait_for("lookup-started", address=LAN, reason="unresolved")


def test_forgotten_host_that_announces_itself_is_learned(home: Home, daemon: Start) -> None:
    """The kernel ignores an unsolicited advertisement while its entry is FAILED (keepalived, a host that wakes up)."""
    if not home.router.inside(Path("/proc/sys/net/ipv6/conf/all/accept_untracked_na").exists):
        pytest.skip("this kernel has no accept_untracked_na")
    shorten_neighbor_timers(home.router, "lan0")
    running = _learned(home, daemon, "--no-listen")
    _vanish(home)
    ask(home.inet, LAN, timeout=0.1)
    running.wait_for("host-forgotten", address=LAN)
    home.lan.sysctl("net/ipv6/conf/eth0/ndisc_notify", 1)

    until(lambda: neighbor(home.router, LAN, "lan0") == "", what="the FAILED entry is deleted")
    home.lan.ip(f"address add {LAN}/64 dev eth0")
    until(lambda: f"{LAN} dev lan0 proto 135" in routes(home.router), what="the host is learned again")


def test_host_that_never_answers_is_forgotten_immediately(home: Home, daemon: Start) -> None:
    """A made-up address is learned, and forgotten when the kernel's probe gets no answer."""
    shorten_neighbor_timers(home.router, "lan0")
    running = daemon(home.router, "wan0", "lan0")
    claim(home.lan, ABSENT)
    running.wait_for("host-forgotten", address=ABSENT)

    assert _steps(running, ABSENT) == [
        ("host-learned", "first-sight"),
        ("lookup-started", "first-sight"),
        ("host-forgotten", "no-answer"),
    ]
    until(lambda: not proxies(home.router) and not routes(home.router), what="the address's entries are gone")


def test_host_is_retained_when_its_neighbor_entry_is_deleted(home: Home, daemon: Start) -> None:
    """Deleting a neighbor entry does not remove a present host."""
    echo(home.lan)
    running = _learned(home, daemon)
    home.router.ip(f"-6 neigh del {LAN} dev lan0")
    running.wait_for("host-retained", address=LAN, reason="cache-entry-gone")

    assert ask(home.inet, LAN, timeout=10.0) is not None
    _stayed(home, running)


def test_hosts_are_retained_when_the_neighbor_table_is_flushed(home: Home, daemon: Start) -> None:
    """Flushing the neighbor table does not remove a present host."""
    echo(home.lan)
    running = _learned(home, daemon)
    home.router.ip("-6 neigh flush dev lan0")
    running.wait_for("host-retained", address=LAN)

    assert ask(home.inet, LAN, timeout=10.0) is not None
    _stayed(home, running)


def test_failure_on_another_link_does_not_affect_a_host(home: Home, daemon: Start) -> None:
    """A failed resolution on the wrong link does not affect the host."""
    echo(home.lan)
    shorten_neighbor_timers(home.router, "wan0")
    running = _learned(home, daemon)
    running.wait_for("lookup-failed", address=LAN, dev="wan0")

    assert ask(home.inet, LAN, timeout=10.0) is not None
    _stayed(home, running)


def _learned(home: Home, daemon: Start, *options: str) -> Daemon:
    """Return a daemon that has learned and verified the LAN host."""
    running = daemon(home.router, *options, "wan0", "lan0")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    return running


def _vanish(home: Home) -> None:
    """Remove the LAN host's address, and make the router's kernel probe it."""
    home.lan.ip(f"address del {LAN}/64 dev eth0")
    until(lambda: "REACHABLE" not in neighbor(home.router, LAN, "lan0"), what="the neighbor is no longer REACHABLE")


def _stayed(home: Home, running: Daemon) -> None:
    assert f"{LAN} dev lan0 proto 135" in routes(home.router)
    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)
    assert not [step for step in _steps(running) if step[0] == "host-forgotten"]


def _steps(running: Daemon, address: str = LAN) -> list[tuple[str, str]]:
    """Return the kinds and reasons of the decisions about *address*."""
    return [(r["event"], r["reason"]) for r in running.log() if r.get("address") == address]
