"""Routes of the main table -> the links on which an address may be."""

from __future__ import annotations

import pytest

from ndpbr_py.core.events import Route, RouteType
from ndpbr_py.core.routes import RoutingTable, described
from tests.builders import addr
from tests.builders import prefix_route as to

A, PREFIX, NESTED = "2001:db8:0:0:b::5", "2001:db8::/64", "2001:db8:0:0:b::/80"
DEFAULT = to("::/0", "wan0", "fe80::1")
UNREACHABLE, BLACKHOLE, PROHIBIT = RouteType.UNREACHABLE, RouteType.BLACKHOLE, RouteType.PROHIBIT
LINKS = ("wan0", "lan0", "lan1", "tun0")
SERVER = (DEFAULT, to(PREFIX, "wan0"))

# The routes -> the links on which A may be claimed.
TABLES: dict[str, tuple[tuple[Route, ...], str]] = {
    "no route": ((), "wan0 lan0 lan1 tun0"),
    "only a default route": ((DEFAULT,), "wan0 lan0 lan1 tun0"),
    "home": (SERVER, "wan0 lan0 lan1 tun0"),
    "home, prefix on a LAN, too": ((*SERVER, to(PREFIX, "lan0")), "wan0 lan0 lan1 tun0"),
    "prefix on a LAN only": ((DEFAULT, to(PREFIX, "lan0")), "lan0 lan1 tun0"),
    "prefix on a LAN only, no default route": ((to(PREFIX, "lan0"),), "wan0 lan0 lan1 tun0"),
    "host route on the uplink, prefix inside": (
        (DEFAULT, to("2001:db8:1::5/128", "wan0"), to(PREFIX, "lan0")),
        "lan0 lan1 tun0",
    ),
    "nested connected prefix": ((*SERVER, to(NESTED, "tun0")), "tun0"),
    "nested connected prefix on two links": ((*SERVER, to(NESTED, "tun0"), to(NESTED, "lan1")), "lan1 tun0"),
    "route of a next hop": ((*SERVER, to(NESTED, "lan0", "fe80::5")), "lan0"),
    "two prefixes, one in the other, on one link": ((*SERVER, to(NESTED, "wan0")), "wan0 lan0 lan1 tun0"),
    "host route": ((*SERVER, to(NESTED, "tun0"), to(f"{A}/128", "lan1")), "lan1"),
    "nested prefix of another link": ((*SERVER, to("2001:db8:0:0:c::/80", "tun0")), "wan0 lan0 lan1 tun0"),
    "nested prefix on a link that is not listed": ((*SERVER, to(NESTED, "eth9")), ""),
    "aggregate of the on-link prefix": (
        (*SERVER, to("2001:db8::/56", "lo", kind=UNREACHABLE)),
        "wan0 lan0 lan1 tun0",
    ),
    "unreachable part": ((*SERVER, to(NESTED, "lo", kind=UNREACHABLE)), ""),
    "blackhole part": ((*SERVER, to(NESTED, "lo", kind=BLACKHOLE)), ""),
    "prohibited part": ((*SERVER, to(NESTED, "lo", kind=PROHIBIT)), ""),
    "part for other tables": ((*SERVER, to(NESTED, "lo", kind=RouteType.THROW)), "wan0 lan0 lan1 tun0"),
    "blackhole as the last resort": ((*SERVER, to(NESTED, "lo", kind=BLACKHOLE), to(NESTED, "tun0")), "tun0"),
    "blackhole of the on-link prefix": ((*SERVER, to(PREFIX, "lo", kind=BLACKHOLE)), "wan0 lan0 lan1 tun0"),
    "blackhole over an advertised prefix": (
        (DEFAULT, to(PREFIX, "wan0", advertised=True), to("2001:db8::/56", "lo", kind=BLACKHOLE)),
        "wan0 lan0 lan1 tun0",
    ),
    "nested in an advertised prefix": ((DEFAULT, to(PREFIX, "wan0", advertised=True), to(NESTED, "tun0")), "tun0"),
    "short on-link prefix": ((to("2001:d00::/24", "lan0"), to(PREFIX, "lan1")), "wan0 lan0 lan1 tun0"),
    "address of the loopback interface": ((to("2001:db8::/60", "lo"), to(PREFIX, "lan0")), "wan0 lan0 lan1 tun0"),
}
HOMES = {
    "prefix on the uplink": SERVER,
    "advertised": (DEFAULT, to(PREFIX, "wan0", advertised=True)),
    "on both": (*SERVER, to(PREFIX, "lan0")),
    "on both, advertised": (DEFAULT, to(PREFIX, "wan0", advertised=True), to(PREFIX, "lan0")),
    "on the LAN": (DEFAULT, to(PREFIX, "lan0")),
    "with a nested prefix": (*SERVER, to(NESTED, "lan0")),
}


def open_to(*routes: Route, address: str = A) -> str:
    """Return the links on which *address* may be claimed."""
    table = RoutingTable(routes)
    return " ".join(dev for dev in LINKS if not table.refuses(int(addr(address)), dev))


@pytest.mark.parametrize("name", TABLES)
def test_claims_are_refused_by_the_longest_route(name: str) -> None:
    """Where a prefix was carved out of another link's, and on an uplink whose link does not have the prefix."""
    routes, expected = TABLES[name]

    assert open_to(*routes) == expected
    assert open_to(*reversed(routes)) == expected


@pytest.mark.parametrize("name", HOMES)
@pytest.mark.parametrize("length", [32, 47, 48, 56, 63, 65, 80, 127, 128])
def test_router_advertisement_carves_nothing_out(name: str, length: int) -> None:
    """An on-link prefix of another length than /64 that a neighbor advertises changes nothing for LAN hosts."""
    routes = HOMES[name]
    advertised = Route(type(routes[0].prefix)(f"{A}/{length}", strict=False), "wan0", advertised=True)

    assert open_to(*routes, advertised) == open_to(*routes)


def test_addresses_beside_a_nested_prefix_are_not_refused() -> None:
    """Only the part that was carved out is closed."""
    routes = (*SERVER, to(NESTED, "tun0"))

    assert open_to(*routes, address="2001:db8::5") == "wan0 lan0 lan1 tun0"
    assert open_to(*routes, address="2001:db8:0:1::5") == "wan0 lan0 lan1 tun0"


def test_nested_prefix_may_start_where_the_outer_one_does() -> None:
    """Two prefixes with the same first address are different prefixes."""
    routes = (*SERVER, to("2001:db8::/80", "tun0"))

    assert open_to(*routes, address="2001:db8::5") == "tun0"
    assert open_to(*routes, address=A) == "wan0 lan0 lan1 tun0"


def test_short_prefix_of_the_user_counts() -> None:
    """With --prefix a connected prefix of any length counts as on-link."""
    short = to("2001:d00::/24", "lan0")
    table = RoutingTable((short, to(PREFIX, "lan1")), frozenset({short.prefix}))

    assert table.refuses(int(addr(A)), "lan0")
    assert not table.refuses(int(addr(A)), "lan1")


def test_best_routes_of_an_address() -> None:
    """All routes with the longest prefix: several for equal or multipath routes."""
    legs = [to(NESTED, "lan0", "fe80::5"), to(NESTED, "lan1", "fe80::6")]
    table = RoutingTable([*SERVER, *legs])

    assert table.best(addr(A)) == legs
    assert described(legs) == f"{NESTED} dev lan0 and dev lan1"
    assert table.best(addr("2001:db8::5")) == [SERVER[1]]
    assert table.best(addr("2001:db8:1::5")) == ()
