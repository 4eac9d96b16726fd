"""VPN clients behind a tun interface, which has no neighbor discovery: the outside and containers reach them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.claim import claim
from tests.conftest import Run, Start
from tests.echo import ask, echo
from tests.home import solicit_once
from tests.lab import Lab, until
from tests.observed import clean, neighbor, proxies, routes
from tests.program import LATER, Daemon
from tests.server import CLIENT, CLIENT2, CONTAINER, INET, MODEM, SERVER, Server, rented

LISTED = ("eth0", "br0", "tun0")


@pytest.fixture
def plain(lab: Lab) -> Iterator[Server]:
    """Return the server whose VPN program adds a /128 route per client."""
    with rented(lab, carved=False) as it:
        yield it


@pytest.fixture
def carved(lab: Lab) -> Iterator[Server]:
    """Return the server whose VPN has a prefix of its own, and no /128 routes."""
    with rented(lab) as it:
        yield it


def entries(*addresses: str) -> set[str]:
    """Return the proxy entries of clients."""
    return {f"{address} dev {dev} proto 135" for address in addresses for dev in ("eth0", "br0")}


def test_client_with_a_host_route_is_reached(plain: Server, daemon: Start, ndpbr: Run, tmp_path: Path) -> None:
    """From the moment its route is added, with the first packet, until the route is deleted."""
    running = daemon(plain.server, "--resync-interval", "3600", *LISTED)
    plain.tunnel.connect(plain.client, CLIENT)
    echo(plain.client)
    echo(plain.inet)
    assert ask(plain.inet, CLIENT) is None

    plain.server.ip(f"-6 route add {CLIENT}/128 dev tun0")
    learned = running.wait_for("host-learned", address=CLIENT)
    until(lambda: entries(CLIENT) <= proxies(plain.server), what="the client is proxied")

    assert (learned["dev"], learned["reason"]) == ("tun0", "routed")
    until(lambda: ask(plain.client, INET), what="the client reaches the outside")
    until(lambda: ask(plain.inet, CLIENT), what="the client is reached")
    until(lambda: ask(plain.container, CLIENT), what="the container reaches the client")
    assert f"{CLIENT} tun0 -> br0 eth0" in ndpbr(plain.server, "show").stdout.splitlines()
    state = ("--state-dir", str(tmp_path / "state"))
    explained = ndpbr(plain.server, "explain", *state, CLIENT)
    assert (explained.returncode, explained.stdout.partition(" on ")[0]) == (0, "yes: proxied")
    assert "daemon: a host on tun0, by its /128 route" in explained.stdout
    assert "never probed" in ndpbr(plain.server, "lookup", *state, CLIENT).stdout

    plain.server.ip(f"-6 route del {CLIENT}/128 dev tun0")
    running.wait_for("host-forgotten", address=CLIENT, reason="route-gone")
    until(lambda: not entries(CLIENT) & proxies(plain.server), what="the entries are removed")


def test_peer_of_an_address_is_a_host(plain: Server, daemon: Start) -> None:
    """The kernel itself makes the route of a peer; the router's own /128 addresses have such routes, too."""
    running = daemon(plain.server, *LISTED)
    plain.server.ip(f"address add {CLIENT2} peer {CLIENT} dev tun0")
    running.wait_for("host-learned", address=CLIENT, reason="routed")

    until(lambda: entries(CLIENT) <= proxies(plain.server))
    assert not [record for record in running.log() if record.get("address") == CLIENT2 and "host" in record["event"]]


def test_routes_that_name_no_host(plain: Server, daemon: Start) -> None:
    """The route of a run with another number may be outdated, and the address of another route is not eligible."""
    # That run has no link for a proxy entry.
    other = daemon(plain.server, "--protocol", "136", "--static", f"{CLIENT}%tun0", "tun0", "nosuch0")
    until(lambda: f"{CLIENT} dev tun0 proto 136" in routes(plain.server), what="the route of the other instance")
    other.process.kill()
    other.process.wait()
    assert not proxies(plain.server)
    outside = "2001:db8:99::5"
    plain.server.ip(f"-6 route add {outside}/128 dev tun0")
    running = daemon(plain.server, *LISTED)
    plain.server.ip(f"-6 route add {CLIENT2}/128 dev tun0")
    running.wait_for("host-learned", address=CLIENT2, reason="routed")
    until(lambda: entries(CLIENT2) <= proxies(plain.server), what="the client is proxied")

    assert not {CLIENT, outside} & {record["address"] for record in running.logged("host-learned")}
    assert not entries(CLIENT, outside) & proxies(plain.server)


def test_clients_are_adopted_after_a_crash(plain: Server, daemon: Start) -> None:
    """The entries stay in place while the daemon is replaced, and no route of ours is added."""
    for address, client in ((CLIENT, plain.client), (CLIENT2, plain.client2)):
        plain.tunnel.connect(client, address)
        plain.server.ip(f"-6 route add {address}/128 dev tun0")
    before = routes(plain.server)
    first = daemon(plain.server, *LISTED)
    until(lambda: proxies(plain.server) == entries(CLIENT, CLIENT2))
    first.process.kill()
    first.process.wait()
    second = daemon(plain.server, *LISTED)

    assert proxies(plain.server) == entries(CLIENT, CLIENT2)
    assert routes(plain.server) == before
    assert not second.logged("leftover-removed")
    echo(plain.client)
    until(lambda: ask(plain.container, CLIENT), what="the container reaches the client")


def test_client_of_a_nested_prefix_is_reached(carved: Server, daemon: Start, ndpbr: Run) -> None:
    """A client that is solicited is proxied, without a route of ours, and without FAILED entries on other links."""
    solicit_once(carved.modem)
    carved.tunnel.connect(carved.client, CLIENT)
    echo(carved.client)
    running = daemon(carved.server, *LISTED)
    before = routes(carved.server)

    assert ask(carved.inet, CLIENT, timeout=10.0) is not None

    proxied = running.wait_for("proxied-on-demand", address=CLIENT)
    assert (proxied["dev"], proxied["proxied_on"]) == ("tun0", ["eth0"])
    assert f"{CLIENT} dev eth0 proto 135" in proxies(carved.server)
    assert {route for route in routes(carved.server) if CLIENT in route} == {r for r in before if CLIENT in r} == set()
    assert [neighbor(carved.server, CLIENT, dev) for dev in ("eth0", "br0")] == ["", ""]
    assert f"{CLIENT} tun0 -> eth0" in ndpbr(carved.server, "show").stdout.splitlines()
    assert ndpbr(carved.server, "explain", CLIENT).returncode == 0
    unused = ndpbr(carved.server, "explain", CLIENT2)
    assert unused.returncode == 1
    assert "on-demand: proxied on br0, eth0 for ten minutes" in unused.stdout
    running.stop()
    assert clean(carved.server)


def test_unused_address_of_a_nested_prefix_is_answered_for_and_dropped(carved: Server, daemon: Start) -> None:
    """The packet goes into the tunnel, as it would to a client, and not back to the provider."""
    running = daemon(carved.server, *LISTED)
    dropped = carved.tunnel.dropped

    assert ask(carved.inet, CLIENT2) is None
    running.wait_for("proxied-on-demand", address=CLIENT2)
    until(lambda: carved.tunnel.dropped > dropped, what="the VPN program drops the packet")


def test_host_behind_a_nested_router_is_reached(lab: Lab, daemon: Start) -> None:
    """The prefix has a route with a gateway on the bridge: nothing is probed there."""
    with rented(lab) as it:
        nested = "2001:db8:64:0:d::5"
        it.container.lay(f"address add {nested}/128 dev lo nodad")
        it.server.ip(f"-6 route add 2001:db8:64:0:d::/80 via {CONTAINER} dev br0")
        it.container.sysctl("net/ipv6/conf/all/forwarding", 1)
        echo(it.container)
        daemon(it.server, *LISTED)

        until(lambda: ask(it.inet, nested), what="the host is reached")
        assert f"{nested} dev eth0 proto 135" in proxies(it.server)
        assert neighbor(it.server, nested, "br0") == ""


def test_prefix_of_static_is_served_where_the_table_says_nothing(plain: Server, daemon: Start) -> None:
    """The tunnel has the same /64 as the uplink; the user says that a part of it is behind the tunnel."""
    plain.tunnel.connect(plain.client, CLIENT)
    echo(plain.client)
    running = daemon(plain.server, "--static", "2001:db8:64:0:b::/80%tun0", *LISTED)
    warned = running.wait_for("check-warned", check="static")
    assert warned["fix"] == "ip -6 route add 2001:db8:64:0:b::/80 dev tun0"
    plain.server.ip("-6 route add 2001:db8:64:0:b::/80 dev tun0")

    until(lambda: ask(plain.inet, CLIENT), what="the client is reached")


def test_addresses_on_demand_are_few_and_do_not_last(carved: Server, tmp_path: Path) -> None:
    """At most 256 on a link: the least recently solicited loses its place, and all do after ten minutes."""
    clock = tmp_path / "clock"
    words = ("--resync-interval", "3600", *LISTED)
    running = Daemon(carved.server, *words, folder=tmp_path, program=(*LATER, str(clock), "10"))
    running.wait_for("started")

    def solicit(*addresses: str) -> None:
        for address in addresses:
            claim(carved.modem, MODEM, dev="lan0", target=address)
        running.wait_for("proxied-on-demand", address=addresses[-1])

    def pass_seconds(number: int) -> None:
        with clock.open("ab") as file:
            file.write(bytes(number // 10))

    *scanned, one_more, after_all = (f"2001:db8:64:0:b::{number:x}" for number in range(0x100, 0x202))
    for begin in range(0, len(scanned), 20):
        solicit(*scanned[begin : begin + 20])
        pass_seconds(10)  # so that the next ones are within the rate limits
    solicit(scanned[0], one_more)
    running.wait_for("on-demand-ended", address=scanned[1], reason="max-on-demand")
    expected = {f"{address} dev eth0 proto 135" for address in (scanned[0], *scanned[2:], one_more)}
    until(lambda: {it for it in proxies(carved.server) if it.startswith("2001:db8:64:0:b:")} == expected)
    pass_seconds(600)
    solicit(after_all)
    running.wait_for("on-demand-ended", address=one_more, reason="not-solicited")

    left = {f"{after_all} dev eth0 proto 135"}
    until(lambda: {it for it in proxies(carved.server) if it.startswith("2001:db8:64:0:b:")} == left)


def test_nothing_is_served_on_demand_without_listening(carved: Server, daemon: Start) -> None:
    """No solicitation is received, and nothing else tells which clients there are."""
    carved.tunnel.connect(carved.client, CLIENT)
    echo(carved.client)
    daemon(carved.server, "--no-listen", *LISTED)

    assert ask(carved.inet, CLIENT) is None
    assert not entries(CLIENT) & proxies(carved.server)


def test_container_finds_its_address_unused(carved: Server, daemon: Start) -> None:
    """A claim from the uplink does not fail the duplicate address detection of a container on the nested prefix."""
    running = daemon(carved.server, *LISTED)
    carved.container.sysctl("net/ipv6/conf/eth0/accept_dad", 1)
    own = "2001:db8:64:0:c::9"
    claim(carved.modem, own, dev="lan0", target=SERVER)
    running.wait_for("address-ignored", address=own, dev="eth0", reason="routed-elsewhere")
    carved.container.ip(f"address add {own}/80 dev eth0")
    until(lambda: "tentative" not in carved.container.ip("-6 address show dev eth0"), what="detection is over")

    assert "dadfailed" not in carved.container.ip("-6 address show dev eth0")
    running.wait_for("host-learned", address=own, dev="br0")
