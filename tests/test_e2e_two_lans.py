"""Three interfaces share the /64: traffic between any two of them, and a host that moves."""

from __future__ import annotations

import pytest

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import INET, LAN, LAN2, Home, carry
from tests.lab import until
from tests.observed import neighbor, proxies, routes, shorten_neighbor_timers
from tests.program import Daemon


@pytest.fixture
def both(home: Home, daemon: Start) -> Daemon:
    """Return a daemon that has verified a host on each LAN; both hosts and inet run echo servers."""
    for host in (home.inet, home.lan, home.lan2):
        echo(host)
    running = daemon(home.router, "wan0", "lan0", "lan1")
    for host, address in ((home.lan, LAN), (home.lan2, LAN2)):
        claim(host, address)
        running.wait_for("host-verified", address=address)
    return running


@pytest.mark.usefixtures("both")
def test_two_lans_reach_each_other_and_the_internet(home: Home) -> None:
    """A host on each LAN reaches the other LAN and the internet, and is reachable from there."""
    ways = [
        (home.lan, LAN2),
        (home.lan2, LAN),
        (home.lan, INET),
        (home.lan2, INET),
        (home.inet, LAN),
        (home.inet, LAN2),
    ]
    unanswered = [(host.name, address) for host, address in ways if ask(host, address, timeout=3.0) is None]

    assert unanswered == []


@pytest.mark.usefixtures("both")
def test_each_host_is_proxied_on_both_other_links(home: Home) -> None:
    """With three interfaces a host has one route and two proxy entries."""
    of_hosts = {
        f"{address} dev {dev} proto 135" for address, dev in ((LAN, "lan1"), (LAN2, "lan0")) for dev in (dev, "wan0")
    }

    assert {f"{LAN} dev lan0 proto 135", f"{LAN2} dev lan1 proto 135"} <= routes(home.router)
    assert of_hosts <= proxies(home.router)
    assert f"{LAN} dev lan0 proto 135" not in proxies(home.router)


def test_host_that_moves_is_served_on_its_new_link(home: Home, both: Daemon) -> None:
    """A laptop that moves to the other LAN keeps its address and its traffic in both directions."""
    carry(home.lan, home.lan2)
    claim(home.lan2, LAN)
    both.wait_for("host-moved", address=LAN, dev="lan1", from_dev="lan0")
    # The modem has the router in its cache: an answer that comes before the route has moved goes to the old LAN.
    until(lambda: f"{LAN} dev lan1 proto 135" in routes(home.router), what="the route has moved")

    assert ask(home.lan2, INET, timeout=10.0, source=LAN) is not None
    assert until(lambda: ask(home.inet, LAN, timeout=0.5), what="the host is reached where it is") is not None
    assert {entry for entry in routes(home.router) if entry.startswith(f"{LAN} ")} == {f"{LAN} dev lan1 proto 135"}
    assert {entry for entry in proxies(home.router) if entry.startswith(f"{LAN} ")} == {
        f"{LAN} dev wan0 proto 135",
        f"{LAN} dev lan0 proto 135",
    }


def test_claim_on_another_link_does_not_move_an_owner_that_answers(home: Home, both: Daemon) -> None:
    """An address that another machine claims stays with its owner, which answers; a warning is logged."""
    claim(home.lan2, LAN)
    record = both.wait_for("address-conflict", address=LAN)

    assert (record["level"], record["dev"], record["claimed_by"]) == ("warning", "lan0", home.lan2.mac("eth0"))
    assert f"{LAN} dev lan0 proto 135" in routes(home.router)
    assert ask(home.lan, INET, timeout=10.0) is not None


def test_old_neighbor_of_a_moved_host_reaches_it_by_the_router(home: Home, daemon: Start) -> None:
    """A neighbor that still has the host's lladdr in its cache gets the router's, without asking for it."""
    address = "2001:db8:64::77"
    running = daemon(home.router, "wan0", "lan0", "lan1")
    _verify_and_remove(home, running, address)
    home.lan.ip(f"neigh replace {address} lladdr {home.lan2.mac('eth0')} dev eth0 nud stale")
    _use_on_lan2(home, address)
    running.wait_for("host-advertised", address=address, reason="moved")

    until(lambda: home.router.mac("lan0") in neighbor(home.lan, address, "eth0"), what="the cache is corrected")


def test_old_neighbor_of_a_forgotten_host_reaches_it_where_it_is_learned(home: Home, daemon: Start) -> None:
    """A host that was forgotten, and comes back on the other LAN, is reached by its old neighbors."""
    address = "2001:db8:64::77"
    shorten_neighbor_timers(home.router, "lan0")
    running = daemon(home.router, "wan0", "lan0", "lan1")
    _verify_and_remove(home, running, address)
    home.router.ip(f"-6 neigh change {address} dev lan0 nud probe")
    running.wait_for("host-forgotten", address=address)
    home.lan.ip(f"neigh replace {address} lladdr 02:00:00:00:00:99 dev eth0 nud stale")
    _use_on_lan2(home, address)
    running.wait_for("host-learned", address=address, dev="lan1")
    running.wait_for("host-advertised", address=address, reason="moved")

    until(lambda: home.router.mac("lan0") in neighbor(home.lan, address, "eth0"), what="the cache is corrected")


def test_modem_that_knows_another_router_is_corrected(home: Home, daemon: Start) -> None:
    """The router was replaced: the modem still has the lladdr of the old one for a host."""
    home.modem.ip(f"neigh replace {LAN} lladdr 02:00:00:00:00:99 dev lan0 nud stale")
    running = daemon(home.router, "wan0", "lan0", "lan1")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)

    until(lambda: home.router.mac("wan0") in neighbor(home.modem, LAN, "lan0"), what="the cache is corrected")


def _verify_and_remove(home: Home, running: Daemon, address: str) -> None:
    """Give the LAN's machine another address until the daemon has verified it."""
    home.lan.ip(f"address add {address}/64 dev eth0 nodad")
    claim(home.lan, address)
    running.wait_for("host-verified", address=address)
    home.lan.ip(f"address del {address}/64 dev eth0")


def _use_on_lan2(home: Home, address: str) -> None:
    """Have the machine on the other LAN use the address."""
    home.lan2.ip(f"address add {address}/64 dev eth0 nodad")
    claim(home.lan2, address)
