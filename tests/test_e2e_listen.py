"""Hosts that the neighbor table does not show are found by the solicitations of other hosts, on a real kernel."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path

import pytest

from ndpbr_py.control import client
from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask, echo
from tests.home import INET, LAN, LAN2, ROUTER, Home, leave_a_route, solicit_once
from tests.lab import Host, until
from tests.observed import clean, neighbor, proxies, routes, shorten_neighbor_timers
from tests.program import Daemon

DEVS = ("wan0", "lan0", "lan1")
FAR = 0.02  # s, to a server on the internet and back
SECOND = "2001:db8:64:0:a1b2:c3d4:e5f6:789"


@pytest.fixture
def listening(home: Home, daemon: Start) -> Daemon:
    """Return a daemon that receives solicitations on all three links; hosts run DAD for new addresses."""
    leave_a_route(home)
    for host in (home.lan, home.lan2):
        host.sysctl("net/ipv6/conf/eth0/accept_dad", 1)
    echo(home.inet, delay=FAR)
    running = daemon(home.router, *DEVS)
    for dev in DEVS:
        running.wait_for("listening", dev=dev)
    return running


def test_second_address_is_answered_from_its_first_packet(home: Home, listening: Daemon) -> None:
    """A host that knows its router takes another address, and its first packet is answered."""
    assert ask(home.lan, INET, timeout=10.0) is not None
    solicit_once(home.modem)
    home.lan.ip(f"address add {SECOND}/64 dev eth0")
    until(lambda: "tentative" not in home.lan.ip(f"-6 address show dev eth0 to {SECOND}"))

    assert ask(home.lan, INET, timeout=10.0, source=SECOND) is not None
    listening.wait_for("lookup-started", address=SECOND, dev="lan0", reason="duplicate-address-detection")
    listening.wait_for("host-verified", address=SECOND)


def test_optimistic_address_is_answered_from_its_first_packet(home: Home, listening: Daemon) -> None:
    """An address that is used during DAD (RFC 4429) is found by its DAD probe, too."""
    assert ask(home.lan, INET, timeout=10.0) is not None
    for name, value in {"optimistic_dad": 1, "use_optimistic": 1, "dad_transmits": 9}.items():
        home.lan.sysctl(f"net/ipv6/conf/eth0/{name}", value)
    solicit_once(home.modem)
    home.lan.ip(f"address add {SECOND}/64 dev eth0 optimistic")
    assert "optimistic" in home.lan.ip(f"-6 address show dev eth0 to {SECOND}")

    assert ask(home.lan, INET, timeout=10.0, source=SECOND) is not None
    assert "optimistic" in home.lan.ip(f"-6 address show dev eth0 to {SECOND}")
    listening.wait_for("lookup-started", address=SECOND, dev="lan0", reason="duplicate-address-detection")
    listening.wait_for("host-learned", address=SECOND)  # verified immediately, or with the next line of the monitor


def test_second_address_is_not_found_without_listening(home: Home, daemon: Start) -> None:
    """With --no-listen the address is not found, and no socket is opened."""
    home.lan.sysctl("net/ipv6/conf/eth0/accept_dad", 1)
    echo(home.inet, delay=FAR)
    running = daemon(home.router, "--no-listen", *DEVS)
    assert ask(home.lan, INET, timeout=10.0) is not None
    home.lan.ip(f"address add {SECOND}/64 dev eth0")
    until(lambda: "tentative" not in home.lan.ip(f"-6 address show dev eth0 to {SECOND}"))

    assert ask(home.lan, INET, timeout=1.5, source=SECOND) is None
    assert "listening" not in {record["event"] for record in running.log()}


def test_address_without_dad_is_found_by_the_modems_solicitation(home: Home, listening: Daemon) -> None:
    """An address used without DAD is found when the answer comes and the modem solicits it."""
    assert ask(home.lan, INET, timeout=10.0) is not None
    home.lan.ip(f"address add {SECOND}/64 dev eth0 nodad")

    assert ask(home.lan, INET, timeout=10.0, source=SECOND) is not None
    listening.wait_for("lookup-started", address=SECOND, dev="wan0", reason="solicited")


def test_silent_server_is_found_when_it_is_solicited(home: Home, listening: Daemon) -> None:
    """A silent server is reachable from outside, at the modem's second solicitation at the latest."""
    home.modem.sysctl("net/ipv6/neigh/lan0/mcast_solicit", 2)
    echo(home.lan)

    assert ask(home.inet, LAN, timeout=10.0) is not None
    started = listening.wait_for("lookup-started", address=LAN, dev="wan0")
    assert (started["reason"], started["lookup_on"]) == ("solicited", ["lan0", "lan1"])
    assert f"{LAN} dev lan0 proto 135" in routes(home.router)


def test_silent_server_on_another_lan_is_found(home: Home, listening: Daemon) -> None:
    """A LAN host that takes a silent host on another LAN for an on-link neighbor reaches it."""
    echo(home.lan2)

    assert until(lambda: ask(home.lan, LAN2, timeout=1.5), what="the server on the other LAN answers") is not None
    assert f"{LAN2} dev lan1 proto 135" in routes(home.router)


def test_unsolicited_advertisement_makes_a_host_known(home: Home, daemon: Start) -> None:
    """An unsolicited advertisement is enough to find a host, if the kernel accepts it (Linux 5.19)."""
    if not home.router.inside(Path("/proc/sys/net/ipv6/conf/all/accept_untracked_na").exists):
        pytest.skip("this kernel has no accept_untracked_na")
    for name in ("accept_dad", "ndisc_notify"):
        home.lan.sysctl(f"net/ipv6/conf/eth0/{name}", 1)
    running = daemon(home.router, "--no-listen", "wan0", "lan0")
    home.lan.ip(f"address add {SECOND}/64 dev eth0")

    assert running.wait_for("host-learned", address=SECOND)["dev"] == "lan0"


def test_lookup_without_answer_learns_no_host(home: Home, listening: Daemon) -> None:
    """An address that no host has is looked up, no host is learned, and no FAILED entry stays in the cache."""
    absent = "2001:db8:64::dead"
    assert ask(home.inet, absent, timeout=0.5) is None
    listening.wait_for("lookup-started", address=absent)
    listening.wait_for("lookup-failed", address=absent, dev="lan0")

    until(lambda: neighbor(home.router, absent, "lan0") == "", what="the FAILED entry is deleted")
    assert not [entry for entry in proxies(home.router) | routes(home.router) if entry.startswith(f"{absent} ")]


def test_roaming_host_passes_detection_on_the_other_lan(home: Home, listening: Daemon) -> None:
    """A host that is moved to the other LAN passes duplicate address detection there."""
    assert ask(home.lan, INET, timeout=10.0) is not None
    listening.wait_for("host-verified", address=LAN)
    # The first probe may come before the daemon knows that the cable is in again.
    home.lan2.sysctl("net/ipv6/conf/eth0/dad_transmits", 9)
    _carry(home.lan, home.lan2)
    listening.wait_for("proxy-withheld", address=LAN, withheld_on="lan1")
    home.lan2.sysctl("net/ipv6/conf/eth0/dad_transmits", 1)
    # A host with a link-local address solicits its router, and then takes this address.
    home.lan2.ip(f"address add {LAN}/64 dev eth0")

    assert until(lambda: _detected(home.lan2, LAN)) == "passed"
    listening.wait_for("host-moved", address=LAN, dev="lan1")
    home.lan2.ip("route replace default via fe80::1 dev eth0")
    assert until(lambda: ask(home.lan2, INET, timeout=1.0, source=LAN)) is not None
    assert f"{LAN} dev lan0 proto 135" in proxies(home.router)


def test_owner_that_answers_keeps_its_address(home: Home, listening: Daemon) -> None:
    """DAD for the address of a present host on another link fails."""
    assert ask(home.lan, INET, timeout=10.0) is not None
    home.lan2.ip(f"address add {LAN}/64 dev eth0")

    assert until(lambda: _detected(home.lan2, LAN)) == "failed"
    listening.wait_for("host-probed", address=LAN, seen_on="lan1")
    assert {f"{LAN} dev lan1 proto 135", f"{LAN} dev wan0 proto 135"} <= proxies(home.router)
    assert ask(home.lan, INET, timeout=10.0) is not None
    assert "proxy-withheld" not in {record["event"] for record in listening.log()}


def test_scan_does_not_fill_the_neighbor_table(home: Home, listening: Daemon) -> None:
    """Thousands of solicited addresses cause a few lookups a second; known hosts are served as before."""
    assert ask(home.lan, INET, timeout=10.0) is not None
    listening.wait_for("host-verified", address=LAN)
    home.modem.inside(lambda: _scan("lan0", 5000))
    record = listening.wait_for("lookups-rate-limited")
    table = home.router.ip("-6 neigh show nud all")
    counters = (client.ask(listening.state, request="state") or {})["counters"]

    assert counters["solicitations_received"] > counters["lookups_rate_limited"] > 0
    assert 0 < counters["lookups"] <= 2 * 60
    assert (record["level"], record["dev"]) == ("warning", "wan0")
    assert table.count("2001:db8:64::5ca:") <= 2 * 60
    assert ask(home.lan, INET, timeout=10.0) is not None
    assert listening.stop() == 0
    assert clean(home.router)


def test_solicitations_are_received_when_a_link_is_up_again(home: Home, listening: Daemon) -> None:
    """Solicitations are received on an interface as soon as it is up again."""
    echo(home.lan)
    home.router.ip("link set lan0 down")
    home.router.lay("link set lan0 up", "address add fe80::1/64 dev lan0 nodad")
    until(lambda: [r["dev"] for r in listening.logged("listening")].count("lan0") == 2)

    assert until(lambda: ask(home.inet, LAN, timeout=1.5)) is not None


def _carry(here: Host, there: Host) -> None:
    """Give the host *there* the identity of *here*, as if it had moved: it runs DAD for its link-local address."""
    lladdr = here.mac("eth0")
    here.ip("link set eth0 down")
    there.lay("link set eth0 down", f"link set eth0 address {lladdr}", "link set eth0 up")


def _detected(host: Host, address: str) -> str | None:
    """Return how duplicate address detection ended; None while it is in progress."""
    shown = host.ip(f"-6 address show dev eth0 to {address}")
    return "failed" if "dadfailed" in shown else None if "tentative" in shown else "passed"


def _scan(dev: str, count: int) -> None:
    """Send a solicitation for each of *count* addresses, without pause."""
    index = socket.if_nametoindex(dev)
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sender:
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        for number in range(count):
            target = socket.inet_pton(socket.AF_INET6, f"2001:db8:64::5ca:{number:x}")
            group = socket.inet_ntop(socket.AF_INET6, bytes.fromhex("ff0200000000000000000001ff") + target[13:])
            sender.sendto(bytes((135, 0, 0, 0, 0, 0, 0, 0)) + target, (group, 0, 0, index))


@pytest.mark.parametrize("state", ["noarp", "permanent"])
def test_permanent_entry_survives_a_dad_probe(home: Home, listening: Daemon, state: str) -> None:
    """A DAD probe for a PERMANENT or NOARP entry's address does not change the entry."""
    pinned = ("neigh", "add", SECOND, "lladdr", "02:00:00:00:00:99", "dev", "lan0", "nud", state)
    home.router.ip("-6", *pinned)
    home.lan.ip(f"-6 address add {SECOND}/64 dev eth0")
    if state == "noarp":  # a PERMANENT entry is a host immediately
        listening.wait_for("lookup-started", address=SECOND)
    claim(home.lan2, LAN2)
    listening.wait_for("host-learned", address=LAN2)

    assert f"lladdr 02:00:00:00:00:99 {state.upper()}" in home.router.ip("-6 neigh show dev lan0 nud all")


@pytest.mark.parametrize("how", ["routed", "restarted"])
def test_silent_server_is_found_although_the_modem_never_solicits(home: Home, daemon: Start, how: str) -> None:
    """The modem routes the prefix to the router, or knows its lladdr from a run before: an unresolved packet is enough.

    A restart without host discovery, or a reboot, leaves no trace of a silent host.
    """
    shorten_neighbor_timers(home.router, "wan0")
    echo(home.lan)
    if how == "routed":
        home.modem.ip(f"route add {LAN}/128 via {ROUTER} dev lan0")
    else:
        before = daemon(home.router, "wan0", "lan0")
        claim(home.lan, LAN)
        before.wait_for("host-verified", address=LAN)
        assert before.stop() == 0
        home.router.ip("-6 neigh flush all")
        home.modem.ip(f"neigh replace {LAN} lladdr {home.router.mac('wan0')} dev lan0 nud permanent")
    running = daemon(home.router, "wan0", "lan0")
    assert ask(home.inet, LAN, timeout=0.1) is None
    running.wait_for("lookup-started", address=LAN, reason="unresolved")
    running.wait_for("host-learned", address=LAN)

    assert until(lambda: ask(home.inet, LAN, timeout=0.5)) is not None  # the record may come before the route


def test_owner_that_was_never_seen_keeps_its_address(home: Home, listening: Daemon) -> None:
    """DAD fails for an address that a silent host on another link has."""
    home.lan2.ip(f"address add {LAN}/64 dev eth0")

    assert until(lambda: _detected(home.lan2, LAN)) == "failed"
    listening.wait_for("host-advertised", address=LAN, seen_on="lan1", reason="duplicate-address-detection")
    assert f"{LAN} dev lan0 proto 135" in routes(home.router)


@pytest.mark.skipif(shutil.which("nft") is None, reason="nft (nftables) is not installed")
def test_provider_that_drops_answers_from_link_local_addresses(home: Home, daemon: Start) -> None:
    """With --answer-as-target a new host and a known one are reached by the answer that comes from their address."""
    rule = "icmpv6 type nd-neighbor-advert ip6 saddr fe80::/10 counter drop"
    chain = f"table ip6 strict {{ chain input {{ type filter hook input priority 0; {rule}; }}; }}"
    assert home.modem.run("nft", chain).returncode == 0
    solicit_once(home.modem)
    echo(home.lan)
    first = daemon(home.router, "--keep", "--answer-as-target", "wan0", "wan0", "lan0")

    assert ask(home.inet, LAN, timeout=10.0) is not None  # the host is new
    assert first.stop() == 0
    home.modem.ip("neigh flush dev lan0")
    dropped = _dropped(home.modem)
    daemon(home.router, "--answer-as-target", "wan0", "wan0", "lan0")

    assert ask(home.inet, LAN, timeout=10.0) is not None  # and known
    assert _dropped(home.modem) > dropped > 0


def _dropped(host: Host) -> int:
    """Return how many packets the one counter of *host* has counted."""
    found = re.search(r"counter packets (\d+)", host.run("nft", "list", "ruleset").stdout)
    assert found is not None
    return int(found.group(1))
