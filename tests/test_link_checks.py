"""Facts -> findings about interfaces and settings; test_e2e_doctor.py has the kernel's part."""

from __future__ import annotations

from ndpbr_py.doctor import link_checks
from ndpbr_py.doctor.facts import Facts, Link

WAN0 = Link("wan0")


def test_bridge_that_snoops() -> None:
    """A Linux bridge without a querier is named and no warning, because it floods; the advice is for other switches."""
    facts = Facts(("wan0", "br0"), (WAN0, Link("br0", snooping=1, querier=0)))
    (finding,) = link_checks.snooping(facts)

    assert finding.status.value == "ok"
    assert "ip link set br0 type bridge mcast_querier 1" in finding.detail
    (with_querier,) = link_checks.snooping(Facts(("br0",), (Link("br0", snooping=1, querier=1),)))
    assert "br0" not in with_querier.detail
    assert "ndpbr run --refresh 45" in finding.detail and "ndpbr run --refresh 45" in with_querier.detail


def test_interface_without_neighbor_discovery_needs_no_settings() -> None:
    """The daemon sets none there, and doctor expects none."""
    ppp0 = Link("ppp0", noarp=True, proxy_ndp=0, proxy_delay=80)
    facts = Facts(("ppp0", "wan0"), (ppp0, WAN0), running=True)

    assert [f.status.value for f in link_checks.proxying(facts)] == ["ok"]


def test_no_interface_at_all() -> None:
    """That is a failure, and no check raises an exception."""
    nothing = Facts(())

    assert [f.status.value for f in link_checks.interfaces(nothing)] == ["fail"]
