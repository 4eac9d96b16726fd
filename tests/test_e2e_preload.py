"""Neighbors that the kernel knows at startup are learned without waiting for traffic."""

from __future__ import annotations

import pytest

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import LAN, Home
from tests.lab import until
from tests.observed import neighbor, proxies, routes, shorten_neighbor_timers

ABSENT = "2001:db8:64::dead"  # no host's


@pytest.mark.parametrize("state", ["STALE", "DELAY", "REACHABLE"])
def test_known_neighbor_is_learned_at_start(home: Home, daemon: Start, state: str) -> None:
    """A present neighbor has its entries, and is reachable from outside, once the daemon has started."""
    echo(home.lan)
    claim(home.lan, LAN)
    # The kernel's answer to the claim makes the entry DELAY for 5 s.
    if state == "STALE":
        home.router.ip(f"-6 neigh change {LAN} dev lan0 nud stale")
    if state == "REACHABLE":
        home.router.ip(f"-6 neigh change {LAN} dev lan0 nud probe")
    until(lambda: neighbor(home.router, LAN, "lan0").endswith(state), what=f"the neighbor is {state}")
    daemon(home.router, "wan0", "lan0")

    assert f"{LAN} dev lan0 proto 135" in routes(home.router)
    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)
    assert ask(home.inet, LAN, timeout=10.0) is not None


def test_known_neighbor_that_forwards_is_learned_at_start(home: Home, daemon: Start) -> None:
    """A neighbor flagged `router` is learned at startup, too."""
    home.lan.sysctl("net/ipv6/conf/all/forwarding", 1)
    claim(home.lan, LAN)
    home.router.ip(f"-6 neigh change {LAN} dev lan0 nud probe")
    until(lambda: "router" in neighbor(home.router, LAN, "lan0"), what="the neighbor is flagged router")
    daemon(home.router, "wan0", "lan0")

    assert f"{LAN} dev lan0 proto 135" in routes(home.router)


def test_permanent_neighbor_is_learned_at_start(home: Home, daemon: Start) -> None:
    """A PERMANENT neighbor is learned although it does not answer."""
    home.router.ip(f"-6 neigh add {ABSENT} lladdr 02:00:00:00:00:99 dev lan0 nud permanent")
    running = daemon(home.router, "wan0", "lan0")

    assert running.wait_for("host-learned", address=ABSENT)["reason"] == "permanent"
    assert neighbor(home.router, ABSENT, "lan0").endswith("PERMANENT")


def test_failed_neighbor_is_not_learned_at_start(home: Home, daemon: Start) -> None:
    """A FAILED neighbor is not learned, and not probed again."""
    shorten_neighbor_timers(home.router, "lan0")
    home.router.ip(f"-6 neigh replace {ABSENT} dev lan0 nud none use")
    until(lambda: neighbor(home.router, ABSENT, "lan0").endswith("FAILED"), what="the neighbor is FAILED")
    running = daemon(home.router, "wan0", "lan0")

    assert not routes(home.router)
    assert not proxies(home.router)
    assert not [record for record in running.log() if record.get("address") == ABSENT]


def test_neighbor_on_an_interface_not_listed_is_not_learned(home: Home, daemon: Start) -> None:
    """Neighbors on interfaces that are not listed are not learned."""
    claim(home.lan2, "2001:db8:64::22")
    until(lambda: neighbor(home.router, "2001:db8:64::22", "lan1"), what="the kernel has a neighbor entry")
    daemon(home.router, "wan0", "lan0")

    assert not routes(home.router)
    assert not proxies(home.router)
