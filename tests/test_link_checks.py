"""Facts -> findings about interfaces and settings; test_e2e_doctor.py has the kernel's part."""

from __future__ import annotations

import pytest

from ndpbr_py.core.state import Rules
from ndpbr_py.doctor import link_checks
from ndpbr_py.doctor.facts import Facts, Link
from ndpbr_py.doctor.finding import setting
from tests.builders import addr, kernel, prefix_route

WAN0 = Link("wan0")

ON_WAN, NESTED = prefix_route("2001:db8::/64", "wan0"), prefix_route("2001:db8:0:0:b::/80", "tun0")
SERVED = "no host is learned there, but served are "
WITHOUT_ND: dict[str, tuple[dict[str, object], str, str]] = {
    "nothing": (
        {},
        "warn",
        "hosts there are served only if they have a /128 route, or if a part of the prefix is routed to it",
    ),
    "the uplink": (
        {"tables": kernel(prefix_route("::/0", "tun0"))},
        "ok",
        "no host is learned there, and packets to it need no proxy entry",
    ),
    "nested": ({"tables": kernel(ON_WAN, NESTED)}, "ok", f"{SERVED}2001:db8:0:0:b::/80"),
    "static": ({"rules": Rules((), statics={addr(): "tun0"})}, "ok", f"{SERVED}2001:db8::33 by --static"),
    "routes": ({"tables": kernel(routed={"2001:db8::33": "tun0"})}, "ok", f"{SERVED}1 with a /128 route"),
}


def test_interface_without_neighbor_discovery_needs_no_settings() -> None:
    """The daemon sets none there, and doctor expects none."""
    ppp0 = Link("ppp0", noarp=True, proxy_ndp=0, proxy_delay=80)
    facts = Facts(("ppp0", "wan0"), (ppp0, WAN0), running=True)

    assert [f.status.value for f in link_checks.proxying(facts)] == ["ok"]


def test_no_interface_at_all() -> None:
    """A machine without interfaces is a failure, and no check raises an exception."""
    nothing = Facts(())

    assert [f.status.value for f in link_checks.interfaces(nothing)] == ["fail"]


@pytest.mark.parametrize("name", WITHOUT_ND)
def test_interface_without_neighbor_discovery(name: str) -> None:
    """The finding says what is served there, or how to have something served."""
    facts, status, detail = WITHOUT_ND[name]
    tun0 = Link("tun0", noarp=True)
    (finding, _) = link_checks.interfaces(Facts(("tun0", "wan0"), (tun0, WAN0), **facts))  # type: ignore[arg-type]

    assert (finding.status.value, finding.detail) == (status, f"tun0 has no neighbor discovery: {detail}")
    assert finding.fix == ("ndpbr run --static PREFIX%tun0" if status == "warn" else None)


def test_fix_of_a_setting_lasts() -> None:
    """With dots as in sysctl.conf(5), or slashes for a name with a dot; it names the file unless the daemon sets it."""
    assert setting("conf/all/forwarding", 1) == (
        "sysctl -w net.ipv6.conf.all.forwarding=1  # also in /etc/sysctl.d/ndpbr.conf"
    )
    assert setting("conf/eth0.5/proxy_ndp", 1, lasting=False) == "sysctl -w net/ipv6/conf/eth0.5/proxy_ndp=1"
