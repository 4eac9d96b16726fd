"""Lines of the dumps -> what the kernel has."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ndpbr_py.core.events import KernelSnapshot, NudState, Route, RouterAddress, RouteType
from ndpbr_py.iproute2.tables import Tables, in_use, route_words
from tests.builders import LLADDR, addr, changed, entry, prefix_route, route

PREFIX = IPv6Network("2001:db8::/64")


def tables() -> Tables:
    return Tables(("wan0", "lan0"), 135)


def test_neighbors_on_listed_interfaces_are_read() -> None:
    """Of the neighbor cache those on listed interfaces matter."""
    read = tables()
    read.neighbor(f"2001:db8::33 dev lan0 lladdr {LLADDR} router REACHABLE ")
    read.neighbor("2001:db8::34 dev lan0  FAILED")
    read.neighbor(f"2001:db8::35 dev eth9 lladdr {LLADDR} STALE")
    read.neighbor("Dump was interrupted and may be inconsistent.")

    assert read.snapshot().neighbors == (
        changed(state=NudState.REACHABLE, router=True),
        changed("2001:db8::34", state=NudState.FAILED),
    )


PROXIES = {
    "2001:db8::33 dev wan0 proxy proto 135 ": entry(),
    "2001:db8::33 dev wan0  proxy proto 135": entry(),
    "2001:db8::33 dev wan0 proxy ": entry(ours=False),
    "2001:db8::33 dev wan0 proxy proto 13 ": entry(ours=False),
    "2001:db8::33 dev wan0 proxy proto kernel ": entry(ours=False),
    "2001:db8::33 dev proxy proxy proto 135 ": entry(dev="proxy"),
    "2001:db8::33 dev proto router proxy proto 135 ": entry(dev="proto"),
}


@pytest.mark.parametrize("line", PROXIES)
def test_proxy_entry_is_ours_by_its_tag(line: str) -> None:
    """A proxy entry with our protocol number is ours; every other is another program's."""
    read = tables()
    read.proxy(line)

    assert read.snapshot().proxies == (PROXIES[line],)


def test_warm_up_in_progress_is_no_entry_of_ours() -> None:
    """The warm-up of a standby process on lo is no leftover of a run."""
    read = tables()
    read.proxy("100::1 dev lo proxy proto 135 ")

    assert read.snapshot().proxies == ()


HOST_ROUTES = {
    "2001:db8::33 dev lan0 proto 135 metric 1024 pref medium": route(),
    "2001:db8::33/128 dev lan0 proto 135 metric 1024 linkdown pref medium": route(),
    "2001:db8::33 dev lan0 metric 1024 pref medium": route(ours=False),
    "2001:db8::33 via fe80::1 dev tun0 proto 16 metric 20 pref medium": route(dev="tun0", ours=False),
    "2001:db8::33 dev proto proto 135 metric 1024": route(dev="proto"),
}


@pytest.mark.parametrize("line", HOST_ROUTES)
def test_host_route_is_ours_by_its_tag(line: str) -> None:
    """A /128 route matters wherever it points; with our protocol number it is ours."""
    read = tables()
    read.route(line)

    assert read.snapshot().host_routes == (HOST_ROUTES[line],)


NO_PREFIX = (
    "2001:db8::/64 dev eth9 proto kernel metric 256 pref medium",
    "2001:db8::/64 via fe80::1 dev lan0 proto 16 metric 20 pref medium",
    "unreachable 2001:db8::/64 dev lo metric 1024 error -113 pref medium",
    "blackhole 2001:db8::/64 dev lan0 metric 1024",
    "multicast ff00::/8 dev lan0 proto kernel metric 256 pref medium",
    "fe80::/64 dev lan0 proto kernel metric 256 pref medium",
    "default dev lan0 metric 1024 pref medium",
    "\tnexthop via fe80::1 dev lan0 weight 1",
    "2001:db8::/640 dev lan0",
    "",
)


def test_connected_prefix_is_on_link() -> None:
    """A device route on a listed interface makes its prefix on-link, whichever program added it."""
    read = tables()
    read.route("2001:db8::/64 dev lan0 proto kernel metric 256 pref medium")
    read.route("fd00:1::/64 dev wan0 metric 1024 linkdown pref medium")

    assert read.snapshot().on_link == {PREFIX, IPv6Network("fd00:1::/64")}


@pytest.mark.parametrize("line", NO_PREFIX)
def test_other_routes_make_no_prefix_on_link(line: str) -> None:
    """Other interfaces, gateways, link-local prefixes and routes to nowhere say nothing about hosts on a link."""
    read = tables()
    read.route(line)

    assert replace(read.snapshot(), routes=()) == KernelSnapshot()


def test_gateway_of_a_default_route_is_a_next_hop() -> None:
    """Where the default route leads to is remembered with its interface."""
    read = tables()
    read.route("default via 2001:db8::1 dev wan0 proto ra metric 1024 expires 1700sec hoplimit 64 pref medium")
    read.route("default from 2001:db8::/56 via fe80::1 dev wan0 metric 512 pref medium")

    assert read.snapshot().next_hops == {addr("2001:db8::1"): "wan0", addr("fe80::1"): "wan0"}


def test_default_routes_and_connected_prefixes_are_read_on_every_interface() -> None:
    """Also a default route without a gateway, or with several."""
    read = tables()
    read.route("default proto 9 metric 1024 expires 1700sec pref medium")
    read.route("\tnexthop via fe80::1 dev wan0 weight 1")
    read.route("default dev ppp0 metric 2048 pref medium")
    read.route("2001:db8::/64 dev eth9 proto ra metric 256 pref medium")
    read.route("unreachable default dev lo metric 4294967295 error -101 pref medium")
    read.route("fe80::/64 dev eth9 proto kernel metric 256 pref medium")
    everywhere = IPv6Network("::/0")

    assert read.snapshot().routes == (
        Route(everywhere, "wan0", addr("fe80::1"), advertised=True),
        Route(everywhere, "ppp0"),
        Route(PREFIX, "eth9", advertised=True),
    )
    assert read.snapshot().default_devs == {"wan0", "ppp0"}


OTHER_ROUTES = {
    "2001:db8:5::/64 via fe80::5 dev wan0 metric 1024 pref medium": prefix_route("2001:db8:5::/64", via="fe80::5"),
    "2001:db8:5::/64 dev wan0 proto kernel metric 256 expires 86393sec pref medium": prefix_route(
        "2001:db8:5::/64", advertised=True
    ),
    "2001:db8:5::/64 dev wan0 metric 256 linkdown expires 9sec": prefix_route("2001:db8:5::/64", advertised=True),
    "2001:db8:5::/64 dev expires metric 256": prefix_route("2001:db8:5::/64", "expires"),
    "unreachable 2001:db8:5::/56 dev lo metric 1024 error -113 pref medium": prefix_route(
        "2001:db8:5::/56", "lo", kind=RouteType.UNREACHABLE
    ),
    "2001:db8::8 dev tun0 proto 3 metric 256 pref medium": prefix_route("2001:db8::8/128", "tun0"),
    "2001:db8::8 via fe80::5 dev tun0 metric 1024 pref medium": prefix_route("2001:db8::8/128", "tun0", "fe80::5"),
    "blackhole 2001:db8::8 dev lo metric 1024": prefix_route("2001:db8::8/128", "lo", kind=RouteType.BLACKHOLE),
    "2001:db8:5::/64 from 2001:db8::/56 via fe80::5 dev wan0 metric 1024": None,  # not for all packets
    "2001:db8::8 dev lan0 proto 135 metric 1024 pref medium": None,  # ours
    "2001:db8::8/128 dev lan0 proto 135 metric 1024 linkdown pref medium": None,
    "multicast ff00::/8 dev wan0 proto kernel metric 256 pref medium": None,
    "fe80::/64 dev wan0 proto kernel metric 256 pref medium": None,
    "2001:db8:5::/64 proto 16 metric 1024 pref medium": None,  # its next hops follow
}


@pytest.mark.parametrize("line", OTHER_ROUTES)
def test_routes_of_other_programs_are_read(line: str) -> None:
    """Every route of another program is read, but source-specific, link-local and multicast ones."""
    read = tables()
    read.route(line)
    expected = OTHER_ROUTES[line]

    assert read.snapshot().routes == (() if expected is None else (expected,))


KERNEL_ROUTES = {
    "2001:db8::/64 dev wan0 proto 2 metric 256 pref medium": False,
    "2001:db8::9 dev wan0 proto kernel metric 256 pref medium": False,  # the peer of an address
    "2001:db8::/65 dev wan0 proto 2 metric 256 pref medium": True,
    "2001:db8::/64 dev lan0 proto kernel metric 256 pref medium": True,
    "2001:db8::33 dev wan0 proto kernel metric 256 pref medium": True,
    "2001:db8::/65 dev wan0 proto 3 metric 256 pref medium": False,
}


@pytest.mark.parametrize("line", KERNEL_ROUTES)
def test_route_that_the_kernel_made_for_no_address_is_advertised(line: str) -> None:
    """The kernel makes connected routes for the router's addresses and for router advertisements only."""
    read = tables()
    read.address("2: wan0    inet6 2001:db8::2/64 scope global ")
    read.address("2: wan0    inet6 2001:db8::2 peer 2001:db8::9/128 scope global ")
    read.route(line)

    assert [route.advertised for route in read.snapshot().routes] == [KERNEL_ROUTES[line]]


ROUTED = {
    "2001:db8::8 dev tun0 metric 1024 pref medium": "tun0",
    "2001:db8::8 dev tun0 proto 4 metric 1024 pref medium": "tun0",
    "2001:db8::8 via fe80::5 dev lan0 proto 3 metric 1024 pref medium": "lan0",
    "2001:db8::8 dev tun0 proto kernel metric 256 pref medium": None,  # no peer of ours: advertised
    "2001:db8::8 via fe80::5 dev lan0 proto ra metric 1024 pref medium": None,
    "2001:db8::8 dev lan0 proto 135 metric 1024 pref medium": None,
    "2001:db8::8 dev lan0 proto 136 metric 4096 pref medium": None,  # another ndpbr's
    "2001:db8::8 dev lan0 proto 136 metric 4096 linkdown pref medium": None,
    "2001:db8::8 dev lan0 proto 136 metric 1024 pref medium": "lan0",
    "2001:db8::8 dev lan0 proto 4 metric 4096 pref medium": "lan0",  # static: an administrator's
    "2001:db8::8 dev lan0 proto bird metric 4096 pref medium": "lan0",
    "2001:db8::8 dev lan0 metric 4096 pref medium": "lan0",
    "blackhole 2001:db8::8 dev lo metric 1024": None,
}


@pytest.mark.parametrize("line", ROUTED)
def test_host_routes_of_other_programs_name_hosts(line: str) -> None:
    """Only a route that leads to a host does, and not one that a router advertisement or another ndpbr made."""
    read = tables()
    read.route(line)
    expected = ROUTED[line]

    assert read.snapshot().routed == ({} if expected is None else {addr("2001:db8::8"): expected})


def test_first_of_several_host_routes_names_the_host() -> None:
    """The kernel prints the route that it uses first."""
    read = tables()
    read.route("2001:db8::8 dev tun0 metric 512 pref medium")
    read.route("2001:db8::8 dev lan0 metric 1024 pref medium")
    read.route("blackhole 2001:db8::9 dev lo metric 512")
    read.route("2001:db8::9 dev lan0 metric 1024 pref medium")
    read.route("2001:db8::a from 2001:db8:1::/64 dev lan0 proto 136 metric 4096 pref medium")
    read.route("2001:db8::a dev tun0 metric 1024 pref medium")
    read.route("2001:db8::a dev lan0 proto 136 metric 4096 pref medium")

    assert read.snapshot().routed == {addr("2001:db8::8"): "tun0", addr("2001:db8::a"): "tun0"}


def test_next_hops_of_a_multipath_route_are_read() -> None:
    """A multipath route is one route per next hop; a route without one has none."""
    read = tables()
    read.route("2001:db8:5::/64 proto 16 metric 1024 pref medium")
    read.route("\tnexthop via fe80::5 dev wan0 weight 1")
    read.route("\tnexthop dev lan0 weight 1")
    read.route("2001:db8:6::/640 dev lan0")
    read.route("\tnexthop via fe80::5 dev wan0 weight 1")

    assert read.snapshot().routes == (
        prefix_route("2001:db8:5::/64", via="fe80::5"),
        prefix_route("2001:db8:5::/64", "lan0"),
    )


def test_address_whose_peer_cannot_be_read_is_the_routers() -> None:
    """Its prefix is unknown: the kernel's route to one is taken for that of a router advertisement."""
    read = tables()
    read.address("2: wan0    inet6 2001:db8::2 peer 2001:db8:::/64 scope global \\       valid_lft forever")
    read.route("2001:db8::/64 dev wan0 proto kernel metric 256 pref medium")

    assert read.snapshot().own == {addr("2001:db8::2")}
    assert read.snapshot().routes == (prefix_route(advertised=True),)


def test_own_addresses_are_read_on_every_interface() -> None:
    """The router's own addresses are never a host's, wherever they are."""
    read = tables()
    read.address(
        "2: wan0    inet6 2001:db8::2/64 scope global dynamic \\       valid_lft 86000sec preferred_lft 1000sec"
    )
    read.address("7: tun0    inet6 2001:db8::7 peer 2001:db8::8/128 scope global \\       valid_lft forever")
    read.address("1: lo    inet6 ::1/128 scope host \\       valid_lft forever preferred_lft forever")
    read.address("1: lo    inet 127.0.0.1/8 scope host lo")

    assert read.snapshot().own == {addr("2001:db8::2"), addr("2001:db8::7"), addr("::1")}


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("2: wan0    inet6 2001:db8::2/64 scope global deprecated dynamic \\       valid_lft 9sec", "2001:db8::2"),
        ("2: wan0    inet6 fe80::2/64 scope link \\       valid_lft forever preferred_lft forever", "fe80::2"),
        ("7: tun0    inet6 fe80::7 peer fe80::8/128 scope link \\       valid_lft forever", "fe80::7"),
        ("2: wan0    inet6 2001:db8::2/64 scope global tentative \\       valid_lft forever", None),
        ("2: wan0    inet6 2001:db8::2/64 scope global dadfailed tentative \\       valid_lft forever", None),
        ("2: wan0    inet 192.0.2.1/24 scope global wan0", None),
        ("", None),
    ],
)
def test_address_in_use(line: str, address: str | None) -> None:
    """A tentative or duplicate address is not in use; a deprecated address is."""
    assert in_use(line) == (address and addr(address))


@pytest.mark.parametrize(
    ("flags", "settled", "deprecated"),
    [
        ("scope global dynamic mngtmpaddr noprefixroute", True, False),
        ("scope global tentative", False, False),
        ("scope global dadfailed tentative", False, False),
        ("scope global deprecated dynamic", False, True),
        ("scope global temporary dynamic", False, False),
        ("scope global temporary deprecated dynamic", False, True),
    ],
)
def test_address_in_lasting_use(flags: str, settled: bool, deprecated: bool) -> None:
    """Only an address that has passed DAD and is neither deprecated nor temporary is settled."""
    read = tables()
    read.address(f"2: wan0    inet6 2001:db8::2/64 {flags} \\       valid_lft 86000sec preferred_lft 1000sec")

    assert read.snapshot().router_addresses == (RouterAddress(addr("2001:db8::2"), "wan0", settled, deprecated),)


def test_interfaces_that_are_up() -> None:
    """Of the listed interfaces those are up that are set up, with carrier or without."""
    read = tables()
    read.link("2: wan0@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT")
    read.link("3: lan0: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN mode DEFAULT")
    read.link("4: eth9: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT")

    assert read.snapshot().up == {"wan0"}


def test_interfaces_without_neighbor_discovery() -> None:
    """Of the listed interfaces those that a tunnel's flags tell have none."""
    read = tables()
    read.link("2: wan0: <POINTOPOINT,MULTICAST,NOARP,UP,LOWER_UP> mtu 1492 qdisc fq_codel state UNKNOWN mode DEFAULT")
    read.link("3: lan0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT")
    read.link("4: tun9: <POINTOPOINT,MULTICAST,NOARP> mtu 1500 qdisc noop state DOWN mode DEFAULT")

    assert read.snapshot().without_nd == {"wan0"}


def test_interfaces_without_carrier() -> None:
    """An interface that is up tells by its flags whether the cable is plugged in."""
    read = tables()
    read.link("2: wan0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT")
    read.link("3: lan0: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN mode DEFAULT")

    assert read.snapshot().without_carrier == {"lan0"}


def test_interface_without_carrier_is_up() -> None:
    """A cable that is not plugged in keeps no entry away."""
    read = tables()
    read.link("3: lan0: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN mode DEFAULT")

    assert read.snapshot().up == {"lan0"}


@given(
    st.lists(st.sampled_from(["2001:db8::33", "dev", "lan0", "via", "proto", "135", "default", "proxy", "x/y", "::/0"]))
)
def test_any_line_is_parsed_or_ignored(words: list[str]) -> None:
    """No dump, however torn, ends the program."""
    read, line = tables(), " ".join(words)

    for parse in (read.neighbor, read.proxy, read.route, read.address, read.link):
        parse(line)

    assert isinstance(read.snapshot(), KernelSnapshot)


def test_route_that_leads_to_no_interface_is_another_programs() -> None:
    """A blackhole or multipath route has no interface; one word of it or its address finds it for `route del`."""
    read = tables()
    read.route("blackhole 2001:db8::77 dev lo proto 4 metric 1024 pref medium")
    read.route("6 2001:db8::79 dev lo proto 135 metric 1024 pref medium")
    read.route("2001:db8::78 proto 135 metric 1024 pref medium")
    read.route("\tnexthop via fe80::1 dev lan0 weight 1")
    routes = read.snapshot().host_routes

    assert routes == (
        route("2001:db8::77", None, ours=False, kind=RouteType.BLACKHOLE),
        route("2001:db8::79", None, ours=False, kind=RouteType.BLACKHOLE),
        route("2001:db8::78", None, ours=True),
    )
    assert [" ".join(route_words(it)) for it in routes] == [
        "blackhole 2001:db8::77",
        "blackhole 2001:db8::79",
        "2001:db8::78",
    ]


def test_next_hops_of_a_multipath_default_route_are_read() -> None:
    """Each gateway of a default route is known, on its interface."""
    read = tables()
    read.route("default proto 16 metric 1024 pref medium")
    read.route("\tnexthop via fe80::1 dev wan0 weight 1")
    read.route("\tnexthop via 2001:db8::1 dev lan0 weight 1")
    read.route("2001:db8:5::/64 proto 16 metric 1024 pref medium")
    read.route("\tnexthop via fe80::5 dev wan0 weight 1")

    assert read.snapshot().next_hops == {addr("fe80::1"): "wan0", addr("2001:db8::1"): "lan0"}
