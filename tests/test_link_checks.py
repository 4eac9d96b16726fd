"""Facts -> findings about interfaces, settings and routes; the kernel's part is in test_e2e_doctor.py."""

from __future__ import annotations

from ipaddress import IPv6Network

from ndpbr_py.core.events import KernelRead, Route
from ndpbr_py.doctor import link_checks
from ndpbr_py.doctor.facts import Facts, Link
from tests.builders import addr

DEFAULT = IPv6Network("::/0")
HOME = IPv6Network("2001:db8:64::/64")
WAN0, LAN0 = Link("wan0"), Link("lan0")
DEVS = ("wan0", "lan0")


def test_default_route_on_an_interface_that_is_not_listed() -> None:
    """The provider's interface is to be listed, too: a wrong name is a common mistake."""
    facts = Facts(DEVS, (WAN0, LAN0, Link("ppp0")), KernelRead(routes=(Route(DEFAULT, "ppp0"),)))
    (finding,) = link_checks.default_route(facts)

    assert (finding.status.value, finding.found) == ("warn", "ppp0, which is none of wan0, lan0")
    assert finding.mend == "ndpbr run ppp0 wan0 lan0"


def test_advertisements_are_looked_at_where_the_default_route_is() -> None:
    """Also where that interface is not listed; a route that somebody has set needs none."""
    ppp0 = Link("ppp0", accept_ra=1)
    learned = Facts(
        DEVS, (WAN0, LAN0, ppp0), KernelRead(routes=(Route(DEFAULT, "ppp0", addr("fe80::1"), advertised=True),))
    )
    static = Facts(DEVS, (WAN0, LAN0, ppp0), KernelRead(routes=(Route(DEFAULT, "ppp0", addr("fe80::1")),)))

    assert [f.mend for f in link_checks.router_advertisements(learned)] == ["sysctl -w net/ipv6/conf/ppp0/accept_ra=2"]
    assert [f.found for f in link_checks.router_advertisements(static)] == ["not needed"]


def test_same_prefix_twice_goes_from_the_inner_interface() -> None:
    """It stays where the default route is, whatever the order; other prefixes and interfaces do not matter."""
    routes = (
        Route(HOME, "lan0"),
        Route(HOME, "wan0"),
        Route(DEFAULT, "wan0", addr("fe80::1")),
        Route(IPv6Network("fd00:1::/64"), "lan0"),
        Route(IPv6Network("2001:db8:65::/64"), "lan1"),
    )
    result = list(link_checks.prefixes(Facts(DEVS, (WAN0, LAN0), KernelRead(routes=routes))))

    assert [(f.status.value, f.mend) for f in result] == [("warn", f"ip -6 route del {HOME} dev lan0"), ("ok", None)]
    assert result[1].found == "fd00:1::/64 is on lan0"


def test_bridge_that_snoops() -> None:
    """A Linux bridge that has no querier floods: that is said, and no complaint."""
    facts = Facts(("wan0", "br0"), (WAN0, Link("br0", snooping=1, querier=0)))
    (finding,) = link_checks.snooping(facts)

    assert finding.status.value == "ok"
    assert "ip link set br0 type bridge mcast_querier 1" in finding.found
    assert not list(link_checks.snooping(Facts(("br0",), (Link("br0", snooping=1, querier=1),))))


def test_no_interface_at_all() -> None:
    """Where none could be found out that is a failure, and no check falls over it."""
    nothing = Facts((), tables=KernelRead())

    assert [f.status.value for f in link_checks.interfaces(nothing)] == ["fail"]
    assert [f.status.value for f in link_checks.default_route(nothing)] == ["fail"]
    assert [f.status.value for f in link_checks.prefixes(nothing)] == ["fail"]
