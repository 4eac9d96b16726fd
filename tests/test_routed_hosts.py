"""Hosts that a /128 route of another program names."""

from __future__ import annotations

import pytest

from ndpbr_py.core.actions import AddProxy, AddRoute, DelProxy, DelRoute
from ndpbr_py.core.events import ActionRefused, KernelSnapshot, NudState, Refusal, RouterAddress, SnapshotStarted
from ndpbr_py.core.proxy import NdProxy
from tests.builders import (
    HOST,
    LLADDR,
    actions,
    addr,
    changed,
    entry,
    handle,
    kernel,
    link,
    nd_proxy,
    prefix_route,
    route,
    why,
)

A, LISTED = addr(), ("wan0", "lan0", "tun0")
OURS = (entry(), entry(dev="lan0"))
PROXIES = [AddProxy(A, "wan0"), AddProxy(A, "lan0")]


def vpn(*found: object, dev: str | None = "tun0", **more: object) -> KernelSnapshot:
    """Return the tables of a server with a client on *dev*; None: its route is gone."""
    named = () if dev is None else (prefix_route(f"{HOST}/128", dev), route(dev=dev, ours=False))
    routed = {} if dev is None else {HOST: dev}
    options = {"up": LISTED, "without_nd": ("tun0",), "routed": routed, **more}
    return kernel(*named, *found, **options)  # type: ignore[arg-type]


def server() -> NdProxy:
    """Return one that lists the tunnel."""
    return nd_proxy(*LISTED)


def test_route_creates_the_host_immediately() -> None:
    """The host gets proxy entries on the other links, no route and no probe; later snapshots change nothing."""
    proxy = server()

    decisions = handle(proxy, vpn())

    assert (why(decisions), actions(decisions)) == ([("host-learned", "routed")], PROXIES)
    assert handle(proxy, vpn(*OURS)) == []


def test_other_routes_do_not_concern_the_host() -> None:
    """Another prefix, or another client, comes: the host that is there stays as it is."""
    proxy = server()
    handle(proxy, vpn())
    both = {HOST: "tun0", "2001:db8::34": "tun0"}

    assert [str(it.address) for it in handle(proxy, vpn(*OURS, routed=both))] == ["2001:db8::34"]


def test_host_goes_with_its_route() -> None:
    """Another program has deleted the route: the entries are removed."""
    proxy = server()
    handle(proxy, vpn())

    decisions = handle(proxy, vpn(*OURS, dev=None))

    assert why(decisions) == [("host-forgotten", "route-gone")]
    assert actions(decisions) == [DelProxy(A, "wan0"), DelProxy(A, "lan0")]


def test_host_follows_its_route() -> None:
    """A client that comes back on another interface is proxied on the first one."""
    proxy = server()
    handle(proxy, vpn())

    decisions = handle(proxy, vpn(*OURS, dev="lan0"))

    assert why(decisions) == [("host-forgotten", "routed-elsewhere"), ("host-learned", "routed")]
    assert actions(decisions)[2:] == [AddProxy(A, "wan0")]


@pytest.mark.parametrize("tables", [vpn(dev="eth9"), vpn(own=[HOST])], ids=["not listed", "own"])
def test_route_that_names_no_host(tables: KernelSnapshot) -> None:
    """On an interface that is not listed, or to an address of the router's own."""
    assert why(handle(server(), tables)) == []


def test_off_link_address_is_no_host() -> None:
    """A route to an address outside the prefixes says nothing about the link that the prefixes are on."""
    far = "2001:db8:99::1"

    assert handle(server(), vpn(dev=None, routed={far: "tun0"})) == []


def test_peer_of_an_own_address_is_a_host() -> None:
    """Only the router's side of a point-to-point link is its own."""
    proxy = server()
    own = "2001:db8::1"
    tables = vpn(own=[own], router_addresses=[RouterAddress(addr(own), "tun0", settled=True)])

    assert ("host-learned", "routed") in why(handle(proxy, tables))


def test_neighbor_entries_do_not_change_the_host() -> None:
    """A routed interface of a container has neighbor discovery: neither silence nor a claim elsewhere removes it."""
    proxy = server()
    handle(proxy, vpn(dev="lan0"), changed(state=NudState.REACHABLE))

    assert handle(proxy, changed(state=NudState.FAILED)) == []
    assert handle(proxy, changed(state=NudState.FAILED)) == []
    claimed = handle(proxy, changed(dev="wan0", lladdr=LLADDR, state=NudState.REACHABLE))
    assert (why(claimed), actions(claimed)) == ([("address-ignored", "routed-elsewhere")], [])


def test_learned_host_becomes_a_routed_one() -> None:
    """The route comes after the first packet: the proxy entries stay, and the route of ours goes."""
    proxy = server()
    handle(proxy, vpn(dev=None))
    handle(proxy, changed(dev="lan0"))

    decisions = handle(proxy, vpn(route(), entry(), dev="lan0"))

    assert (why(decisions), actions(decisions)) == ([("host-retained", "routed")], [DelRoute(A, "lan0")])


def test_learned_host_whose_entries_were_lost_becomes_a_routed_one() -> None:
    """The entries that another program has flushed are restored in the same snapshot."""
    proxy = server()
    handle(proxy, vpn(dev=None))
    handle(proxy, changed(dev="lan0"))

    assert actions(handle(proxy, vpn(dev="lan0"))) == PROXIES[:1]


def test_host_learned_during_the_snapshot_becomes_a_routed_one() -> None:
    """Its entries are not in the tables that were read, but the kernel has them: only our route goes."""
    proxy = server()
    handle(proxy, vpn(dev=None), SnapshotStarted(), changed(dev="lan0"))

    assert actions(handle(proxy, vpn(dev="lan0"))) == [DelRoute(A, "lan0")]


def test_learned_host_without_entries_becomes_a_routed_one() -> None:
    """The kernel had refused its entries; the snapshot that shows the other program's route adds them."""
    proxy = server()
    handle(proxy, vpn(dev=None), changed(dev="lan0"), ActionRefused(AddRoute(A, "lan0"), Refusal.OTHER, "no room"))

    assert actions(handle(proxy, vpn(dev="lan0"))) == PROXIES[:1]


def test_routed_host_keeps_its_place_in_a_full_table() -> None:
    """Hosts that were not looked up on the other links are evicted first, but not a host that a route names."""
    proxy = nd_proxy(*LISTED, max_hosts=2)
    handle(proxy, vpn(dev=None), changed(dev="lan0"), vpn(route(), entry(), dev="lan0"))
    handle(proxy, changed("2001:db8::44", state=NudState.REACHABLE, lladdr="02:00:00:00:00:44"))

    handle(proxy, changed("2001:db8::55", "wan0", lladdr="02:00:00:00:00:55"))
    handle(proxy, changed("2001:db8::66", state=NudState.REACHABLE, lladdr="02:00:00:00:00:66"))

    assert A in proxy.hosts


def test_route_elsewhere_removes_a_learned_host() -> None:
    """A claim that came before the VPN client does not keep the client out."""
    proxy = server()
    handle(proxy, vpn(dev=None))
    handle(proxy, changed(dev="lan0"))

    decisions = handle(proxy, vpn(route(), entry(), dev="tun0"))

    assert why(decisions) == [("host-forgotten", "routed-elsewhere"), ("host-learned", "routed")]
    assert actions(decisions)[-2:] == PROXIES


def test_host_of_an_earlier_run_keeps_its_entries() -> None:
    """After `kill -9` the entries that fit stay as they are."""
    decisions = handle(server(), vpn(*OURS))

    assert (why(decisions), actions(decisions)) == ([("host-learned", "routed")], [])


def test_proxy_entries_of_the_program_that_added_the_route() -> None:
    """LXD and Incus add a proxy entry with the route: it serves as ours would, and is worth no warning."""
    decisions = handle(server(), vpn(entry(ours=False)))

    assert (why(decisions), actions(decisions)) == ([("host-learned", "routed")], PROXIES[1:])


def test_entry_that_is_not_expected_goes_with_the_route() -> None:
    """Added while the monitor had not yet printed that the link was down: the snapshot that removes the host has it."""
    proxy = server()
    handle(proxy, vpn(), link("lan0", up=False), link("lan0", up=True))

    decisions = handle(proxy, vpn(*OURS, dev=None))

    assert (why(decisions), actions(decisions)) == (
        [("host-forgotten", "route-gone")],
        [DelProxy(A, "wan0"), DelProxy(A, "lan0")],
    )


def test_host_on_an_interface_that_goes_down() -> None:
    """The kernel removes the route with the interface; the host comes back with the route."""
    proxy = server()
    handle(proxy, vpn())

    down = handle(proxy, link("tun0", up=False))
    assert why(down) == [("link-down", "link-down"), ("host-suspended", "link-down")]
    assert actions(down)[:1] == [DelProxy(A, "wan0")]
    handle(proxy, vpn(dev=None, up=LISTED[:2]), link("tun0", up=True))
    assert actions(handle(proxy, vpn())) == PROXIES
