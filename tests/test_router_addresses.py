"""The router's own addresses are proxied on its other links."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ndpbr_py.core.actions import AddProxy, DelProxy
from ndpbr_py.core.events import KernelSnapshot, ProxyEntry, RouterAddress
from tests.builders import actions, addr, entry, handle, kernel, nd_proxy, why

OWN = "2001:db8::2"
UP = ("wan0", "lan0", "lan1")
ON_WAN = RouterAddress(addr(OWN), "wan0", settled=True)
OURS = (entry(OWN, "lan0"), entry(OWN, "lan1"))


def tables(
    *found: ProxyEntry, at: tuple[RouterAddress, ...] = (ON_WAN,), without_nd: tuple[str, ...] = ()
) -> KernelSnapshot:
    """Return a snapshot of a router with the addresses *at*."""
    return kernel(*found, up=UP, router_addresses=at, without_nd=without_nd)


def test_address_is_proxied_on_the_other_links_and_is_no_host() -> None:
    """The address gets proxy entries and no route; the next snapshot changes nothing; they go with the address."""
    proxy = nd_proxy(*UP)
    decisions = handle(proxy, tables())

    assert why(decisions) == [("address-proxied", "router-address")]
    assert actions(decisions) == [AddProxy(addr(OWN), "lan0"), AddProxy(addr(OWN), "lan1")]
    assert (len(proxy.hosts), handle(proxy, tables(*OURS))) == (0, [])
    gone = handle(proxy, tables(*OURS, at=()))
    assert actions(gone) == [DelProxy(addr(OWN), "lan0"), DelProxy(addr(OWN), "lan1")]


@pytest.mark.parametrize(
    "address",
    [
        replace(ON_WAN, settled=False),
        replace(ON_WAN, dev="tun9"),
        RouterAddress(addr("fe80::1"), "wan0", settled=True),
        RouterAddress(addr("2001:db8:99::1"), "wan0", settled=True),
    ],
)
def test_other_addresses_are_not_proxied(address: RouterAddress) -> None:
    """Tentative, on an interface that is not listed, link-local, or in no on-link prefix."""
    assert handle(nd_proxy(*UP), tables(at=(address,))) == []


def test_links_that_get_no_entry() -> None:
    """One that has the address itself, one without neighbor discovery, and one with another program's entry."""
    both = (ON_WAN, replace(ON_WAN, dev="lan0"))

    assert actions(handle(nd_proxy(*UP), tables(at=both))) == [AddProxy(addr(OWN), "lan1")]
    assert actions(handle(nd_proxy(*UP), tables(without_nd=("lan0",)))) == [AddProxy(addr(OWN), "lan1")]
    assert actions(handle(nd_proxy(*UP), tables(entry(OWN, "lan1", ours=False)))) == [AddProxy(addr(OWN), "lan0")]
