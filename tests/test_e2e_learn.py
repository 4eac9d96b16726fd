"""Hosts are learned at first sight: real hosts, real traffic, the kernel's own neighbor discovery."""

from __future__ import annotations

import pytest

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import INET, LAN, MODEM, ROUTER, Home
from tests.lab import until
from tests.observed import neighbor, proxies, routes
from tests.program import Daemon, Record

FAR = 0.02  # s, to a server on the internet and back


def test_first_datagram_of_a_new_host_is_answered(home: Home, daemon: Start) -> None:
    """A new LAN host sends one datagram to the internet and gets the answer."""
    echo(home.inet, delay=FAR)
    daemon(home.router, "wan0", "lan0")

    assert ask(home.lan, INET, timeout=10.0) is not None


def test_datagram_from_outside_reaches_a_learned_host(home: Home, daemon: Start) -> None:
    """A host behind the modem can contact a learned host."""
    echo(home.lan)
    running = daemon(home.router, "wan0", "lan0")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)

    assert ask(home.inet, LAN, timeout=10.0) is not None


def test_host_is_learned_at_stale_and_verified_at_reachable(home: Home, daemon: Start) -> None:
    """A new host is learned unverified, verified by the kernel's probe, and advertised; the records say so."""
    running = daemon(home.router, "wan0", "lan0")
    claim(home.lan, LAN)
    running.wait_for("host-advertised", address=LAN)
    host = {"address": LAN, "dev": "lan0", "lladdr": home.lan.mac("eth0")}

    assert _life(running, LAN) == [
        {
            "level": "info",
            "event": "host-learned",
            **host,
            "state": "STALE",
            "reason": "first-sight",
            "proxied_on": ["wan0"],
        },
        {"level": "debug", "event": "lookup-started", **host, "reason": "first-sight", "lookup_on": ["wan0"]},
        {"level": "debug", "event": "host-verified", **host, "state": "REACHABLE", "reason": "reachable"},
        {"level": "debug", "event": "host-advertised", **host, "state": "REACHABLE", "reason": "nothing-adopted"},
    ]


def test_learned_host_has_a_route_and_proxy_entries(home: Home, daemon: Start) -> None:
    """A host has one tagged route on its link, and a tagged proxy entry on each other link only."""
    running = daemon(home.router, "wan0", "lan0", "lan1")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)

    assert routes(home.router) == {f"{LAN} dev lan0 proto 135"}
    assert proxies(home.router) == {f"{LAN} dev {dev} proto 135" for dev in ("wan0", "lan1")}


def test_modem_is_learned_for_the_lan(home: Home, daemon: Start) -> None:
    """A LAN host that takes the modem for an on-link neighbor reaches it."""
    echo(home.modem)
    running = daemon(home.router, "wan0", "lan0")
    # Forwarding makes the router resolve the modem, which puts the modem into the neighbor table.
    ask(home.lan, INET, timeout=0.5)
    running.wait_for("host-learned", address=MODEM, dev="wan0")

    assert until(lambda: ask(home.lan, MODEM, timeout=0.5)) is not None
    assert {f"{MODEM} dev wan0 proto 135"} <= routes(home.router)
    assert {f"{MODEM} dev lan0 proto 135"} <= proxies(home.router)


def test_host_that_forwards_is_learned(home: Home, daemon: Start) -> None:
    """A LAN host that is a router, and says so in its advertisements, is learned like any host."""
    home.lan.sysctl("net/ipv6/conf/all/forwarding", 1)
    echo(home.lan)
    running = daemon(home.router, "wan0", "lan0")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)

    assert "router" in neighbor(home.router, LAN, "lan0").split()
    assert ask(home.inet, LAN, timeout=10.0) is not None


def test_each_address_of_a_host_is_learned(home: Home, daemon: Start) -> None:
    """A temporary address of a known host works like its first address."""
    echo(home.inet, delay=FAR)
    running = daemon(home.router, "wan0", "lan0")
    claim(home.lan, LAN)
    running.wait_for("host-learned", address=LAN)
    temporary = "2001:db8:64:0:a1b2:c3d4:e5f6:789"
    home.lan.ip(f"address add {temporary}/64 dev eth0 nodad")
    claim(home.lan, temporary)
    running.wait_for("host-verified", address=temporary)

    assert ask(home.lan, INET, timeout=10.0, source=temporary) is not None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("2001:4860:4860::8888", "not-on-link"),
        (ROUTER, "own-address"),
        ("2001:db8:64::", "subnet-router-anycast"),
        (MODEM, "next-hop-of-default-route"),
    ],
)
def test_ineligible_address_is_not_learned(home: Home, daemon: Start, address: str, reason: str) -> None:
    """An off-link, the router's, the anycast or the next hop's address is not learned on a LAN."""
    running = daemon(home.router, "wan0", "lan0")
    claim(home.lan, address)
    ignored = running.wait_for("address-ignored", address=address)

    assert (ignored["dev"], ignored["reason"]) == ("lan0", reason)
    assert not any(entry.startswith(f"{address} ") for entry in proxies(home.router) | routes(home.router))


def test_prefix_option_makes_an_address_eligible(home: Home, daemon: Start) -> None:
    """Addresses of a prefix without a connected route are learned if --prefix names it."""
    prefix, address = "2001:db8:99::/64", "2001:db8:99::11"
    home.modem.ip(f"route add {prefix} dev lan0")
    home.lan.ip(f"address add {address}/128 dev eth0 nodad")
    echo(home.inet, delay=FAR)
    running = daemon(home.router, "--prefix", prefix, "wan0", "lan0")
    claim(home.lan, address)
    running.wait_for("host-verified", address=address)

    assert ask(home.lan, INET, timeout=10.0, source=address) is not None


def _life(running: Daemon, address: str) -> list[Record]:
    """Return the records of decisions about *address*, without their time."""
    return [{k: v for k, v in r.items() if k != "ts"} for r in running.log() if r.get("address") == address]
