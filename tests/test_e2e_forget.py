"""Hosts that have gone are forgotten, and living ones are not."""

from __future__ import annotations

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import LAN, Home
from tests.lab import until
from tests.observed import hasten, neighbor, proxies, routes
from tests.program import Daemon

ABSENT = "2001:db8:64::dead"  # nobody's


def test_vanished_host_is_forgotten_when_it_fails_twice(home: Home, daemon: Start) -> None:
    """A host that leaves while somebody talks to it is asked once more, then loses its route and proxy entries."""
    hasten(home.router, "lan0")
    running = _learned(home, daemon)
    _vanish(home)
    ask(home.inet, LAN, timeout=0.1)
    running.wait_for("host-forgotten", address=LAN)

    assert _steps(running)[-2:] == [("host-probed", "one-more-try"), ("host-forgotten", "failed")]
    until(lambda: not proxies(home.router) and not routes(home.router), what="the host's entries are gone")


def test_host_that_comes_back_is_learned_again(home: Home, daemon: Start) -> None:
    """A forgotten host is as welcome as a new one."""
    hasten(home.router, "lan0")
    echo(home.lan)
    running = _learned(home, daemon)
    _vanish(home)
    ask(home.inet, LAN, timeout=0.1)
    running.wait_for("host-forgotten", address=LAN)
    home.lan.ip(f"address add {LAN}/64 dev eth0 nodad")
    claim(home.lan, LAN)

    assert until(lambda: ask(home.inet, LAN, timeout=0.5)) is not None


def test_host_that_never_answers_is_forgotten_at_once(home: Home, daemon: Start) -> None:
    """An address that somebody made up is learned, but goes when the kernel's probe finds nobody."""
    hasten(home.router, "lan0")
    running = daemon(home.router, "wan0", "lan0")
    claim(home.lan, ABSENT)
    running.wait_for("host-forgotten", address=ABSENT)

    assert _steps(running, ABSENT) == [("host-learned", "first-sight"), ("host-forgotten", "failed")]
    until(lambda: not proxies(home.router) and not routes(home.router), what="the address's entries are gone")


def test_living_host_stays_when_its_cache_entry_is_deleted(home: Home, daemon: Start) -> None:
    """Whoever deletes a neighbor from the cache of the kernel takes no living host away."""
    echo(home.lan)
    running = _learned(home, daemon)
    home.router.ip(f"-6 neigh del {LAN} dev lan0")
    running.wait_for("host-retained", address=LAN, reason="cache-entry-gone")

    assert ask(home.inet, LAN, timeout=3.0) is not None
    _stayed(home, running)


def test_living_host_stays_when_the_cache_is_flushed(home: Home, daemon: Start) -> None:
    """A flushed neighbor cache fills again without the loss of a host."""
    echo(home.lan)
    running = _learned(home, daemon)
    home.router.ip("-6 neigh flush dev lan0")
    running.wait_for("host-retained", address=LAN)

    assert ask(home.inet, LAN, timeout=3.0) is not None
    _stayed(home, running)


def test_failure_on_another_link_says_nothing_about_a_host(home: Home, daemon: Start) -> None:
    """A host is looked for on the wrong link, and not found there: it stays where it is."""
    echo(home.lan)
    hasten(home.router, "wan0")
    running = _learned(home, daemon)
    home.router.ip(f"-6 neigh replace {LAN} dev wan0 nud none use")
    until(lambda: "FAILED" in neighbor(home.router, LAN, "wan0"), what="the kernel did not find the host on wan0")

    assert ask(home.inet, LAN, timeout=3.0) is not None
    _stayed(home, running)


def _learned(home: Home, daemon: Start) -> Daemon:
    """Return a daemon that has learned and verified the LAN host."""
    running = daemon(home.router, "wan0", "lan0")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    return running


def _vanish(home: Home) -> None:
    """Have the LAN host give up its address, and the router's kernel doubt it."""
    home.lan.ip(f"address del {LAN}/64 dev eth0")
    until(lambda: "REACHABLE" not in neighbor(home.router, LAN, "lan0"), what="the neighbor is no longer REACHABLE")


def _stayed(home: Home, running: Daemon) -> None:
    assert f"{LAN} dev lan0 proto 135" in routes(home.router)
    assert f"{LAN} dev wan0 proto 135" in proxies(home.router)
    assert not [step for step in _steps(running) if step[0] == "host-forgotten"]


def _steps(running: Daemon, address: str = LAN) -> list[tuple[str, str]]:
    """Return what was decided about *address*, and why."""
    return [(r["event"], r["reason"]) for r in running.log() if r.get("address") == address]
