"""Facts -> findings about interfaces and settings; test_e2e_doctor.py has the kernel's part."""

from __future__ import annotations

from ndpbr_py.doctor import link_checks
from ndpbr_py.doctor.facts import Facts, Link

WAN0 = Link("wan0")


def test_interface_without_neighbor_discovery_needs_no_settings() -> None:
    """The daemon sets none there, and doctor expects none."""
    ppp0 = Link("ppp0", noarp=True, proxy_ndp=0, proxy_delay=80)
    facts = Facts(("ppp0", "wan0"), (ppp0, WAN0), running=True)

    assert [f.status.value for f in link_checks.proxying(facts)] == ["ok"]


def test_no_interface_at_all() -> None:
    """That is a failure, and no check raises an exception."""
    nothing = Facts(())

    assert [f.status.value for f in link_checks.interfaces(nothing)] == ["fail"]
