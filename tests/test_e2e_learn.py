"""Hosts are learned at first sight: real hosts, real traffic, the kernel's own neighbor discovery."""

from __future__ import annotations

import json

import pytest

from bench.site import sender
from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import INET, LAN, MODEM, ROUTER, Home, leave_a_route
from tests.lab import until
from tests.observed import neighbor, proxies, routes
from tests.program import Daemon, Record, ndpbr

FAR = 0.02  # s, to a server on the internet and back


def test_first_datagram_of_a_new_host_is_answered(home: Home, daemon: Start) -> None:
    """A new LAN host sends one datagram to the internet and gets the answer."""
    echo(home.inet, delay=FAR)
    daemon(home.router, "wan0", "lan0")

    assert ask(home.lan, INET, timeout=10.0) is not None


def test_first_solicitation_for_a_new_host_is_answered(home: Home, daemon: Start) -> None:
    """When the first answer to a new host comes, its proxy entry exists: one solicitation is enough."""
    home.modem.sysctl("net/ipv6/neigh/lan0/retrans_time_ms", 60_000)
    leave_a_route(home)
    echo(home.inet, delay=10 * FAR)
    daemon(home.router, "wan0", "lan0")

    assert ask(home.lan, INET, timeout=10.0) is not None


@pytest.mark.parametrize("loops", [0, 3], ids=["idle", "busy"])
def test_first_solicitation_is_answered_before_the_entry_exists(home: Home, daemon: Start, loops: int) -> None:
    """The peer answers immediately, so the modem solicits a new host too early: one solicitation is still enough.

    Other programs that use all CPU time they get change nothing.
    """
    home.modem.sysctl("net/ipv6/neigh/lan0/retrans_time_ms", 60_000)
    leave_a_route(home)
    echo(home.inet)
    daemon(home.router, "wan0", "lan0")
    for _ in range(loops):
        home.lan2.spawn("sh", "-c", "while :; do :; done")
    for n in range(10):
        address = f"2001:db8:64::1:{n:x}"
        home.lan.ip(f"address add {address}/64 dev eth0 nodad")

        assert ask(home.lan, INET, timeout=10.0, source=address) is not None


def test_first_packets_of_new_hosts_are_answered_among_claims(home: Home, daemon: Start) -> None:
    """A machine on another LAN claims 100 addresses a second; one solicitation of the modem is enough for each host."""
    hosts = [f"2001:db8:64::1:{n:x}" for n in range(100)]
    home.modem.sysctl("net/ipv6/neigh/lan0/retrans_time_ms", 60_000)
    leave_a_route(home)
    home.lan2.lay(*(f"address add {address}/64 dev eth0 nodad" for address in hosts))
    echo(home.inet)
    running = daemon(home.router, "--max-hosts-per-lladdr", "1000", "wan0", "lan0", "lan1")
    flood = sender(home.lan, "claims", 100, 600)
    running.wait_for("host-learned", dev="lan0")
    for address in hosts:
        claim(home.lan2, address)

        assert ask(home.lan2, INET, timeout=10.0, source=address) is not None
    assert flood.poll() is None


def test_silent_server_is_reached_by_one_solicitation(home: Home, daemon: Start) -> None:
    """A host that never sent anything is looked up for the modem, which is answered as soon as the host is known."""
    home.modem.sysctl("net/ipv6/neigh/lan0/retrans_time_ms", 60_000)
    leave_a_route(home)
    echo(home.lan)
    running = daemon(home.router, "wan0", "lan0")

    assert ask(home.inet, LAN, timeout=10.0) is not None
    shown = json.loads(ndpbr(home.router, "show", "--json", "--state-dir", str(running.state)).stdout)
    assert shown["daemon"]["counters"]["advertisements_sent"] > 0


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
