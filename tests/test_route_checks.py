"""Facts -> findings about routes; test_e2e_doctor.py has the kernel's part."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Network

import pytest

from ndpbr_py.core.events import KernelSnapshot, Route, RouterAddress
from ndpbr_py.core.state import Rules
from ndpbr_py.doctor import route_checks
from ndpbr_py.doctor.facts import Facts, Link
from tests.builders import addr, changed, entry, kernel, prefix_route, route

DEFAULT = IPv6Network("::/0")
HOME = IPv6Network("2001:db8:64::/64")
WAN0, LAN0 = Link("wan0"), Link("lan0")
STATIC = (Link("wan0", accept_ra=0), Link("lan0", accept_ra=0))
DEVS = ("wan0", "lan0")


def test_default_route_on_an_interface_that_is_not_listed() -> None:
    """The fix lists the interface of the default route, too: a wrong name is a common mistake."""
    facts = Facts(DEVS, (WAN0, LAN0, Link("ppp0")), KernelSnapshot(routes=(Route(DEFAULT, "ppp0"),)))
    (finding,) = route_checks.default_route(facts)

    assert (finding.status.value, finding.detail) == ("warn", "ppp0, which is none of wan0, lan0")
    assert finding.fix == "ndpbr run ppp0 wan0 lan0"


def test_router_advertisements_matter_on_the_link_of_the_default_route() -> None:
    """Also if that interface is not listed; a static default route needs no router advertisements."""
    ppp0 = Link("ppp0", accept_ra=1)
    learned = Facts(
        DEVS,
        (WAN0, LAN0, ppp0),
        KernelSnapshot(routes=(Route(DEFAULT, "ppp0", addr("fe80::1"), advertised=True),)),
    )
    static = Facts(DEVS, (WAN0, LAN0, ppp0), KernelSnapshot(routes=(Route(DEFAULT, "ppp0", addr("fe80::1")),)))

    lasting = "sysctl -w net.ipv6.conf.ppp0.accept_ra=2  # also in /etc/sysctl.d/ndpbr.conf"
    assert [f.fix for f in route_checks.router_advertisements(learned)] == [lasting]
    assert list(route_checks.router_advertisements(static)) == []


def test_prefix_on_two_interfaces_is_removed_from_the_lan() -> None:
    """The prefix stays where the default route is; the order, other prefixes and other interfaces do not matter."""
    routes = (
        Route(HOME, "lan0"),
        Route(HOME, "wan0"),
        Route(DEFAULT, "wan0", addr("fe80::1")),
        Route(IPv6Network("fd00:1::/64"), "lan0"),
        Route(IPv6Network("fd00:1::/64"), "lan0", advertised=True),
        Route(IPv6Network("2001:db8:65::/64"), "lan1"),
    )
    own = tuple(RouterAddress(addr(f"2001:db8:64::{n}"), "lan0", settled=True) for n in (3, 4))
    result = list(route_checks.prefixes(Facts(DEVS, (WAN0, LAN0), KernelSnapshot(routes=routes, router_addresses=own))))

    change = "ip -6 address change 2001:db8:64::{}/64 dev lan0 noprefixroute"
    fix = f"{change.format(3)} && {change.format(4)}"
    assert [(f.status.value, f.fix) for f in result] == [("warn", fix), ("ok", None)]
    assert result[1].detail == "fd00:1::/64 is on lan0"


@pytest.mark.parametrize("case", ["another program's", "advertised", "tunnel"])
def test_prefix_that_is_not_ours_to_remove(case: str) -> None:
    """A route that another program or a router advertisement made, or the only one of a tunnel's clients, stays."""
    own = () if case == "another program's" else (RouterAddress(addr("2001:db8:64::3"), "lan0", settled=True),)
    routes = (Route(HOME, "wan0"), Route(HOME, "lan0", advertised=case == "advertised"))
    links = (WAN0, replace(LAN0, noarp=case == "tunnel"))
    tables = KernelSnapshot(routes=(*routes, Route(DEFAULT, "wan0")), router_addresses=own)
    (finding,) = route_checks.prefixes(Facts(DEVS, links, tables))

    assert (finding.status.value, finding.fix) == ("warn", None)


def test_prefix_of_the_user() -> None:
    """Without an on-link prefix, one of `--prefix` is enough."""
    facts = Facts(DEVS, (WAN0, LAN0), KernelSnapshot(), rules=Rules((), prefixes=frozenset({HOME})))

    assert [(f.status.value, f.detail) for f in route_checks.prefixes(facts)] == [("ok", f"{HOME} by --prefix")]


def test_fixes_name_the_uplink() -> None:
    """The uplink is the interface of the default route, else of a prefix, else the first; there may be none."""
    prefix = Facts(DEVS, STATIC, KernelSnapshot(routes=(Route(HOME, "lan0"),)))
    routed = Facts(DEVS, (WAN0, LAN0), KernelSnapshot(routes=(Route(DEFAULT, "lan0", addr("fe80::1")),)))
    neither, nothing = Facts(DEVS, (WAN0, LAN0), KernelSnapshot()), Facts((), tables=KernelSnapshot())

    assert [f.fix for f in route_checks.default_route(prefix)] == ["ip -6 route add default via GATEWAY dev lan0"]
    assert [f.fix for f in route_checks.prefixes(routed)] == ["ip -6 address add ADDRESS/64 dev lan0"]
    assert [f.fix for f in route_checks.prefixes(neither)] == ["ip -6 address add ADDRESS/64 dev wan0"]
    assert [f.status.value for f in route_checks.default_route(nothing)] == ["fail"]


def test_what_should_be_advertised_is_not_added_by_hand() -> None:
    """Where router advertisements are accepted, an unknown gateway or address is no advice; a known gateway is.

    Not that of a route which was advertised: a route by hand would not help, and would never expire.
    """
    accepting = Facts(DEVS, (Link("wan0", accept_ra=2), STATIC[1]), KernelSnapshot())
    lost = replace(accepting, lost_route=Route(DEFAULT, "wan0", addr("fe80::1")))
    waits = "; wan0 waits for a router advertisement: is the modem on?"

    for finding in (*route_checks.default_route(accepting), *route_checks.prefixes(accepting)):
        assert (finding.status.value, finding.fix, finding.detail.endswith(waits)) == ("fail", None, True)
    assert [f.fix for f in route_checks.default_route(lost)] == ["ip -6 route add default via fe80::1 dev wan0"]
    expired = replace(accepting, lost_route=Route(DEFAULT, "wan0", addr("fe80::1"), advertised=True))
    assert [f.fix for f in route_checks.default_route(expired)] == [None]


def test_many_neighbors_on_the_uplink() -> None:
    """A data center's link: the option that keeps them out is suggested, unless it is used already."""
    routes = [route(f"2001:db8::1:{n}", "wan0") for n in range(32)]
    tables = kernel(*routes, prefix_route("::/0", "wan0", "fe80::1"))
    facts = Facts(("wan0", "lan0"), tables=tables)
    (finding,) = route_checks.upstream(facts)

    assert finding.fix == "ndpbr run --upstream wan0 wan0 lan0"
    assert list(route_checks.upstream(replace(facts, rules=Rules((), upstreams=frozenset({"wan0"}))))) == []
    assert list(route_checks.upstream(replace(facts, tables=replace(tables, host_routes=tuple(routes[1:]))))) == []


def test_gateway_is_filled_in_where_a_router_is_known() -> None:
    """A neighbor that has answered as a router is the gateway."""
    router = changed("fe80::99", "wan0", router=True)
    accepting = (Link("wan0", accept_ra=2), Link("lan0", accept_ra=2))
    facts = Facts(DEVS, accepting, KernelSnapshot(neighbors=(changed("fe80::7", "wan0"), router)))

    assert [f.fix for f in route_checks.default_route(facts)] == ["ip -6 route add default via fe80::99 dev wan0"]


def test_prefix_that_is_not_a_64() -> None:
    """Shorter than /64 it covers other networks, too; shorter than /48 it is ignored, and --prefix names the part."""
    own = RouterAddress(addr("2001:db8:64::2"), "wan0", settled=True)
    long, short = (
        list(
            route_checks.prefixes(
                Facts(DEVS, (WAN0, LAN0), KernelSnapshot(routes=(Route(prefix, "wan0"),), router_addresses=(own,)))
            )
        )
        for prefix in (IPv6Network("2001:db8:64::/56"), IPv6Network("2001:db8::/32"))
    )

    assert [(f.status.value, f.fix) for f in long] == [("warn", None)]
    assert long[0].detail == "2001:db8:64::/56 on wan0 is shorter than /64: hosts may use addresses of 256 networks"
    assert (short[0].status.value, short[0].fix) == ("warn", "ndpbr run --prefix 2001:db8:64::/64")
    assert "shorter than /48, and ignored" in short[0].detail
    assert short[1].status.value == "fail"


def test_deprecated_prefix_matters_while_hosts_use_it() -> None:
    """All addresses of the router in it are deprecated, and a host is proxied."""
    own = RouterAddress(addr("2001:db8:64::2"), "wan0", settled=False, deprecated=True)
    tables = KernelSnapshot(routes=(Route(HOME, "wan0"),), router_addresses=(own,))
    used = replace(tables, proxies=(entry("2001:db8:64::11"), entry("2001:db8:64::11", "lan1"), entry("2001:db8::1")))
    preferred = replace(used, router_addresses=(replace(own, deprecated=False),))
    found = [
        [f.detail for f in route_checks.prefixes(Facts(DEVS, (WAN0, LAN0), it)) if f.name == "deprecated-prefix"]
        for it in (tables, used, preferred)
    ]

    begin = f"{HOME} is deprecated on wan0, and hosts still use it (proxied addresses: 1): "
    assert [[it.startswith(begin) for it in details] for details in found] == [[], [True], []]
