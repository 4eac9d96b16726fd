"""Facts -> findings about interfaces and settings; the kernel's part is in test_e2e_doctor.py."""

from __future__ import annotations

from ndpbr_py.doctor import link_checks
from ndpbr_py.doctor.facts import Facts, Link

WAN0 = Link("wan0")


def test_bridge_that_snoops() -> None:
    """A Linux bridge that has no querier floods: that is said, and no complaint, and what helps if others forget."""
    facts = Facts(("wan0", "br0"), (WAN0, Link("br0", snooping=1, querier=0)))
    (finding,) = link_checks.snooping(facts)

    assert finding.status.value == "ok"
    assert "ip link set br0 type bridge mcast_querier 1" in finding.detail
    (asks,) = link_checks.snooping(Facts(("br0",), (Link("br0", snooping=1, querier=1),)))
    assert "br0" not in asks.detail
    assert "ndpbr run --refresh 45" in finding.detail and "ndpbr run --refresh 45" in asks.detail


def test_interface_without_neighbor_discovery_needs_no_settings() -> None:
    """The daemon sets none there, and doctor does not miss them."""
    ppp0 = Link("ppp0", noarp=True, proxy_ndp=0, proxy_delay=80)
    facts = Facts(("ppp0", "wan0"), (ppp0, WAN0), running=True)

    assert [f.status.value for f in link_checks.proxying(facts)] == ["ok"]


def test_no_interface_at_all() -> None:
    """Where none could be found out that is a failure, and no check falls over it."""
    nothing = Facts(())

    assert [f.status.value for f in link_checks.interfaces(nothing)] == ["fail"]
