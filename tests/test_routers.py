"""Routers on a link with a default route: no host elsewhere may use their addresses; a claim makes no router."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Network

from ndpbr_py.core.actions import Probe
from ndpbr_py.core.events import NudState, Route
from ndpbr_py.core.proxy import NdProxy
from tests.builders import HOST, LLADDR, OTHER_LLADDR, actions, addr, changed, handle, kernel, nd_proxy, solicited, why

REACHABLE, FAILED = NudState.REACHABLE, NudState.FAILED
MODEM = "2001:db8::1"


def on_the_providers_link() -> NdProxy:
    """Return one whose default route leads to wan0."""
    proxy = nd_proxy()
    handle(proxy, kernel(next_hops={"fe80::1": "wan0"}))
    return proxy


def test_address_of_a_router_is_not_learned_elsewhere() -> None:
    """Another router than the next hop, whose address no default route names, keeps it."""
    proxy = on_the_providers_link()
    handle(proxy, changed(MODEM, "wan0", REACHABLE, OTHER_LLADDR, router=True))

    decisions = handle(proxy, changed(MODEM, "lan0"))

    assert why(decisions) == [("address-ignored", "router-of-another-link"), ("host-probed", "claimed-elsewhere")]


def test_claim_of_a_routers_address_probes_the_router_and_silence_ends_its_right() -> None:
    """The router is probed where it was seen, once in three seconds; a forged answer blocks no LAN host for long."""
    proxy = nd_proxy("wan0", "lan0")
    handle(proxy, kernel(next_hops={"fe80::1": "wan0"}))
    proxy.record_router(addr(MODEM), "wan0")

    assert actions(handle(proxy, changed(MODEM, "lan0"))) == [Probe(addr(MODEM), "wan0", None)]
    assert why(handle(proxy, changed(MODEM, "lan0"))) == [("address-ignored", "router-of-another-link")]
    handle(proxy, changed(MODEM, "wan0", REACHABLE, OTHER_LLADDR, router=True), now=0.1)
    assert proxy.objection(addr(MODEM), "lan0") is not None
    handle(proxy, changed(MODEM, "wan0", FAILED, None), changed(MODEM, "wan0", FAILED, None), now=3.0)

    assert why(handle(proxy, changed(MODEM, "lan0"), now=3.1)) == [("host-learned", "first-sight")]


def test_claims_of_a_scan_probe_no_router() -> None:
    """The probe counts as a lookup for the host that claims the address."""
    proxy = on_the_providers_link()
    proxy.record_router(addr(MODEM), "wan0")
    handle(proxy, *[solicited(f"2001:db8::b:{n}", "lan0", lladdr=LLADDR) for n in range(50)])

    assert why(handle(proxy, changed(MODEM, "lan0"))) == [("address-ignored", "router-of-another-link")]


def test_router_with_a_permanent_entry_is_not_probed() -> None:
    """A probe would make it an ordinary entry."""
    proxy = on_the_providers_link()
    handle(proxy, changed(MODEM, "wan0", REACHABLE, OTHER_LLADDR, router=True))
    handle(proxy, changed(MODEM, "wan0", NudState.PERMANENT, OTHER_LLADDR))

    assert why(handle(proxy, changed(MODEM, "lan0"))) == [("address-ignored", "router-of-another-link")]


def test_default_route_without_a_gateway_makes_a_link_the_providers() -> None:
    """The interface of a default route decides, as with PPP."""
    proxy = nd_proxy()
    handle(proxy, replace(kernel(), routes=(Route(IPv6Network("::/0"), "wan0"),)))
    handle(proxy, changed(MODEM, "wan0", REACHABLE, OTHER_LLADDR, router=True))

    assert why(handle(proxy, changed(MODEM, "lan0")))[0] == ("address-ignored", "router-of-another-link")


def test_router_that_fails_is_none_any_more() -> None:
    """A router that was moved to another link is learned there when it is gone from the first."""
    proxy = on_the_providers_link()
    handle(proxy, changed(MODEM, "wan0", REACHABLE, router=True), *[changed(MODEM, "wan0", FAILED)] * 2)

    assert why(handle(proxy, changed(MODEM, "lan0"))) == [("host-learned", "first-sight")]


def test_host_elsewhere_is_not_cut_off_by_a_host_with_the_router_flag() -> None:
    """A host keeps its address also after an absence; a host that has not answered is no router."""
    proxy = on_the_providers_link()
    handle(proxy, changed(state=REACHABLE), changed(HOST, "wan0", REACHABLE, OTHER_LLADDR, router=True))
    handle(proxy, changed("2001:db8::44", "wan0", lladdr=OTHER_LLADDR, router=True))

    assert proxy.routers == {}
    assert proxy.objection(addr(), "lan0") is None


def test_routers_are_few() -> None:
    """A host that answers as a router with thousands of addresses fills no memory."""
    proxy = on_the_providers_link()
    for number in range(1000):
        handle(proxy, changed(f"2001:db8::{number + 1:x}", "wan0", REACHABLE, LLADDR, router=True))

    assert len(proxy.routers) == 64
    assert addr(MODEM) in proxy.routers
