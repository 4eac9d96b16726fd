"""VPN clients behind a tun interface, which has no neighbor discovery: the outside and containers reach them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Run, Start
from tests.echo import ask, echo
from tests.lab import Lab, until
from tests.observed import proxies, routes
from tests.server import CLIENT, CLIENT2, INET, Server, rented

LISTED = ("eth0", "br0", "tun0")


@pytest.fixture
def plain(lab: Lab) -> Iterator[Server]:
    """Return the server whose VPN program adds a /128 route per client."""
    with rented(lab, carved=False) as it:
        yield it


def entries(*addresses: str) -> set[str]:
    """Return the proxy entries of clients."""
    return {f"{address} dev {dev} proto 135" for address in addresses for dev in ("eth0", "br0")}


def test_client_with_a_host_route_is_reached(plain: Server, daemon: Start, ndpbr: Run) -> None:
    """From the moment its route is added, with the first packet, until the route is deleted."""
    running = daemon(plain.server, *LISTED)
    plain.tunnel.connect(plain.client, CLIENT)
    echo(plain.client)
    echo(plain.inet)
    assert ask(plain.inet, CLIENT) is None

    plain.server.ip(f"-6 route add {CLIENT}/128 dev tun0")
    learned = running.wait_for("host-learned", address=CLIENT)
    until(lambda: entries(CLIENT) <= proxies(plain.server), what="the client is proxied")

    assert (learned["dev"], learned["reason"]) == ("tun0", "routed")
    assert ask(plain.client, INET) is not None
    until(lambda: ask(plain.inet, CLIENT), what="the client is reached")
    assert ask(plain.container, CLIENT) is not None
    assert f"{CLIENT} tun0 -> br0 eth0" in ndpbr(plain.server, "show").stdout.splitlines()
    explained = ndpbr(plain.server, "explain", CLIENT)
    assert (explained.returncode, "yes: proxied on" in explained.stdout) == (0, True)

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


def test_route_of_another_instance_names_no_host(plain: Server, daemon: Start) -> None:
    """Nor does one that a run with another number has left behind: it may be wrong by now."""
    plain.server.ip(f"-6 route add {CLIENT}/128 dev tun0 proto 136")
    plain.server.ip(f"-6 neigh add proxy {CLIENT} dev eth0 proto 136")
    running = daemon(plain.server, *LISTED)
    plain.server.ip(f"-6 route add {CLIENT2}/128 dev tun0")
    running.wait_for("host-learned", address=CLIENT2)

    assert not [record for record in running.log() if record["event"] == "host-learned" and record["address"] == CLIENT]


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
    assert not [record for record in second.log() if record["event"] == "leftover-removed"]
    echo(plain.client)
    assert ask(plain.container, CLIENT) is not None
